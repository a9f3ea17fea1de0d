"""Stores that the server is measured on: a SQLite file and a Postgres cluster, both in a temporary folder.

Postgres commits as it ships (`fsync` on): a turn that was acknowledged is on the disk.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore

__all__ = ["Kept", "a_postgres", "a_sqlite_file", "why_no_postgres"]

_PROGRAMS = ("initdb", "pg_ctl")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where conversations are kept.

    Attributes:
        name: For people.
        open: Opens it, beside the server.
        size: Bytes that it takes on the disk, logs of SQLite's with it and those of Postgres not.
        arguments: Of `heartline serve`.
        environment: For it.
    """

    name: str
    open: Callable[[], SQLStore]
    size: Callable[[], int]
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def a_sqlite_file() -> Generator[Kept]:
    """An empty one."""
    with tempfile.TemporaryDirectory(prefix="heartline-load-") as folder:
        path = Path(folder) / "conversations.db"
        yield Kept("SQLite", partial(SQLiteStore, path), partial(_size, path.parent), ("--store", str(path)))


def why_no_postgres() -> str | None:
    """Why Postgres cannot be measured here; None where it can."""
    if find_spec("psycopg") is None:
        return "the extra `postgres` is not installed"
    missing = [name for name in _PROGRAMS if _program(name) is None]
    return f"no program {missing[0]!r}; Debian's package is `postgresql`" if missing else None


@contextmanager
def a_postgres() -> Generator[Kept]:
    """A cluster on the loopback with an empty database, gone in the end.

    Raises:
        OSError: As `subprocess.run`; `why_no_postgres` says beforehand whether it can be.
        subprocess.CalledProcessError: It does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="heartline-load-postgres-"))
    user = _unprivileged()
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        made = ("-D", str(data), "-U", "heartline", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _run("initdb", *made, user=user)
        port = _free_port()
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n"
                "log_min_messages = fatal\n"
            )
        control = ("-w", "-D", str(data), "-l", str(folder / "log"))
        _run("pg_ctl", "start", *control, user=user)
        try:
            url = f"postgresql://heartline@127.0.0.1:{port}/postgres"
            size = partial(_size, data / "base")
            yield Kept("Postgres", partial(PostgresStore, url), size, environment={"HEARTLINE_STORE": url})
        finally:
            _run("pg_ctl", "stop", "-m", "immediate", *control, user=user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _program(name: str) -> str | None:
    """Debian keeps them out of the way, one folder a version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)]))


def _unprivileged() -> str | None:
    """Who may run it where we are root, whom Postgres refuses; None where we are not."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _run(name: str, *arguments: str, user: str | None) -> None:
    gid = None if user is None else pwd.getpwnam(user).pw_gid
    # Not into a pipe: the server would inherit it and hold it open. A session of its own: Ctrl-C is ours.
    subprocess.run(  # noqa: S603 - our own words
        [_program(name) or name, *arguments], check=True, user=user, group=gid, cwd="/", start_new_session=True,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
