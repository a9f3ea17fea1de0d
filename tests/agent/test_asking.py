"""Short questions: the strictest way that a server takes, what becomes of its answer, and what is remembered."""

from __future__ import annotations

import asyncio
import logging
import math
import traceback
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from langchain_core.tracers.context import collect_runs

from agent.asking import Asker, Choice
from agent.binding import WAYS
from agent.decisions import PromptMessage, TokenUsage
from agent.errors import (
    GenerationError,
    LLMResponseError,
    LLMUnreachableError,
    PromptTooLongError,
    ReadingError,
)
from agent.presets import PRESETS, ways_of
from agent.probe import LLMServer
from tests.fake_llm_server import (
    Exchange,
    FakeLLMServer,
    Step,
    answers,
    fails,
    hangs_up,
    lists,
    obeys,
    redirects,
    stays_silent,
    tells,
)

WORDS = "My sister Ottilie has not called since the funeral"
QUESTION = (
    PromptMessage("system", "Which emotion? A: sad. B: lonely. C: angry. Answer with the letter."),
    PromptMessage("user", WORDS),
)
ABC = ("A", "B", "C")
SCHEMA = {
    "type": "object",
    "properties": {"emotion": {"enum": ["lonely", "sad"]}, "because": {"type": "string", "maxLength": 40}},
    "required": ["emotion"],
}


def asker(server: FakeLLMServer, **options: Any) -> Asker:
    key = options.pop("api_key", None)
    return Asker(LLMServer(server.url, api_key=key, retries=2), **{"model": "tiny", "seconds": 5.0} | options)


async def choice(server: FakeLLMServer, **options: Any) -> Choice:
    return await asker(server, **options).choose(QUESTION, ABC)


async def failure(server: FakeLLMServer, **options: Any) -> GenerationError:
    """The error that a question ends in, after checking that it holds nobody's words."""
    with pytest.raises(GenerationError) as caught:
        await choice(server, **options)
    printed = "".join(traceback.format_exception(caught.value))
    assert WORDS not in printed
    assert "Which emotion" not in printed
    return caught.value


def sent(server: FakeLLMServer) -> list[str]:
    """How each request bound its answer, in a word."""
    ways = []
    for request in server.requests:
        form = request.body.get("response_format", {"type": "text"})
        named = f"{form['type']} with schema" if "schema" in form else form["type"]
        ways.append("structured_outputs" if "structured_outputs" in request.body else named)
    return ways


# --- what is asked, and what comes of it


async def test_that_vllm_is_bound_to_the_choices_and_its_probabilities_are_read():
    with FakeLLMServer(tells("B", {"B": 0.6, "A": 0.3, "C": 0.1}, model="tiny-v2", usage=(21, 2))) as server:
        found = await choice(server)
    assert (found.picked, found.speaker, found.way) == ("B", "tiny-v2", "structured_outputs")
    assert found.probabilities == pytest.approx({"A": 0.3, "B": 0.6, "C": 0.1})
    assert found.usage == TokenUsage(21, 2)
    body = server.requests[0].body
    assert body["structured_outputs"] == {"choice": ["A", "B", "C"]}
    assert "guided_choice" not in body
    assert body["temperature"] == 0
    assert not body.get("stream")
    assert body["logprobs"] is True
    assert 1 <= body["top_logprobs"] <= 20
    assert body["max_tokens"] < 50
    assert body["messages"] == [{"role": each.role, "content": each.content} for each in QUESTION]


async def test_that_words_of_the_person_stay_where_they_were_put_in_every_way():
    with FakeLLMServer(*[obeys(refuses=["structured_outputs", "response_format"], prose="B")] * 14) as server:
        assert (await choice(server)).way == "text"
    assert set(sent(server)) == {
        "structured_outputs", "json_schema", "json_object with schema", "json_object", "text",
    }  # fmt: skip
    for request in server.requests:
        assert [message["role"] for message in request.body["messages"]] == ["system", "user"]
        assert WORDS not in request.body["messages"][0]["content"]
        assert request.body["messages"][1]["content"] == WORDS


async def test_that_without_log_probabilities_there_are_no_probabilities():
    with FakeLLMServer(tells("B", usage=None)) as server:
        found = await choice(server)
    assert found.picked == "B"
    assert found.probabilities == {}
    assert found.usage is None


