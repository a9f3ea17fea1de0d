"""What `heartline doctor` is told about the LLM server."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from agent.errors import SettingsError
from agent.probe import LLMServer, probe
from tests.fake_llm_server import Exchange, FakeLLMServer, Step, answers, fails, hangs_up, lists, stays_silent


async def test_that_a_sound_server_is_reported_with_its_models():
    with FakeLLMServer(lists("tiny", "large")) as server:
        report = await probe(server.settings(llm_api_key=SecretStr("key-of-ours")))
    assert report.url == server.url
    assert report.reachable
    assert report.models == ("tiny", "large")
    assert report.milliseconds > 0
    assert report.problem is None
    assert server.requests[0].method == "GET"
    assert server.requests[0].headers["authorization"] == "Bearer key-of-ours"


async def test_that_no_model_need_be_named():
    with FakeLLMServer(lists("tiny")) as server:
        assert (await probe(server.settings(llm_model=None))).problem is None


async def test_that_the_tag_that_ollama_adds_is_no_problem():
    with FakeLLMServer(lists("tiny:latest")) as server:
        assert (await probe(server.settings(llm_model="tiny"))).problem is None


async def test_that_a_model_which_is_not_served_is_a_problem_with_the_choices():
    with FakeLLMServer(lists("large", "huge")) as server:
        report = await probe(server.settings(llm_model="tiny"))
    assert report.reachable
    assert "'tiny'" in str(report.problem)
    assert "large, huge" in str(report.problem)


async def test_that_a_server_without_models_is_a_problem():
    with FakeLLMServer(lists()) as server:
        report = await probe(server.settings())
    assert report.reachable
    assert "no model" in str(report.problem)


async def test_that_a_server_which_is_not_there_is_not_reachable():
    with socket.socket() as taken, FakeLLMServer() as server:
        taken.bind(("127.0.0.1", 0))
        url = f"http://mira:pw@127.0.0.1:{taken.getsockname()[1]}/v1"
        report = await probe(server.settings(llm_url=url))
    assert not report.reachable
    assert report.models == ()
    assert report.url == url.replace("mira:pw@", "")
    assert "cannot be reached" in str(report.problem)
    assert "pw" not in str(report)


@pytest.mark.parametrize("step", [hangs_up(), stays_silent(path="/models")], ids=["hangs up", "stays silent"])
async def test_that_a_server_without_an_answer_is_not_reachable(step: Step):
    with FakeLLMServer(Step(step.play, "/models")) as server:
        report = await probe(server.settings(llm_timeout=0.2))
    assert not report.reachable
    assert report.problem


async def test_that_a_server_which_only_drips_is_given_up():
    def drip(exchange: Exchange) -> None:
        exchange.head(200, "application/json", {})
        while not exchange.left(0.02):
            exchange.chunk(b" ")

    with FakeLLMServer(Step(drip, "/models")) as server:
        report = await probe(server.settings(llm_timeout=1.0))
        assert server.client_left.wait(30)
    assert report.reachable
    assert "did not finish" in str(report.problem)


@pytest.mark.parametrize(
    ("step", "clue"),
    [
        (fails(401, path="/models"), "llm_api_key"),
        (fails(404, path="/models"), "/v1"),
        (fails(503, path="/models"), "HTTP 503"),
        (answers("<html></html>", kind="text/html", path="/models"), "OpenAI-compatible"),
        (answers("{broken", path="/models"), "OpenAI-compatible"),
    ],
    ids=["401", "404", "503", "a web page", "no JSON"],
)
async def test_that_a_bad_answer_is_a_problem_with_its_cure(step: Step, clue: str):
    with FakeLLMServer(step) as server:  # strict, so this also proves that nothing is tried again
        report = await probe(server.settings(llm_retries=3))
    assert report.reachable
    assert clue in str(report.problem)


@pytest.mark.parametrize("url", [None, "localhost:8000"])
async def test_that_without_a_usable_address_there_is_nothing_to_probe(url):
    with FakeLLMServer() as server, pytest.raises(SettingsError, match="llm_url"):
        await probe(server.settings(llm_url=url))


def test_that_the_key_does_not_show():
    assert "key-of-ours" not in repr(LLMServer("http://127.0.0.1:8000/v1", api_key="key-of-ours"))
