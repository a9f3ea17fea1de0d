"""`heartline doctor --server`: a server looked at from outside, each finding with its next step."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fake_llm_server import FakeLLMServer, fails
from http_serving import serving
from loop_parts import PlainComposer, an_agent, offline
from typer.testing import CliRunner

from agent.errors import InputError
from agent.generator import create
from agent.memory_sqlite import SQLiteStore
from ui.cli import app
from ui.doctor_server import examine_server

ABOUT = ["server", "ready", "clock", "latency", "key", "models", "turn", "notices", "metrics"]


def looked_at(url: str, key: str | None = None) -> dict[str, tuple[str, str]]:
    return {finding.about: (finding.status, finding.text) for finding in examine_server(url, key)}


def broken(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {about: text for about, (status, text) in found.items() if status == "broken"}


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_that_a_healthy_server_is_told_line_by_line_and_nothing_of_the_turn_is_kept(path: str):
    with serving(an_agent(offline("I hear you."))) as server:
        found = looked_at(server.url + path)
        assert server.service.store.conversations() == ()
    assert list(found) == ABOUT
    assert {status for status, _ in found.values()} == {"ok"}
    assert found["models"] == ("ok", "heartline")
    assert found["turn"][1].endswith("; spoken by offline")


def test_that_the_command_prints_json_and_says_by_its_status_whether_something_is_broken():
    runner = CliRunner()
    with serving(an_agent(offline("I hear you.", "I hear you."))) as server:
        well = runner.invoke(app, ["doctor", "--server", server.url, "--json"])
        shown = runner.invoke(app, ["doctor", "--server", server.url])
        server.service.drain.begin()
        ill = runner.invoke(app, ["doctor", "--server", server.url, "--json"])
    assert (well.exit_code, shown.exit_code, ill.exit_code) == (0, 0, 1)
    assert [finding["about"] for finding in json.loads(well.stdout)] == ABOUT
    assert "ok" in shown.stdout
    told = {finding["about"]: finding for finding in json.loads(ill.stdout)}
    assert told["ready"]["status"] == "broken"
    assert "it is stopping" in told["ready"]["text"]


def test_that_a_server_that_is_not_there_is_one_finding_with_the_next_step():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    found = looked_at(url)
    assert list(found) == ["server"]
    assert found["server"][0] == "broken"
    assert found["server"][1].startswith(f"{url} cannot be reached")
    assert "heartline serve" in found["server"][1]


def test_that_keys_are_looked_at_from_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(SQLiteStore(tmp_path / "c.db")) as store:
        customer, _ = store.api_keys.create("acme")
        operator, _ = store.api_keys.create("operations")
        with serving(an_agent(offline(*["I hear you."] * 3), store=store)) as server:
            assert broken(looked_at(server.url)) == {
                "key": "a key is needed: give one with `--key` or HEARTLINE_KEY"
            }
            wrong = broken(looked_at(server.url, "hl_wrong"))
            assert list(wrong) == ["key"]
            assert "heartline keys list" in wrong["key"]
            theirs = looked_at(server.url, customer)
            assert theirs["key"] == ("ok", "opens it; without one it is shut")
            assert theirs["metrics"][0] == "note"
            assert "--tenant operations" in theirs["metrics"][1]
            assert looked_at(server.url, operator)["metrics"][0] == "ok"
            monkeypatch.setenv("HEARTLINE_KEY", operator)
            told = CliRunner().invoke(app, ["doctor", "--server", server.url])
            assert told.exit_code == 0
            assert operator not in told.output


def test_that_an_llm_that_fails_behind_it_is_a_note():
    with FakeLLMServer(fails(503)) as llm:
        agent = an_agent(create(llm.settings()), composer=PlainComposer(), fallback=offline("Here I am."))
        with serving(agent, llm_url=llm.url, llm_model="tiny") as server:
            status, words = looked_at(server.url)["turn"]
    assert status == "note"
    assert "the built-in responder stood in" in words


def test_that_a_store_that_does_not_answer_is_broken(tmp_path: Path):
    with serving(an_agent(offline(), store=SQLiteStore(tmp_path / "c.db"))) as server:

        def gone(*_: object, **__: object) -> None:
            raise OSError

        server.service.store.recall = gone
        found = looked_at(server.url)
        del server.service.store.recall
    assert "its store does not answer" in found["ready"][1]
    assert found["turn"][0] == "broken"


@contextmanager
def stranger(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """A web server that gives one answer to everything."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name is the library's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "not as Heartline does"),
        (404, b"{}", "HTTP 404"),
        (421, b"{}", "--allow-host"),
        (307, b"", "redirects (HTTP 307)"),
    ],
)
def test_that_something_else_is_not_taken_for_a_server_of_ours(status: int, body: bytes, words: str):
    with stranger(status, body, location="http://127.0.0.1:9/") as url:
        found = looked_at(url)
    assert list(found) == ["server"]
    assert words in found["server"][1]


def test_that_a_clock_that_is_wrong_and_a_header_that_is_dropped_are_noted():
    with stranger(200, b'{"status": "ok"}', date="Mon, 01 Jan 2024 00:00:00 GMT") as url:
        found = looked_at(url)
    assert found["server"][0] == "note"
    assert "X-Request-Id" in found["server"][1]
    assert found["clock"][0] == "note"
    assert "behind this machine's" in found["clock"][1]
    assert found["turn"][0] == "broken"


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8000", "http://me:hush@127.0.0.1:8000", "http://x:99999"])
def test_that_an_address_that_is_none_is_refused_and_not_repeated(url: str):
    with pytest.raises(InputError, match="`--server` is not a usable web address") as caught:
        examine_server(url)
    assert "hush" not in str(caught.value)