async def test_that_the_choice_itself_cannot_be_changed():
    with FakeLLMServer(tells("B", {"B": 0.6, "A": 0.4})) as server:
        found = await choice(server)
    with pytest.raises(TypeError):
        found.probabilities["A"] = 1.0  # type: ignore[index]


async def test_that_no_model_need_be_named_and_the_first_is_remembered():
    with FakeLLMServer(lists("first", "second"), tells("A"), tells("B")) as server:
        one = asker(server, model=None)
        assert [(await one.choose(QUESTION, ABC)).picked for _ in range(2)] == ["A", "B"]
    assert [request.body["model"] for request in server.requests[1:]] == ["first", "first"]


@pytest.mark.parametrize("choices", [(), ("A",), ("A", "A"), ("A", ""), ("A", " B")])
async def test_that_what_is_no_choice_is_not_asked(choices: tuple[str, ...]):
    with FakeLLMServer() as server, pytest.raises(ReadingError, match="Choices are"):
        await asker(server).choose(QUESTION, choices)


probability = some.floats(min_value=1e-9, max_value=1)


@given(some.dictionaries(some.sampled_from(["A", "B", "C", "Well", " B", ""]), probability, max_size=6))
def test_that_probabilities_sum_to_one_whatever_the_server_names(others: Mapping[str, float]):
    with FakeLLMServer(tells("B", {"B": 0.5, **others})) as server:
        found = asyncio.run(choice(server))
    assert math.fsum(found.probabilities.values()) == pytest.approx(1)
    assert set(found.probabilities) == set(ABC)


# --- fallbacks, feature by feature


