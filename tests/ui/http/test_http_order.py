"""The order of turns in one conversation: one process, several on one store, and one that died."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.errors import StoreError
from agent.memory_sqlite import SQLiteStore
from ui.http.errors import ApiError
from ui.http.order import InOrder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(tmp_path / "talks.db", lock_seconds=5)) as store:
        yield store


def rows(store: SQLiteStore) -> int:
    count = sa.text("SELECT count(*) FROM leases")
    return store._read(lambda connection: connection.execute(count).scalar_one())


async def test_that_two_processes_are_never_in_one_conversation_at_once_and_take_turns(store: SQLiteStore):
    processes = [InOrder(store.leases), InOrder(store.leases)]
    inside: list[int] = []
    order: list[int] = []

    async def turns(number: int) -> None:
        for _ in range(6):
            async with processes[number].turn_of("c"):
                inside.append(number)
                await asyncio.sleep(0.002)
                assert inside == [number]
                inside.clear()
                order.append(number)

    async with asyncio.timeout(20):
        await asyncio.gather(turns(0), turns(1), turns(0), turns(1))
    assert sorted(order) == [0] * 12 + [1] * 12
    assert sum(a != b for a, b in itertools.pairwise(order)) >= 4  # nobody had all of its turns first
    assert rows(store) == 0


async def test_that_other_conversations_do_not_wait(store: SQLiteStore):
    one, two = InOrder(store.leases), InOrder(store.leases)
    async with one.turn_of("c"), asyncio.timeout(5), two.turn_of("d"):
        assert rows(store) == 2


async def test_that_a_turn_that_outlasts_its_lease_keeps_it(store: SQLiteStore):
    one, two = InOrder(store.leases, seconds=0.2), InOrder(store.leases, seconds=0.2, wait=0.8)
    async with one.turn_of("c"):
        with pytest.raises(ApiError) as busy:
            async with two.turn_of("c"):
                pass
    assert (busy.value.status, busy.value.code) == (409, "conversation_busy")
    assert busy.value.headers["Retry-After"] == "5"
    async with asyncio.timeout(5), two.turn_of("c"):
        pass
    await one.aclose()


async def test_that_the_turn_of_a_process_that_died_is_over_in_seconds(store: SQLiteStore):
    dead = InOrder(store.leases, seconds=0.3)
    died = dead.turn_of("c")
    await died.__aenter__()
    await dead.aclose()  # it renews nothing any more
    async with asyncio.timeout(5), InOrder(store.leases).turn_of("c"):
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
    asked = 0
    order = InOrder(store.leases, wait=2.0)
    ask = order._asked

    async def counted(*given: object) -> object:
        nonlocal asked
        asked += 1
        return await ask(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(order, "_asked", counted)
    async with InOrder(store.leases).turn_of("c"):
        await asyncio.gather(*(entered(order) for _ in range(5)))
    assert 0 < asked <= 25


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
    async with asyncio.timeout(5), order.turn_of("c", request="k"):
        pass
