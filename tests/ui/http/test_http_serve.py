"""`heartline serve` as a process: real weights, real clients, and an end that loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import NO_TLS, PATIENCE, wait_until
from typer.testing import CliRunner

from agent.errors import SettingsError
from agent.memory_sqlite import SQLiteStore
from tests.forked import Forked, forked
from ui.http.edge import Drain
from ui.http.serve import app, check_reach

ROOT = Path(__file__).parents[3]
QUIET = {"HEARTLINE_NOTICES_IN_CONTENT": "0"}


class Process:
    """A server process."""

    def __init__(self, process: Forked, url: str) -> None:
        self.process, self.url = process, url
        self.http = httpx2.Client(base_url=url, timeout=PATIENCE, trust_env=False, verify=NO_TLS)
        self.client = openai.OpenAI(
            base_url=f"{url}/v1", api_key="unused", max_retries=0, timeout=PATIENCE,
            http_client=httpx2.Client(trust_env=False, verify=NO_TLS),
        )  # fmt: skip

    def ask(self, *messages: Any, **fields: Any) -> Any:
        said = [{"role": "user", "content": each} if isinstance(each, str) else each for each in messages]
        return self.client.chat.completions.create(model="heartline", messages=said, **fields)


@contextmanager
def served(*arguments: str, anew: bool = False, **environment: str) -> Iterator[Process]:
    """Start `heartline serve`, and end it.

    Args:
        *arguments: Its arguments.
        anew: With all its imports; else it is forked (`tests.forked`).
        **environment: Variables.
    """
    code, given = "from ui.http.serve import app; app()", ["--port", "0", *arguments]
    how: dict[str, Any] = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": str(ROOT), **environment}}
    how |= {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process: Any = (
        subprocess.Popen([sys.executable, "-c", code, *given], **how) if anew else forked(code, *given, **how)
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving at http://127.0.0.1:"), line + (
            process.stderr.read() if process.stderr else ""
        )
        running = Process(process, line.split()[2].removesuffix("/v1"))
        yield running
        running.http.close()
        running.client.close()
    finally:
        process.kill()
        process.communicate()


def test_that_real_clients_hold_a_conversation_with_a_real_server(tmp_path: Path):
    from langchain_openai import ChatOpenAI

    with served("--store", str(tmp_path / "c.db"), anew=True) as server:
        assert server.http.get("/readyz").json() == {"status": "ok", "problem": None, "llm": None}
        extra = {"heartline": {"conversation_id": "a"}}
        first = server.ask("My cat ran away on Sunday and I can't sleep.", extra_body=extra)
        assert first.model_extra["heartline"]["readings"]["emotion"]["label"] == "sad"
        chunks = list(server.ask("She came home!! I'm so happy!", stream=True, extra_body=extra))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text
        assert chunks[-1].model_extra["heartline"]["index"] == 1
        chat = ChatOpenAI(base_url=f"{server.url}/v1", api_key="unused", model="heartline", max_retries=0)
        messages: list[Any] = [("user", "I failed my exam."), ("assistant", "I'm sorry."), ("user", "What now?")]
        assert chat.invoke(messages).text
        pieces = list(chat.stream(messages, stream_usage=True))
        assert "".join(piece.text for piece in pieces)
        assert pieces[-1].response_metadata.get("finish_reason") or any(
            piece.response_metadata.get("finish_reason") == "stop" for piece in pieces
        )
        danger = server.ask(
            "I want to kill myself tonight.", {"role": "assistant", "content": "Oh."}, "Never mind."
        )
        assert danger.model_extra["heartline"]["safety"]["action"] == "escalate"
    store = SQLiteStore(tmp_path / "c.db")
    kept = [turn.reply.text for turn in store.turns("a") if turn.reply]
    assert first.choices[0].message.content.endswith(f"\n\n{kept[0]}")  # a notice stands before it
    assert kept[1] == text
    assert store.conversations() == ("a",)
    store.close()


def test_that_a_stream_ends_in_peace_after_sigterm_and_who_comes_then_is_turned_away(tmp_path: Path):
    with FakeLLMServer(says("I hear you. ", WAIT, "Go on.")) as llm:
        environment = {"HEARTLINE_LLM_CONTEXT": "8192", "HEARTLINE_TWO_STAGE": "inline", **QUIET}
        arguments = ["--llm", llm.url, "--model", "tiny", "--store", str(tmp_path / "c.db")]
        with served(*arguments, **environment) as server:
            server.http.get("/healthz")  # a connection that is open already
            stream = server.ask("Hello there.", stream=True, extra_body={"heartline": {"conversation_id": "a"}})
            pieces = [next(stream), next(stream)]
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: server.http.get("/readyz").json()["problem"] == "stopping")
            refused = server.http.get("/v1/models")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
            assert refused.headers["retry-after"] == "5"
            assert refused.headers["x-request-id"]
            llm.go_on()
            pieces += list(stream)
            assert server.process.wait(PATIENCE) == 0
            assert server.process.stderr is not None
            assert "Traceback" not in server.process.stderr.read()
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == "I hear you. Go on."
    store = SQLiteStore(tmp_path / "c.db")
    assert [turn.reply.text for turn in store.turns("a") if turn.reply] == ["I hear you. Go on."]
    store.close()


def test_that_a_stream_that_outlasts_the_bound_is_stored_as_broken_off(tmp_path: Path):
    with FakeLLMServer(says("I hear you. ", "And", WAIT)) as llm:
        environment = {"HEARTLINE_LLM_CONTEXT": "8192", "HEARTLINE_TWO_STAGE": "inline", **QUIET}
        arguments = ["--llm", llm.url, "--model", "tiny", "--store", str(tmp_path / "c.db")]
        with served(*arguments, "--drain-seconds", "0", **environment) as server:
            stream = server.ask("Hello there.", stream=True, extra_body={"heartline": {"conversation_id": "a"}})
            next(stream), next(stream)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
            stream.close()
    store = SQLiteStore(tmp_path / "c.db")
    (turn,) = store.turns("a")
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.finish_reason) == ("I hear you.", "interrupted")
    store.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_that_it_listens_on_this_machine(host: str):
    check_reach(host, keys=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104
def test_that_without_keys_it_does_not_listen_where_others_reach_it(host: str):
    with pytest.raises(SettingsError, match="there are no keys"):
        check_reach(host, keys=False)
    check_reach(host, keys=True)


def test_that_the_command_asks_the_store_for_keys_before_it_listens_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ran: list[dict[str, Any]] = []
    monkeypatch.setattr("ui.http.serve.run", lambda _settings, **how: ran.append(how))
    arguments = ["--host", "0.0.0.0", "--store", str(tmp_path / "c.db")]  # noqa: S104
    failed = CliRunner().invoke(app, arguments).exception
    assert isinstance(failed, SettingsError)
    assert "heartline keys create" in str(failed)
    with closing(SQLiteStore(tmp_path / "c.db")) as store:
        _, key = store.api_keys.create("acme")
        assert CliRunner().invoke(app, arguments).exception is None
        store.api_keys.revoke(key.id)
    assert isinstance(CliRunner().invoke(app, arguments).exception, SettingsError)
    assert [how["hosts"] for how in ran] == [None]


def test_that_an_address_that_is_taken_is_named_with_the_next_step(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = CliRunner().invoke(app, ["--port", port, "--store", str(tmp_path / "c.db")]).exception
    assert isinstance(failed, SettingsError)
    assert f"`--port` {port}" in str(failed)
    assert "0 takes a free one" in str(failed)


def test_that_draining_is_over_when_nothing_runs_or_time_is_up():
    now = 100.0
    drain = Drain(clock=lambda: now)
    assert not drain.done(within=0)
    drain.running.add(None)
    drain.begin()
    assert not drain.done(within=10)
    now = 110.0
    assert drain.done(within=10)
    now = 100.0
    drain.running.clear()
    assert drain.done(within=10)


def test_that_the_command_line_has_no_heavy_import_before_it_serves():
    code = "import ui.http.serve, sys; print('fastapi' in sys.modules or 'uvicorn' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"
