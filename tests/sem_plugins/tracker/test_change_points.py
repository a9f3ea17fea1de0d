"""Change points: how much evidence makes one, and how often one is told where nothing changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_plugins.tracker.shifts import SLACK, THRESHOLD, pressed

PRESSURE = st.tuples(st.floats(0, THRESHOLD), st.floats(0, THRESHOLD))
SURPRISE = st.floats(-8, 8)


def told(*surprises: float, left: float = 1.0) -> list[str | None]:
    """The direction of the shift at each turn, or None."""
    pressure, found = (0.0, 0.0), []
    for surprise in surprises:
        pressure, direction = pressed(pressure, surprise, left=left)
        found.append(direction)
    return found


@pytest.mark.parametrize(("sign", "direction"), [(1, "better"), (-1, "worse")])
def test_that_one_very_surprising_reading_is_a_shift(sign: int, direction: str):
    assert told(sign * (SLACK + THRESHOLD + 0.01)) == [direction]
    assert told(sign * (SLACK + THRESHOLD - 0.01)) == [None]


@pytest.mark.parametrize(("sign", "direction"), [(1, "better"), (-1, "worse")])
def test_that_two_surprising_readings_in_a_row_are_a_shift(sign: int, direction: str):
    half = SLACK + THRESHOLD / 2
    assert told(sign * (half + 0.01), sign * (half + 0.01)) == [None, direction]
    assert told(sign * (half - 0.01), sign * (half - 0.01)) == [None, None]
    assert told(sign * (half + 0.01), 0.0, sign * (half + 0.01)) == [None, None, None]


def test_that_a_slow_drift_is_a_shift_in_time_and_what_is_within_the_slack_never():
    assert told(*[-1.25] * 3) == [None, None, "worse"]
    assert told(*[SLACK] * 1000) == [None] * 1000


def test_that_what_goes_to_and_fro_is_no_shift():
    assert told(*[1.9, -1.9] * 50) == [None] * 100


def test_that_evidence_before_a_night_does_not_add_up():
    assert told(1.4, 1.4) == [None, "better"]
    assert told(1.4, 1.4, left=0.0) == [None, None]
    assert told(1.4, 1.4, left=0.5) == [None, None]


def test_that_a_shift_spends_the_evidence():
    assert pressed((1.0, 0.0), 3.0) == ((0.0, 0.0), "better")
    assert told(3.5, 0.5, 0.5) == ["better", None, None]


@given(PRESSURE, SURPRISE, st.floats(0, 1))
def test_that_evidence_stays_between_nothing_and_the_threshold(pressure, surprise, left):
    after, _ = pressed(pressure, surprise, left=left)
    assert 0 <= min(after) <= max(after) <= THRESHOLD


@given(PRESSURE, SURPRISE, st.floats(0, 1))
def test_that_rise_and_fall_are_treated_alike(pressure, surprise, left):
    (rise, fall), direction = pressed(pressure, surprise, left=left)
    mirrored, other = pressed(pressure[::-1], -surprise, left=left)
    assert mirrored == (fall, rise)
    if pressure[0] != pressure[1] or surprise:
        assert {direction, other} in ({None}, {"better", "worse"})
