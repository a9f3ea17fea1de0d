"""Prompts that are too long: known in the words of every server, with the limit where it is told."""

from __future__ import annotations

import traceback

import pytest

from agent.decisions import Prompt, PromptMessage
from agent.errors import LLMResponseError, PromptTooLongError
from agent.generator import create
from agent.testing import a_turn
from tests.fake_llm_server import FakeLLMServer, Step, answers, fails, says, sends

WORDS = "My aunt Philippa will not leave her flat"


async def failure(*steps: Step) -> LLMResponseError:
    messages = (PromptMessage("system", "You support."), PromptMessage("user", WORDS))
    turn = a_turn(WORDS).fill(prompt=Prompt(messages, "test", "0" * 64))
    with FakeLLMServer(*steps) as server, pytest.raises(LLMResponseError) as caught:
        async for _ in create(server.settings()).generate(turn):
            pass
    assert WORDS not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize(
    ("status", "error", "limit"),
    [
        (
            400,
            {
                "message": "This model's maximum context length is 1024 tokens. However, your prompt contains at "
                "least 1025 input tokens, which exceeds this limit even without any output tokens."
            },
            1024,
        ),
        (400, {"message": "Input length (2000) exceeds model's maximum context length (1024)."}, 1024),
        (
            400,
            {
                "message": "The decoder prompt (length 2000) is longer than the maximum model length of 1024. Make "
                "sure that `max_model_len` is no smaller than the number of text tokens."
            },
            1024,
        ),
        (
            400,
            {
                "message": "'max_tokens' is too large: 4000. This model's maximum context length is 2048 tokens and "
                "your request has 30 input tokens (4000 > 2048 - 30)."
            },
            2048,
        ),
        (
            400,
            {
                "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in "
                "9000 tokens.",
                "code": "context_length_exceeded",
            },
            8192,
        ),
        (
            400,
            {"message": "Your input exceeds the context window of this model.", "code": "context_length_exceeded"},
            None,
        ),
        (
            400,
            {
                "message": "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 4390,
                "n_ctx": 4096,
            },
            4096,
        ),
        (
            400,
            {
                "message": "the request exceeds the available context size. try increasing the context size",
                "type": "exceed_context_size_error",
                "n_ctx": 256,
            },
            256,
        ),
        (500, {"message": "Context size has been exceeded.", "type": "server_error"}, None),
        (400, {"message": "prompt too long; exceeded max context length by 17 tokens"}, None),
        (400, {"message": "the input length exceeds the context length"}, None),
        (413, {"message": "Request Entity Too Large"}, None),
    ],
    ids=[
        "vllm",
        "vllm, input",
        "vllm, model",
        "vllm, reply",
        "openai",
        "openai, new",
        "llama.cpp",
        "llama.cpp, older",
        "llama.cpp, 500",
        "ollama",
        "ollama, input",
        "413",
    ],
)
async def test_that_a_prompt_that_is_too_long_is_known_in_every_servers_words(
    status: int, error: dict[str, object], limit: int | None
):
    # One step: where the prompt is too long, leaving out the token counts helps nothing.
    found = await failure(answers({"error": error}, status=status))
    assert isinstance(found, PromptTooLongError)
    assert found.limit == limit
    assert f"HTTP {status}" in str(found)
    assert "history_characters" in str(found)
    assert (f"it holds {limit} tokens" in str(found)) == (limit is not None)


async def test_that_errors_in_other_forms_are_read_too():
    tgi = {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}
    older = {"object": "error", "message": "This model's maximum context length is 512 tokens.", "code": 400}
    for body, limit in ((tgi, 4096), (older, 512)):
        found = await failure(answers(body, status=422))
        assert isinstance(found, PromptTooLongError)
        assert found.limit == limit


async def test_that_an_error_within_the_stream_is_known_too():
    said = {"error": {"message": "the request exceeds the available context size", "n_ctx": 512, "code": 400}}
    found = await failure(sends(said))
    assert isinstance(found, PromptTooLongError)
    assert found.limit == 512


@pytest.mark.parametrize("number", ["3", "0", "999999999", "99999999999999999999"])
async def test_that_a_limit_that_cannot_be_is_not_believed(number: str):
    found = await failure(fails(400, echo=f"maximum context length is {number} tokens"))
    assert isinstance(found, PromptTooLongError)
    assert found.limit is None


async def test_that_what_a_server_repeats_of_the_request_is_not_taken_for_its_own_words():
    echo = [{"loc": ["body"], "msg": "Field required", "input": "the maximum context length is 64 tokens"}]
    step = answers({"detail": echo}, status=422)
    found = await failure(step, step)
    assert not isinstance(found, PromptTooLongError)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_that_another_refusal_is_not_taken_for_it(status: int):
    again = 2 if status == 400 else 1
    assert not isinstance(await failure(*[fails(status, echo="no")] * again), PromptTooLongError)


async def test_that_a_reply_that_had_begun_is_not_called_too_long():
    late = {"error": {"message": "Context size has been exceeded.", "code": 500}}

    def break_off(exchange) -> None:
        exchange.event(late)
        exchange.event("[DONE]")
        exchange.end()

    assert not isinstance(await failure(says("I hear", then=break_off)), PromptTooLongError)
