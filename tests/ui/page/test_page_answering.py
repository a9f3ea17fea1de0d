from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agent.decisions import Reply
from agent.errors import GenerationError, LLMUnreachableError, StoreError
from agent.events import Event
from agent.limits import Limits
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.settings import load_settings
from agent.testing import ScriptedGenerator
from strategies.rules import RulePlanner
from tests.loop_parts import Waiting, an_agent, offline
from ui.page import own_data
from ui.page.answering import Moment, answered
from ui.page.desk import Desk
from ui.page.running import Running
from ui.page.visitor import Visitor


def _desk(agent: Any) -> Desk:
    return Desk(agent, load_settings(store="memory"))


async def _all(desk: Desk, text: str, visitor: Visitor, conversation: str) -> list[Moment]:
    return [moment async for moment in answered(desk, visitor, conversation, text)]


@pytest.fixture
def visitor() -> Visitor:
    return Visitor("v" * 43)


async def test_that_a_reply_is_seen_as_it_comes(visitor):
    desk = _desk(an_agent(offline("I hear you.")))
    moments = await _all(desk, "hello", visitor, visitor.new_conversation())
    assert [moment.said for moment in moments][-1] == "I hear you."
    assert [moment.ended for moment in moments] == [False] * (len(moments) - 1) + [True]


async def test_that_only_what_is_seen_makes_a_moment(visitor):
    desk = _desk(an_agent(offline("I hear you. Go on.")))
    moments = await _all(desk, "hello", visitor, visitor.new_conversation())
    assert len(moments) <= 3, "taken in, said, ended"
    assert moments[0].turn is not None


class Late:
    """Begins to speak when it is let."""

    def __init__(self) -> None:
        self.let, self.name, self.reads = asyncio.Event(), "late", frozenset[str]()

    async def generate(self, turn: Any) -> AsyncGenerator[Any]:
        await self.let.wait()
        yield "At last."
        yield Reply("At last.", speaker=self.name)


async def test_that_what_is_soon_answered_is_shown_with_the_first_words_and_else_before_them(visitor, monkeypatch):
    monkeypatch.setattr("ui.page.running._SETTLES", 60.0)
    soon = await _all(_desk(an_agent(offline("I hear you."))), "hello", visitor, visitor.new_conversation())
    assert soon[0].said == "I hear you."
    monkeypatch.setattr("ui.page.running._SETTLES", 0.01)
    late = Late()
    moments = answered(_desk(an_agent(late)), visitor, visitor.new_conversation(), "hello")
    first = await anext(moments)
    assert first.said == ""
    late.let.set()
    assert [moment.said async for moment in moments] == ["At last."] * 2


async def test_that_whoever_is_slow_to_show_a_moment_shows_the_newest_next(visitor, monkeypatch):
    monkeypatch.setattr("ui.page.running._SETTLES", 60.0)
    desk = _desk(an_agent(offline("One. Two. Three. Four.")))
    conversation, said = visitor.new_conversation(), []
    async for moment in answered(desk, visitor, conversation, "hello"):
        async with asyncio.timeout(30):
            while not desk.agent.store.conversations():  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(0)
        said.append(moment.said)
    assert said == ["One. Two. Three. Four."] * 2


async def test_that_a_turn_that_is_stopped_before_it_began_ends(visitor):
    running = Running()

    async def never() -> AsyncGenerator[Event]:
        raise AssertionError("it was stopped before")
        yield

    followed = running.followed("c", never())
    assert await anext(followed) == ()
    assert running.stop("c")
    assert [events async for events in followed] == [()]


async def test_that_a_stopped_reply_is_stored_with_what_was_said(visitor):
    desk = _desk(an_agent(Waiting("One.")))
    conversation = visitor.new_conversation()
    async for moment in answered(desk, visitor, conversation, "hello"):
        if moment.said and not moment.ended:
            assert desk.running.stop(conversation)
    assert moment.ended
    assert moment.trouble is None
    (turn,) = desk.agent.store.turns(conversation)
    assert turn.reply.finish_reason == "interrupted"
    assert not desk.running.stop(conversation)


