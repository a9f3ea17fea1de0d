"""Every schema that was released is brought forward with all that it holds, on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.api_keys import digest_of
from agent.decisions import Contact
from agent.errors import StoreError
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.migrations import MIGRATIONS, migrate
from agent.record import pack, to_record
from agent.turn import Turn
from tests.contracts.store_contract import a_full_turn, a_state, recalled_turn

WHEN = "2026-01-02T03:04:05.000006+00:00"

Opened = Callable[[], SQLStore]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[sa.Engine, Opened]:
    """An engine on an empty database, and what opens a store there."""
    if request.param == "sqlite":
        path = tmp_path / "talks.db"
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), poolclass=sa.NullPool)
        sa.event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine, lambda: SQLiteStore(path)
    url = request.getfixturevalue("cluster").schema()
    return sa.create_engine(url, poolclass=sa.NullPool), lambda: PostgresStore(url)


def filled(engine: sa.Engine, schema: int) -> tuple[Turn, ...]:
    """Make a database of a schema, with two turns of one conversation as that version stored them."""
    turns = (
        a_full_turn(id="one", conversation_id="old", contact=None),
        a_full_turn(id="two", conversation_id="old", contact=None, index=1, state=a_state(0.25)),
    )

    def added(connection: sa.Connection, table: str, **values: Any) -> None:
        values |= {"tenant": ""} if schema >= 7 else {}
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608

    with engine.begin() as connection:
        migrate(connection, migrations=MIGRATIONS[:schema])
        added(connection, "conversations", id="older", created_at=WHEN, updated_at=WHEN, last_used=1)
        added(connection, "conversations", id="old", created_at=WHEN, updated_at=WHEN, last_used=2)
        for turn in turns:
            later: dict[str, tuple[int, object]] = {"course": (2, turn.course), "reliance": (5, turn.reliance)}
            later["sitting"] = (6, turn.sitting)
            assert turn.reply is not None
            added(
                connection,
                "turns",
                conversation_id="old",
                position=turn.index,
                turn_id=turn.id,
                created_at=WHEN,
                seeker_text=turn.text,
                supporter_text=turn.reply.text,
                strategy="reflection",
                state=json.dumps(pack(turn.state)),
                record=json.dumps(to_record(turn)),
                **{name: json.dumps(pack(value)) for name, (since, value) in later.items() if since <= schema},
            )
        if schema >= 3:
            added(connection, "counts", month="2026-01", kind="turns", n=7)
        if schema >= 4:
            added(connection, "holds", conversation_id="old", held_by="Amy", untold=1)
            packet = {"reason": "plan", "consent": 1, "state": "queued", "attempts": 2, "next_try": WHEN}
            added(connection, "handoffs", id="two", conversation_id="old", position=1, created=WHEN, **packet)
        if schema >= 8:
            added(connection, "feedback", turn_id="two", conversation_id="old", rating=-1, created_at=WHEN)
        if schema >= 9:
            key = {"id": "k", "name": "shop", "created": WHEN, "last_used": "2026-01-03"}
            added(connection, "api_keys", **key, hash=digest_of("hl_old"))
    return turns


@pytest.mark.parametrize("schema", range(1, len(MIGRATIONS)))
def test_that_a_database_of_any_schema_keeps_what_it_holds(database: tuple[sa.Engine, Opened], schema: int):
    engine, opens = database
    turns = filled(engine, schema)
    with closing(opens()) as store:
        assert store.turns("old") == turns
        assert store.turns("old", limit=1) == turns[1:]
        assert store.conversations() == ("old", "older")
        recalled = store.recall("old", turns=24)
        assert (recalled.turns, recalled.state) == (2, turns[1].state)
        assert recalled.course == (turns[1].course if schema >= 2 else None)
        assert recalled.reliance == (turns[1].reliance if schema >= 5 else None)
        assert recalled.contact == (Contact("Amy", untold=True, handoff="queued") if schema >= 4 else None)
        assert store.counts() == ({"2026-01": {"turns": 7}} if schema >= 3 else {})
        assert [each.attempts for each in store.handoffs()] == ([2] if schema >= 4 else [])
        assert [each.rating for each in store.feedback("old")] == ([-1] if schema >= 8 else [])
        assert store.tenants() == ("",)
        key = store.api_keys.opened_by("hl_old")
        assert (None if key is None else (key.rights, key.expires, key.per_minute)) == (
            (("chat", "erase", "feedback", "handoff", "read", "tasks"), None, None) if schema >= 9 else None
        )
        assert store.for_tenant("acme").conversations() == ()
        assert store.append(recalled_turn(store, "three", conversation_id="old")).index == 2
        assert store.erase("old") == 3
        assert (store.handoffs(), store.held_by("old")) == ((), None)
    with closing(opens()) as store:
        assert store.conversations() == ("older",)


def test_that_a_migration_that_fails_leaves_everything_as_it_was(
    database: tuple[sa.Engine, Opened], monkeypatch: pytest.MonkeyPatch
):
    engine, opens = database
    turns = filled(engine, 6)

    def break_off(connection: sa.Connection) -> None:
        MIGRATIONS[6](connection)
        connection.execute(sa.text("ALTER TABLE no_such_table ADD COLUMN other TEXT"))

    with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
        migrate(connection, migrations=(*MIGRATIONS[:6], break_off))
    with closing(opens()) as store:
        assert store.turns("old") == turns
        assert store.held_by("old") == "Amy"


def test_that_a_newer_database_and_one_of_another_program_are_refused(database: tuple[sa.Engine, Opened]):
    engine, opens = database
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE ways (way TEXT)"))
    with pytest.raises(StoreError, match=r"is the database of another program\. Nothing was changed"):
        opens()
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == ["ways"]
        connection.execute(sa.text("DROP TABLE ways"))
        migrate(connection, migrations=(*MIGRATIONS, lambda _: None))
    with pytest.raises(StoreError, match=f"has schema {len(MIGRATIONS) + 1}; this version knows up to"):
        opens()


def test_that_turns_of_two_schemas_stand_in_one_conversation(database: tuple[sa.Engine, Opened]):
    engine, opens = database
    first, second = filled(engine, 6)
    with closing(opens()) as store:
        third = store.append(recalled_turn(store, "three", conversation_id="old"))
        assert store.turns("old") == (first, second, third)
        assert third.state_before == second.state
        assert replace(third, text="x").history[-1].text == "That is a lot at once."
