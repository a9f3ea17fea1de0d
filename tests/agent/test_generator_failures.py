"""Servers that are down, slow, broken or lying: which error comes of it, and what it says."""

from __future__ import annotations

import asyncio
import socket
import traceback
import warnings
from typing import Any

import pytest
from pydantic import SecretStr

from agent.decisions import Prompt, PromptMessage, Reply
from agent.errors import GenerationError, LLMResponseError, LLMUnreachableError
from agent.generator import create
from agent.testing import a_turn
from agent.turn import Turn
from tests.fake_llm_server import (
    WAIT,
    Exchange,
    FakeLLMServer,
    Step,
    answers,
    drips,
    fails,
    hangs_up,
    lists,
    redirects,
    says,
    sends,
    stays_silent,
)

WORDS = "My brother Teodoro sold our mother's piano"
KEY = "key-that-nobody-may-see"
FINISHED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def turn_with_prompt() -> Turn:
    messages = (PromptMessage("system", "You support."), PromptMessage("user", WORDS))
    return a_turn(WORDS).fill(prompt=Prompt(messages, "test", "0" * 64))


async def failure(settings: Any, *, heard: list[str | Reply] | None = None) -> GenerationError:
    """The error that speaking ends in, after checking that it holds nobody's words."""
    pieces = [] if heard is None else heard

    async def listen() -> None:
        async for piece in create(settings).generate(turn_with_prompt()):
            pieces.append(piece)

    with pytest.raises(GenerationError) as caught:
        await listen()
    assert not any(isinstance(piece, Reply) for piece in pieces)
    printed = "".join(traceback.format_exception(caught.value))
    assert WORDS.lower() not in printed.lower()
    assert KEY not in printed
    return caught.value


def a_choice(delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


async def test_that_a_server_which_is_not_there_is_unreachable():
    with socket.socket() as taken:  # bound and not listening: nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with FakeLLMServer() as server:
            error = await failure(server.settings(llm_url=url))
    assert isinstance(error, LLMUnreachableError)
    assert url in str(error)
    assert "'tiny'" in str(error)
    assert "Is the server running?" in str(error)
    assert "`heartline doctor`" in str(error)


async def test_that_a_dropped_connection_is_tried_again():
    with FakeLLMServer(hangs_up(), says("I hear you.")) as server:
        pieces = [piece async for piece in create(server.settings(llm_retries=1)).generate(turn_with_prompt())]
    assert pieces[0] == "I hear you."


async def test_that_a_server_which_drops_every_connection_is_unreachable():
    with FakeLLMServer(hangs_up()) as server:
        assert isinstance(await failure(server.settings()), LLMUnreachableError)


async def test_that_silence_before_the_answer_makes_it_unreachable():
    with FakeLLMServer(stays_silent()) as server:
        error = await failure(server.settings(llm_timeout=1.0))
    assert isinstance(error, LLMUnreachableError)
    assert "silent for 1 s" in str(error)
    assert "llm_timeout" in str(error)


async def test_that_silence_within_the_reply_makes_it_unreachable(monkeypatch):
    monkeypatch.setenv("LANGCHAIN_OPENAI_STREAM_CHUNK_TIMEOUT_S", "0.05")  # ours counts
    heard: list[str | Reply] = []
    with FakeLLMServer(says("You ", "kept it.", WAIT)) as server:
        error = await failure(server.settings(llm_timeout=1.0), heard=heard)
    assert isinstance(error, LLMUnreachableError)
    assert "silent for 1 s" in str(error)
    assert "".join(map(str, heard)) == "You kept it."


async def test_that_a_reply_which_only_drips_ends_at_the_deadline():
    with FakeLLMServer(drips("drop")) as server:
        error = await failure(server.settings(llm_deadline=0.3))
        assert server.client_left.wait(30)
    assert isinstance(error, LLMUnreachableError)
    assert "within 0.3 s" in str(error)
    assert "llm_deadline" in str(error)


async def test_that_waiting_for_a_retry_counts_towards_the_deadline():
    with FakeLLMServer(fails(429, headers={"retry-after-ms": "60000"})) as server:
        error = await failure(server.settings(llm_retries=3, llm_deadline=0.3))
    assert isinstance(error, LLMUnreachableError)


async def test_that_the_search_for_a_model_counts_towards_the_deadline():
    with FakeLLMServer(stays_silent(path="/models")) as server:
        error = await failure(server.settings(llm_model=None, llm_deadline=0.3))
    assert isinstance(error, LLMUnreachableError)


@pytest.mark.parametrize("status", [401, 403, 404, 413, 418, 500, 503])
async def test_that_an_error_status_is_named_and_the_answer_is_not_repeated(status):
    with FakeLLMServer(fails(status, echo=f"cannot read: {WORDS}")) as server:
        error = await failure(server.settings(llm_api_key=SecretStr(KEY)))
    assert isinstance(error, LLMResponseError)
    assert f"HTTP {status}" in str(error)
    assert server.url in str(error)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "llm_api_key"), (404, "llm_model"), (413, "history_characters")]
)
async def test_that_an_error_status_comes_with_its_cure(status, advice):
    with FakeLLMServer(fails(status)) as server:
        assert advice in str(await failure(server.settings()))


