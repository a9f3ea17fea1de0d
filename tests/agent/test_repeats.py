"""What a request that may come twice led to: kept with its turn or not at all, and erased with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import agent.memory
import agent.request_rows
from agent.errors import StoreError
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sqlite import SQLiteStore
from agent.repeats import Request
from agent.safety.redacting_store import RedactingStore
from tests.contracts.store_contract import a_full_turn, recalled_turn, said

ASKED = Request.named("key-1", b'{"text": "Quillonby hurt me."}')


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redacting"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    kinds: dict[str, Callable[[], Any]] = {
        "memory": InMemoryStore,
        "sqlite": lambda: SQLiteStore(tmp_path / "talks.db"),
        "postgresql": lambda: PostgresStore(request.getfixturevalue("postgres_url")),
        "redacting": lambda: RedactingStore(SQLiteStore(tmp_path / "talks.db")),
    }
    with closing(kinds[request.param]()) as opened:
        yield opened


def test_that_a_key_leads_to_its_turn_at_the_place_that_it_got(store: Any):
    late = recalled_turn(store, "one", reply=said("yes"))
    store.append(recalled_turn(store, "quick"))
    store.append(late, request=ASKED)
    found = store.answered("c", ASKED.key)
    assert (found.request, found.turn.id, found.turn.index) == (ASKED, "one", 1)
    assert found.turn.reply == said("yes")


def test_that_all_that_was_understood_comes_back(store: Any):
    turn = a_full_turn(conversation_id="c")
    store.append(turn, request=ASKED)
    found = store.answered("c", ASKED.key).turn
    for name in ("emotion", "course", "care", "state", "plan", "reply", "verdicts", "notices", "handoff"):
        assert getattr(found, name) == getattr(turn, name)


def test_that_another_key_conversation_or_tenant_leads_nowhere(store: Any):
    store.append(recalled_turn(store, "one"), request=ASKED)
    assert store.answered("c", "another") is None
    assert store.answered("d", ASKED.key) is None
    assert store.for_tenant("acme").answered("c", ASKED.key) is None


def test_that_a_turn_that_is_stored_again_keeps_its_key(store: Any):
    turn = recalled_turn(store, "one", reply=said("yes"))
    assert store.append(turn, request=ASKED) == store.append(turn, request=ASKED)
    assert store.answered("c", ASKED.key).turn.id == "one"


def test_that_it_is_erased_with_its_conversation(store: Any):
    store.append(recalled_turn(store, "one"), request=ASKED)
    store.erase("c")
    assert store.answered("c", ASKED.key) is None
    store.append(recalled_turn(store, "two"), request=ASKED)
    assert store.answered("c", ASKED.key).turn.id == "two"


def test_that_after_a_day_it_is_forgotten_and_the_turn_stays(store: Any, monkeypatch: pytest.MonkeyPatch):
    store.append(recalled_turn(store, "one"), request=ASKED)
    for module in (agent.memory, agent.request_rows):
        monkeypatch.setattr(module, "KEPT", timedelta(0))
    assert store.answered("c", ASKED.key) is None
    store.append(recalled_turn(store, "two"), request=ASKED)
    monkeypatch.undo()
    assert store.answered("c", ASKED.key).turn.id == "two"
    assert len(store.turns("c")) == 2


def test_that_old_keys_of_conversations_that_stay_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store, closing(sqlite3.connect(path)) as database:
        store.append(recalled_turn(store, "one"), request=ASKED)
        monkeypatch.setattr(agent.request_rows, "KEPT", timedelta(0))
        store.leases.sweep()
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (0,)
        assert len(store.turns("c")) == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_that_where_the_key_cannot_be_kept_the_turn_is_not_either(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
):
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""

    def refuse(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("INSERT INTO requests"):
            raise sa.exc.OperationalError(sql, {}, Exception("no room"))

    with closing(PostgresStore(url) if url else SQLiteStore(tmp_path / "talks.db")) as store:
        sa.event.listen(sa.Engine, "before_cursor_execute", refuse)
        try:
            with pytest.raises(StoreError):
                store.append(recalled_turn(store, "one"), request=ASKED)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", refuse)
        assert store.conversations() == ()
        assert store.counts() == {}


def test_that_neither_key_nor_message_can_be_read_out_of_what_is_kept(tmp_path: Path):
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store, closing(sqlite3.connect(path)) as database:
        store.append(recalled_turn(store, "one"), request=ASKED)
        rows = str(database.execute("SELECT key, body FROM requests").fetchall())
    assert "key-1" not in rows
    assert "Quillonby" not in rows
    # Who guesses the message does not find it either without the key.
    assert Request.named("key-2", b'{"text": "Quillonby hurt me."}').body != ASKED.body
