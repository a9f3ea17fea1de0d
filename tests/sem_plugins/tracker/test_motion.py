"""The filter over valence, arousal and dominance: it relaxes, spreads, is drawn in, and stays a distribution."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import WeightsError
from sem_plugins.tracker.motion import Belief, from_section, motion
from sem_plugins.tracker.parameters import section

MOTION = motion()
MINUTE, NIGHT, WEEKS = 60.0, 10 * 3600.0, 21 * 86400.0
GLAD, SAD = np.array([0.8, 0.5, 0.4]), np.array([-0.8, 0.3, -0.4])

COORDINATE = st.floats(-1, 1)
POINTS = st.tuples(COORDINATE, COORDINATE, COORDINATE).map(np.array)
CLARITIES = st.floats(0.05, 1)
GAPS = st.none() | st.floats() | st.sampled_from([0.0, -1.0, MINUTE, NIGHT, WEEKS])
STEPS = st.lists(st.tuples(GAPS, st.none() | POINTS, CLARITIES), max_size=8)


def after(belief: Belief, step: tuple[float | None, Any, float]) -> Belief:
    gap, reading, clarity = step
    ahead = MOTION.ahead(belief, gap=gap)
    return ahead if reading is None else MOTION.drawn(ahead, reading, clarity=clarity)


BELIEFS = STEPS.map(lambda steps: reduce(after, steps, MOTION.start()))


def check(belief: Belief) -> None:
    """Raise AssertionError where it is no normal distribution in the cube."""
    assert np.abs(belief.mean).max() <= 1
    assert (belief.covariance == belief.covariance.T).all()
    assert np.linalg.eigvalsh(belief.covariance)[0] > 0


def width(belief: Belief) -> float:
    return float(np.linalg.det(belief.covariance))


# --- between messages -----------------------------------------------------------------------------


@given(BELIEFS)
def test_that_a_belief_stays_a_distribution_whatever_comes(belief: Belief):
    check(belief)


def test_that_ten_thousand_messages_leave_it_one():
    rng = np.random.default_rng(3)
    belief = MOTION.start()
    for number, reading in enumerate(rng.uniform(-1, 1, (10_000, 3))):
        belief = after(belief, (None, None if number % 3 == 0 else reading, float(rng.uniform(0.05, 1))))
    check(belief)


@given(BELIEFS, GAPS)
def test_that_a_belief_moves_towards_the_baseline_and_never_past_it(belief: Belief, gap: float | None):
    ahead = MOTION.ahead(belief, gap=gap)
    was, now = belief.mean - MOTION.baseline, ahead.mean - MOTION.baseline
    assert (np.abs(now) <= MOTION.keep * np.abs(was) + 1e-12).all()
    assert (now * was >= -1e-12).all()


@pytest.mark.parametrize("gap", [0.0, -5.0, -1e12, math.nan, math.inf, -math.inf, MINUTE, MOTION.grace])
def test_that_clocks_that_stand_go_back_or_say_nonsense_count_as_no_gap(gap: float):
    belief = MOTION.drawn(MOTION.start(), SAD, clarity=1)
    with_gap, without = MOTION.ahead(belief, gap=gap), MOTION.ahead(belief)
    assert (with_gap.mean == without.mean).all()
    assert (with_gap.covariance == without.covariance).all()


def test_that_a_night_widens_a_belief_more_than_a_minute_and_weeks_leave_what_is_known_of_nobody():
    belief = MOTION.drawn(MOTION.start(), SAD, clarity=1)
    minute, night, weeks = (MOTION.ahead(belief, gap=gap) for gap in (MINUTE, NIGHT, WEEKS))
    assert width(belief) < width(minute) < width(night) <= width(weeks)
    assert night.mean[0] > minute.mean[0] > belief.mean[0]
    assert weeks.mean == pytest.approx(MOTION.baseline, abs=1e-6)
    assert weeks.covariance == pytest.approx(MOTION.spread, abs=1e-6)


def test_that_its_half_life_is_what_halves_what_was_known():
    assert MOTION.left(MOTION.grace + MOTION.half_life) == pytest.approx(0.5)
    assert 0 < MOTION.left(1e300) < 1e-6


@given(BELIEFS, st.integers(1, 6), GAPS)
def test_that_messages_that_were_lost_count_as_messages(belief: Belief, messages: int, gap: float | None):
    at_once = MOTION.ahead(belief, messages=messages, gap=gap)
    one_by_one = reduce(lambda so_far, _: MOTION.ahead(so_far), range(messages - 1), MOTION.ahead(belief, gap=gap))
    assert at_once.mean == pytest.approx(one_by_one.mean, abs=1e-9)
    assert at_once.covariance == pytest.approx(one_by_one.covariance, abs=1e-9)


# --- a reading ------------------------------------------------------------------------------------


@given(BELIEFS, POINTS, CLARITIES)
def test_that_a_reading_draws_a_belief_towards_it_and_never_past_it(belief: Belief, reading: Any, clarity: float):
    """In the distance that counts, which is that of the surprise: one coordinate tells of the others."""
    after = MOTION.drawn(belief, reading, clarity=clarity)
    if np.abs(after.mean).max() == 1:  # held at the edge of the cube
        return
    scale = np.linalg.inv(belief.covariance + MOTION.noise / clarity)
    was, now = reading - belief.mean, reading - after.mean
    assert 0 <= now @ scale @ now <= was @ scale @ was + 1e-12
    assert now @ scale @ was >= -1e-12


@given(BELIEFS, POINTS, CLARITIES)
def test_that_a_reading_never_widens_a_belief(belief: Belief, reading: Any, clarity: float):
    narrower = belief.covariance - MOTION.drawn(belief, reading, clarity=clarity).covariance
    assert np.linalg.eigvalsh(narrower)[0] >= -1e-12


@given(BELIEFS, POINTS, CLARITIES)
def test_that_what_is_known_and_what_is_read_add_up(belief: Belief, reading: Any, clarity: float):
    """As for any two normal distributions: the inverses of the covariances do."""
    found = np.linalg.inv(MOTION.drawn(belief, reading, clarity=clarity).covariance)
    assert found == pytest.approx(
        np.linalg.inv(belief.covariance) + clarity * np.linalg.inv(MOTION.noise), abs=1e-6
    )


def test_that_the_less_clear_a_reading_is_the_less_it_moves_and_tells():
    beliefs = [MOTION.drawn(MOTION.start(), SAD, clarity=clarity) for clarity in (1.0, 0.5, 0.05)]
    moved = [abs(belief.mean[0] - MOTION.baseline[0]) for belief in beliefs]
    assert moved == sorted(moved, reverse=True)
    assert [width(belief) for belief in beliefs] == sorted(width(belief) for belief in beliefs)


def test_that_contradicting_readings_leave_it_in_between():
    belief = MOTION.start()
    for reading in (GLAD, SAD) * 20:
        belief = after(belief, (None, reading, 1.0))
    assert SAD[0] < belief.mean[0] < GLAD[0]
    check(belief)


# --- surprise -------------------------------------------------------------------------------------


def test_that_surprises_are_standard_normal_where_the_process_is_the_learned_one():
    rng = np.random.default_rng(11)
    spread, noise = (np.linalg.cholesky(matrix) for matrix in (MOTION.spread, MOTION.noise))
    truth, belief, found = MOTION.baseline + spread @ rng.normal(size=3), MOTION.start(), []
    for draws in rng.normal(size=(6000, 2, 3)):
        reading = truth + noise @ draws[0]
        if np.abs(reading).max() <= 1:  # as all readings are
            found.append(MOTION.surprise(belief, reading, clarity=1.0))
            belief = MOTION.drawn(belief, reading, clarity=1.0)
        belief = MOTION.ahead(belief)
        fresh = math.sqrt(1 - MOTION.keep**2) * spread @ draws[1]
        truth = MOTION.baseline + MOTION.keep * (truth - MOTION.baseline) + fresh
    surprises = np.array(found)
    assert surprises.mean() == pytest.approx(0, abs=0.05)
    assert surprises.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(surprises[1:], surprises[:-1])[0, 1] == pytest.approx(0, abs=0.05)


def test_that_a_surprise_has_the_sign_of_the_change_and_is_less_where_words_are_unclear():
    belief = MOTION.start()
    assert MOTION.surprise(belief, GLAD, clarity=1.0) > MOTION.surprise(belief, GLAD, clarity=0.2) > 0
    assert MOTION.surprise(belief, SAD, clarity=1.0) < 0
    assert MOTION.surprise(belief, MOTION.baseline, clarity=1.0) == 0


# --- its part of the file -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"baseline": None}, "motion.baseline"),
        ({"baseline": [0.0, 1.5, 0.0]}, "motion.baseline"),
        ({"baseline": [0.0, 0.0]}, "motion.baseline"),
        ({"keep": 1.0}, "motion.keep"),
        ({"keep": -0.1}, "motion.keep"),
        ({"keep": math.nan}, "motion.keep"),
        ({"spread": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]}, "motion.spread"),
        ({"spread": [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}, "motion.spread"),
        ({"noise": [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}, "motion.noise"),
        ({"noise": "much"}, "motion.noise"),
    ],
)
def test_that_numbers_that_make_no_filter_are_refused_by_name_with_the_cure(change: dict[str, Any], named: str):
    with pytest.raises(WeightsError, match=rf"`{named}`.*heartline models dynamics"):
        from_section(dict(section("motion")) | change)


@pytest.mark.parametrize("name", ["baseline", "spread", "keep", "noise"])
def test_that_a_part_that_is_missing_is_named(name: str):
    content = {key: value for key, value in section("motion").items() if key != name}
    with pytest.raises(WeightsError, match=f"`motion.{name}`.* is missing"):
        from_section(content)
