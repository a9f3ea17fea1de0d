"""Heartline with an LLM that was trained and can speak, however small. Run by hand: it takes minutes (docs/servers.md)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.build import build_agent
from agent.features import find_features
from agent.loop import Agent
from agent.probe import LLMServer
from agent.repetition import repeats_itself
from agent.safety.prompt_words import gives_prompt_away
from agent.sentences import sentences_of
from agent.turn import Turn
from tests.servers.serving import Served

pytestmark = pytest.mark.vllm

PATIENT = {"llm_timeout": 600, "llm_deadline": 900, "llm_max_tokens": 120, "two_stage": "inline"}


def agent_for(served: Served, **settings: Any) -> Agent:
    return build_agent(llm_url=served.url, store="memory", notes_place="system-before-last", **PATIENT, **settings)


def check_sound(turn: Turn) -> None:
    """That its LLM or the fallback answered in sentences, each once, and none of the prompt's."""
    assert turn.reply is not None
    sentences = sentences_of(turn.reply.text)
    assert not any(repeats_itself(sentences[:place]) for place in range(1, len(sentences) + 1))
    assert not any(gives_prompt_away(turn, sentence) for sentence in sentences)
    assert all(failure.stage == "generate" for failure in turn.failures), turn.failures


async def test_that_a_conversation_of_three_turns_is_answered_in_sound_sentences(speaking_llm: Served):
    spoke = 0
    async with agent_for(speaking_llm) as agent:
        conversation = None
        for said in (
            "The bread did not rise.",
            "Nor did the second loaf, and the guests laughed.",
            "I threw it out.",
        ):
            turn = await agent.respond(said, conversation_id=conversation)
            conversation = turn.conversation_id
            check_sound(turn)
            spoke += turn.reply is not None and turn.reply.stood_in_for is None
    assert spoke


async def test_that_two_who_write_at_once_are_both_answered(speaking_llm: Served):
    async with agent_for(speaking_llm) as agent:
        turns = await asyncio.gather(agent.respond("My tooth hurts."), agent.respond("The roof leaks again."))
    for turn in turns:
        check_sound(turn)
        assert "without a finish reason" not in str(turn.failures)


async def test_that_drafts_that_are_looked_at_end_in_a_sound_reply(speaking_llm: Served):
    async with agent_for(speaking_llm, verifier="checks") as agent:
        check_sound(await agent.respond("They moved my desk next to the boiler and nobody said a word."))


async def test_that_the_server_is_found_out(speaking_llm: Served):
    found = await find_features(LLMServer(speaking_llm.url, timeout=600), str(speaking_llm.model))
    assert found.json_mode
    assert found.structured_outputs is False
