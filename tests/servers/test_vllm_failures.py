"""What goes wrong with a real vLLM: listeners that leave, prompts that do not fit, a server that dies."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from agent.build import build_agent
from agent.events import FailureNoted, ReplyFinished, Token
from agent.loop import Agent
from tests.servers.serving import LONGEST, Served, left_unfinished

pytestmark = pytest.mark.vllm

LONG = {"store": "memory", "llm_temperature": 0, "llm_max_tokens": LONGEST, "llm_retries": 0}


async def to_the_first_word(agent: Agent, text: str) -> None:
    async with aclosing(agent.stream(text)) as events:
        async for event in events:
            if isinstance(event, Token) and event.text.strip():
                return


async def test_that_a_listener_who_leaves_ends_the_request_on_the_server(vllm: Served):
    async with build_agent(llm_url=vllm.url, **LONG) as agent:
        with left_unfinished(vllm):
            await to_the_first_word(agent, "Nobody will wait for the end of this.")
        assert agent.store.conversations()  # what was said is kept


async def test_that_a_cancelled_turn_ends_the_request_on_the_server(vllm: Served):
    before = len(vllm.received())
    async with build_agent(llm_url=vllm.url, **LONG, second_reader="none") as agent:
        with left_unfinished(vllm):
            turn = asyncio.create_task(agent.respond("Tell me a long story."))
            while len(vllm.received()) == before:
                assert not turn.done()
                await asyncio.sleep(0)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn


async def test_that_a_message_longer_than_the_context_still_ends_in_a_reply(vllm: Served):
    settings = LONG | {"llm_max_tokens": 100}
    async with build_agent(llm_url=vllm.url, **settings) as agent:
        turn = await agent.respond("My grandmother's stew: leeks, barley, sage. " * 450)
        again = await agent.respond("Sorry, that was long.")
    assert turn.reply.text.strip()
    if turn.reply.stood_in_for is not None:
        assert {failure.error for failure in turn.failures} == {"PromptTooLongError"}
    assert again.reply.speaker == "tiny"
    assert not again.failures


@pytest.mark.parametrize("counted", [True, False], ids=["tokens counted", "tokens estimated"])
async def test_that_a_long_conversation_is_answered_by_the_llm(vllm: Served, *, counted: bool):
    settings = {"store": "memory", "llm_temperature": 0, "llm_max_tokens": 8, "second_reader": "none"}
    if counted:
        settings["llm_tokenizer"] = vllm.model / "tokenizer.json"
    async with build_agent(llm_url=vllm.url, **settings) as agent:
        turn = await agent.respond("First of many.")
        for number in range(6):
            text = f"Number {number}: " + "the boiler, the stairs, the neighbours, the cold. " * 60
            turn = await agent.respond(text, conversation_id=turn.conversation_id)
    assert turn.reply.speaker == "tiny"
    assert turn.prompt.dropped > 0
    # The tiny tokenizer makes far more tokens of a text than any real one, so that estimates are too low.
    assert {failure.error for failure in turn.failures} <= (set() if counted else {"PromptTooLongError"})
    assert turn.reply.usage.prompt + 8 <= 8192


async def test_that_the_offline_responder_takes_over_when_the_server_dies_in_mid_reply(vllm_to_kill: Served):
    said, discarded = "", False
    async with build_agent(llm_url=vllm_to_kill.url, **LONG) as agent:
        async with aclosing(agent.stream("I am on the night shift again and so tired.")) as events:
            async for event in events:
                match event:
                    case Token(text=text):
                        said += text
                        if said.strip() and not discarded and vllm_to_kill.process.poll() is None:
                            vllm_to_kill.kill()
                    case FailureNoted(discards=discards):
                        discarded = discards
                    case ReplyFinished(turn=turn):
                        pass
        (kept,) = agent.store.turns(turn.conversation_id)
        after = await agent.respond("Are you still there?", conversation_id=turn.conversation_id)
    assert discarded
    assert turn.reply.speaker == "offline"
    assert turn.reply.stood_in_for == "openai"
    (failure,) = turn.failures
    assert (failure.stage, failure.part) == ("generate", "openai")
    assert "broke off in the middle of its reply" in failure.message
    assert kept.reply == turn.reply
    assert after.reply.speaker == "offline"
    assert "cannot be reached" in after.failures[0].message
