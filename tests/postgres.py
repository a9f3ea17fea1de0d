"""A real Postgres for tests: a cluster of its own in a temporary folder, on loopback.

Debian's `postgresql` package is enough; it need not run. HEARTLINE_TEST_POSTGRES names a server that runs already,
as a URL of a user who may make databases: for machines where none can be started. Tests that stop the server are
left out then.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.memory_postgres import PostgresStore

__all__ = ["Cluster", "a_cluster"]

GIVEN = os.environ.get("HEARTLINE_TEST_POSTGRES")  # before a test takes it out of the environment
# The same in every worker, since it stands in the names of tests; the server is gone when they end.
PASSWORD = "pw-e1f5b7c9a2d4"  # noqa: S105
"""Of the user `heartline` in the cluster: looked for in errors and logs."""

LEDGER = "heartline_migrations"

_numbers = count()


@dataclass
class Cluster:
    """A running server.

    Attributes:
        url: Of a database.
        folder: Where its files are; None where it was there already.
        user: Who runs it, where that is somebody else.
        used: What was made in it.
        kept, emptying: URL of the place that is emptied, once there is one, and what empties it.
    """

    url: sa.URL
    folder: Path | None = None
    user: str | None = None
    used: list[str] = field(default_factory=list)
    kept: str = ""
    emptying: str = ""

    def schema(self) -> str:
        """URL of a new empty schema: what a database is to a store, and made in a hundredth of its time."""
        name = f"heartline_test_{os.getpid()}_{next(_numbers)}"
        self.admin(f"CREATE SCHEMA {name}")
        self.used.append(f"SCHEMA {name} CASCADE")
        named = self.url.update_query_dict({"options": f"-csearch_path={name}"})
        return named.render_as_string(hide_password=False)

    def emptied(self) -> str:
        """URL of a schema with all tables and no rows, the same each time.

        Tables made anew take four fifths of the computing of a test that stores a turn.
        """
        if self.kept:
            self.admin(self.emptying)
            return self.kept
        self.kept = self.schema()
        with closing(PostgresStore(self.kept)):
            engine = sa.create_engine(self.kept, poolclass=sa.NullPool)
            schema = self.used[-1].split()[1]
            # What belongs to conversations goes with them. A test that let nothing go is not waited for without end.
            tables = sorted(
                set(sa.inspect(engine).get_table_names()) - {LEDGER}, key=lambda name: name != "conversations"
            )
            deletes = [f"DELETE FROM {schema}.{name}" for name in tables]  # noqa: S608 - our own names
            self.emptying = "; ".join(["SET lock_timeout = '30s'", *deletes])
        return self.kept

    def database(self, encoding: str) -> str:
        """URL of a new empty database."""
        name = f"heartline_test_{os.getpid()}_{next(_numbers)}"
        self.admin(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        self.used.append(f"DATABASE {name}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def admin(self, sql: str) -> None:
        """Run a statement as the superuser."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(sql)

    def control(self, action: str, *more: str) -> None:
        """`pg_ctl start`, `stop` or `restart`, which waits until it is done."""
        if self.folder is None:
            pytest.skip("HEARTLINE_TEST_POSTGRES names a server that is not ours to stop")
        command = [_program("pg_ctl"), action, "-w", "-D", str(self.folder / "data"), *more]
        _run([*command, "-l", str(self.folder / "log")], self.user)


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A server; the test is skipped where there is none and none can be started."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if GIVEN:
        cluster = Cluster(sa.make_url(GIVEN).set(drivername="postgresql+psycopg"))
        try:
            yield cluster
        finally:
            for name in cluster.used:
                cluster.admin(f"DROP {name}")
        return
    if _program("initdb") is None:
        pytest.skip("no Postgres: install Debian's `postgresql`, or set HEARTLINE_TEST_POSTGRES to a URL")
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="heartline-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield from _started(folder, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path, user: str | None) -> Iterator[Cluster]:
    word = folder / "password"
    word.write_text(PASSWORD)
    word.chmod(0o644)
    made = [_program("initdb"), "-D", str(folder / "data"), "-U", "heartline", "-A", "scram-sha-256"]
    _run([*made, f"--pwfile={word}", "--no-sync", "-E", "UTF8", "--locale=C"], user)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(
            f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n"
            "shared_buffers = 16MB\nmax_connections = 60\nlog_min_messages = fatal\n"
        )
    url = sa.URL.create("postgresql+psycopg", "heartline", PASSWORD, "127.0.0.1", port, "postgres")
    cluster = Cluster(url, folder, user)
    cluster.control("start")
    try:
        yield cluster
    finally:
        cluster.control("stop", "-m", "immediate")


def _program(name: str) -> str | None:
    """Debian keeps them out of the way, one folder a version."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(newest))]))


def _unprivileged() -> str | None:
    """Who may run it where we are root, whom Postgres refuses; None where we are not."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _run(command: list[str | None], user: str | None) -> None:
    gid = None if user is None else pwd.getpwnam(user).pw_gid
    # Not into a pipe: the server would inherit it and hold it open.
    subprocess.run(
        command, check=True, user=user, group=gid, extra_groups=None if user is None else [], cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
