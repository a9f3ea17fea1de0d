"""The Postgres server of a store: how it is reached, and what to do where it fails."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agent.errors import SettingsError, StoreError, StoreUnavailableError
from agent.extras import needs_extra
from agent.setting_types import StorePool
from agent.sql_database import make_engine

__all__ = ["NEXT_STEPS", "PostgresServer"]

_AGAIN = "Try again: a turn that was stored is not stored twice."

NEXT_STEPS = {
    "08": f"The connection broke. {_AGAIN}",
    "22021": "A text holds a NUL character, which Postgres cannot keep. Clean it with `agent.intake.scrub`.",
    "22P05": "The database is not in UTF-8. Make one that is: createdb --encoding=UTF8 --template=template0.",
    "25006": "It may not be written to: a standby, or a user who only reads. Name another one (HEARTLINE_STORE).",
    "28": "User or password were refused. Check the setting `store` (HEARTLINE_STORE).",
    "3D000": "There is no such database. Make it with `createdb`, or name another one (HEARTLINE_STORE).",
    "3F000": "There is no such schema. Make it, or leave `search_path` out of the URL (HEARTLINE_STORE).",
    "40": f"Several writers met again and again. {_AGAIN}",
    "42501": "The user lacks rights there. Grant them CREATE on the schema, or own the tables.",
    "53100": "The server's disk is full. Make room and try again.",
    "53300": "The server has no connection left. Lower `size` in `store_pool`, or raise `max_connections`.",
    "54000": "An id is too long: Postgres keeps up to some 2,000 bytes in a key.",
    "55P03": f"Another process holds what is to be written. {_AGAIN}",
    "57014": "A statement took longer than `statement` in `store_pool` (HEARTLINE_STORE_POOL) allows. Try again.",
    "57P": f"The server is stopping or starting. {_AGAIN}",
    "": f"It does not answer as it should. Check that it runs and what the setting `store` names. {_AGAIN}",
}
"""Beginning of the SQLSTATE of an error to what helps, the most general last."""

_WHILE_CONNECTING = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "starting up": "57P03",
    "shutting down": "57P03",
    "too many clients": "53300",
    "connection slots": "53300",
    "does not exist": "3D000",
}
"""Words of a refusal to its SQLSTATE, which libpq does not tell for a connection that was not made."""


class PostgresServer:
    """The `Database` on a server.

    Args:
        url: `postgresql://user:password@host:port/database?sslmode=require`; what is left out is taken from
            `PGHOST`, `PGUSER`, `PGPASSWORD` and the like, and from `~/.pgpass`.
        pool: Connections of this process.

    Raises:
        SettingsError: The URL is unusable, or the extra is not installed. The URL is not in the error.
    """

    name = "postgresql"

    def __init__(self, url: str, pool: StorePool) -> None:
        self._url, self._pool, self.closed = _parsed(url), pool, False
        port = f":{self._url.port}" if self._url.port else ""
        self.where = f"{self._url.host or 'localhost'}{port}/{self._url.database or ''}"
        self.engine = _make_engine(self._url, pool)

    def problem(self, error: SQLAlchemyError) -> StoreError:
        """See `Database`. Without its cause: Postgres quotes rows, and a failed connection its user."""
        orig = getattr(error, "orig", None)
        state = getattr(orig, "sqlstate", None) or next(
            (state for words, state in _WHILE_CONNECTING.items() if words in str(orig)), ""
        )
        if "NUL" in str(orig):  # psycopg's own complaint
            state = "22021"
        step = next(step for start, step in NEXT_STEPS.items() if state.startswith(start))
        if isinstance(error, PoolTimeout):
            step = self._pool.exhausted
        kind = type(error if orig is None else orig).__name__
        return StoreUnavailableError(f"Conversation database {self.where!r} failed ({state or kind}). {step}")

    def met_another(self, error: SQLAlchemyError) -> bool:
        """See `Database`: a deadlock, a serialization failure, or a key that somebody else wrote first."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
        return isinstance(error, DBAPIError) and (state.startswith("40") or state == "23505")

    def writing(self) -> AbstractContextManager[None]:
        """See `Database`."""
        return nullcontext()

    def appended(self) -> None:
        """See `Database`."""

    def erased(self) -> None:
        """See `Database`. SQLAlchemy keeps each statement together with the values that it first ran with."""
        self.engine.clear_compiled_cache()

    def close(self) -> None:
        """See `Database`."""
        self.closed = True
        self.engine.dispose()


def _parsed(url: str) -> sa.URL:
    scheme, _, rest = url.partition("://")
    problem = ""
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        problem = "its driver is psycopg: begin with postgresql://"
    try:
        parsed = sa.make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        problem = "it is no URL. Write user, password and database in percent-encoding where they hold @ : / ? #"
        parsed = sa.URL.create("postgresql+psycopg")
    if "@" in (parsed.host or ""):  # a part of the password, which must not be shown
        problem = "its password holds an @. Write it as %40"
    if problem:
        raise SettingsError(f"The URL in `store` (HEARTLINE_STORE) cannot be used: {problem}.")
    return parsed


def _make_engine(url: sa.URL, pool: StorePool) -> sa.Engine:
    """An engine whose driver begins no transactions; the `begin` event does, as for SQLite."""
    limit = math.ceil(pool.statement * 1000)
    options = (
        f"-c statement_timeout={limit} -c lock_timeout={limit} -c idle_in_transaction_session_timeout={limit}"
    )
    usual = {
        "application_name": "heartline",
        "client_encoding": "utf8",
        "connect_timeout": max(2, math.ceil(pool.connect)),  # libpq takes less for 2
        # A server that vanished without a word is noticed within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    given = url.query.get("options", "")
    arguments = {name: value for name, value in usual.items() if name not in url.query}
    arguments["options"] = " ".join([options, *([given] if isinstance(given, str) else given)])
    with needs_extra("postgres", "The Postgres store"):
        engine = make_engine(url, pool, connect_args={**arguments, "autocommit": True}, pool_pre_ping=True)

    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        writing = options["writing"]
        # Who reads sees one state in several statements; who writes sees what the lock was waited for.
        level = "READ COMMITTED READ WRITE" if writing else "REPEATABLE READ READ ONLY"
        connection.exec_driver_sql(f"BEGIN ISOLATION LEVEL {level}")
        if not options.get("lasting", True):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    sa.event.listen(engine, "begin", begin)
    return engine
