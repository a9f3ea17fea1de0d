"""The emotional state over turns: it stays on the scale, moves by evidence and remembers shifts."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.errors import HeartlineError
from agent.readings import SUM_TOLERANCE, Affect, EmotionReading, ExpressionReading
from agent.state import EmotionalState, Shift
from agent.testing import a_turn
from agent.tracker import SmoothedTracker, create
from agent.turn import Turn

TRACKER = SmoothedTracker()
FLAT = EmotionReading("four", dict.fromkeys("abcd", 0.25))
SURE = EmotionReading("four", {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0})
GLAD, SAD, LOW = Affect(0.8, 0.5, 0.4), Affect(-0.8, 0.4, -0.5), Affect(-0.2, -0.1, -0.1)


class Read(NamedTuple):
    """What was read of one turn."""

    affect: Affect | None
    emotion: EmotionReading | None = SURE
    neutral: float | None = 0.0

    def turn(self, index: int, before: EmotionalState | None) -> Turn:
        expression = None if self.neutral is None else ExpressionReading("one", {"neutral": self.neutral})
        return a_turn(
            index=index, state_before=before, affect=self.affect, emotion=self.emotion, expression=expression
        )


def follow(*reads: Read, tracker: SmoothedTracker = TRACKER) -> list[EmotionalState]:
    """The state after each turn."""
    states: list[EmotionalState] = []
    for index, read in enumerate(reads):
        states.append(tracker.update(read.turn(index, states[-1] if states else None)))
    return states


def distribution(values: list[float]) -> EmotionReading:
    total = math.fsum(values)
    return EmotionReading("some", {f"a{place}": value / total for place, value in enumerate(values)})


unit = st.floats(-1, 1)
weights = st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda values: sum(values) > 1e-3)
emotions = st.one_of(
    st.none(),
    weights.map(distribution),
    st.just(EmotionReading("drifted", {"a": 1 + SUM_TOLERANCE / 2, "b": 0.0})),
)
neutralities = st.one_of(st.none(), st.floats(0, 1), st.just(1 + SUM_TOLERANCE / 2))
reads = st.builds(Read, st.one_of(st.none(), st.builds(Affect, unit, unit, unit)), emotions, neutralities)


@given(st.lists(reads, min_size=1, max_size=12))
def test_that_the_state_stays_on_its_scales(given_reads: list[Read]):
    for place, state in enumerate(follow(*given_reads)):
        assert max(abs(state.affect.point)) <= 1
        assert 0 <= state.confidence <= 1
        assert -2 <= state.trend <= 2
        assert state.turns == place + 1
        assert 0 <= state.turns_since_shift <= place
        if state.last_shift is not None:
            assert TRACKER.shift <= state.last_shift.size <= 2
            assert state.last_shift.turn == place - state.turns_since_shift


@given(st.lists(reads, min_size=1, max_size=12))
def test_that_a_replay_gives_the_same_states(given_reads: list[Read]):
    assert follow(*given_reads) == follow(*given_reads, tracker=create())


@given(st.lists(reads, min_size=1, max_size=12), st.builds(Affect, unit, unit, unit))
def test_that_a_reading_draws_the_state_towards_it_and_never_past_it(given_reads: list[Read], affect: Affect):
    before, after = follow(*given_reads, Read(affect))[-2:]
    for was, now, read in zip(before.affect.point, after.affect.point, affect.point, strict=True):
        assert min(was, read) - 1e-12 <= now <= max(was, read) + 1e-12
    assert abs(after.affect.valence - affect.valence) <= abs(before.affect.valence - affect.valence) + 1e-12


@given(st.lists(reads, min_size=1, max_size=12), emotions, neutralities)
def test_that_a_turn_without_a_reading_keeps_the_state_and_lowers_confidence(
    given_reads: list[Read], emotion: EmotionReading | None, neutral: float | None
):
    before, after = follow(*given_reads, Read(None, emotion, neutral))[-2:]
    assert after.affect == before.affect
    assert after.trend == 0
    assert after.last_shift == before.last_shift
    assert after.turns_since_shift == before.turns_since_shift + 1
    assert after.confidence < before.confidence or after.confidence == before.confidence == 0


@given(weights, weights, st.floats(0, 1), st.floats(0, 1))
def test_that_less_evidence_never_moves_the_state_further(
    one: list[float], other: list[float], neutral: float, more_neutral: float
):
    less_sure, surer = sorted((distribution(one), distribution(other)), key=lambda reading: reading.certainty)
    neutral, more_neutral = sorted((neutral, more_neutral))
    clear = follow(Read(GLAD), Read(SAD, surer, neutral))[-1]
    vague = follow(Read(GLAD), Read(SAD, less_sure, more_neutral))[-1]
    assert abs(vague.trend) <= abs(clear.trend) + 1e-12
    assert vague.confidence <= clear.confidence + 1e-12


def test_that_a_vague_reading_moves_less_than_a_sure_one():
    half = EmotionReading("four", {"a": 0.5, "b": 0.5, "c": 0.0, "d": 0.0})
    flat, vague, sure = (follow(Read(GLAD), Read(SAD, emotion))[-1].trend for emotion in (FLAT, half, SURE))
    assert flat == pytest.approx(0)
    assert sure < vague < 0
    assert vague == pytest.approx(sure / 2)


def test_that_neutral_words_move_less_than_telling_ones():
    neutral, mixed, telling = (follow(Read(GLAD), Read(SAD, SURE, share))[-1].trend for share in (1.0, 0.5, 0.0))
    assert neutral == 0
    assert telling < mixed < 0
    assert mixed == pytest.approx(telling / 2)


def test_that_what_was_not_read_does_not_count_against_the_reading():
    assert follow(Read(GLAD), Read(SAD, None, None)) == follow(Read(GLAD), Read(SAD, SURE, 0.0))


def test_that_the_first_reading_is_where_the_person_starts():
    [state] = follow(Read(SAD, SURE, 0.25))
    assert state == EmotionalState(SAD, 1, 0.0, None, 0, 0.75)


def test_that_without_any_reading_the_state_is_neutral_and_worth_nothing():
    first, second = follow(Read(None), Read(None))
    assert first == EmotionalState(Affect(0, 0, 0), 1, 0.0, None, 0, 0.0)
    assert second == replace(first, turns=2, turns_since_shift=1)


def test_that_a_clear_message_outweighs_the_past():
    _, state = follow(Read(GLAD), Read(SAD))
    assert state.affect.point == pytest.approx(0.4 * GLAD.point + 0.6 * SAD.point)


@pytest.mark.parametrize(("first", "second", "direction"), [(GLAD, SAD, "worse"), (SAD, GLAD, "better")])
def test_that_a_marked_change_is_recorded_with_its_direction(first: Affect, second: Affect, direction: Any):
    before, after = follow(Read(first), Read(second))
    assert before.last_shift is None
    assert after.last_shift == Shift(1, direction, abs(after.trend))
    assert after.trend == pytest.approx(0.6 * (second.valence - first.valence))
    assert after.turns_since_shift == 0


def test_that_a_small_change_is_no_shift():
    _, state = follow(Read(Affect(0, 0, 0)), Read(LOW))
    assert state.trend < 0
    assert (state.last_shift, state.turns_since_shift) == (None, 1)


@given(unit, unit)
def test_that_a_shift_is_a_change_of_valence_as_large_as_is_said(was: float, read: float):
    _, state = follow(Read(Affect(was, 0, 0)), Read(Affect(read, 1, -1)))
    assume(abs(abs(state.trend) - TRACKER.shift) > 1e-9)
    assert (state.last_shift is not None) == (abs(state.trend) > TRACKER.shift)


def test_that_the_last_shift_is_remembered_until_the_next():
    states = follow(Read(GLAD), Read(SAD), Read(LOW), Read(None), Read(GLAD), Read(GLAD))
    assert [state.last_shift and state.last_shift.turn for state in states] == [None, 1, 1, 1, 4, 4]
    assert [state.turns_since_shift for state in states] == [0, 0, 1, 2, 0, 1]
    assert [state.last_shift.direction for state in states if state.last_shift] == ["worse"] * 3 + ["better"] * 2


def test_that_a_shift_names_the_place_in_the_conversation_and_not_the_count():
    before = EmotionalState(GLAD, 3, 0.0, None, 2, 1.0)
    shift = TRACKER.update(Read(SAD).turn(7, before)).last_shift
    assert shift is not None
    assert (shift.turn, shift.direction) == (7, "worse")


def test_that_clear_messages_build_confidence_and_silence_spends_it():
    rising = [state.confidence for state in follow(*[Read(LOW, SURE, 0.6)] * 6)]
    assert rising == sorted(rising)
    assert rising[-1] > rising[0]
    falling = [state.confidence for state in follow(Read(SAD), *[Read(None)] * 5)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(0.8**5)


def test_that_its_pace_can_be_set():
    slow = SmoothedTracker(rate=0.1)
    assert abs(follow(Read(GLAD), Read(SAD), tracker=slow)[-1].trend) == pytest.approx(0.16)


@given(st.lists(reads, max_size=12))
def test_that_it_never_raises(given_reads: list[Read]):
    try:
        reduce(lambda before, read: TRACKER.update(read.turn(0, before)), given_reads, None)
    except HeartlineError as error:
        pytest.fail(f"the tracker broke a contract: {error}")
