"""The file of the SQLite store: made private, opened with a log, and what to do where it fails."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agent.errors import StoreError, StoreUnavailableError
from agent.setting_types import StorePool
from agent.sql_database import make_engine

__all__ = ["SQLiteFile"]

_NEXT_STEPS = {
    "SQLITE_BUSY": "Another process is writing. Try again, or close that one.",
    "SQLITE_CANTOPEN": "Check its folder, or name another file (HEARTLINE_STORE_PATH).",
    "SQLITE_FULL": "The disk is full. Make room and try again.",
    "SQLITE_IOERR": "The disk failed or is full, or the file met a limit of size. Make room and try again.",
    "SQLITE_NOTADB": "The file is no SQLite database. Name another one (HEARTLINE_STORE_PATH).",
    "SQLITE_READONLY": "It may not be written to. Change that, or name another file (HEARTLINE_STORE_PATH).",
    "": "It may be damaged. Restore a copy, or name another file (HEARTLINE_STORE_PATH).",
}
"""Beginning of SQLite's name for an error to what helps, the most general last."""


def _make_private(path: Path) -> None:
    """Make folder and file, for their owner alone, where they are missing."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opens a file that is there: closing it would drop the locks this process has on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        if not isinstance(error, FileExistsError) or not path.is_file():
            problem = f"{error.strerror} ({error.filename!r}). {_NEXT_STEPS['SQLITE_CANTOPEN']}"
            raise StoreError(f"Conversation database {str(path)!r} cannot be made: {problem}") from error
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"Conversation database {str(path)!r} failed. {_NEXT_STEPS['SQLITE_READONLY']}")


class SQLiteFile:
    """The `Database` in a file.

    Args:
        path: Where, with links resolved.
        lock_seconds: How long to wait while another process writes.
        pool: Connections of this process.

    Raises:
        StoreError: It cannot be made.
    """

    name = "sqlite"

    def __init__(self, path: Path, lock_seconds: float, pool: StorePool) -> None:
        self.where, self.closed = str(path), False
        self._path, self._lock_seconds = path, lock_seconds
        self._remains = False  # what was erased may still stand in the log
        self._pool = pool
        self._writer = threading.Lock()
        _make_private(path)
        self.engine = _make_engine(path, lock_seconds, pool)

    def problem(self, error: SQLAlchemyError) -> StoreError:
        """See `Database`."""
        name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
        step = next(step for prefix, step in _NEXT_STEPS.items() if name.startswith(prefix))
        if isinstance(error, PoolTimeout):
            step = self._pool.exhausted
        told = StoreUnavailableError(
            f"Conversation database {self.where!r} failed ({name or type(error).__name__}). {step}"
        )
        # An error without a name is the driver's own, which quotes a text that it cannot decode.
        told.__cause__ = error if name else None
        return told

    def met_another(self, error: SQLAlchemyError) -> bool:  # noqa: ARG002 - those who write wait for each other
        """See `Database`."""
        return False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See `Database`. SQLite has all but one writer nap and try again, up to 100 ms each time."""
        mine = self._writer.acquire(timeout=self._lock_seconds)  # without it SQLite says that it is busy
        try:
            yield
        finally:
            if mine:
                self._writer.release()

    def appended(self) -> None:
        """See `Database`. A log that somebody read in when it should have been emptied is emptied now."""
        if self._remains:
            self._remains = not _empty_log(self._path, seconds=0)

    def erased(self) -> None:
        """See `Database`. Nothing of it stays in the log or in this process. Who reads the log may delay that."""
        self._remains = not _empty_log(self._path, seconds=self._lock_seconds)
        # Pooled connections keep pages and the values that they used last; SQLAlchemy keeps each statement
        # together with the values that it first ran with.
        self.engine.clear_compiled_cache()
        self.engine.dispose()

    def close(self) -> None:
        """See `Database`."""
        self.closed = True
        self.engine.dispose()


def _empty_log(path: Path, *, seconds: float) -> bool:
    """Move the write-ahead log into the file and cut it off, so that nothing older is left in it.

    Args:
        path: The database.
        seconds: How long to wait for those who read in the log.

    Returns:
        Whether it is empty. Somebody who goes on reading keeps it as it is.
    """
    try:
        with closing(sqlite3.connect(path, timeout=seconds)) as driver:
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not busy


def _make_engine(path: Path, lock_seconds: float, pool: StorePool) -> sa.Engine:
    """SQLAlchemy's recipe for SQLite: the driver begins no transactions, the `begin` event does."""
    url = sa.URL.create("sqlite", database=str(path))
    engine = make_engine(url, pool, connect_args={"timeout": lock_seconds})

    def prepare(driver: sqlite3.Connection, _record: object) -> None:
        driver.isolation_level = None
        try:
            _log_ahead(driver, lock_seconds)
            driver.execute("PRAGMA synchronous=FULL")
            driver.execute("PRAGMA foreign_keys=ON")
            driver.execute("PRAGMA secure_delete=ON")  # what is erased is written over, not only let go of
        except sqlite3.Error:
            driver.close()
            raise

    def begin(connection: sa.Connection) -> None:
        # A write takes the lock at once: one that read first could not wait for it any more.
        options = connection.get_execution_options()
        # In a log, NORMAL flushes nothing at a commit; what is flushed later still lies in its order.
        flushed = "FULL" if options.get("lasting", True) else "NORMAL"
        if options["writing"] and connection.info.get("synchronous", "FULL") != flushed:
            connection.exec_driver_sql(f"PRAGMA synchronous={flushed}")
            connection.info["synchronous"] = flushed
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options["writing"] else "BEGIN")

    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", begin)
    return engine


def _log_ahead(driver: sqlite3.Connection, lock_seconds: float) -> None:
    """Turn the write-ahead log on. SQLite does not wait for this lock, so it is waited for here."""
    give_up = time.monotonic() + lock_seconds
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
