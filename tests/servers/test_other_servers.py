"""Servers that can do less: `transformers serve`, and llama.cpp where there is one."""

from __future__ import annotations

from typing import Any

import pytest

from agent.asking import Asker
from agent.build import build_agent
from agent.decisions import PromptMessage
from agent.loop import Agent
from agent.probe import LLMServer
from tests.servers.serving import Served

pytestmark = pytest.mark.vllm

QUESTION = (PromptMessage("user", "Is it late? A: yes, B: no. Answer with one letter."),)


def agent_for(served: Served, **settings: Any) -> Agent:
    given = {
        "store": "memory",
        "llm_model": str(served.model),
        "llm_temperature": 0,
        "llm_max_tokens": 12,
        "second_reader": "none",
    }
    return build_agent(llm_url=served.url, **(given | settings))


async def test_that_two_turns_are_answered_by_a_template_that_takes_one_system_message(transformers_serve: Served):
    async with agent_for(transformers_serve) as agent:
        first = await agent.respond("My cello is out of tune and so am I.")
        second = await agent.respond("I cannot find the bow, either.", conversation_id=first.conversation_id)
    for turn in (first, second):
        assert not turn.failures
        assert turn.reply.speaker.startswith(str(transformers_serve.model))
        assert turn.reply.usage.completion == 12


async def test_that_a_template_that_refuses_a_late_system_message_costs_no_reply(transformers_serve: Served):
    async with agent_for(transformers_serve, notes_place="system-before-last", llm_retries=0) as agent:
        first = await agent.respond("My cello is out of tune and so am I.")
        second = await agent.respond("I cannot find the bow, either.", conversation_id=first.conversation_id)
    assert second.reply.text.strip()
    assert second.reply.stood_in_for == "openai"
    (failure,) = second.failures
    assert failure.stage == "generate"
    assert "HTTP" in failure.message


async def test_that_a_question_is_asked_without_what_the_server_does_not_know(transformers_serve: Served):
    asking = Asker(LLMServer(transformers_serve.url), model=str(transformers_serve.model), seconds=120)
    choice = await asking.choose(QUESTION, ("A", "B"))
    assert choice.way != "structured_outputs"
    assert choice.picked in {"A", "B", None}
    assert bool(choice.probabilities) <= (choice.picked is not None)
    schema = {"type": "object", "properties": {"late": {"type": "boolean"}}, "required": ["late"]}
    filled = await asking.fill(QUESTION, schema)
    assert filled is None or isinstance(filled["late"], bool)


async def test_that_llama_cpp_streams_two_turns(llama_cpp: Served):
    async with agent_for(llama_cpp, llm_model=None) as agent:
        first = await agent.respond("The bread did not rise.")
        second = await agent.respond("Nor did the second loaf.", conversation_id=first.conversation_id)
    for turn in (first, second):
        assert not turn.failures
        assert turn.reply.stood_in_for is None
        assert turn.reply.text.strip()


async def test_that_a_way_that_llama_cpp_ignores_is_left_after_one_question(llama_cpp: Served):
    asking = Asker(LLMServer(llama_cpp.url), model=str(llama_cpp.model), seconds=120)
    first, second = [await asking.choose(QUESTION, ("A", "B")) for _ in range(2)]
    assert first.way == "structured_outputs"
    assert second.way != "structured_outputs"
    assert second.picked in {"A", "B", None}


async def test_that_what_is_too_long_for_llama_cpp_is_answered_all_the_same(llama_cpp: Served):
    async with agent_for(llama_cpp, llm_model=None, llm_context=4096, max_message_characters=30_000) as agent:
        turn = await agent.respond("The dough was sticky and the oven cold. " * 600)
    assert turn.reply.text.strip()
    assert turn.reply.stood_in_for == "openai"
    assert turn.failures[-1].stage == "generate"
