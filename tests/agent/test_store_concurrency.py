"""Turns of one conversation from many threads and processes at once, on both engines."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import agent
from agent.decisions import Handoff
from agent.errors import UnknownConversationError
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.store_url import sqlite_path
from tests.contracts.store_contract import recalled_turn, said
from tests.forked import Forked, forked

ROOT = Path(agent.__file__).parents[1]

THREADS, EACH = 8, 12
PROCESSES, EACH_PROCESS = 4, 20


def opened(url: str) -> SQLStore:
    path = sqlite_path(url)
    return SQLiteStore(path, lock_seconds=60) if path else PostgresStore(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/talks.db"
    found: str = request.getfixturevalue("cluster").schema()
    return found


@pytest.fixture
def store(url: str):
    with closing(opened(url)) as store:
        yield store


def test_that_threads_get_places_in_the_order_of_what_is_stored(store: SQLStore):
    def talk(name: int) -> list[tuple[str, int]]:
        places = []
        for number in range(EACH):
            turn = recalled_turn(store, f"{name}-{number}", reply=said(f"re {name}-{number}"))
            places.append((turn.id, store.append(turn).index))
        return places

    with ThreadPoolExecutor(THREADS) as threads:
        acknowledged = [pair for pairs in threads.map(talk, range(THREADS)) for pair in pairs]
    turns = store.turns("c")
    assert {turn.id: turn.index for turn in turns} == dict(acknowledged)
    assert [turn.index for turn in turns] == list(range(THREADS * EACH))
    # Each thread's own turns stand in the order in which it appended them.
    for name in range(THREADS):
        own = [turn.id for turn in turns if turn.id.startswith(f"{name}-")]
        assert own == [f"{name}-{number}" for number in range(EACH)]
    ((_, counted),) = store.counts().items()
    assert counted["turns"] == THREADS * EACH


def test_that_one_turn_from_eight_threads_is_stored_and_counted_once(store: SQLStore):
    turn = recalled_turn(store, "once", handoff=Handoff("plan"))
    with ThreadPoolExecutor(THREADS) as threads:
        stored = set(threads.map(lambda _: store.append(turn).index, range(THREADS)))
    assert stored == {0}
    assert len(store.turns("c")) == len(store.handoffs()) == 1
    ((_, counted),) = store.counts().items()
    assert counted == {"turns": 1, "conversations": 1, "handoff": 1}


def test_that_one_id_in_two_conversations_at_once_is_stored_in_one(store: SQLStore):
    def race(name: str) -> str:
        turn = recalled_turn(store, name, id="same", conversation_id=name)
        try:
            return store.append(turn).conversation_id
        except Exception as error:  # noqa: BLE001 - compared below
            return str(error)

    with ThreadPoolExecutor(THREADS) as threads:
        ends = Counter(threads.map(race, map(str, range(THREADS))))
    refused = "Another turn is stored under id 'same'. Give every turn its own id."
    assert ends.pop(refused) == THREADS - 1
    assert tuple(ends) == store.conversations()


def test_that_erasing_and_appending_at_once_leave_nothing_half(store: SQLStore):
    def talk(number: int) -> None:
        store.append(recalled_turn(store, f"{number}", index=0, history=(), state_before=None))

    def erase(_number: int) -> int:
        try:
            return store.erase("c")
        except UnknownConversationError:
            return 0

    with ThreadPoolExecutor(THREADS) as threads:
        talking = [threads.submit(talk, number) for number in range(40)]
        gone = sum(threads.map(erase, range(10)))
        for each in talking:
            each.result()
    left = store.turns("c") if store.conversations() else ()
    assert gone + len(left) == 40
    assert [turn.index for turn in left] == list(range(len(left)))


SCRIPT = """
import sys
import warnings
warnings.simplefilter("error")
from pathlib import Path
from agent.memory_postgres import PostgresStore
from agent.memory_sqlite import SQLiteStore
from agent.testing import a_turn
url, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
file = url.removeprefix("sqlite:///")
store = PostgresStore(url) if file == url else SQLiteStore(Path(file), lock_seconds=60)
for each in range(number):
    turn = a_turn(f"{name} {each}", id=f"{name}-{each}", conversation_id="shared")
    print(turn.id, store.append(turn).index, flush=True)
store.close()
"""


@pytest.mark.skipif(os.name == "nt", reason="processes of POSIX")
def test_that_processes_that_migrate_and_append_at_once_lose_nothing(url: str):
    """The database is empty: each of them finds that it has to be made."""
    given = {"cwd": ROOT, "env": os.environ, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        children = [
            stack.enter_context(forked(SCRIPT, url, f"p{number}", str(EACH_PROCESS), **given))
            for number in range(PROCESSES)
        ]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        lines = [line for child in _started(children) for line in child.communicate(timeout=120)[0].splitlines()]
    acknowledged = {name: int(place) for name, place in map(str.split, lines)}
    with closing(opened(url)) as store:
        turns = store.turns("shared")
    assert {turn.id: turn.index for turn in turns} == acknowledged
    assert [turn.index for turn in turns] == list(range(PROCESSES * EACH_PROCESS))


def _started(children: list[Forked]) -> list[Forked]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    return children