@pytest.mark.parametrize("status", [400, 422])
async def test_that_a_server_that_refuses_a_way_is_asked_in_the_next_and_it_is_remembered(status: int):
    refusal = fails(status, echo="structured_outputs: unknown field")
    with FakeLLMServer(refusal, obeys("json_schema", "logprobs"), obeys("json_schema", "logprobs")) as server:
        one = asker(server)
        first, second = [await one.choose(QUESTION, ABC) for _ in range(2)]
    assert (first.picked, first.way) == (second.picked, second.way) == ("A", "json_schema")
    assert sent(server) == ["structured_outputs", "json_schema", "json_schema"]
    schema = server.requests[1].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["A", "B", "C"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("named", [True, False])
async def test_that_log_probabilities_are_given_up_before_the_way(*, named: bool):
    server_of_them = obeys("structured_outputs", refuses=["logprobs"], named=named)
    with FakeLLMServer(server_of_them, *[server_of_them] * (1 if named else 2)) as server:
        found = await choice(server)
    assert (found.picked, found.way) == ("A", "structured_outputs")
    assert found.probabilities == {}
    assert "logprobs" not in server.requests[-1].body


async def test_that_a_server_which_wants_no_template_arguments_is_asked_without_them():
    strict = obeys("structured_outputs", "logprobs", refuses=["chat_template_kwargs"])
    with FakeLLMServer(strict, strict) as server:
        found = await choice(server)
    assert found.picked == "A"
    assert found.probabilities
    assert server.requests[0].body["chat_template_kwargs"] == {"enable_thinking": False}
    assert "chat_template_kwargs" not in server.requests[1].body


@pytest.mark.parametrize(
    ("refuses", "way"),
    [
        ([], "structured_outputs"),
        (["structured_outputs"], "json_schema"),
        (["structured_outputs", "json_schema"], "json_with_schema"),
        (["structured_outputs", "json_schema", "schema"], "json"),
        (["structured_outputs", "response_format"], "text"),
        (["structured_outputs", "response_format", "logprobs", "chat_template_kwargs"], "text"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
async def test_that_there_is_a_way_for_every_server(refuses: list[str], way: str, *, named: bool):
    def play(exchange: Exchange) -> None:
        told = exchange.request.body["messages"][0]["content"]
        prose = '{"answer": "C"}' if "JSON" in told else "C"
        obeys(refuses=refuses, named=named, prose=prose).play(exchange)

    with FakeLLMServer(*[Step(play)] * 21) as server:
        one = asker(server)
        first = await one.choose(QUESTION, ABC)
        tried = len(server.requests)
        second = await one.choose(QUESTION, ABC)
        assert len(server.requests) == tried + 1  # remembered
        for _ in range(21 - len(server.requests)):
            await one.choose(QUESTION, ABC)
    assert (first.picked, first.way) == (second.picked, second.way) == ("C", way)


async def test_that_a_server_which_refuses_everything_is_an_error_and_nothing_is_learned_from_it():
    with FakeLLMServer(*[fails(400, echo=WORDS)] * 20, tells("B")) as server:
        one = asker(server)
        with pytest.raises(LLMResponseError, match="HTTP 400") as caught:
            await one.choose(QUESTION, ABC)
        found = await one.choose(QUESTION, ABC)
    assert WORDS not in str(caught.value)
    assert found.way == "structured_outputs"


async def test_that_a_server_which_ignores_the_choices_is_bound_by_a_schema_from_the_next_question_on():
    with FakeLLMServer(*[obeys("json_schema", prose="I think that they are lonely.")] * 2) as server:
        one = asker(server)
        first, second = [await one.choose(QUESTION, ABC) for _ in range(2)]
    assert (first.picked, first.way) == (None, "structured_outputs")
    assert (second.picked, second.way) == ("A", "json_schema")


async def test_that_a_server_which_ignores_everything_is_asked_once_a_question():
    with FakeLLMServer(*[obeys(prose="They seem lonely to me.")] * 6) as server:
        one = asker(server)
        found = [await one.choose(QUESTION, ABC) for _ in range(6)]
    assert [each.picked for each in found] == [None] * 6
    assert [each.way for each in found] == [*WAYS, "text"]


async def test_that_a_server_which_knows_a_schema_beside_json_mode_alone_is_bound_by_it():
    """As llama-cpp-python: it ignores `structured_outputs`, breaks on a JSON schema, and keeps to this."""
    prose, bound = obeys(prose="I think that they are lonely."), obeys("json_object with schema", "logprobs")
    with FakeLLMServer(prose, fails(500), bound, bound) as server:
        one = asker(server)
        found = [await one.choose(QUESTION, ABC) for _ in range(3)]
    assert [each.picked for each in found] == [None, "A", "A"]
    assert sent(server)[1:] == ["json_schema", *["json_object with schema"] * 2]
    assert server.requests[2].body["response_format"]["schema"]["properties"]["answer"]["enum"] == ["A", "B", "C"]


@pytest.mark.parametrize("said", ["B.", "**B**", "Answer: B", "B\nbecause nobody called"])
async def test_that_a_plain_answer_in_some_dress_is_still_the_choice(said: str):
    with FakeLLMServer(tells(said)) as server:
        assert (await choice(server)).picked == "B"


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("I would say that B fits, or A.", "stop"),
        ("A B A B A B A B A B A B", "length"),
        ("B or", "length"),
        ("Ich kann dabei nicht helfen.", "stop"),
        ("I'm sorry, but I can't help with that.", "content_filter"),
        ('{"answer": "B', "length"),
        ("", "length"),
        (None, "stop"),
        ("<think>A or B? Perhaps B", "length"),
    ],
    ids=["prose", "loops", "cut", "another language", "refuses", "cut JSON", "empty", "null", "thinks"],
)
async def test_that_an_answer_that_is_no_choice_is_none_and_no_error(said: str | None, finish: str):
    with FakeLLMServer(tells(said, {"B": 0.5, "A": 0.5}, finish=finish)) as server:
        found = await choice(server)
    assert found.picked is None
    assert found.probabilities == {}


async def test_that_thoughts_before_the_answer_are_passed_over():
    with FakeLLMServer(tells("<think>\nA? No.\n</think>\n\nB")) as server:
        assert (await choice(server)).picked == "B"


async def test_that_an_answer_that_was_cut_does_not_cost_the_way():
    with FakeLLMServer(tells("", finish="length"), tells("lone", finish="length"), tells("lonely")) as server:
        one = asker(server)
        found = [await one.choose(QUESTION, ("lonely", "sad")) for _ in range(3)]
    assert [each.picked for each in found] == [None, None, "lonely"]
    assert {each.way for each in found} == {"structured_outputs"}


async def test_that_what_a_preset_rules_out_is_not_tried():
    with FakeLLMServer(obeys("json_schema")) as server:
        found = await choice(server, ways=ways_of(PRESETS["llama.cpp"].features))
    assert found.way == "json_schema"


# --- objects


async def test_that_an_object_is_filled_by_its_schema():
    with FakeLLMServer(obeys("structured_outputs")) as server:
        assert await asker(server).fill(QUESTION, SCHEMA) == {"emotion": "lonely", "because": "text"}
    body = server.requests[0].body
    assert body["structured_outputs"]["json"]["properties"] == SCHEMA["properties"]
    assert "logprobs" not in body
    assert body["messages"][0]["content"].startswith(QUESTION[0].content)
    assert '"lonely"' in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("refuses", "way", "tries"),
    [
        (["structured_outputs"], "json_schema", 2),
        (["structured_outputs", "json_schema"], "json_object with schema", 4),
        (["structured_outputs", "json_schema", "schema"], "json_object", 6),
        (["structured_outputs", "response_format"], "text", 8),
    ],
)
async def test_that_an_object_comes_in_every_way(refuses: list[str], way: str, tries: int):
    said = 'Gladly.\n```json\n{"emotion": "sad", "because": "nobody called"}\n```'
    with FakeLLMServer(*[obeys(refuses=refuses, prose=said)] * tries) as server:
        assert await asker(server).fill(QUESTION, SCHEMA) == {"emotion": "sad", "because": "nobody called"}
    assert sent(server)[-1] == way


async def test_that_a_message_of_the_system_is_made_where_there_is_none():
    with FakeLLMServer(tells('{"emotion": "sad"}')) as server:
        await asker(server).fill(QUESTION[1:], SCHEMA)
    roles = [message["role"] for message in server.requests[0].body["messages"]]
    assert roles == ["system", "user"]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "They are lonely.",
        '{"emotion": "lonely"',
        '{"emotion": "furious"}',
        '{"because": "nobody called"}',
        '{"emotion": "sad", "mood": "low"}',
        '{"emotion": "sad", "because": 7}',
        '{"emotion": "sad", "because": "' + "x" * 41 + '"}',
        '{"emotion": "sad"} {"emotion": "lonely"}',
    ],
    ids=["empty", "prose", "cut", "not in enum", "no key", "key too many", "type", "too long", "two"],
)
async def test_that_an_object_which_is_not_valid_is_none(said: str):
    with FakeLLMServer(tells(said)) as server:
        assert await asker(server).fill(QUESTION, SCHEMA) is None


