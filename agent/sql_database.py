"""A database as the SQL store sees it, and transactions in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import StoreError
from agent.setting_types import StorePool

__all__ = ["Database", "make_engine", "transaction"]

_TRIES = 5
"""Of a transaction that met another one, on Postgres. Each time one of those that met goes through."""

_LOGGED_AS = "heartline"

ResultT = TypeVar("ResultT")


class Database(Protocol):
    """What differs between engines.

    Attributes:
        name: Registry name of its store.
        where: Path, or host and database, for people: without user or password.
        engine: With `hide_parameters`. Its connections take the options `writing` and `lasting`, which tell the
            engine how a transaction begins.
        closed: Whether `close` was called.
    """

    name: str
    where: str
    engine: sa.Engine
    closed: bool

    def problem(self, error: SQLAlchemyError) -> StoreError:
        """What went wrong, and the next step: no word of a person in it, and no password."""
        ...

    def met_another(self, error: SQLAlchemyError) -> bool:
        """Whether the transaction only has to be tried again."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Held around a transaction that writes: threads of one process queue where the engine would poll."""
        ...

    def appended(self) -> None:
        """Called after a turn was stored."""
        ...

    def erased(self) -> None:
        """Called after something was erased: nothing of it stays where the engine can help it."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


def make_engine(url: sa.URL, pool: StorePool, **more: Any) -> sa.Engine:
    """An engine that tells nothing of anybody, in errors and in logs.

    Args:
        url: Of the database.
        pool: Its connections.
        **more: As `sqlalchemy.create_engine` takes it.
    """
    # Rows are logged at DEBUG, whatever is hidden elsewhere. And where nobody looks at statements, twenty records
    # of them a turn would be made for nothing: a tenth of what storing it costs.
    log = logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGED_AS}")
    log.setLevel(logging.NOTSET)
    log.setLevel(max(logging.INFO, log.getEffectiveLevel()))
    return sa.create_engine(
        url,
        hide_parameters=True,
        logging_name=_LOGGED_AS,
        pool_size=pool.size,
        max_overflow=0,
        pool_timeout=pool.wait,
        **more,
    )


def transaction(
    database: Database,
    work: Callable[[sa.Connection], ResultT],
    *,
    writing: bool = False,
    lasting: bool = True,
) -> ResultT:
    """What `work` gives, committed whole.

    Args:
        database: In which.
        work: Reads and, with `writing`, writes. It may be called again from its beginning: of two that met, one is
            rolled back.
        writing: Without it, `work` sees one state of the database from its beginning to its end.
        lasting: Without it, the end does not wait for the disk: what was written outlives this process, and not
            a loss of power.

    Raises:
        StoreError: It failed and was rolled back, with what `Database.problem` says; or `work` raised one.
    """
    tries = _TRIES if writing else 1
    while True:
        tries -= 1
        try:
            with (
                database.writing() if writing else nullcontext(),
                database.engine.connect() as connection,
                connection.execution_options(writing=writing, lasting=lasting).begin(),
            ):
                return work(connection)
        except UnicodeEncodeError:
            # Without its cause, which carries the text.
            raise StoreError("A text holds a lone surrogate. Clean it with `agent.intake.clean`.") from None
        except SQLAlchemyError as error:
            if not (tries and database.met_another(error)):
                problem = database.problem(error)
                raise problem from problem.__cause__
