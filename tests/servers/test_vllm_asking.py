"""Short questions to a real vLLM: the answers are bound, and their probabilities are known."""

from __future__ import annotations

import asyncio

import pytest

from agent.asking import Asker
from agent.decision_asker import DecisionAsker
from agent.decisions import PromptMessage
from agent.errors import PromptTooLongError
from agent.probe import LLMServer
from tests.servers.serving import Served

pytestmark = pytest.mark.vllm

QUESTION = (
    PromptMessage("system", "Which emotion fits best? A: proud, B: jealous, C: bored. Answer with one letter."),
    PromptMessage("user", "She got the part that I had practised for all winter."),
)
CHOICES = ("A", "B", "C")

SCHEMA = {
    "type": "object",
    "properties": {
        "emotion": {"enum": ["proud", "jealous", "bored"]},
        "sure": {"type": "boolean"},
        "times": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["emotion", "sure", "times"],
}


def asker(served: Served) -> Asker:
    return Asker(LLMServer(served.url), seconds=60)


async def test_that_a_choice_is_one_of_the_choices_with_a_probability_for_each(vllm: Served):
    asking = asker(vllm)
    one, two = [await asking.choose(QUESTION, CHOICES) for _ in range(2)]
    assert one.picked in CHOICES
    assert one.way == "structured_outputs"
    assert set(one.probabilities) == set(CHOICES)
    assert sum(one.probabilities.values()) == pytest.approx(1)
    assert max(one.probabilities, key=one.probabilities.get) == one.picked
    assert one.speaker == "tiny"
    assert one.usage.completion <= 2
    assert two.picked == one.picked


async def test_that_choices_of_many_tokens_have_probabilities_too(vllm: Served):
    words = ("jealous of somebody", "proud of somebody", "bored")
    choice = await asker(vllm).choose(QUESTION, words)
    assert choice.picked in words
    assert set(choice.probabilities) == set(words)


async def test_that_an_object_keeps_to_its_schema(vllm: Served):
    filled = await asker(vllm).fill(QUESTION, SCHEMA)
    assert filled is not None
    assert filled["emotion"] in SCHEMA["properties"]["emotion"]["enum"]
    assert isinstance(filled["sure"], bool)
    assert 0 <= filled["times"] <= 9


async def test_that_many_may_ask_at_once(vllm: Served):
    asking = asker(vllm)
    chosen = await asyncio.gather(*(asking.choose(QUESTION, CHOICES) for _ in range(16)))
    assert {choice.picked for choice in chosen} <= set(CHOICES)


async def test_that_a_question_beyond_the_context_has_its_own_error(vllm: Served):
    with pytest.raises(PromptTooLongError):
        await asker(vllm).choose((PromptMessage("user", "and then " * 9000),), CHOICES)


async def test_that_a_question_nobody_waits_for_ends_on_the_server(vllm: Served):
    schema = {
        "type": "object",
        "properties": {"note": {"type": "string", "maxLength": 4000}},
        "required": ["note"],
    }
    asking = asyncio.create_task(asker(vllm).fill(QUESTION, schema))
    while not await asyncio.to_thread(vllm.metric, "num_requests_running"):
        assert not asking.done()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.to_thread(vllm.idle)


async def test_that_the_decision_endpoint_gives_every_choice_a_probability(vllm: Served):
    asker = DecisionAsker(LLMServer(vllm.url), model="tiny")
    messages = [PromptMessage("system", "Which is it?\nA: sad\nB: glad"), PromptMessage("user", "It rains in.")]
    choice = await asker.choose(messages, ["A", "B"])
    assert choice.way == "decisions"
    assert sum(choice.probabilities.values()) == pytest.approx(1)
    assert choice.usage is not None
