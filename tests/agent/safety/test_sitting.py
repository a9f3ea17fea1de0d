"""When it is said that this is an AI, and when a break is offered: at the start, and again in time."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decisions import Contact
from agent.errors import ReadingError
from agent.options import Options
from agent.readings import RiskReading
from agent.record import pack
from agent.safety.course import RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.safety.policies import load_policy, policy_names
from agent.safety.sitting import PAUSE, Sitting, moved_on, with_notices, without_notices
from agent.testing import a_turn
from agent.turn import Turn

START = 1_790_000_000.0
MINUTE = 60.0
POLICY = load_policy("default")
DANGER = RiskCourse("ideation", peak="ideation")
WAS_IN_DANGER = RiskCourse("watch", peak="plan")

gaps = st.floats(0, PAUSE)


def talk(*times: float | None, policy: Any = POLICY, minors: bool = False, **fields: Any) -> list[Turn]:
    """Turns at those times, each after the one before."""
    turns: list[Turn] = []
    for index, at in enumerate(times):
        before = turns[-1].sitting if turns else None
        turn = a_turn(index=index, at=at, sitting_before=before, **fields)
        turns.append(with_notices(turn, policy, minors=minors))
    return turns


def notices(*times: float | None, **fields: Any) -> list[tuple[str, ...]]:
    return [turn.notices for turn in talk(*times, **fields)]


def at_minutes(*minutes: float) -> list[float]:
    return [START + MINUTE * minute for minute in minutes]


def test_that_it_is_said_at_the_start_and_not_again_at_once():
    assert notices(START, START + 1, START + 600) == [(POLICY.disclosure,), (), ()]


def test_that_a_pause_of_more_than_an_hour_begins_a_new_sitting():
    assert notices(START, START + PAUSE)[1] == ()
    assert notices(START, START + PAUSE + 1) == [(POLICY.disclosure,)] * 2


def test_that_breaks_and_reminders_come_while_somebody_goes_on():
    every_half_hour = at_minutes(*range(0, 211, 30))
    assert notices(*every_half_hour) == [
        (POLICY.disclosure,),
        (),
        (),
        (POLICY.break_prompt,),  # after 90 minutes
        (),
        (),
        (POLICY.reminder, POLICY.break_prompt),  # after 180
        (),
    ]


@pytest.mark.parametrize("treated", [{"minors": True}, {"options": Options(minor=True)}], ids=["all", "this one"])
def test_that_minors_are_told_every_hour_whoever_says_that_they_are(treated: dict[str, Any]):
    times = at_minutes(0, 30, 59, 61)
    assert notices(*times, **treated)[3] == (POLICY.reminder, POLICY.break_prompt)
    assert notices(*times)[3] == ()


def test_that_no_request_makes_an_adult_of_somebody_where_all_are_minors():
    asked = notices(*at_minutes(0, 30, 59, 61), minors=True, options=Options(minor=False))
    assert asked[3] == (POLICY.reminder, POLICY.break_prompt)


@pytest.mark.parametrize("course", [DANGER, WAS_IN_DANGER])
def test_that_nobody_in_danger_is_sent_on_a_break_and_all_are_still_reminded(course: RiskCourse):
    every_half_hour = at_minutes(*range(0, 181, 30))
    assert notices(*every_half_hour, course=course) == [(POLICY.disclosure,), *[()] * 5, (POLICY.reminder,)]


def test_that_without_a_clock_it_is_said_once():
    assert notices(None, None, math.nan, 1e300, -1.0) == [(POLICY.disclosure,), *[()] * 4]


def test_that_a_clock_that_comes_back_counts_as_a_new_start():
    assert notices(None, START, START + 60) == [(POLICY.disclosure,), (POLICY.disclosure,), ()]
    assert notices(START, None, START + 60) == [(POLICY.disclosure,), (), ()]


def test_that_nothing_is_said_while_a_person_holds_the_conversation_and_all_of_it_afterwards():
    held, after = talk(START, contact=Contact("Amy"))[0], a_turn(index=1, at=START + 60)
    assert held.notices == ()
    assert with_notices(replace(after, sitting_before=held.sitting), POLICY).notices == (POLICY.disclosure,)


def test_that_what_was_not_shown_is_due_again():
    first, *_, late = talk(*at_minutes(*range(0, 181, 30)))
    assert late.notices == (POLICY.reminder, POLICY.break_prompt)
    for turn in (first, late):
        unseen = without_notices(turn)
        assert unseen.notices == ()
        again = a_turn(at=turn.at + 1 if turn.at else None, sitting_before=unseen.sitting)
        assert with_notices(again, POLICY).notices == turn.notices
    assert without_notices(talk(START, START + 1)[1]) == talk(START, START + 1)[1]


@pytest.mark.parametrize("policy", [*map(load_policy, policy_names())], ids=policy_names())
@pytest.mark.parametrize("who", ["adults", "minors"])
@given(st.lists(gaps, max_size=60), st.sampled_from([None, DANGER]))
@settings(deadline=None, max_examples=40)
def test_that_no_message_is_further_from_the_last_reminder_than_the_policy_allows(
    policy: Any, who: str, pauses: list[float], course: RiskCourse | None
):
    minors = who == "minors"
    every = policy.reminder_minutes_for_minors if minors else policy.reminder_minutes
    times = [START + sum(pauses[:number]) for number in range(len(pauses) + 1)]
    said = START
    for turn in talk(*times, policy=policy, minors=minors, course=course):
        assert turn.at is not None
        if {policy.disclosure, policy.reminder} & {*turn.notices}:
            said = turn.at
        assert every is None or turn.at - said < every * MINUTE
        assert course is None or policy.break_prompt not in turn.notices


@given(st.lists(st.none() | st.floats() | st.floats(START, START + 20_000), max_size=40))
def test_that_whatever_the_clock_says_a_sitting_stays_sound_and_small(times: list[float | None]):
    turns = talk(*times)
    assert not turns or turns[0].notices == (POLICY.disclosure,)
    for turn in turns:
        assert turn.sitting is not None
        assert len(str(pack(turn.sitting))) < 200
        assert turn.sitting.told


def test_that_a_clock_that_is_set_back_a_little_puts_no_break_off():
    shown = notices(*at_minutes(0, 45, 85, 45, 49, 51))  # set back by 40 minutes after 85
    assert shown == [(POLICY.disclosure,), (), (), (), (), (POLICY.break_prompt,)]


def test_that_a_clock_that_jumps_back_far_begins_a_new_sitting():
    assert notices(*at_minutes(0, 30, -60, -59)) == [(POLICY.disclosure,), (), (POLICY.disclosure,), ()]


@pytest.mark.parametrize(
    "times", [(2.0, 1.0, None), (1.0, 3.0, 4.0), (1.0, 3.0, 0.0), (0.0, math.inf, None), (math.nan, 1.0, None)]
)
def test_that_a_sitting_in_another_order_is_refused(times: tuple[float, float, float | None]):
    with pytest.raises(ReadingError, match="sitting"):
        Sitting(*times)


@pytest.mark.parametrize("allowance", [-1.0, math.inf, math.nan])
def test_that_an_allowance_is_a_number_from_nought(allowance: float):
    with pytest.raises(ReadingError, match="allowance"):
        Sitting(allowance=allowance)


def test_that_a_new_sitting_knows_nothing_of_the_old_one():
    old = Sitting(START, START + 60, START + 60, told=True, allowance=3.0)
    assert moved_on(old, START + 60 + PAUSE + 1) == Sitting(START + 61 + PAUSE, START + 61 + PAUSE)


def test_that_the_guard_gives_the_notices_of_its_policy():
    guard = ProtocolGuard(policy=replace(POLICY, disclosure="Hello, an AI here.", reviewed=date(2026, 1, 1)))
    turn = guard.screen(a_turn(risk=RiskReading("none"), at=START))
    assert turn.notices == ("Hello, an AI here.",)
    assert turn.sitting == Sitting(START, START, START, told=True)
    again = a_turn(risk=RiskReading("none"), at=START + 61 * MINUTE - 120, sitting_before=turn.sitting)
    assert guard.screen(again).notices == ()


def test_that_the_guard_knows_of_minors():
    guard = ProtocolGuard(minors=True)
    sitting = Sitting(START, START + 59 * MINUTE, START, told=True)
    turn = guard.screen(a_turn(risk=RiskReading("none"), at=START + 61 * MINUTE, sitting_before=sitting))
    assert turn.notices == (POLICY.reminder, POLICY.break_prompt)