@pytest.mark.parametrize("status", [400, 422])
async def test_that_a_refused_request_is_sent_once_more_without_token_counts(status):
    with FakeLLMServer(fails(status), fails(status, echo=WORDS)) as server:
        error = await failure(server.settings(llm_retries=3))
    assert f"HTTP {status}" in str(error)


async def test_that_retries_end():
    with FakeLLMServer(*[fails(500)] * 3) as server:
        error = await failure(server.settings(llm_retries=2))
    assert isinstance(error, LLMResponseError)
    assert len(server.requests) == 3


async def test_that_what_no_retry_can_cure_is_not_tried_again():
    with FakeLLMServer(fails(401)) as server:
        await failure(server.settings(llm_retries=5))


async def test_that_nothing_is_tried_again_after_the_first_token():
    heard: list[str | Reply] = []
    with FakeLLMServer(says("You ", "kept", then=Exchange.drop)) as server:
        error = await failure(server.settings(llm_retries=5), heard=heard)
    assert isinstance(error, LLMResponseError)
    assert "broke off" in str(error)
    assert heard


async def test_that_a_redirect_is_not_followed():
    with FakeLLMServer() as elsewhere, FakeLLMServer(redirects(elsewhere.url + "/chat/completions")) as server:
        error = await failure(server.settings())
    assert isinstance(error, LLMResponseError)
    assert "redirects" in str(error)
    assert "llm_url" in str(error)


