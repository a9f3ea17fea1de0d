"""How many tokens the model can hold: asked for once, quickly, and never at the cost of a second wait."""

from __future__ import annotations

import pytest

from agent.decisions import Prompt, PromptMessage, Reply
from agent.errors import GenerationError
from agent.generator import OpenAICompatibleGenerator, create
from agent.testing import a_turn
from tests.fake_llm_server import FakeLLMServer, Step, answers, fails, hangs_up, lists, says, stays_silent


async def speak(generator: OpenAICompatibleGenerator) -> str:
    turn = a_turn("The shop is closed.").fill(prompt=Prompt((PromptMessage("user", "Hello."),), "test", "0" * 64))
    pieces = [piece async for piece in generator.generate(turn)]
    assert isinstance(pieces[-1], Reply)
    return pieces[-1].text


async def test_that_what_the_settings_say_is_not_asked_for():
    with FakeLLMServer() as server:
        assert await create(server.settings(llm_context=2048)).context_tokens() == 2048


async def test_that_the_server_is_asked_once_and_never_again():
    with FakeLLMServer(lists("tiny", owner="vllm", max_model_len=1024), says("Yes."), says("No.")) as server:
        generator = create(server.settings(llm_context=None))
        for _ in range(2):
            assert await generator.context_tokens() == 1024
            await speak(generator)
        assert await generator.context_tokens() == 1024


async def test_that_the_first_model_is_found_by_the_same_request():
    with FakeLLMServer(lists("first", owner="vllm", max_model_len=1024), says("Yes.")) as server:
        generator = create(server.settings(llm_context=None, llm_model=None))
        assert await generator.context_tokens() == 1024
        await speak(generator)
    assert server.requests[1].body["model"] == "first"


async def test_that_llama_cpp_is_asked_at_its_own_page():
    props = answers({"default_generation_settings": {"n_ctx": 2048}}, path="/props", beside=True)
    with FakeLLMServer(lists("tiny", owner="llamacpp"), props) as server:
        assert await create(server.settings(llm_context=None)).context_tokens() == 2048


async def test_that_an_ollama_is_asked_once_more_when_its_model_is_loaded():
    def ps(*loaded: object) -> Step:
        return answers({"models": loaded}, path="/api/ps", beside=True)

    show = answers({}, path="/api/show", beside=True)
    listed = lists("tiny", owner="library")
    running = ps({"name": "tiny", "context_length": 4096})
    with FakeLLMServer(listed, ps(), show, says("Yes."), listed, running, says("No.")) as server:
        generator = create(server.settings(llm_context=None))
        assert await generator.context_tokens() is None
        await speak(generator)
        assert await generator.context_tokens() == 4096
        await speak(generator)
        assert await generator.context_tokens() == 4096


async def test_that_a_server_that_does_not_say_is_not_asked_turn_after_turn():
    with FakeLLMServer(*[lists("tiny"), says("Yes.")] * 2, says("Yes."), says("Yes.")) as server:
        generator = create(server.settings(llm_context=None))
        for _ in range(4):
            assert await generator.context_tokens() is None
            await speak(generator)


async def test_that_a_silent_server_is_asked_for_it_once_and_not_again_before_it_speaks():
    silent = stays_silent(path="/models")
    with FakeLLMServer(silent, stays_silent(), stays_silent()) as server:  # strict: no second list
        generator = create(server.settings(llm_context=None, llm_timeout=1.0))
        assert await generator.context_tokens() is None
        for _ in range(2):
            with pytest.raises(GenerationError):
                await speak(generator)
            assert await generator.context_tokens() is None


async def test_that_a_server_that_comes_back_is_asked_when_it_has_spoken():
    dropped = Step(hangs_up().play, "/models")
    with FakeLLMServer(dropped, says("Yes."), lists("tiny", owner="vllm", max_model_len=1024)) as server:
        generator = create(server.settings(llm_context=None, llm_retries=3))
        assert await generator.context_tokens() is None
        assert await generator.context_tokens() is None
        await speak(generator)
        assert await generator.context_tokens() == 1024


@pytest.mark.parametrize(
    "step",
    [
        fails(401, path="/models"),
        fails(500, path="/models"),
        answers("<html>", kind="text/html", path="/models"),
        answers("[" * 100_000, path="/models"),
        answers({"data": [{"id": "tiny", "max_model_len": "many"}]}, path="/models"),
    ],
    ids=["401", "500", "page", "deep", "no number"],
)
async def test_that_a_bad_answer_is_no_error_and_not_asked_for_again(step: Step):
    with FakeLLMServer(step) as server:
        generator = create(server.settings(llm_context=None, llm_retries=3))
        assert await generator.context_tokens() is None
        assert await generator.context_tokens() is None
