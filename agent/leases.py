"""Leases in a database: what one process at a time may do, whichever process and machine it is.

Why a row with an end, and not the lock that each engine has:

- An advisory lock of Postgres lasts as long as its connection. A turn lasts as long as an LLM speaks, so that a
  hundred conversations at once would need a hundred connections beside the pool; a row needs none between two
  statements. A connection that a proxy or a sleeping network takes away would end the lock in silence, too.
- SQLite's own lock is one for the whole file.
- A row is the same on both engines, and costs two short writes a turn that are not flushed to the disk: a lease
  that a loss of power takes away has no holder any more either.

A holder that lives renews all its leases in one statement; one that died is waited for until its lease ends,
`SECONDS` at most. A holder that stood still for longer (a machine that slept) loses its lease: what it stores then
is numbered after what was stored meanwhile, and nothing is lost.

One who waits asks again and again, and leaves its name: who held the lease last does not get it before the one who
waits, so that two busy processes take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from agent.request_rows import forget_requests
from agent.sql_database import Database, transaction

__all__ = ["SECONDS", "Leases", "Taken"]

ResultT = TypeVar("ResultT")

SECONDS = 8.0
"""How long a lease lasts without being renewed. Holders renew it every quarter of that."""

_WAITS = 2.0
"""Seconds for which the name of one who waits keeps others away."""
_SKEW = 5.0
"""Seconds that a lease may have begun in the future; beyond, the clock was set back, and it means nothing."""
_SWEPT = 3_600.0
_MOST = 500
"""Names in one statement: well below what engines take."""

_LEASES = sa.table(
    "leases", *map(sa.column, ("name", "holder", "request", "since", "until", "next_holder", "next_until"))
)


_NEW = """INSERT INTO leases (name, holder, request, since, until, next_holder, next_until)
VALUES (:name, :holder, :request, {now}, {now} + :seconds, NULL, 0) ON CONFLICT (name) DO NOTHING"""
# Written out, since nearly every turn comes by here and the rest of `take` is for the few that wait.
_TAKE, _TAKE_BY_SERVERS_CLOCK = (
    sa.text(_NEW.format(now=f"CAST({now} AS DOUBLE PRECISION)"))
    for now in (":now", "extract(epoch FROM clock_timestamp())")
)
_GIVE_BACK = sa.text("DELETE FROM leases WHERE name = :name AND holder = :holder AND next_holder IS NULL")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for a lease.

    Attributes:
        got: Whether it is ours now.
        request: What whoever has it says it is for; None where it is ours, or nothing was said.
    """

    got: bool
    request: str | None = None


class Leases:
    """The leases in a database, those of all tenants. Safe for threads and processes.

    Names should be hashes: they are kept for as long as the lease.

    Args:
        database: At the newest schema.
        clock: Seconds since 1970; None takes the server's on Postgres, since clocks of machines differ, and this
            machine's on SQLite.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] | None = None) -> None:
        self._database, self._clock = database, clock

    def take(
        self,
        name: str,
        holder: str,
        *,
        seconds: float = SECONDS,
        request: str | None = None,
        in_line: bool = True,
    ) -> Taken:
        """Take a lease that nobody has, or stand in line for it. Who has it already takes it anew.

        Args:
            name: Of the lease.
            holder: Who takes it: one name a process, drawn by lot.
            seconds: How long it lasts unless it is renewed.
            request: What it is for, told to whoever asks meanwhile.
            in_line: Whether we come back for it.

        Raises:
            StoreError: The database cannot be written.
        """

        def work(connection: sa.Connection) -> Taken:
            new = {"name": name, "holder": holder, "request": request, "seconds": seconds}
            if self._by_server(connection):
                done = connection.execute(_TAKE_BY_SERVERS_CLOCK, new)
            else:
                done = connection.execute(_TAKE, new | {"now": (self._clock or time.time)()})
            if done.rowcount == 1:
                return Taken(got=True)
            clock = self._now(connection)
            ours = {"holder": holder, "request": request, "since": clock, "until": clock + seconds}
            this = _LEASES.c.name == name
            asked = sa.select(_LEASES, clock.label("now")).where(this).with_for_update()
            row = connection.execute(asked).one_or_none()
            if row is None:  # given back in between
                return Taken(got=False)
            now = row.now
            had = row.holder not in {None, holder} and row.until > now and row.since <= now + _SKEW
            before_us = row.next_holder not in {None, holder} and now < row.next_until <= now + _WAITS + _SKEW
            if not had and not before_us:
                left = {"next_holder": None, "next_until": 0.0}
                connection.execute(sa.update(_LEASES).where(this).values(**ours, **left))
                return Taken(got=True)
            if in_line and not before_us:
                line = {"next_holder": holder, "next_until": now + _WAITS}
                connection.execute(sa.update(_LEASES).where(this).values(line))
            return Taken(got=False, request=row.request if had else None)

        return self._write(work)

    def renew(self, names: Collection[str], holder: str, *, seconds: float = SECONDS) -> None:
        """Have leases last for so long from now on. Those that somebody else took meanwhile stay theirs.

        Raises:
            StoreError: The database cannot be written.
        """
        every = sorted(names)  # in order, so that of two on Postgres none waits for a row that the other has

        def work(connection: sa.Connection) -> None:
            now = self._now(connection)
            lasts = {"since": now, "until": now + seconds}
            for some in _chunks(every):
                mine = (_LEASES.c.holder == holder, _LEASES.c.name.in_(some))
                connection.execute(sa.update(_LEASES).where(*mine).values(lasts))

        if every:
            self._write(work)

    def give_back(self, name: str, holder: str) -> None:
        """Let others take it. Nothing happens where it is not ours any more.

        Raises:
            StoreError: The database cannot be written. It ends by itself.
        """
        mine = (_LEASES.c.name == name, _LEASES.c.holder == holder)

        def work(connection: sa.Connection) -> None:
            gone = connection.execute(_GIVE_BACK, {"name": name, "holder": holder})
            if gone.rowcount == 0:  # somebody waits: the row keeps their name
                connection.execute(sa.update(_LEASES).where(*mine).values(holder=None, request=None))

        self._write(work)

    def sweep(self) -> None:
        """Erase what nobody asks for any more: leases of processes that died and of those who gave up waiting, and
        what requests led to longer than a day ago (`agent.repeats`).

        Raises:
            StoreError: The database cannot be written.
        """

        def work(connection: sa.Connection) -> None:
            old = self._now(connection) - _SWEPT
            connection.execute(sa.delete(_LEASES).where(_LEASES.c.until < old, _LEASES.c.next_until < old))
            forget_requests(connection)

        self._write(work)

    def _by_server(self, connection: sa.Connection) -> bool:
        return self._clock is None and connection.dialect.name == "postgresql"

    def _now(self, connection: sa.Connection) -> sa.ColumnElement[float]:
        if self._by_server(connection):
            return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        return sa.literal((self._clock or time.time)(), sa.Double)

    def _write(self, work: Callable[[sa.Connection], ResultT]) -> ResultT:
        return transaction(self._database, work, writing=True, lasting=False)


def _chunks(names: Sequence[str]) -> Sequence[Sequence[str]]:
    return [names[start : start + _MOST] for start in range(0, len(names), _MOST)]
