"""Clients that are neither Python's nor ours hold a streamed conversation; those of Python: `test_http_serve`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from http_serving import PATIENCE, Serving, events_in, serving
from test_http_background import FOLLOW_UPS, TITLE

from agent.build import build_agent
from agent.settings import load_settings


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving(build_agent(load_settings(store="memory"))) as running:
        yield running


def told_in(stream: str) -> tuple[str, dict[str, Any]]:
    """The words of a stream, and what was understood."""
    events = [event for _, event in events_in(stream)]
    assert events.pop() == "[DONE]"
    choices = [event["choices"][0] for event in events if event["choices"]]
    assert choices[-1]["finish_reason"] == "stop"
    (heartline,) = (event["heartline"] for event in events if event.get("heartline"))
    return "".join(choice["delta"].get("content") or "" for choice in choices), heartline


@pytest.mark.skipif(shutil.which("curl") is None, reason="no `curl` on this machine")
def test_that_curl_holds_a_streamed_conversation(server: Serving):
    def said(text: str) -> tuple[str, dict[str, Any]]:
        body = {"model": "heartline", "stream": True, "messages": [{"role": "user", "content": text}]}
        command = [
            "curl",
            "--no-buffer",
            "--fail",
            "--silent",
            "--noproxy",
            "*",
            f"{server.url}/v1/chat/completions",
        ]
        headers = ["-H", "Content-Type: application/json", "-H", "X-Heartline-Conversation: from-a-shell"]
        command += [*headers, "-d", json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return told_in(done.stdout)

    words, first = said("My suitcase went to another city than I did.")
    assert words
    assert (first["index"], first["stored"]) == (0, True)
    words, second = said("It came back after three days, wet.")
    assert words
    assert second["index"] == 1
    messages = server.service.store.recall("from-a-shell", turns=10).messages
    assert [message.text for message in messages if message.role == "seeker"] == [
        "My suitcase went to another city than I did.",
        "It came back after three days, wet.",
    ]


def test_that_a_front_end_like_open_webui_holds_a_streamed_conversation_and_its_own_calls_are_no_turns(
    server: Serving,
):
    """It lists the models, sends all that was said with each message, and asks for titles in between."""
    (model,) = (card["id"] for card in server.http.get("/v1/models").json()["data"])
    history: list[dict[str, str]] = []

    def sent(messages: list[dict[str, str]]) -> str:
        # With fields of its own, which a server of OpenAI's does not know.
        own = {"chat_id": "7f", "session_id": "s", "background_tasks": {"title_generation": True}, "features": {}}
        body = {"model": model, "stream": True, "stream_options": {"include_usage": True}, "messages": messages}
        answer = server.post("/v1/chat/completions", {**own, **body})
        assert answer.headers["content-type"].startswith("text/event-stream")
        return answer.text

    for place, text in enumerate(("My suitcase got lost.", "It came back wet.", "At least my book is dry.")):
        history.append({"role": "user", "content": text})
        stream = sent(history)
        assert any(event != "[DONE]" and event.get("usage") for _, event in events_in(stream))
        words, heartline = told_in(stream)
        assert words
        assert (heartline["index"], heartline["stored"]) == (place, False)
        history.append({"role": "assistant", "content": words})
        for task in (TITLE, FOLLOW_UPS):
            asked = server.post(
                "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": task}]}
            )
            assert asked.status_code == 200
            assert asked.json()["heartline"] is None
    assert server.service.store.conversations() == ()