async def test_that_leaving_in_mid_reply_keeps_what_was_said(visitor):
    desk = _desk(an_agent(Waiting("One.")))
    conversation = visitor.new_conversation()
    moments = answered(desk, visitor, conversation, "hello")
    async for moment in moments:
        if moment.said and not moment.ended:
            break
    await moments.aclose()
    (turn,) = desk.agent.store.turns(conversation)
    assert turn.reply.finish_reason == "interrupted"


async def test_that_two_messages_of_one_conversation_wait_for_each_other(visitor):
    desk = _desk(an_agent(offline("First.", "Second.")))
    conversation = visitor.new_conversation()
    await asyncio.gather(*(_all(desk, text, visitor, conversation) for text in ("one", "two")))
    assert [turn.index for turn in desk.agent.store.turns(conversation)] == [0, 1]


async def test_that_a_conversation_goes_on_at_another_server_that_has_the_same_store(visitor, tmp_path):
    one, other = (
        _desk(an_agent(offline("I hear you."), store=SQLiteStore(tmp_path / "talks.db"))) for _ in range(2)
    )
    conversation = visitor.new_conversation()
    for desk, text in ((one, "one"), (other, "two")):
        assert (await _all(desk, text, visitor, conversation))[-1].trouble is None
    assert [turn.text for turn in own_data.turns_of(one, visitor, conversation)] == ["one", "two"]
    assert len(own_data.entries(other, visitor)) == 1
    for desk in (one, other):
        desk.agent.store.close()


async def test_that_the_built_in_responder_takes_over_and_it_is_told(visitor):
    broken = ScriptedGenerator(["Well, ", LLMUnreachableError("gone")])
    desk = _desk(an_agent(broken, fallback=offline("I hear you.")))
    moments = await _all(desk, "hello", visitor, visitor.new_conversation())
    assert moments[-1].failed_over
    assert moments[-1].said == "I hear you."
    assert moments[-1].trouble is None


class _Locked(InMemoryStore):
    def recall(self, conversation_id: str, *, turns: int) -> Any:
        raise StoreError("locked by somebody who said: my secret")


@pytest.mark.parametrize(
    ("agent", "text", "key"),
    [
        (lambda: an_agent(offline("x")), "  ", "trouble.empty"),
        (lambda: an_agent(offline("x"), max_message_characters=10), "x" * 11, "trouble.too_long"),
        (lambda: an_agent(offline("x"), store=_Locked()), "hello", "trouble.store"),
        (lambda: an_agent(ScriptedGenerator([GenerationError("no")])), "hello", "trouble.no_answer"),
        (lambda: an_agent(ScriptedGenerator([ValueError("my secret")])), "hello", "trouble.no_answer"),
    ],
    ids=["empty", "long", "locked", "silent", "broken"],
)
async def test_that_what_goes_wrong_is_told_and_never_raised(visitor, agent, text, key):
    last = (await _all(_desk(agent()), text, visitor, visitor.new_conversation()))[-1]
    assert last.ended
    assert last.trouble is not None
    assert last.trouble.key == key
    assert "secret" not in repr(last.trouble)


async def test_that_who_is_too_fast_is_told_how_long_to_wait(visitor):
    agent = an_agent(offline("x", "y"), limits=Limits(turns_per_minute=1), clock=lambda: 1_000_000.0)
    conversation = visitor.new_conversation()
    await _all(_desk(agent), "one", visitor, conversation)
    last = (await _all(_desk(agent), "two", visitor, conversation))[-1]
    assert last.trouble.key == "trouble.too_fast"
    assert dict(last.trouble.given)["seconds"] in range(59, 62)
    assert last.turn is None, "a message that was not taken in stays in the box"


async def test_that_a_strategy_is_asked_for_one_message_alone_and_kept_with_it(visitor):
    desk = _desk(an_agent(offline("One.", "Two."), planner=RulePlanner()))
    conversation = visitor.new_conversation()
    async for _ in answered(desk, visitor, conversation, "My exam went badly.", strategy="suggestions"):
        pass
    await _all(desk, "I do not know what to say.", visitor, conversation)
    first, second = desk.agent.store.turns(conversation)
    assert first.plan.chosen.id == first.options.strategy == "suggestions"
    assert first.plan.by_request
    assert second.options.strategy is None
    assert not second.plan.by_request
