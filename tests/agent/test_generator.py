"""What the LLM generator sends, what it makes of the answer, and how it lives over many turns."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest
from pydantic import SecretStr

from agent.decisions import Prompt, PromptMessage, Reply, TokenUsage
from agent.errors import SettingsError, TurnError
from agent.generator import create
from agent.probe import LLMServer
from agent.protocols import Generator
from agent.settings import Settings
from agent.testing import a_turn
from agent.turn import Turn
from tests.fake_llm_server import WAIT, FakeLLMServer, answers, fails, lists, says, sends, stays_silent

MESSAGES = (
    PromptMessage("system", "You support the seeker. Keep {braces} as they are."),
    PromptMessage("user", "The choir turned me down."),
    PromptMessage("assistant", "That hurts after all the practice."),
    PromptMessage("user", "I sang until my voice was gone."),
)


def turn_with_prompt() -> Turn:
    return a_turn().fill(prompt=Prompt(MESSAGES, "test", "0" * 64))


async def speak(generator: Generator) -> tuple[list[str], Reply]:
    """The pieces and the reply; the reply must come last and once."""
    pieces = [piece async for piece in generator.generate(turn_with_prompt())]
    reply = pieces.pop()
    assert isinstance(reply, Reply)
    assert all(isinstance(piece, str) for piece in pieces)
    return [str(piece) for piece in pieces], reply


async def test_that_a_reply_comes_in_pieces_and_then_whole():
    with FakeLLMServer(says("You sang ", "with all", " you had.", model="tiny-3b")) as server:
        pieces, reply = await speak(create(server.settings()))
    assert len(pieces) == 3
    assert "".join(pieces) == reply.text == "You sang with all you had."
    assert reply.speaker == "tiny-3b"
    assert reply.finish_reason == "stop"
    assert reply.usage == TokenUsage(prompt=11, completion=5)
    assert reply.stood_in_for is None


async def test_that_the_first_piece_comes_before_the_server_has_sent_the_second():
    with FakeLLMServer(says("You ", WAIT, "sang.")) as server:
        async with aclosing(create(server.settings()).generate(turn_with_prompt())) as pieces:
            assert await anext(pieces) == "You"
            server.go_on()
            assert await anext(pieces) == " sang."


async def test_that_roles_and_texts_go_out_as_they_are():
    with FakeLLMServer(says("I hear you.")) as server:
        await speak(create(server.settings()))
    (request,) = server.requests
    assert request.body["messages"] == [{"role": message.role, "content": message.content} for message in MESSAGES]
    assert request.body["model"] == "tiny"
    assert request.body["stream"] is True
    assert request.body["stream_options"] == {"include_usage": True}


async def test_that_unset_sampling_is_left_to_the_server():
    with FakeLLMServer(says("I hear you.")) as server:
        await speak(create(server.settings()))
    assert set(server.requests[0].body) == {"messages", "model", "stream", "stream_options"}


async def test_that_sampling_goes_out_under_the_names_that_every_server_knows():
    with FakeLLMServer(says("I hear you.")) as server:
        await speak(create(server.settings(llm_temperature=0.25, llm_max_tokens=60)))
    body = server.requests[0].body
    assert body["temperature"] == 0.25
    # Ollama ignores `max_completion_tokens`, which LangChain would send.
    assert body["max_tokens"] == 60
    assert "max_completion_tokens" not in body


def test_that_openai_itself_gets_the_one_name_that_it_takes():
    assert LLMServer("https://api.openai.com/v1").limit_name == "max_completion_tokens"
    assert LLMServer("https://openai.example.org/v1").limit_name == "max_tokens"


@pytest.mark.parametrize("model", ["my-codex-7b", "gpt-6-local", "gpt-5-pro-distilled"])
async def test_that_a_model_name_does_not_choose_another_protocol(model):
    with FakeLLMServer(says("I hear you.")) as server:  # it fails on any path but /chat/completions
        await speak(create(server.settings(llm_model=model)))


async def test_that_the_key_is_sent_as_a_bearer_token():
    with FakeLLMServer(says("I hear you.")) as server:
        await speak(create(server.settings(llm_api_key=SecretStr("key-of-ours"))))
    assert server.requests[0].headers["authorization"] == "Bearer key-of-ours"


async def test_that_without_a_key_none_is_sent():
    with FakeLLMServer(says("I hear you.")) as server:
        await speak(create(server.settings()))
    assert "authorization" not in server.requests[0].headers


async def test_that_credentials_and_query_of_the_url_are_sent():
    with FakeLLMServer(lists("tiny"), says("I hear you.")) as server:
        url = f"http://mira:s%40fe@{server.host}/v1/?tenant=north"
        await speak(create(server.settings(llm_url=url, llm_model=None)))
    assert [request.path for request in server.requests] == [
        "/v1/models?tenant=north",
        "/v1/chat/completions?tenant=north",
    ]
    assert {request.headers["authorization"] for request in server.requests} == {"Basic bWlyYTpzQGZl"}


async def test_that_without_a_model_name_the_first_model_is_asked_for_and_remembered():
    with FakeLLMServer(lists("first", "second"), says("One."), says("Two.")) as server:
        generator = create(server.settings(llm_model=None))
        await speak(generator)
        await speak(generator)
    assert [request.body and request.body["model"] for request in server.requests] == [None, "first", "first"]


async def test_that_the_configured_name_speaks_where_the_server_reports_none():
    events = [
        {"choices": [{"index": 0, "delta": {"content": "I hear you."}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
    ]
    with FakeLLMServer(sends(*events)) as server:
        _, reply = await speak(create(server.settings()))
    assert reply.speaker == "tiny"
    assert reply.finish_reason == "length"


@pytest.mark.parametrize(
    "usage",
    [None, {"prompt_tokens": 9}, {"completion_tokens": 4}, {"prompt_tokens": None, "completion_tokens": 4}],
)
async def test_that_tokens_which_nobody_counted_are_unknown_and_not_zero(usage):
    events = [
        {"choices": [{"index": 0, "delta": {"content": "I hear you."}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage},
    ]
    with FakeLLMServer(sends(*events)) as server:
        _, reply = await speak(create(server.settings()))
    assert reply.usage is None


async def test_that_running_token_counts_are_not_added_up():
    events = [
        {
            "choices": [{"index": 0, "delta": {"content": text}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": n},
        }
        for n, text in enumerate(("I ", "hear ", "you."), start=1)
    ]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    with FakeLLMServer(sends(*events)) as server:
        _, reply = await speak(create(server.settings()))
    assert reply.usage == TokenUsage(prompt=9, completion=3)


async def test_that_a_server_which_refuses_token_counts_is_asked_without_them_from_then_on():
    with FakeLLMServer(fails(400), says("One."), says("Two.")) as server:
        generator = create(server.settings())
        _, first = await speak(generator)
        await speak(generator)
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]
    assert first == Reply("One.", "tiny")


async def test_that_reasoning_in_a_field_of_its_own_is_not_said():
    events = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None, "reasoning_content": "Hm."}}]},
        {"choices": [{"index": 0, "delta": {"reasoning": "What now?"}}]},
        {"choices": [{"index": 0, "delta": {"content": "I hear you."}, "finish_reason": "stop"}]},
    ]
    with FakeLLMServer(sends(*events)) as server:
        pieces, reply = await speak(create(server.settings()))
    assert pieces == ["I hear you."]
    assert reply.text == "I hear you."


async def test_that_thoughts_in_the_text_are_not_said():
    with FakeLLMServer(says("<thi", "nk>\nShe is", " sad.\n</th", "ink>\n\nI hear", " you.")) as server:
        pieces, reply = await speak(create(server.settings()))
    assert "".join(pieces) == reply.text == "I hear you."


async def test_that_what_breaks_after_the_finish_reason_does_not_spoil_the_reply():
    events = [
        {"choices": [{"index": 0, "delta": {"content": "I hear you."}, "finish_reason": "stop"}]},
        "{this is no JSON",
    ]
    with FakeLLMServer(sends(*events)) as server:
        _, reply = await speak(create(server.settings()))
    assert reply.text == "I hear you."


async def test_that_errors_which_pass_are_tried_again():
    script = (fails(503), fails(429), fails(408), fails(409), says("I hear you."))
    with FakeLLMServer(*script) as server:
        _, reply = await speak(create(server.settings(llm_retries=4)))
    assert reply.text == "I hear you."


def test_that_one_generator_serves_event_loop_after_event_loop():
    with FakeLLMServer(lists("tiny"), says("One."), says("Two.")) as server:
        generator = create(server.settings(llm_model=None))
        replies = [asyncio.run(speak(generator))[1] for _ in range(2)]
    assert [reply.text for reply in replies] == ["One.", "Two."]


async def test_that_one_generator_serves_turns_side_by_side():
    with FakeLLMServer(says("Same."), says("Same."), says("Same.")) as server:
        generator = create(server.settings())
        replies = await asyncio.gather(*(speak(generator) for _ in range(3)))
        await generator.aclose()
        await generator.aclose()
    assert [reply.text for _, reply in replies] == ["Same."] * 3


async def test_that_closing_the_iterator_closes_the_connection():
    with FakeLLMServer(says("You ", "sang.", WAIT)) as server:
        async with asyncio.timeout(30), aclosing(create(server.settings()).generate(turn_with_prompt())) as pieces:
            assert await anext(pieces) == "You"
        assert server.client_left.wait(30)


async def test_that_cancelling_while_the_server_thinks_closes_the_connection():
    with FakeLLMServer(stays_silent()) as server:
        task = asyncio.create_task(speak(create(server.settings())))
        assert await asyncio.to_thread(server.asked.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.client_left.wait(30)


async def test_that_cancelling_while_the_reply_comes_closes_the_connection():
    begun = asyncio.Event()

    async def listen() -> None:
        async for _ in create(server.settings()).generate(turn_with_prompt()):
            begun.set()

    with FakeLLMServer(says("You ", "sang.", WAIT)) as server:
        task = asyncio.create_task(listen())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.client_left.wait(30)


async def test_that_a_turn_without_a_prompt_is_refused():
    with FakeLLMServer() as server, pytest.raises(TurnError, match="no prompt"):
        await anext(create(server.settings()).generate(a_turn()))


@pytest.mark.parametrize("url", [None, "", "127.0.0.1:8000", "http://", "http://[::1", "http://user:pw@host:x/v1"])
def test_that_an_unusable_address_is_refused_without_being_repeated(url):
    with FakeLLMServer() as server, pytest.raises(SettingsError, match="llm_url") as caught:
        create(server.settings(llm_url=url))
    assert "pw" not in str(caught.value)


def test_that_the_settings_of_an_agent_fit():
    generator: Generator = create(Settings(llm_url="http://127.0.0.1:8000/v1"))
    assert generator.name == "openai"
    assert generator.reads == {"prompt"}


def test_that_importing_the_module_loads_no_llm_library():
    heavy = "{'langchain_core', 'langchain_openai', 'langsmith', 'openai', 'httpx2', 'httpx'}"
    code = f"import sys, agent.generator; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_that_entries_without_a_name_are_passed_over_in_the_list_of_models():
    with FakeLLMServer(answers({"data": [{"id": 7}, "x", {"id": "tiny"}]}, path="/models"), says("Hi.")) as server:
        await speak(create(server.settings(llm_model=None)))
    assert server.requests[1].body["model"] == "tiny"
