"""The log of a server: a line for each request, for people or for programs, and no word of anybody in it."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_serving import serving, wait_until
from loop_parts import an_agent, offline
from ops_process import ops_process

from agent.setting_types import Operations
from agent.settings import load_settings
from ui.http.logs import Lines, set_up


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Where lines go; logging is put back as it was."""
    root, ours, uvicorn = (logging.getLogger(name) for name in (None, "heartline", "uvicorn"))
    before = root.handlers[:], [(each, each.level) for each in (root, ours, uvicorn)]
    stream = io.StringIO()
    yield stream
    root.handlers[:] = before[0]
    for each, level in before[1]:
        each.setLevel(level)


def into(stream: io.StringIO, **chosen: str) -> None:
    set_up(Operations(**chosen))
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each.formatter, Lines)]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)


def test_that_each_request_is_a_json_line_without_words_ids_or_danger(written: io.StringIO):
    into(written, log_format="json")
    with serving(an_agent(offline("I hear you, Quillonby."))) as server:
        extra = {"heartline": {"conversation_id": "conv-77"}}
        server.ask("My dog Quillonby died.", extra_body=extra, extra_headers={"X-Request-Id": "mine-1"})
        server.http.get("/v1/heartline/conversations/conv-77")
        server.http.get("/v1/heartline/conversations/conv-77-unknown?after=conv-77")
        wait_until(lambda: written.getvalue().count("\n") == 3)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    first = lines[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first.pop("milliseconds") > 0
    assert first.pop("message").startswith("POST /v1/chat/completions 200 in ")
    assert first == {
        "level": "info", "logger": "heartline.http.request", "request_id": "mine-1", "method": "POST",
        "route": "/v1/chat/completions", "status": 200, "profile": "heartline", "speaker": "heartline",
        "outcome": "answered",
    }  # fmt: skip
    assert [(line["route"], line["status"]) for line in lines[1:]] == [
        ("/v1/heartline/conversations/{conversation_id}", 200),
        ("/v1/heartline/conversations/{conversation_id}", 404),
    ]
    assert not re.search("Quillonby|conv-77", written.getvalue())


def test_that_people_get_a_line_of_text(written: io.StringIO):
    into(written, log_format="text")
    with serving(an_agent(offline())) as server:
        server.http.get("/nothing/here", headers={"X-Request-Id": "mine-2"})
        wait_until(lambda: written.getvalue().count("\n") == 1)
    pattern = r"\S+Z INFO    heartline\.http\.request: GET other 404 in [\d.]+ ms \(request mine-2\)\n"
    assert re.fullmatch(pattern, written.getvalue())


def test_that_probes_are_no_news(written: io.StringIO):
    into(written, log_format="text")
    with serving(an_agent(offline())) as server:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert server.http.get(path).status_code == 200
        server.http.get("/v1/models")
        wait_until(lambda: "/v1/models" in written.getvalue())
        assert written.getvalue().count("\n") == 1
        into(written, log_format="text", log_level="debug")
        server.http.get("/healthz")
        wait_until(lambda: "/healthz" in written.getvalue())


def test_that_a_level_leaves_requests_out_and_errors_in(written: io.StringIO):
    into(written, log_level="warning")
    with serving(an_agent(offline())) as server:
        server.http.get("/v1/models")
        logging.getLogger("heartline.http").error("request %s broke", "r")
    assert "r broke" in written.getvalue()
    assert "/v1/models" not in written.getvalue()


def test_that_what_other_libraries_say_is_not_shown(written: io.StringIO):
    into(written, log_format="json", log_level="debug")
    logging.getLogger("openai._base_client").warning("Request options: %s", "My dog Quillonby died.")
    logging.getLogger("openai._base_client").info("My dog Quillonby died.")
    try:
        raise ValueError("My dog Quillonby died.")
    except ValueError:
        logging.getLogger("asyncio").exception("My dog Quillonby died.")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert "Quillonby" not in written.getvalue()
    assert [line["logger"] for line in lines] == ["openai._base_client", "asyncio", "uvicorn.error"]
    assert lines[2]["message"].startswith("Exception in ASGI application (ValueError at test_http_logs.py:")


def test_that_setting_up_again_leaves_one_handler(written: io.StringIO):
    for _ in range(3):
        into(written)
    assert sum(isinstance(each.formatter, Lines) for each in logging.getLogger().handlers) == 1


def test_that_a_wrong_form_or_level_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch):
    from agent.errors import SettingsError

    monkeypatch.setenv("HEARTLINE_OPERATIONS", '{"log_format": "xml"}')
    with pytest.raises(SettingsError, match="'text' or 'json'"):
        load_settings()


def test_that_a_real_server_logs_to_standard_error(tmp_path: Path):
    with ops_process(tmp_path) as server:
        assert server.ask("My dog Quillonby died.", headers={"X-Request-Id": "mine-3"}).status_code == 200
        line = server.logged("mine-3")
        assert (line["route"], line["status"], line["level"]) == ("/v1/chat/completions", 200, "info")
        assert "Quillonby" not in server.log