LIES = {
    "no JSON": answers("it is raining", kind="text/plain"),
    "a web page": answers("<html><body>Welcome</body></html>", kind="text/html"),
    "a whole completion": answers({"choices": [{"message": {"role": "assistant", "content": WORDS}}]}),
    "an error with status 200": answers({"error": {"message": WORDS}}),
    "an empty body": answers(""),
    "an empty stream": sends(),
    "a broken event": sends(a_choice({"content": "You"}), '{"choices": [{"delta": {"content": "' + WORDS),
    "an event that is a list": sends([WORDS]),
    "an event that is a number": sends(7),
    "an error in the stream": sends(a_choice({"content": "You"}), {"error": {"message": WORDS, "code": 500}}),
    "an error as a string": sends(a_choice({"content": "You"}), {"error": WORDS}),
    "no choices": sends({"id": "x"}, {"id": "x"}),
    "choices that are null": sends({"choices": None}),
    "choices that are a number": sends({"choices": 5}),
    "choices that are a string": sends({"choices": WORDS}),
    "a choice that is null": sends({"choices": [None]}),
    "a choice without a delta": sends({"choices": [{"index": 0}]}),
    "a delta that is null": sends(a_choice(None), a_choice(None)),
    "a delta that is a string": sends(a_choice(WORDS), FINISHED),
    "content that is null": sends(a_choice({"content": None}), FINISHED),
    "content that is a number": sends(a_choice({"content": 5}), FINISHED),
    "content that is an object": sends(a_choice({"content": {"text": WORDS}}), FINISHED),
    "content of odd parts": sends(a_choice({"content": [7, {"kind": WORDS}]}), FINISHED),
    "tool calls that are a number": sends(a_choice({"content": "You", "tool_calls": 3}), FINISHED),
    "a role that is a number": sends(a_choice({"role": 3, "content": "You"})),
    "token counts that are words": sends(a_choice({"content": "You"}), {"choices": [], "usage": "many"}),
    "a finish reason that is a list": sends(
        a_choice({"content": "You"}), {"choices": [{"index": 0, "delta": {}, "finish_reason": ["stop"]}]}
    ),
    "bytes that are no text": sends(a_choice({"content": "You"}), kind="text/event-stream; charset=utf-99"),
    "no finish reason": says("You kept it.", finish=None),
    "an empty reply": says(),
    "white space": says(" ", "\n\n", "\t "),
    "thoughts alone": says("<think>", WORDS, "</think>", "\n"),
    "thoughts without end": says("<think>", WORDS, finish="length"),
    "thoughts that begin before the reply": says("She lost it. ", "So sad.", "</think>", "I hear you."),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_that_a_lie_is_a_bad_answer(lie: Step):
    with warnings.catch_warnings(record=True) as warned, FakeLLMServer(lie) as server:
        warnings.simplefilter("always")
        error = await failure(server.settings(llm_retries=2))
    assert isinstance(error, LLMResponseError)
    assert server.url in str(error)
    assert not warned  # pydantic's would hold the text


@pytest.mark.parametrize("before", [[], [a_choice({"content": "You"})]], ids=["at once", "later"])
async def test_that_an_error_in_the_stream_is_called_one(before):
    with FakeLLMServer(sends(*before, {"error": {"message": WORDS}})) as server:
        assert "reported an error" in str(await failure(server.settings()))


async def test_that_a_reply_without_a_finish_reason_is_called_incomplete():
    with FakeLLMServer(LIES["no finish reason"]) as server:
        assert "without a finish reason" in str(await failure(server.settings()))


async def test_that_a_server_without_models_is_told_to_load_one():
    with FakeLLMServer(lists()) as server:
        assert "serves no model" in str(await failure(server.settings(llm_model=None)))


async def test_that_what_came_instead_of_a_stream_is_named():
    with FakeLLMServer(LIES["a web page"]) as server:
        error = await failure(server.settings())
    assert "text/html" in str(error)
    assert "/v1" in str(error)


async def test_that_a_content_type_cannot_smuggle_words_into_the_error():
    with FakeLLMServer(answers("x", kind=f"text/{WORDS}")) as server:
        await failure(server.settings())


async def test_that_a_model_name_of_the_server_cannot_smuggle_words_into_the_error():
    with FakeLLMServer(says(" ", model=WORDS)) as server:
        await failure(server.settings())


async def test_that_leaked_thoughts_stop_the_server_at_once():
    heard: list[str | Reply] = []
    with FakeLLMServer(says("Hm.", "</think>", WAIT)) as server:
        async with asyncio.timeout(30):
            error = await failure(server.settings(), heard=heard)
        assert server.client_left.wait(30)
    assert "--reasoning-parser" in str(error)
    assert heard == ["Hm."]


LIES_ABOUT_MODELS = {
    "no JSON": answers("{broken", path="/models"),
    "a web page": answers("<html></html>", kind="text/html", path="/models"),
    "a list": answers([{"id": "tiny"}], path="/models"),
    "null": answers("null", path="/models"),
    "no data": answers({"object": "list"}, path="/models"),
    "data that is an object": answers({"data": {"id": "tiny"}}, path="/models"),
    "no models": lists(),
    "an error": fails(500, echo=WORDS, path="/models"),
}


@pytest.mark.parametrize("lie", LIES_ABOUT_MODELS.values(), ids=LIES_ABOUT_MODELS)
async def test_that_a_lie_about_the_models_is_a_bad_answer(lie: Step):
    with FakeLLMServer(lie) as server:
        error = await failure(server.settings(llm_model=None))
    assert isinstance(error, LLMResponseError)
    assert server.url in str(error)


async def test_that_a_found_model_is_looked_up_anew_after_a_failure():
    with FakeLLMServer(lists("old"), fails(404), lists("new"), says("I hear you.", model="new")) as server:
        generator = create(server.settings(llm_model=None))
        with pytest.raises(LLMResponseError, match="'old'"):
            await anext(generator.generate(turn_with_prompt()))
        pieces = [piece async for piece in generator.generate(turn_with_prompt())]
    assert server.requests[3].body["model"] == "new"
    assert pieces[0] == "I hear you."


def test_that_a_failure_leaves_nothing_behind_for_the_next_event_loop():
    async def fail() -> GenerationError:
        return await failure(server.settings(llm_timeout=1.0))

    with FakeLLMServer(stays_silent(), says("Hm.", then=Exchange.drop)) as server:
        assert isinstance(asyncio.run(fail()), LLMUnreachableError)
        assert isinstance(asyncio.run(fail()), LLMResponseError)
