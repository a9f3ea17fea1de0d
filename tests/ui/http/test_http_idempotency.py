"""`Idempotency-Key`: what is sent twice is answered once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_serving import Serving, events_in, serving, wait_until
from loop_parts import an_agent, offline

from agent.decisions import Reply
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.redacting_store import RedactingStore
from agent.turn import Turn

COMPLETIONS = "/v1/chat/completions"
WORDS = "I lost my job today."


class Gated:
    """Speaks half, and the rest once it may."""

    name = "gated"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.begun = self.may = 0

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        self.begun += 1
        yield "I hear you. "
        while self.may < self.begun:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.002)
        yield "Go on."
        yield Reply("I hear you. Go on.", self.name)


@pytest.fixture(params=["sqlite", "memory", "redacting"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    kinds = {
        "sqlite": lambda: SQLiteStore(tmp_path / "talks.db"),
        "memory": InMemoryStore,
        "redacting": lambda: RedactingStore(SQLiteStore(tmp_path / "talks.db")),
    }
    with closing(kinds[request.param]()) as opened:
        yield opened


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    with serving(an_agent(offline(*(f"Reply {n}." for n in range(9))), store=store)) as running:
        yield running


def send(server: Serving, text: str = WORDS, key: str = "k-1", conversation: str = "c", **fields: Any) -> Any:
    body = {"messages": [{"role": "user", "content": text}], **fields}
    return server.post(COMPLETIONS, body, idempotency_key=key, x_heartline_conversation=conversation)


def content(answer: httpx2.Response) -> str:
    return answer.json()["choices"][0]["message"]["content"]


def test_that_a_repeat_gets_the_same_reply_and_makes_no_turn(store: Any, server: Serving):
    first = send(server)
    again = [send(server), send(server, key='"k-1"')]
    assert "idempotency-replayed" not in first.headers
    for each in again:
        assert each.status_code == 200
        assert each.headers["idempotency-replayed"] == "true"
        assert each.headers["x-heartline-conversation"] == "c"
        assert content(each) == content(first) == "Reply 0."
        told, before = each.json()["heartline"], first.json()["heartline"]
        assert {name: told[name] for name in ("turn_id", "index", "readings", "safety", "stored")} == {
            name: before[name] for name in ("turn_id", "index", "readings", "safety", "stored")
        }
    assert len(store.turns("c")) == 1
    assert content(send(server, key="k-2")) == "Reply 1."
    assert len(store.turns("c")) == 2


def test_that_a_repeat_may_be_streamed_though_the_first_was_not(store: Any, server: Serving):
    send(server)
    streamed = send(server, stream=True, stream_options={"include_usage": True})
    assert streamed.headers["idempotency-replayed"] == "true"
    chunks = [data for _, data in events_in(streamed.text)]
    assert chunks.pop() == "[DONE]"
    pieces = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(pieces) == "Reply 0."
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 0
    assert chunks[-2]["heartline"]["index"] == 0
    assert len(store.turns("c")) == 1


@pytest.mark.parametrize(
    "other",
    [{"text": "Something else."}, {"temperature": 0.1}, {"heartline": {"minor": True}}],
    ids=["text", "temperature", "ours"],
)
def test_that_a_key_that_comes_with_something_else_is_refused(store: Any, server: Serving, other: dict[str, Any]):
    send(server)
    refused = send(server, **other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert WORDS not in refused.text
    assert len(store.turns("c")) == 1


def test_that_a_key_belongs_to_its_conversation(store: Any, server: Serving):
    assert content(send(server)) == "Reply 0."
    assert content(send(server, "Something else.", conversation="d")) == "Reply 1."


def test_that_who_begins_a_conversation_twice_begins_one(store: Any, server: Serving):
    first, again = send(server, conversation="new"), send(server, conversation="new")
    named = {each.headers["x-heartline-conversation"] for each in (first, again)}
    assert store.conversations() == tuple(named)
    assert content(again) == content(first)
    assert again.headers["idempotency-replayed"] == "true"
    assert send(server, "Something else.", conversation="new").status_code == 422


def test_that_a_key_without_a_conversation_has_no_effect_and_that_is_told(server: Serving):
    body = {"messages": [{"role": "user", "content": WORDS}]}
    answer = server.post(COMPLETIONS, body, idempotency_key="k-1")
    assert answer.json()["heartline"]["not_honoured"] == ["Idempotency-Key"]
    assert content(answer) != content(server.post(COMPLETIONS, body, idempotency_key="k-1"))


@pytest.mark.parametrize("key", ["x" * 256, "a b", ""])
def test_that_what_is_no_key_is_refused(server: Serving, key: str):
    assert send(server, key=key).status_code == 400


def test_that_an_erased_conversation_knows_no_key(store: Any, server: Serving):
    send(server)
    server.http.delete("/v1/heartline/conversations/c")
    again = send(server)
    assert "idempotency-replayed" not in again.headers
    assert content(again) == "Reply 1."


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_repeat_while_the_first_runs_is_told_to_wait_and_a_client_that_left_finds_its_reply(
    store: Any, *, stream: bool
):
    gated = Gated()
    with serving(an_agent(gated, store=store)) as server:
        body = {"messages": [{"role": "user", "content": WORDS}], "stream": stream}
        headers = {"idempotency-key": "k-1", "x-heartline-conversation": "c"}
        server.leaving(COMPLETIONS, body, lambda: gated.begun == 1, **headers)
        running = send(server, stream=stream)
        assert (running.status_code, running.json()["error"]["code"]) == (409, "request_in_progress")
        assert running.headers["retry-after"] == "1"
        gated.may = 1
        wait_until(lambda: store.conversations() == ("c",))
        wait_until(lambda: send(server).status_code == 200)
        assert content(send(server)) == "I hear you. Go on."
        assert gated.begun == 1
        assert [turn.reply.finish_reason for turn in store.turns("c")] == ["stop"]


def test_that_without_a_key_a_client_that_leaves_ends_its_turn(store: Any):
    gated = Gated()
    with serving(an_agent(gated, store=store)) as server:
        body = {"messages": [{"role": "user", "content": WORDS}]}
        server.leaving(COMPLETIONS, body, lambda: gated.begun == 1, x_heartline_conversation="c")
        wait_until(lambda: store.conversations() == ("c",))
        assert [turn.reply.finish_reason for turn in store.turns("c")] == ["interrupted"]


def test_that_what_was_broken_off_is_answered_when_it_comes_again(store: Any):
    """A server that stops cuts off what still runs."""
    gated = Gated()
    with serving(an_agent(gated, store=store)) as server:
        body = {"messages": [{"role": "user", "content": WORDS}]}
        headers = {"idempotency-key": "k-1", "x-heartline-conversation": "c"}
        server.leaving(COMPLETIONS, body, lambda: gated.begun == 1, **headers)
        wait_until(lambda: len(server.service.drain.running) == 1)
        (task,) = server.service.drain.running
        assert task is not None
        task.get_loop().call_soon_threadsafe(task.cancel)
        wait_until(lambda: store.conversations() == ("c",))
        gated.may = 2
        wait_until(lambda: (answer := send(server)).status_code == 200 and content(answer) == "I hear you. Go on.")
        assert send(server).headers["idempotency-replayed"] == "true"
        assert [turn.reply.finish_reason for turn in store.turns("c")] == ["interrupted", "stop"]
