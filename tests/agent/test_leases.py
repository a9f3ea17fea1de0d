"""Leases: one holder at a time, whoever asks, and an end for those of the dead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.errors import StoreError
from agent.leases import SECONDS, Leases, Taken
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.testing import a_turn


class Clock:
    """Stands still unless it is moved."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLStore]:
    if request.param == "sqlite":
        opened: SQLStore = SQLiteStore(tmp_path / "talks.db", lock_seconds=0.2)
    else:
        opened = PostgresStore(request.getfixturevalue("postgres_url"))
    with closing(opened):
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(store: SQLStore, clock: Clock) -> Leases:
    return Leases(store._database, clock=clock)


def rows(store: SQLStore) -> int:
    count = sa.text("SELECT count(*) FROM leases")
    return store._read(lambda connection: connection.execute(count).scalar_one())


def test_that_one_has_it_until_it_is_given_back(store: SQLStore, leases: Leases):
    assert leases.take("c", "one", request="r") == Taken(got=True)
    assert leases.take("c", "two", in_line=False) == Taken(got=False, request="r")
    assert leases.take("d", "two").got
    leases.give_back("c", "two")  # not theirs
    assert not leases.take("c", "two", in_line=False).got
    leases.give_back("c", "one")
    assert leases.take("c", "two") == Taken(got=True)
    leases.give_back("c", "two"), leases.give_back("d", "two")
    assert rows(store) == 0


def test_that_the_lease_of_one_who_died_ends(leases: Leases, clock: Clock):
    leases.take("c", "dead")
    clock.now += SECONDS - 0.01
    assert not leases.take("c", "two").got
    clock.now += 0.02
    assert leases.take("c", "two").got
    leases.renew(["c"], "dead")
    leases.give_back("c", "dead")
    assert not leases.take("c", "three").got


def test_that_who_renews_keeps_it(leases: Leases, clock: Clock):
    names = [f"c{number}" for number in range(1_100)]
    for name in ("c0", "c1099"):
        leases.take(name, "one")
    for _ in range(5):
        clock.now += SECONDS * 0.75
        leases.renew(names, "one")
    assert [leases.take(name, "two").got for name in ("c0", "c1099", "c7")] == [False, False, True]


def test_that_who_waits_comes_before_who_had_it(leases: Leases, clock: Clock):
    leases.take("c", "busy")
    assert not leases.take("c", "waits").got
    leases.give_back("c", "busy")
    assert not leases.take("c", "busy").got
    assert not leases.take("c", "third").got
    assert leases.take("c", "waits").got
    leases.give_back("c", "waits")
    assert leases.take("c", "busy").got


def test_that_who_gave_up_waiting_keeps_nobody_away(store: SQLStore, leases: Leases, clock: Clock):
    leases.take("c", "busy")
    leases.take("c", "gave up")
    leases.give_back("c", "busy")
    clock.now += 2.1
    assert leases.take("c", "busy").got
    leases.give_back("c", "busy")
    assert rows(store) == 0


def test_that_a_clock_that_was_set_back_locks_nobody_out(leases: Leases, clock: Clock):
    clock.now += 86_400
    leases.take("c", "dead"), leases.take("c", "waits")
    clock.now -= 86_400
    assert leases.take("c", "two").got


def test_that_old_ones_are_swept_and_others_stay(store: SQLStore, leases: Leases, clock: Clock):
    leases.take("old", "dead"), leases.take("old", "gave up")
    clock.now += 3_700
    leases.take("new", "one")
    leases.sweep()
    assert rows(store) == 1
    assert not leases.take("new", "two").got


def test_that_of_many_at_once_one_gets_it(store: SQLStore):
    for name in map(str, range(10)):
        with ThreadPoolExecutor(6) as pool:
            got = list(pool.map(lambda holder: store.leases.take(name, str(holder), in_line=False).got, range(6)))  # noqa: B023
        assert sorted(got) == [False] * 5 + [True]


def test_that_a_lease_is_not_flushed_to_the_disk_and_a_turn_is(tmp_path: Path):
    asked: list[str] = []

    def look(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        asked.append(sql.split("\n", maxsplit=1)[0])

    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        sa.event.listen(store._database.engine, "before_cursor_execute", look)
        store.leases.take("c", "one")
        store.append(a_turn())
        found = [sql for sql in asked if sql.startswith(("PRAGMA", "INSERT INTO leases", "INSERT INTO turns"))]
    assert [sql.partition("(")[0] for sql in found] == [
        "PRAGMA synchronous=NORMAL",
        "INSERT INTO leases ",
        "PRAGMA synchronous=FULL",
        "INSERT INTO turns ",
    ]


def test_that_a_store_that_cannot_be_written_is_told_of(tmp_path: Path):
    import sqlite3

    path: Any = tmp_path / "talks.db"
    with closing(SQLiteStore(path, lock_seconds=0.05)) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            store.leases.take("c", "one")
