"""A person takes over and gives back: who speaks, what is told, and that risk is recorded meanwhile."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Care, Contact, Reply
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.takeover import GIVEN_BACK, KEPT, TAKEN_OVER, given_back, taken_over, told
from agent.testing import FixedPlugin, ScriptedGenerator, a_turn
from agent.turn import Turn
from tests.loop_parts import offline


class Asks:
    """A second reader that must not be asked."""

    name = "asks"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def look_again(self, turn: Turn) -> Turn:
        self.asked.append(turn.text)
        return turn


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    kept = InMemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "talks.db")
    with closing(kept):
        yield kept


def an_agent(store: Any, *scripts: str, level: Any = "none", **parts: Any) -> Agent:
    plugins = [FixedPlugin("risk", RiskReading(level))]
    given = {"guard": ProtocolGuard("GB"), "fallback": offline()} | parts
    return Agent(plugins=plugins, generator=ScriptedGenerator(*scripts), store=store, **given)


async def said(agent: Agent, text: str) -> str:
    turn = await agent.respond(text, conversation_id="c")
    assert turn.failures == ()
    assert turn.reply is not None
    return turn.reply.text


@pytest.mark.parametrize("guard", [None, ProtocolGuard("GB")], ids=["no guard", "guard"])
async def test_that_a_conversation_is_taken_over_and_given_back(store: Any, guard: Any):
    second = Asks()
    agent = an_agent(store, "Hello.", "Go on.", "I see.", guard=guard, second_reader=second)
    assert await said(agent, "one") == "Hello."
    store.hold("c", by="Amy")
    assert [await said(agent, text) for text in ("two", "three", "four")] == [TAKEN_OVER, KEPT, KEPT]
    store.release("c")
    back = await said(agent, "five")
    assert back.startswith("Go on.")
    assert back.endswith(GIVEN_BACK)
    assert await said(agent, "six") == "I see."
    assert second.asked == ["one", "five", "six"]
    assert [turn.text for turn in store.turns("c")] == ["one", "two", "three", "four", "five", "six"]


async def test_that_who_never_knew_is_told_nothing(store: Any):
    agent = an_agent(store, "Hello.", "Go on.")
    await said(agent, "one")
    store.hold("c", by="Amy")
    store.release("c")
    assert await said(agent, "two") == "Go on."


async def test_that_risk_is_recorded_while_a_person_holds_it_and_help_is_named(store: Any):
    agent = an_agent(store, "Hello.")
    await said(agent, "one")
    store.hold("c", by="Amy")
    danger = an_agent(store, level="acute")
    reply = await said(danger, "It is happening now.")
    assert reply.startswith(TAKEN_OVER)
    assert "999" in reply
    recalled = store.recall("c", turns=1)
    assert recalled.course is not None
    assert (recalled.course.level, recalled.course.asked, recalled.course.done) == ("acute", None, ())
    store.release("c")
    reply = await said(danger, "It is still happening.")
    assert reply.startswith(GIVEN_BACK)
    assert "999" in reply  # the protocol begins anew


async def test_that_a_wish_for_a_person_calls_nobody_else_while_one_holds_it(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        agent = an_agent(store, "Hello.", guard=ProtocolGuard("GB", handoff_at="plan"))
        await said(agent, "one")
        store.hold("c", by="Amy")
        assert await said(agent, "Can I talk to a human?") == TAKEN_OVER
        assert store.handoffs() == ()


async def test_that_a_guard_that_fails_does_not_hide_the_careful_reply(store: Any):
    agent = an_agent(store, "Hello.")
    await said(agent, "one")
    store.hold("c", by="Amy")
    await said(agent, "two")
    store.release("c")

    class Fails(ProtocolGuard):
        def screen(self, turn: Turn) -> Turn:
            raise ValueError

    failing = an_agent(store, guard=Fails(), fallback=offline("Please be careful."))
    turn = await failing.respond("three", conversation_id="c")
    assert turn.reply is not None
    assert turn.reply.text == "Please be careful."
    assert store.recall("c", turns=1).contact == Contact(untold=True)  # told with the next one


@given(st.lists(st.sampled_from(["hold", "release", "turn"]), max_size=20))
def test_that_whoever_talks_believes_what_they_were_told_and_is_told_what_changed(steps: list[str]):
    contact, believed = Contact(), False
    for step in steps:
        if step == "hold":
            contact = taken_over(contact, "Amy")
        elif step == "release":
            contact = given_back(contact)
        else:
            acts = ()
            if contact.untold:
                acts = ("taken_over",) if contact.held_by else ("given_back",)
                believed = contact.held_by is not None
            contact = told(contact, a_turn(care=Care("t", acts, "x"), reply=Reply("x", "t")))
            assert not contact.untold
        assert contact.untold == (believed != (contact.held_by is not None))


def test_that_a_change_in_the_midst_of_a_turn_is_told_with_the_next_one():
    telling = a_turn(care=Care("t", ("taken_over",), "x"), reply=Reply("x", "t"))
    meanwhile = given_back(Contact("Amy", untold=True))
    assert meanwhile == Contact()
    assert told(meanwhile, telling) == Contact(untold=True)
