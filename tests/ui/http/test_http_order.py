"""The order of turns in one conversation: one process, several on one store, and one that died."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.errors import StoreError
from agent.leases import Leases, Taken
from agent.memory_sqlite import SQLiteStore
from ui.http.errors import ApiError
from ui.http.order import InOrder

PATIENCE = 60.0
"""Seconds before a test gives up that would otherwise hang."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(tmp_path / "talks.db", lock_seconds=5)) as store:
        yield store


def rows(store: SQLiteStore) -> int:
    count = sa.text("SELECT count(*) FROM leases")
    return store._read(lambda connection: connection.execute(count).scalar_one())


class Clock:
    """Of the database. Stands still unless it is moved, so that no lease ends while a busy machine is slow."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def still(store: SQLiteStore) -> tuple[Leases, Clock]:
    clock = Clock()
    return Leases(store._database, clock=clock), clock


def row(store: SQLiteStore) -> sa.Row[tuple[float, str | None]]:
    found = sa.text("SELECT until, next_holder FROM leases")
    return store._read(lambda connection: connection.execute(found).one())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - what is waited for is written by another connection
            await asyncio.sleep(0.002)


async def test_that_two_processes_are_never_in_one_conversation_at_once_and_take_turns(store: SQLiteStore):
    leases, _ = still(store)
    processes, left = [InOrder(leases), InOrder(leases)], [12, 12]
    inside: list[int] = []
    order: list[int] = []

    async def turns(number: int) -> None:
        for _ in range(6):
            async with processes[number].turn_of("c"):
                inside.append(number)
                left[number] -= 1
                if left[1 - number]:  # then the other one stands in line before this turn ends
                    await until(lambda: row(store).next_holder is not None)
                assert inside == [number]
                inside.clear()
                order.append(number)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(turns(0), turns(1), turns(0), turns(1))
    assert order == [order[0], 1 - order[0]] * 12
    assert rows(store) == 0


async def test_that_other_conversations_do_not_wait(store: SQLiteStore):
    one, two = InOrder(store.leases), InOrder(store.leases)
    async with one.turn_of("c"), asyncio.timeout(PATIENCE), two.turn_of("d"):
        assert rows(store) == 2


async def test_that_a_turn_that_outlasts_its_lease_keeps_it(store: SQLiteStore):
    leases, clock = still(store)
    one, two = InOrder(leases, seconds=0.2), InOrder(leases, seconds=0.2, wait=0.1)
    async with one.turn_of("c"):
        for _ in range(4):
            clock.now += 0.15
            await until(lambda: row(store).until >= clock.now + 0.19)  # renewed since
        with pytest.raises(ApiError) as busy:
            async with two.turn_of("c"):
                pass
    assert (busy.value.status, busy.value.code) == (409, "conversation_busy")
    assert busy.value.headers["Retry-After"] == "5"
    clock.now += 10  # whoever stood in line has gone
    async with two.turn_of("c"):
        pass
    await one.aclose()


async def test_that_the_turn_of_a_process_that_died_is_over_in_seconds(store: SQLiteStore):
    dead = InOrder(store.leases, seconds=0.3)
    died = dead.turn_of("c")
    await died.__aenter__()
    await dead.aclose()  # it renews nothing any more
    async with asyncio.timeout(PATIENCE), InOrder(store.leases).turn_of("c"):
        pass
    await died.__aexit__(None, None, None)


async def test_that_waiting_within_a_process_has_an_end_too():
    order = InOrder(wait=0.05)
    async with order.turn_of("c"):
        with pytest.raises(ApiError, match="Earlier messages"):
            async with order.turn_of("c"):
                pass
    async with order.turn_of("c"):
        pass
    assert order._locks == {}


async def test_that_a_request_has_one_turn_at_a_time_in_all_processes(store: SQLiteStore):
    one, two = InOrder(store.leases), InOrder(store.leases)
    async with one.turn_of("c", request="k"):
        for other in (one, two):
            with pytest.raises(ApiError) as running:
                async with other.turn_of("c", request="k"):
                    pass
            assert (running.value.status, running.value.code) == (409, "request_in_progress")
            assert running.value.headers["Retry-After"] == "1"
    async with one.turn_of("c", request="k"):
        pass
    assert (one._requests, two._requests, two._locks) == (set(), set(), {})


async def test_that_waiting_asks_at_most_a_few_times_a_second(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch):
    asked, now = 0, 0.0
    leases, _ = still(store)
    take = leases.take

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def counted(*given: Any, **named: Any) -> Taken:
        nonlocal asked
        asked += 1
        return take(*given, **named)

    async with InOrder(leases).turn_of("c"):
        monkeypatch.setattr(leases, "take", counted)
        # The shortest waits that chance may give.
        monkeypatch.setattr("ui.http.order._CHANCE.uniform", lambda least, _: least)
        order = InOrder(leases, wait=2.0, clock=lambda: now, sleep=sleep)
        await asyncio.gather(*(entered(order) for _ in range(5)))
    assert 0 < asked <= 26  # of five that wait two seconds; one of them asks at a time
    assert 1.5 < now <= 2.0


async def entered(order: InOrder) -> None:
    with suppress(ApiError):
        async with order.turn_of("c"):
            pass


async def test_that_a_store_that_cannot_be_written_is_told_of_and_locks_nobody_out(
    store: SQLiteStore, tmp_path: Path
):
    store._database.engine.dispose()
    with closing(SQLiteStore(tmp_path / "talks.db", lock_seconds=0.05)) as impatient:
        order = InOrder(impatient.leases)
        await refused_while_held(order, tmp_path / "talks.db")


async def refused_while_held(order: InOrder, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            async with order.turn_of("c", request="k"):
                pass
    async with asyncio.timeout(PATIENCE), order.turn_of("c", request="k"):
        pass
