"""Notices are told beside the reply: before it, in danger after it, and never in it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from agent.errors import GenerationError
from agent.events import NoticeGiven, ReplyFinished, StageFinished, StageStarted, Token
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.policies import load_policy
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard
from tests.loop_parts import Quotes, Waiting, an_agent, events_of, finished_turn, offline

POLICY = load_policy("default")
START = 1_790_000_000.0
CALM, DANGER = RiskReading("none"), RiskReading("plan", ("self-harm",))


def guarded(generator: Any, *, risk: RiskReading = CALM, **parts: Any) -> Agent:
    given = {"plugins": [FixedPlugin("risk", risk)], "fallback": offline(), "guard": ProtocolGuard()}
    return an_agent(generator, **(given | parts))


async def test_that_it_is_told_before_the_reply_and_the_reply_stays_clean():
    events = await events_of(guarded(ScriptedGenerator("I hear you.")))
    notice = events.index(NoticeGiven(POLICY.disclosure))
    assert (
        notice
        < events.index(StageStarted("generate"))
        < next(place for place, event in enumerate(events) if isinstance(event, Token))
    )
    turn = finished_turn(events)
    assert turn.reply is not None
    assert turn.reply.text == "I hear you."
    assert turn.notices == (POLICY.disclosure,)


async def test_that_it_is_told_once_in_a_sitting_also_by_another_agent():
    store = InMemoryStore()
    for expected in (1, 0):
        events = await events_of(guarded(ScriptedGenerator("Yes."), store=store, clock=lambda: START))
        assert sum(isinstance(event, NoticeGiven) for event in events) == expected
    assert [turn.notices for turn in store.turns("c")] == [(POLICY.disclosure,), ()]
    assert POLICY.disclosure not in " ".join(message.text for message in store.recall("c", turns=5).messages)


async def test_that_in_danger_the_answer_comes_first():
    events = await events_of(guarded(ScriptedGenerator(), risk=DANGER))
    tokens = [place for place, event in enumerate(events) if isinstance(event, Token)]
    assert max(tokens) < events.index(NoticeGiven(POLICY.disclosure)) < len(events) - 1
    assert isinstance(events[-1], ReplyFinished)
    assert finished_turn(events).notices == (POLICY.disclosure,)


@pytest.mark.parametrize("guard", [None, ScriptedGuard(), Quotes()], ids=["none", "another", "failing"])
async def test_that_nothing_is_told_where_no_guard_says_so(guard: Any):
    events = await events_of(guarded(ScriptedGenerator("Yes."), guard=guard, fallback=offline("Yes.", "Yes.")))
    assert not any(isinstance(event, NoticeGiven) for event in events)


async def test_that_a_notice_which_a_failing_guard_withheld_is_told_with_the_next_reply():
    store = InMemoryStore()
    await events_of(guarded(ScriptedGenerator(), guard=Quotes(), fallback=offline("Yes."), store=store))
    events = await events_of(guarded(ScriptedGenerator("Yes."), store=store))
    assert NoticeGiven(POLICY.disclosure) in events


@pytest.mark.parametrize("risk", [CALM, DANGER], ids=["calm", "danger"])
async def test_that_what_was_not_shown_before_somebody_stopped_listening_is_told_again(
    risk: RiskReading,
):
    store, again = InMemoryStore(), risk is DANGER
    agent = guarded(Waiting("That is a lot. And"), risk=risk, store=store)
    shown: list[str] = []
    async with aclosing(agent.stream("My dog died.", conversation_id="c")) as events, asyncio.timeout(60):
        async for event in events:
            shown += [event.text] if isinstance(event, NoticeGiven) else []
            if isinstance(event, Token):
                break
    assert (shown == []) is again
    assert len(store.turns("c")) == 1
    later = await events_of(guarded(ScriptedGenerator("Yes."), risk=risk, store=store))
    assert (NoticeGiven(POLICY.disclosure) in later) is again


async def test_that_a_reply_that_fails_for_good_leaves_what_was_told_told():
    store = InMemoryStore()
    failing = guarded(
        ScriptedGenerator([GenerationError("no")]), fallback=offline([GenerationError("no")]), store=store
    )
    with pytest.raises(GenerationError):
        await events_of(failing)
    [turn] = store.turns("c")
    assert turn.notices == (POLICY.disclosure,)
    later = await events_of(guarded(ScriptedGenerator("Yes."), store=store))
    assert NoticeGiven(POLICY.disclosure) not in later


async def test_that_whoever_draws_the_page_gets_notices_only_after_the_screen():
    events = await events_of(guarded(ScriptedGenerator("Yes.")))
    screens = [
        place for place, event in enumerate(events) if isinstance(event, StageFinished) and event.stage == "screen"
    ]
    assert screens[0] < events.index(NoticeGiven(POLICY.disclosure))
