"""The person's words go to the configured server and nowhere else, whatever the environment says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import langsmith.utils
import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.context import collect_runs
from langchain_core.tracers.langchain import wait_for_all_tracers
from pydantic import SecretStr

from agent.decisions import Prompt, PromptMessage, Reply
from agent.errors import GenerationError
from agent.generator import create
from agent.testing import a_turn
from tests.fake_llm_server import FakeLLMServer, fails, lists, says

WORDS = "Nobody came to my exhibition"
ANSWER = "You hung every picture yourself."


async def speak(settings: Any) -> Reply:
    messages = (PromptMessage("system", "You support."), PromptMessage("user", WORDS))
    turn = a_turn(WORDS).fill(prompt=Prompt(messages, "test", "0" * 64))
    pieces = [piece async for piece in create(settings).generate(turn)]
    assert isinstance(pieces[-1], Reply)
    return pieces[-1]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLLMServer]:
    """A server that every variable points to and that fails the test when it is asked for anything."""
    with FakeLLMServer() as server:
        for name in (
            "OPENAI_BASE_URL",
            "OPENAI_API_BASE",
            "OPENAI_PROXY",
            "LANGSMITH_GATEWAY",
            "LANGSMITH_ENDPOINT",
        ):
            monkeypatch.setenv(name, server.url)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{server.host}")
            monkeypatch.setenv(name.lower(), f"http://{server.host}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
        monkeypatch.setenv("OPENAI_ADMIN_KEY", "key-of-the-environment")
        monkeypatch.setenv("OPENAI_ORG_ID", "organisation-of-the-environment")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-the-environment")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Project: of-the-environment")
        monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_of-the-environment")
        monkeypatch.setenv("LC_OUTPUT_VERSION", "v1")
        yield server


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tracing is on in the environment. LangSmith remembers what it read there."""
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    langsmith.utils.get_env_var.cache_clear()
    yield
    monkeypatch.undo()
    langsmith.utils.get_env_var.cache_clear()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("key", [None, SecretStr("key-of-ours")])
async def test_that_the_environment_redirects_nothing_and_adds_nothing(key):
    with FakeLLMServer(lists("tiny"), says(ANSWER)) as server:
        reply = await speak(server.settings(llm_model=None, llm_api_key=key))
    assert reply.text == ANSWER
    for request in server.requests:
        assert "of-the-environment" not in str(request)
        assert "x-project" not in request.headers
        assert request.headers.get("authorization") == (key and "Bearer key-of-ours")
        assert not any(name.startswith(("openai-", "x-stainless-")) for name in request.headers)


@pytest.mark.usefixtures("elsewhere", "traced")
async def test_that_tracing_in_the_environment_traces_nothing_of_ours():
    assert langsmith.utils.tracing_is_enabled()
    with FakeLLMServer(says(ANSWER)) as server:
        await speak(server.settings())
    wait_for_all_tracers()  # what was recorded is sent by now


async def test_that_whoever_collects_runs_around_us_gets_none():
    with FakeLLMServer(says(ANSWER)) as server, collect_runs() as runs:
        await speak(server.settings())
    assert runs.traced_runs == []


async def test_that_callbacks_of_a_chain_around_us_see_nothing():
    seen: list[str] = []

    class Eavesdropper(AsyncCallbackHandler):
        async def on_chat_model_start(self, serialized: Any, messages: Any, **rest: Any) -> None:
            seen.append(str(messages))

        async def on_llm_new_token(self, token: Any, **rest: Any) -> None:
            seen.append(str(token))

    async def chain(_: object) -> str:
        return (await speak(server.settings())).text

    with FakeLLMServer(says(ANSWER)) as server:
        text = await RunnableLambda(chain).ainvoke({}, config={"callbacks": [Eavesdropper()]})
    assert text == ANSWER
    assert seen == []


async def test_that_words_keys_and_passwords_stay_out_of_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    key = SecretStr("key-of-ours")
    with FakeLLMServer(fails(500, echo=WORDS), says(ANSWER)) as server:
        await speak(server.settings(llm_api_key=key, llm_retries=1))
    with FakeLLMServer(says(ANSWER)) as server:
        await speak(server.settings(llm_url=f"http://mira:password-of-ours@{server.host}/v1"))
    assert caplog.records
    for secret in (WORDS, ANSWER, "key-of-ours", "password-of-ours"):
        assert secret not in caplog.text


async def test_that_keys_and_passwords_and_queries_stay_out_of_errors():
    with FakeLLMServer(fails(401)) as server:
        url = f"http://mira:password-of-ours@{server.host}/v1?token=query-of-ours"
        with pytest.raises(GenerationError) as caught:
            await speak(server.settings(llm_url=url))
    assert server.url in str(caught.value)
    assert "of-ours" not in str(caught.value)
    assert "mira" not in str(caught.value)
