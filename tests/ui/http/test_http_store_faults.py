"""A file that is full or held by another process: defined errors, and nothing lost."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from http_serving import Serving, serving
from loop_parts import an_agent, offline

import agent.remembering
from agent.decisions import Reply
from agent.memory_sqlite import SQLiteStore
from agent.turn import Turn

LONG = "I lost my job today. " * 200


class Meanwhile:
    """Speaks, and has something happen before it ends."""

    name = "meanwhile"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.happens: Callable[[], object] = lambda: None

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        yield "I hear you."
        self.happens()
        yield Reply("I hear you.", self.name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talks.db"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SQLiteStore]:
    monkeypatch.setattr(agent.remembering, "_AGAIN_AFTER", (0.01, 0.02))
    with closing(SQLiteStore(path, lock_seconds=0.05)) as store:
        yield store


@pytest.fixture
def speaks() -> Meanwhile:
    return Meanwhile()


@pytest.fixture
def server(store: SQLiteStore, speaks: Meanwhile) -> Iterator[Serving]:
    with serving(an_agent(speaks, fallback=offline(), store=store)) as running:
        yield running


def send(server: Serving, text: str, **fields: Any) -> httpx2.Response:
    key = text[:40].replace(" ", "-")
    body = {"messages": [{"role": "user", "content": text}], **fields}
    return server.post("/v1/chat/completions", body, x_heartline_conversation="c", idempotency_key=key)


def told_unavailable(answer: httpx2.Response, path: Path) -> bool:
    assert str(path) not in answer.text
    return (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) == (
        503,
        "store_unavailable",
        "2",
    )


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_file_that_another_process_holds_is_told_of_until_it_is_free(
    store: SQLiteStore, server: Serving, path: Path, *, stream: bool
):
    assert send(server, "one").status_code == 200
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert told_unavailable(send(server, "two", stream=stream), path)
        assert server.http.get("/v1/heartline/conversations/c").status_code == 200  # who reads does not wait
        assert server.http.get("/readyz").status_code == 200
    assert send(server, "two", stream=stream).status_code == 200
    assert [turn.text for turn in store.turns("c")] == ["one", "two"]


def test_that_a_reply_that_was_given_and_could_not_be_stored_says_so_and_is_answered_when_it_comes_again(
    store: SQLiteStore, server: Serving, speaks: Meanwhile, path: Path
):
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        speaks.happens = lambda: other.execute("BEGIN IMMEDIATE")
        first = send(server, "one")
        told = first.json()
        assert (first.status_code, told["heartline"]["stored"]) == (200, False)
        assert first.headers["x-heartline-stored"] == "false"
        assert told["heartline"]["failures"] == ["remember/sqlite: The turn is not stored."]
        assert told["choices"][0]["message"]["content"] == "I hear you."
        other.rollback()
        speaks.happens = lambda: None
    again = send(server, "one")
    assert again.json()["heartline"]["stored"] is True
    assert "idempotency-replayed" not in again.headers
    assert [turn.text for turn in store.turns("c")] == ["one"]


def test_that_a_store_that_is_away_for_a_moment_is_asked_again(
    store: SQLiteStore, server: Serving, speaks: Meanwhile, path: Path
):
    failed: list[int] = []

    def fail_twice(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("INSERT INTO turns") and len(failed) < 2:
            failed.append(1)
            raise sa.exc.OperationalError(sql, {}, Exception("away"))

    sa.event.listen(store._database.engine, "before_cursor_execute", fail_twice)
    answer = send(server, "one").json()
    assert (len(failed), answer["heartline"]["stored"], answer["heartline"]["failures"]) == (2, True, [])
    assert len(store.turns("c")) == 1


def test_that_a_full_disk_loses_the_new_turns_only(store: SQLiteStore, server: Serving, path: Path):
    assert send(server, "one").status_code == 200
    most = {"pages": 0}

    def limit(driver: sqlite3.Connection, *_: object) -> None:
        driver.execute(f"PRAGMA max_page_count={most['pages']}")

    with closing(sqlite3.connect(path)) as database:
        most["pages"] = database.execute("PRAGMA page_count").fetchone()[0] + 8
    sa.event.listen(store._database.engine, "checkout", limit)
    stored, refused = ["one"], []
    for number in range(20):
        answer = send(server, f"{number} {LONG}")
        if answer.status_code == 200 and answer.json()["heartline"]["stored"]:
            stored.append(f"{number} {LONG}".strip())
        elif answer.status_code == 200:
            refused.append(number)
        else:
            assert told_unavailable(answer, path)
            refused.append(number)
    assert refused != []
    assert [turn.text for turn in store.turns("c")] == stored
    most["pages"] = 1_000_000
    for number in refused:  # room was made
        assert send(server, f"{number} {LONG}").json()["heartline"]["stored"] is True
    assert len(store.turns("c")) == 21
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
