"""Choices by vLLM's decision endpoint, in both forms, and what is done where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decision_asker import DecisionAsker
from agent.decisions import PromptMessage
from agent.probe import LLMServer
from tests.fake_llm_server import FakeLLMServer, Step, answers, fails, tells

MESSAGES = (PromptMessage("system", "Choose.\nA: sad\nB: glad"), PromptMessage("user", "The tent leaks."))
USAGE = {"input_tokens": 40, "output_tokens": 1}


def of_033(a: float, *, confidence: float | None = None) -> dict[str, Any]:
    rows = [{"value": "A", "probability": a}, {"value": "B", "probability": 1 - a}]
    picked, sure = ("A", a) if a >= 0.5 else ("B", 1 - a)
    answer = {"type": "choice", "choice": picked, "probabilities": rows}
    return {"model": "tiny", "usage": USAGE, "answers": [{**answer, "confidence": confidence or sure}]}


def of_032(a: float) -> dict[str, Any]:
    answer = {"type": "choice", "choice": "A", "probabilities": {"A": a, "B": 1 - a}, "confidence": a}
    return {"model": "tiny", "usage": USAGE, "answers": {"choice": answer}}


def at(path: str, body: object) -> Step:
    return answers(body, path=path)


def asker(server: FakeLLMServer) -> DecisionAsker:
    return DecisionAsker(LLMServer(server.url, retries=0), model="tiny")


async def test_that_the_form_of_0_33_is_asked_and_understood():
    with FakeLLMServer(at("/decisions", of_033(0.8))) as server:
        choice = await asker(server).choose(MESSAGES, "AB")
    assert (choice.picked, choice.way, choice.speaker) == ("A", "decisions", "tiny")
    assert choice.probabilities == pytest.approx({"A": 0.8, "B": 0.2})
    assert choice.usage is not None
    assert choice.usage.prompt == 40
    body = server.requests[0].body
    assert body["input"] == [{"role": "user", "content": "The tent leaks."}]
    assert body["questions"][0]["instructions"] == MESSAGES[0].content
    assert "tent" not in str(body["questions"])


async def test_that_the_form_of_0_32_is_asked_where_there_is_no_other_and_remembered():
    steps = (fails(404, path="/decisions"), at("/systemone", of_032(0.7)), at("/systemone", of_032(0.6)))
    with FakeLLMServer(*steps) as server:
        choosing = asker(server)
        first, second = [await choosing.choose(MESSAGES, "AB") for _ in range(2)]
    assert (first.probabilities["A"], second.probabilities["A"]) == pytest.approx((0.7, 0.6))
    assert server.requests[1].body["state"] == "The tent leaks."
    assert list(server.requests[1].body["questions"]["choice"]["criteria"]) == ["A", "B"]


async def test_that_a_server_without_the_endpoint_is_asked_as_before_and_not_tried_again():
    steps = (fails(404, path="/decisions"), fails(404, path="/systemone"), tells("B"), tells("A"))
    with FakeLLMServer(*steps) as server:
        choosing = asker(server)
        picked = [(await choosing.choose(MESSAGES, "AB")).picked for _ in range(2)]
    assert picked == ["B", "A"]


@pytest.mark.parametrize(
    "step",
    [
        fails(500, path="/decisions"),
        at("/decisions", {"answers": []}),
        at("/decisions", of_033(0.8) | {"answers": [{"choice": "C", "probabilities": [], "confidence": 1}]}),
        at("/decisions", "no JSON object"),
    ],
)
async def test_that_a_broken_endpoint_costs_one_question_and_is_tried_again(step: Step):
    with FakeLLMServer(step, tells("B"), at("/decisions", of_033(0.9))) as server:
        choosing = asker(server)
        ways = [(await choosing.choose(MESSAGES, "AB")).way for _ in range(2)]
    assert ways == ["structured_outputs", "decisions"]


async def test_that_where_most_of_the_probability_went_elsewhere_nothing_was_chosen():
    with FakeLLMServer(at("/decisions", of_033(0.9, confidence=0.2))) as server:
        choice = await asker(server).choose(MESSAGES, "AB")
    assert choice.picked is None


async def test_that_objects_are_filled_as_before():
    schema = {"type": "object", "properties": {"quote": {"type": "string", "maxLength": 9}}, "required": ["quote"]}
    with FakeLLMServer(tells('{"quote": "leaks"}')) as server:
        assert await asker(server).fill(MESSAGES, schema) == {"quote": "leaks"}


async def test_that_a_question_is_a_chat_span_without_words(spans: Any):
    with FakeLLMServer(at("/decisions", of_033(0.8))) as server:
        await asker(server).choose(MESSAGES, "AB")
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind.name, span.status.status_code.name) == ("chat tiny", "CLIENT", "UNSET")
    told = dict(span.attributes)
    assert (told["gen_ai.operation.name"], told["gen_ai.request.stream"]) == ("chat", False)
    assert (told["gen_ai.response.model"], told["gen_ai.usage.input_tokens"]) == ("tiny", 40)
    assert "tent" not in span.to_json()
    assert f"-{span.context.span_id:016x}-" in server.requests[0].headers["traceparent"]


async def test_that_an_endpoint_that_is_not_there_is_an_error_of_its_span_and_the_question_another_span(
    spans: Any,
):
    steps = (fails(404, path="/decisions", echo="The tent leaks."), fails(404, path="/systemone"), tells("B"))
    with FakeLLMServer(*steps) as server:
        await asker(server).choose(MESSAGES, "AB")
    kinds = [span.attributes.get("error.type") for span in spans.get_finished_spans()]
    assert kinds == ["404", "404", None]
    assert all("tent" not in span.to_json() for span in spans.get_finished_spans())
