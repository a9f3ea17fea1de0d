from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.errors import StoreError
from agent.memory_sqlite import SQLiteStore
from agent.migrations import MIGRATIONS, migrate, schema_version
from agent.testing import a_turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


@pytest.fixture
def engine(path: Path):
    """SQLAlchemy's recipe for transactions around SQLite's schema changes."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    sa.event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    yield engine
    engine.dispose()


def asked(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def add_mood(connection: sa.Connection) -> None:
    """A migration as the next one might be."""
    connection.exec_driver_sql("ALTER TABLE turns ADD COLUMN mood TEXT")


def break_off(connection: sa.Connection) -> None:
    """A migration that fails halfway."""
    connection.exec_driver_sql("ALTER TABLE turns ADD COLUMN half TEXT")
    connection.exec_driver_sql("ALTER TABLE no_such_table ADD COLUMN other TEXT")


def test_that_an_empty_database_gets_every_migration(engine: sa.Engine, path: Path):
    with engine.begin() as connection:
        assert schema_version(connection) == 0
        migrate(connection)
        assert schema_version(connection) == len(MIGRATIONS)
    ((number, name, applied_at), *later) = asked(path, "SELECT * FROM heartline_migrations ORDER BY number")
    assert (number, name) == (1, "conversations_and_turns")
    assert [row[:2] for row in later] == [
        (2, "course_of_risk"),
        (3, "counts"),
        (4, "holds_and_handoffs"),
        (5, "reliance"),
        (6, "sitting"),
        (7, "tenants"),
        (8, "feedback"),
        (9, "api_keys"),
        (10, "order_and_requests"),
        (11, "key_terms"),
        (12, "human_acts"),
        (13, "handoffs_by_age"),
    ]
    applied = datetime.fromisoformat(applied_at)
    assert applied.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - applied) < timedelta(minutes=1)


def test_that_schema_1_stays_as_it_was_released(engine: sa.Engine, path: Path):
    with engine.begin() as connection:
        migrate(connection, migrations=MIGRATIONS[:1])
    columns = asked(
        path,
        'SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master t JOIN pragma_table_info(t.name) c '
        "WHERE t.type = 'table' AND t.name <> 'heartline_migrations' ORDER BY t.name, c.cid",
    )
    assert columns == [
        ("conversations", "id", "TEXT", 1, 1),
        ("conversations", "created_at", "TEXT", 1, 0),
        ("conversations", "updated_at", "TEXT", 1, 0),
        ("conversations", "last_used", "INTEGER", 1, 0),
        ("turns", "conversation_id", "TEXT", 1, 1),
        ("turns", "position", "INTEGER", 1, 2),
        ("turns", "turn_id", "TEXT", 1, 0),
        ("turns", "created_at", "TEXT", 1, 0),
        ("turns", "seeker_text", "TEXT", 1, 0),
        ("turns", "supporter_text", "TEXT", 0, 0),
        ("turns", "strategy", "TEXT", 0, 0),
        ("turns", "state", "TEXT", 0, 0),
        ("turns", "history_length", "INTEGER", 0, 0),
        ("turns", "record", "TEXT", 1, 0),
    ]


def test_that_a_migration_is_applied_once(engine: sa.Engine, path: Path):
    for _ in range(2):
        with engine.begin() as connection:
            migrate(connection)
    every = [(number,) for number in range(1, len(MIGRATIONS) + 1)]
    assert asked(path, "SELECT number FROM heartline_migrations") == every


def test_that_an_older_database_is_brought_up_with_what_it_holds(engine: sa.Engine, path: Path):
    with closing(SQLiteStore(path)) as store:
        store.append(a_turn("Still here?"))
    with engine.begin() as connection:
        migrate(connection, migrations=[*MIGRATIONS, add_mood])
        assert schema_version(connection, newest=len(MIGRATIONS) + 1) == len(MIGRATIONS) + 1
    assert asked(path, "SELECT seeker_text, mood FROM turns") == [("Still here?", None)]
    assert asked(path, "SELECT name FROM heartline_migrations ORDER BY number DESC LIMIT 1") == [("add_mood",)]


def test_that_a_migration_that_fails_leaves_everything_as_it_was(engine: sa.Engine, path: Path):
    with closing(SQLiteStore(path)) as store:
        store.append(a_turn("Still here?"))
    before = asked(path, "SELECT sql FROM sqlite_master")
    with pytest.raises(sa.exc.OperationalError), engine.begin() as connection:
        migrate(connection, migrations=[*MIGRATIONS, add_mood, break_off])
    assert asked(path, "SELECT sql FROM sqlite_master") == before
    with closing(SQLiteStore(path)) as store:
        assert store.turns("conversation-1") == (a_turn("Still here?"),)


def test_that_a_newer_database_is_refused_and_left_alone(engine: sa.Engine, path: Path):
    with engine.begin() as connection:
        migrate(connection, migrations=[*MIGRATIONS, add_mood])
    before = path.read_bytes()
    known, newer = len(MIGRATIONS), len(MIGRATIONS) + 1
    refused = rf"conversations\.db' has schema {newer}; this version knows up to {known}\. Upgrade"
    with pytest.raises(StoreError, match=refused):
        SQLiteStore(path)
    with pytest.raises(StoreError, match=f"has schema {newer}"), engine.begin() as connection:
        migrate(connection)
    assert asked(path, "SELECT max(number) FROM heartline_migrations") == [(newer,)]
    assert len(path.read_bytes()) == len(before)


def test_that_another_programs_database_is_refused_and_left_alone(path: Path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE turns (way TEXT)")
    with pytest.raises(StoreError, match=r"conversations\.db' is the database of another program"):
        SQLiteStore(path)
    assert asked(path, "SELECT sql FROM sqlite_master") == [("CREATE TABLE turns (way TEXT)",)]
