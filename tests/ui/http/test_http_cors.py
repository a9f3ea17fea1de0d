"""Pages of other origins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_serving import Serving, serving
from loop_parts import an_agent, offline
from typer.testing import CliRunner

from agent.errors import SettingsError
from ui.http.cors import check_origins
from ui.http.serve import app

PAGE = "https://chat.example.org"
COMPLETIONS = "/v1/chat/completions"
SPOKEN = {"messages": [{"role": "user", "content": "Hello there."}]}
EXPOSED = {
    "X-Request-Id", "X-Heartline-Conversation", "Retry-After", "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
}  # fmt: skip


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    with serving(an_agent(offline(*["I hear you."] * 9), store=store), allow_origins=[PAGE]) as running:
        yield running


def ask(server: Serving, key: str | None, origin: str | None = PAGE, **more: Any) -> httpx2.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    headers |= {} if origin is None else {"origin": origin}
    answer: httpx2.Response = server.http.post(COMPLETIONS, json=SPOKEN | more, headers=headers)
    return answer


def preflight(server: Serving, origin: str = PAGE, method: str = "POST") -> httpx2.Response:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,x-heartline-conversation,x-stainless-os",
    }
    answer: httpx2.Response = server.http.options(COMPLETIONS, headers=asked)
    return answer


def test_that_a_browser_may_ask_without_a_key_whether_it_may_ask(store: Any, server: Serving):
    store.api_keys.create("acme")
    answer = preflight(server)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert {"authorization", "x-stainless-os"} <= set(answer.headers["access-control-allow-headers"].split(","))
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


def test_that_another_page_and_another_method_are_refused(server: Serving):
    for answer in (preflight(server, "https://evil.example"), preflight(server, f"{PAGE}.evil.example")):
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers
    assert preflight(server, method="PUT").status_code == 400
    assert "access-control-allow-origin" not in ask(server, None, "https://evil.example").headers


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_page_sees_the_answer_and_its_headers(store: Any, server: Serving, *, stream: bool):
    key, _ = store.api_keys.create("acme")
    answer = ask(server, key, stream=stream, heartline={"conversation_id": "new"})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in answer.headers["vary"]
    assert set(answer.headers["access-control-expose-headers"].split(", ")) == EXPOSED
    sent = {name.lower() for name in answer.headers}
    assert {name.lower() for name in EXPOSED - {"Retry-After"}} <= sent


def test_that_errors_can_be_read_by_the_page(store: Any, server: Serving, monkeypatch: pytest.MonkeyPatch):
    key, _ = store.api_keys.create("acme", per_minute=2)
    answers = [ask(server, None), ask(server, key, n=2)]

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(server.service, "offered", broken)
    answers.append(ask(server, key))
    monkeypatch.undo()
    answers.append(ask(server, key))
    server.service.drain.begin()
    answers.append(ask(server, key))
    assert [answer.status_code for answer in answers] == [401, 400, 500, 429, 503]
    assert {answer.headers.get("access-control-allow-origin") for answer in answers} == {PAGE}
    assert "retry-after" in answers[3].headers


def test_that_nothing_is_said_to_pages_unless_it_is_set(store: Any):
    with serving(an_agent(offline("I hear you."), store=store)) as server:
        assert not [name for name in ask(server, None).headers if name.startswith("access-control")]
        assert preflight(server).status_code == 405


def test_that_any_page_may_be_let_in_and_cookies_are_no_key(store: Any):
    with serving(an_agent(offline("I hear you."), store=store), allow_origins=["*"]) as server:
        key, _ = store.api_keys.create("acme")
        answer = ask(server, key)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "access-control-allow-credentials" not in preflight(server).headers


def test_that_every_page_is_not_let_in_while_nobody_needs_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    check_origins(["*"], keys=True)
    check_origins([PAGE], keys=False)
    monkeypatch.setenv("HEARTLINE_ALLOW_ORIGINS", '["*"]')
    failed = CliRunner().invoke(app, ["--store", str(tmp_path / "talks.db")]).exception
    assert isinstance(failed, SettingsError)
    assert "every page in a browser" in str(failed)
