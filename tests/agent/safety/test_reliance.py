"""Leaning on the conversation: noticed within bounds, and only ever answered by pointing outward."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ReadingError
from agent.readings import RiskReading
from agent.record import pack
from agent.safety import reliance as module
from agent.safety.course import RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.safety.reliance import DAYS, Reliance, nudge, shuts_others_out, update
from agent.safety.steps import STEPS
from agent.testing import a_turn

START = 1_790_000_000.0  # a Monday in September, 14:13 in UTC
DAY = 86_400.0

SHUTS_OUT = [
    "You're the only one I can talk to.",
    "you are the only person who understands me",
    "ur the only one that gets me",
    "You’re all I have.",
    "you're my only friend",
    "I only have you.",
    "I don't need anyone but you",
    "i dont need other people as long as i have you",
    "I don't want anybody else, just you.",
    "Nobody understands me like you do.",
    "no one except you listens",
    "I can only talk about this to you.",
    "I'd rather talk to you than to my friends.",
    "You're better than any friend.",
    "I can't cope without you.",
    "I stopped seeing my friends because I have you.",
]
DOES_NOT = [
    "You're the only app on my phone that works.",
    "My sister is the only one I can talk to.",
    "I don't need anyone.",
    "He said you're the only one I can talk to.",
    'I told her "you\'re all I have".',
    "Nobody understands me.",
    "I can talk to you about work.",
    "I stopped seeing my friends when I moved.",
    "I can't sleep without my dog.",
    "You are better than last week.",
    "I'd rather stay in than go out.",
    "",
]

texts = st.sampled_from([*SHUTS_OUT, *DOES_NOT, "x" * 30_000])
times = st.none() | st.floats() | st.floats(START, START + 40 * DAY)


@pytest.mark.parametrize("text", SHUTS_OUT)
def test_that_words_that_shut_others_out_are_heard(text: str):
    assert shuts_others_out(text)


@pytest.mark.parametrize("text", DOES_NOT)
def test_that_other_words_are_not_taken_for_them(text: str):
    assert not shuts_others_out(text)


def after(*times: float | None, text: str = "Hello.", offset: float | None = None) -> Reliance:
    state: Reliance | None = None
    for at in times:
        state = update(state, a_turn(text, at=at), utc_offset=offset)
    assert state is not None
    return state


def test_that_days_messages_and_the_sitting_are_kept():
    state = after(START, START + 60, START + DAY, START + DAY + 600, START + DAY + 1200)
    assert (len(state.days), state.today, state.characters, state.minutes) == (2, 3, 18, 20.0)


def test_that_days_that_are_long_past_are_forgotten():
    assert len(after(*(START + number * DAY for number in range(30))).days) == DAYS
    assert len(after(START, START + 20 * DAY).days) == 1
    assert len(after(START, START + 13 * DAY).days) == 2
    assert len(after(START, START + 14 * DAY).days) == 1


def test_that_a_pause_begins_a_new_sitting():
    state = replace(after(START, START + 3000), nudged=True)
    assert update(state, a_turn(at=START + 6000)).nudged
    later = update(state, a_turn(at=START + 3000 + 3601))
    assert (later.minutes, later.nudged) == (0.0, False)


def test_that_a_night_is_judged_only_where_the_offset_is_known():
    evening = START + 8 * 3600  # 22:13 in UTC
    assert after(evening).night is None
    assert after(evening, offset=0).night == 0
    assert after(evening, evening + 60, offset=2).night == 2  # 00:13 there
    assert after(evening, offset=-5).night == 0


def test_that_a_message_without_a_time_changes_no_time():
    state = after(START)
    assert update(state, a_turn("You're all I have.", at=None)) == replace(state, exclusive=1, shut_out=True)
    assert after(None) == Reliance()


def test_that_a_clock_that_was_set_back_takes_nothing_away():
    state = after(START, START - 3 * DAY)
    assert (state.today, state.minutes, len(state.days)) == (2, 0.0, 1)


@given(st.lists(st.tuples(texts, times), max_size=40), st.none() | st.floats(-12, 14))
def test_that_any_messages_leave_a_small_state_that_can_be_kept(
    messages: list[tuple[str, Any]], offset: float | None
):
    state: Reliance | None = None
    for text, at in messages:
        state = update(state, a_turn(text, at=at), utc_offset=offset)
        assert len(state.days) <= DAYS
        assert list(state.days) == sorted(set(state.days))
        assert math.isfinite(state.minutes)
        assert state.minutes >= 0
        assert len(str(pack(state))) < 600
        assert (state.night is None) or offset is not None


def test_that_a_state_that_is_too_long_is_refused():
    with pytest.raises(ReadingError, match="15"):
        Reliance(tuple(range(15)))


@pytest.mark.parametrize(
    "state",
    [
        Reliance(shut_out=True),
        Reliance((1,), 1, 10, 0.0, 90 * 60.0),
        Reliance((1,), 60),
        Reliance((1,), 1, 20_000),
        Reliance((1,), 1, night=8),
        Reliance(tuple(range(12)), 20),
    ],
)
def test_that_leaning_much_is_answered_once_in_a_sitting(state: Reliance):
    assert nudge(state)
    assert nudge(replace(state, nudged=True)) is None


@pytest.mark.parametrize(
    "state", [Reliance(), Reliance((1,), 59, 19_999, 0.0, 89 * 60.0, 7), Reliance(tuple(range(14)), 19)]
)
def test_that_usual_use_is_left_alone(state: Reliance):
    assert nudge(state) is None


SENTENCES = (*module._PEOPLE, *module._BREAK, *module._REST)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_that_every_sentence_points_outward_and_none_blames_or_holds(sentence: str):
    assert re.search(r"people|person|somebody|voice|rest|outside", sentence, re.IGNORECASE)
    assert not re.search(
        r"too (much|often)|should|shouldn't|must|addict|depend|only me|miss you", sentence.lower()
    )
    assert ProtocolGuard().outgoing.found(sentence) is None
    assert ProtocolGuard().outgoing.found(sentence, in_danger=True) is None


def test_that_the_guard_points_outward_once_and_keeps_that_it_did():
    guard = ProtocolGuard()
    turn = guard.screen(a_turn("You're the only one I can talk to.", risk=RiskReading("none"), at=START))
    assert turn.care is not None
    assert turn.care.acts == ("nudge",)
    assert turn.care.words in SENTENCES
    assert turn.verdicts[-1].action == "steer"
    assert turn.reliance is not None
    assert turn.reliance.nudged
    again = a_turn("You're all I have.", risk=RiskReading("none"), at=START + 60, index=1)
    again = guard.screen(replace(again, reliance_before=turn.reliance, course_before=turn.course))
    assert (again.care, again.verdicts[-1].action) == (None, "allow")


@given(
    st.sampled_from(STEPS),
    st.sampled_from(STEPS),
    st.sampled_from(["none", "distress", "ideation", "plan", "acute"]),
)
def test_that_nobody_who_is_or_was_in_danger_is_pointed_elsewhere_by_it(level: Any, peak: Any, read: Any):
    if STEPS.index(level) > STEPS.index(peak):
        level, peak = peak, level
    before = RiskCourse(level, peak=peak)
    turn = a_turn("You're all I have.", risk=RiskReading(read), at=START, index=3, course_before=before)
    screened = ProtocolGuard().screen(turn)
    assert screened.course is not None
    if screened.course.was_in_danger:
        assert screened.care is None or "nudge" not in screened.care.acts


def test_that_it_can_be_left_out():
    turn = ProtocolGuard(reliance=False).screen(a_turn("You're all I have.", risk=RiskReading("none"), at=START))
    assert (turn.reliance, turn.care) == (None, None)
