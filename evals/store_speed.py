"""How fast conversations are kept: what one turn costs on SQLite and on Postgres, at its beginning and late.

    python -m evals.store_speed [postgresql://user@host/database]

A turn costs one `recall` of 24 turns and one `append`; on a server, a lease of its conversation too. The database
that is named should be an empty one: what is written to it is erased in the end, and its counts stay.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from agent.decisions import Reply
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.turn import Turn, new_turn
from evals.timing import Figure, spread

__all__ = ["leases", "main", "turns_early_and_late"]

_SHORT, _LONG = 20, 2000
_FIVE = 5
_RUNS = 200
_SAID = "My sister called again and I said nothing about the move, since she would only worry. "
_TENANT = "store-speed"


def turns_early_and_late(store: SQLStore, *, runs: int = _RUNS, late: int = _LONG) -> Iterator[Figure]:
    """What a turn costs in conversations of 20 turns, and in one of 2,000.

    Both are measured in turn, so that a machine that is busy for a while is busy for both.

    Args:
        store: Keeps them; they are erased in the end.
        runs: How often each is measured, after a tenth as many to warm up. A conversation of 20 turns is taken
            five times, and then another one.
        late: Turns of the long one.
    """
    warm = runs // 10
    short = [f"short {number}" for number in range(-(-(runs + warm) // _FIVE))]
    for name, length in [*((name, _SHORT) for name in short), ("long", late)]:
        for number in range(length):
            _one(store, name, f"{number}. {_SAID}")
    took: dict[int, list[float]] = {_SHORT: [], late: []}
    for number in range(runs + warm):
        for length, name in ((_SHORT, short[number // _FIVE]), (late, "long")):
            started = time.perf_counter()
            _one(store, name, f"again {number}. {_SAID}")
            took[length].append((time.perf_counter() - started) * 1000)
    for length, milliseconds in took.items():
        yield from spread(f"{store.name}: recall and append, {length:,} turns before", milliseconds[warm:])
    for name in (*short, "long"):
        store.erase(name)


def leases(store: SQLStore, *, runs: int = _RUNS) -> Iterator[Figure]:
    """What it costs to take the lease of a conversation that nobody else has, and to give it back.

    Args:
        store: Keeps them.
        runs: How often it is measured, after a tenth as many to warm up.
    """
    took: list[float] = []
    for number in range(runs + runs // 10):
        started = time.perf_counter()
        store.leases.take(f"{_TENANT} {number}", _TENANT)
        store.leases.give_back(f"{_TENANT} {number}", _TENANT)
        took.append((time.perf_counter() - started) * 1000)
    yield from spread(f"{store.name}: lease taken and given back", took[runs // 10 :])


def _one(store: SQLStore, conversation: str, text: str) -> Turn:
    recalled = store.recall(conversation, turns=24)
    turn = replace(
        new_turn(text, conversation_id=conversation),
        index=recalled.turns,
        history=recalled.messages,
        state_before=recalled.state,
        reply=Reply(_SAID * 3, speaker="store-speed"),
    )
    return store.append(turn)


def main(urls: list[str]) -> None:
    """Print a line for each figure."""
    with tempfile.TemporaryDirectory() as folder:
        stores: list[SQLStore] = [SQLiteStore(Path(folder) / "talks.db")]
        stores += [PostgresStore(url) for url in urls]
        for store in stores:
            with closing(store):
                for figure in (*leases(store), *turns_early_and_late(store.for_tenant(_TENANT))):
                    print(f"{figure.name:<60} {figure.value:8.2f} {figure.unit}")  # noqa: T201
    if not urls:
        print("Postgres: not measured. Name it: python -m evals.store_speed postgresql://user@host/database")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
