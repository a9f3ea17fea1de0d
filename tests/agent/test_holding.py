"""One turn at a time in a conversation, also where no server runs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ConversationBusyError, StoreError
from agent.holding import alone_in, lease_name, whose
from agent.leases import Taken
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore

PATIENCE = 20.0


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[SQLiteStore]]:
    """The same file, opened by two processes."""
    with closing(SQLiteStore(tmp_path / "c.db")) as one, closing(SQLiteStore(tmp_path / "c.db")) as two:
        yield [one, two]


async def test_that_nobody_else_answers_in_a_conversation_meanwhile(stores: list[SQLiteStore]):
    one, two = stores
    async with alone_in(one, "c"):
        with pytest.raises(ConversationBusyError, match="was not taken in"):
            async with alone_in(two, "c"):
                pytest.fail("both answered")
        async with alone_in(two, "d"), alone_in(two.for_tenant("acme"), "c"):
            pass
    async with alone_in(two, "c"):
        pass


async def test_that_who_waits_for_a_turn_of_a_server_comes_first(stores: list[SQLiteStore]):
    one, two = stores
    async with alone_in(one, "c"):
        assert not two.leases.take(lease_name(whose(two, "c")), "a server").got
    with pytest.raises(ConversationBusyError):
        async with alone_in(one, "c"):
            pytest.fail("somebody stood in line")


async def test_that_a_turn_that_fails_gives_the_conversation_back(stores: list[SQLiteStore]):
    with pytest.raises(ZeroDivisionError):
        async with alone_in(stores[0], "c"):
            raise ZeroDivisionError
    async with alone_in(stores[1], "c"):
        pass


async def test_that_who_keeps_its_name_is_not_kept_out_by_a_lease_that_could_not_be_given_back(
    stores: list[SQLiteStore], monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(type(stores[0].leases), "give_back", full)
    for _ in range(2):
        async with alone_in(stores[0], "c", holder="us"):
            pass
    with pytest.raises(ConversationBusyError):
        async with alone_in(stores[1], "c", holder="others"):
            pytest.fail("both answered")


class Told(InMemoryStore):
    """A store whose leases tell of every call."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.leases, self.broken = self, broken
        self.calls: list[str] = []
        self.renewed = threading.Event()

    def take(self, name: str, holder: str, **_: Any) -> Taken:
        self.calls.append("take")
        if self.broken:
            raise StoreError("The disk is full.")
        return Taken(got=True)

    def renew(self, names: list[str], holder: str, **_: Any) -> None:
        self.calls.append("renew")
        if self.calls.count("renew") == 1:
            raise StoreError("Locked for a moment.")
        self.renewed.set()

    def give_back(self, name: str, holder: str) -> None:
        self.calls.append("give back")


async def test_that_a_turn_that_outlasts_its_lease_renews_it_also_after_a_failure():
    store = Told()
    async with alone_in(store, "c", seconds=0.04):
        assert await asyncio.to_thread(store.renewed.wait, PATIENCE)
    assert store.calls[0] == "take"
    assert store.calls[-1] == "give back"


async def test_that_a_store_that_cannot_be_written_keeps_nobody_from_being_answered():
    store = Told(broken=True)
    async with alone_in(store, "c"):
        pass
    assert store.calls == ["take"]


async def test_that_a_store_without_leases_is_known_to_this_process_alone():
    store = InMemoryStore()
    async with alone_in(store, "c"), alone_in(store, "c"):
        pass