async def test_that_a_server_which_ignores_the_schema_is_bound_otherwise_next_time_and_choices_are_not_concerned():
    with FakeLLMServer(tells("They are sad."), obeys("json_schema"), obeys("structured_outputs")) as server:
        one = asker(server)
        assert await one.fill(QUESTION, SCHEMA) is None
        assert await one.fill(QUESTION, SCHEMA) is not None
        assert (await one.choose(QUESTION, ABC)).way == "structured_outputs"


async def test_that_a_schema_that_cannot_be_checked_is_not_asked():
    with FakeLLMServer() as server, pytest.raises(ReadingError, match="maxLength"):
        await asker(server).fill(QUESTION, {"type": "object", "properties": {"x": {"type": "string"}}})


# --- failures


async def test_that_a_silent_server_costs_one_wait():
    with FakeLLMServer(stays_silent()) as server:  # strict: nothing is tried again
        error = await failure(server, seconds=1.0)
        assert server.client_left.wait(30)
    assert isinstance(error, LLMUnreachableError)
    assert "within 1 s" in str(error)
    assert "'tiny'" in str(error)


async def test_that_the_deadline_is_for_all_tries_together():
    with FakeLLMServer(fails(400), fails(400), stays_silent()) as server:
        assert isinstance(await failure(server, seconds=1.5), LLMUnreachableError)


async def test_that_an_answer_that_only_drips_ends_at_the_deadline():
    def drip(exchange: Exchange) -> None:
        exchange.head(200, "application/json", {})
        while not exchange.left(0.02):
            exchange.chunk(b" ")

    with FakeLLMServer(Step(drip)) as server:
        assert isinstance(await failure(server, seconds=1.0), LLMUnreachableError)


