"""Who stops listening, or is cancelled, keeps what was said until then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from agent.decisions import Reply
from agent.errors import GenerationError, StoreError
from agent.events import Event, FailureNoted, Token
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.testing import ScriptedGenerator, a_reading
from agent.turn import Message
from tests.loop_parts import (
    SAID,
    STAGES,
    Forgetful,
    Waiting,
    an_agent,
    offline,
    told,
    wait_for,
)


async def stop_when(agent: Agent, stop: Callable[[Event], bool]) -> None:
    async with aclosing(agent.stream(SAID, conversation_id="c")) as events:
        async for event in events:
            if stop(event):
                break


async def test_that_who_stops_listening_keeps_what_was_said_until_then():
    store, generator = InMemoryStore(), Waiting("I hear")
    await stop_when(an_agent(generator, store=store), lambda event: isinstance(event, Token))
    [stored] = store.turns("c")
    assert stored.reply == Reply("I hear", "waiting", finish_reason="interrupted")
    assert (stored.text, stored.emotion) == (SAID, a_reading())
    assert generator.closed


async def test_that_cancelling_keeps_what_was_said_until_then():
    store, generator = InMemoryStore(), Waiting("I hear")
    task = asyncio.create_task(an_agent(generator, store=store).respond(SAID, conversation_id="c"))
    await wait_for(generator.said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.turns("c")[0].reply == Reply("I hear", "waiting", finish_reason="interrupted")
    assert generator.closed


@pytest.mark.parametrize("error", [StoreError("The disk is full."), OSError("disk")], ids=["ours", "a stranger's"])
async def test_that_a_store_that_fails_does_not_undo_a_cancellation(error: Exception):
    generator = Waiting("I hear")
    task = asyncio.create_task(an_agent(generator, store=Forgetful(error)).respond(SAID))
    await wait_for(generator.said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("last", ["generate …", "''"])
async def test_that_a_person_who_is_gone_before_the_first_word_is_still_remembered(last: str):
    store = InMemoryStore()
    generator = ScriptedGenerator(["", "I hear you."])
    await stop_when(an_agent(generator, store=store), lambda event: told(event) == last)
    [stored] = store.turns("c")
    assert (stored.text, stored.reply) == (SAID, None)


async def test_that_stopping_while_the_fallback_speaks_keeps_the_fallback_s_words_only():
    store = InMemoryStore()
    failing = ScriptedGenerator(["I he", GenerationError("It broke off.")])
    agent = an_agent(failing, fallback=Waiting("I am", name="offline"), store=store)
    await stop_when(agent, lambda event: event == Token("I am"))
    assert store.turns("c")[0].reply == Reply(
        "I am", "offline", finish_reason="interrupted", stood_in_for="scripted"
    )


async def test_that_stopping_between_the_two_speakers_keeps_nothing_that_was_discarded():
    store = InMemoryStore()
    failing = ScriptedGenerator(["I he", GenerationError("It broke off.")])
    agent = an_agent(failing, fallback=offline("I am here."), store=store)
    await stop_when(agent, lambda event: isinstance(event, FailureNoted))
    [stored] = store.turns("c")
    assert stored.reply is None
    assert [failure.part for failure in stored.failures] == ["scripted"]


@pytest.mark.parametrize(
    "last",
    ["generate .", "remember …", "remember .", "done"],
)
async def test_that_a_reply_that_was_said_whole_is_stored_whole_and_once(last: str):
    store = InMemoryStore()
    agent = an_agent(ScriptedGenerator("I hear you."), store=store)
    await stop_when(agent, lambda event: told(event) == last)
    assert [turn.reply for turn in store.turns("c")] == [Reply("I hear you.", "scripted")]


@pytest.mark.parametrize("last", [f"{stage} {sign}" for stage in STAGES[:5] for sign in "…."])
async def test_that_stopping_before_the_reply_begins_stores_nothing(last: str):
    store, generator = InMemoryStore(), ScriptedGenerator()
    await stop_when(an_agent(generator, store=store), lambda event: told(event) == last)
    assert store.conversations() == ()
    generator.verify()


async def test_that_the_next_turn_knows_what_was_interrupted():
    agent = an_agent(ScriptedGenerator(["I hear", " you."], "Go on."))
    await stop_when(agent, lambda event: isinstance(event, Token))
    turn = await agent.respond("Never mind.", conversation_id="c")
    assert turn.history == (Message("seeker", SAID), Message("supporter", "I hear"))