async def test_that_cancelling_closes_the_connection():
    with FakeLLMServer(stays_silent()) as server:
        asked = asyncio.create_task(choice(server))
        await asyncio.to_thread(server.asked.wait, 30)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert server.client_left.wait(30)


async def test_that_a_dropped_connection_is_unreachable_and_not_tried_again():
    with FakeLLMServer(hangs_up()) as server:
        assert isinstance(await failure(server), LLMUnreachableError)


@pytest.mark.parametrize(
    ("step", "clue"),
    [
        (fails(401, echo=WORDS), "llm_api_key"),
        (fails(404, echo=WORDS), "llm_model"),
        (fails(429, echo=WORDS), "HTTP 429"),
        (fails(503, echo=WORDS), "HTTP 503"),
        (redirects("http://127.0.0.1:9/v1/chat/completions"), "redirects"),
        (answers(f"<html>{WORDS}</html>", kind="text/html"), "cannot be read"),
        (answers('{"choices": [', kind="application/json"), "cannot be read"),
        (answers({"error": {"message": WORDS}}), "cannot be read"),
        (answers({"choices": []}), "cannot be read"),
        (answers({"choices": [{"message": None}]}), "cannot be read"),
        (answers([WORDS]), "cannot be read"),
        (answers("[" * 100_000), "cannot be read"),
    ],
    ids=["401", "404", "429", "503", "redirect", "page", "cut", "error", "no choice", "null", "list", "deep"],
)
async def test_that_a_bad_answer_is_an_error_with_its_cure_and_without_words(step: Step, clue: str):
    with FakeLLMServer(step) as server:
        error = await failure(server)
    assert isinstance(error, LLMResponseError)
    assert clue in str(error)


async def test_that_a_server_that_breaks_on_a_way_is_asked_once_in_each_of_the_next():
    with FakeLLMServer(fails(500, echo=WORDS), tells("B"), tells("A")) as server:
        one = asker(server)
        first, second = await one.choose(QUESTION, ABC), await one.choose(QUESTION, ABC)
    assert (first.picked, first.way) == ("B", WAYS[1])
    assert second.picked == "A"
    assert len(server.requests) == 3


async def test_that_a_server_that_breaks_on_every_way_is_named_without_words():
    with FakeLLMServer(*[fails(500, echo=WORDS)] * len(WAYS)) as server:
        error = await failure(server)
    assert isinstance(error, LLMResponseError)
    assert "HTTP 500" in str(error)
    assert WORDS not in str(error)


async def test_that_a_question_longer_than_the_context_says_so_at_once():
    said = "This model's maximum context length is 1024 tokens. However, your prompt contains 2000 input tokens."
    with FakeLLMServer(fails(400, echo=said)) as server:
        error = await failure(server)
    assert isinstance(error, PromptTooLongError)
    assert error.limit == 1024


async def test_that_after_a_failure_the_first_model_is_asked_for_again():
    with FakeLLMServer(lists("old"), fails(404), lists("new"), tells("B", model="new")) as server:
        one = asker(server, model=None)
        with pytest.raises(LLMResponseError):
            await one.choose(QUESTION, ABC)
        assert (await one.choose(QUESTION, ABC)).speaker == "new"


# --- privacy


async def test_that_the_key_is_sent_and_nothing_of_the_environment_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "organisation-of-the-environment")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FakeLLMServer(tells("B")) as server:
        await choice(server, api_key="key-of-ours")
    assert server.requests[0].headers["authorization"] == "Bearer key-of-ours"
    assert "of-the-environment" not in str(server.requests)
    assert not any(name.startswith(("openai-", "x-stainless-")) for name in server.requests[0].headers)


async def test_that_neither_traces_nor_the_log_see_the_question(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    caplog.set_level(logging.DEBUG)
    with FakeLLMServer(tells("B"), fails(503, echo=WORDS)) as server, collect_runs() as runs:
        await choice(server)
        await failure(server, api_key="key-of-ours")
    assert runs.traced_runs == []
    assert caplog.records
    for secret in (WORDS, "Which emotion", "key-of-ours"):
        assert secret not in caplog.text
