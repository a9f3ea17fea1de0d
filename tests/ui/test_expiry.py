"""`heartline expire`, and what a server does once a day."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from agent import retention_rows
from agent.errors import InputError, StoreError
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.retention import days_of
from agent.settings import Settings, load_settings
from agent.testing import a_turn
from tests.postgres import a_cluster
from ui.expiry import app
from ui.http.daily import daily, expire_if_due

RULES = '{"tenants": {"acme": 30, "*": 365}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Conversations of 40 days ago and of today, of three tenants."""
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store:
        fill(store)
    return path


def fill(store: SQLStore) -> None:
    for tenant in ("", "acme", "other"):
        view = store.for_tenant(tenant)
        for name in ("old", "new"):
            view.append(a_turn(id=name, conversation_id=name))
    ago = sa.text("UPDATE conversations SET updated_at = '2026-01-01T00:00:00.000000+00:00' WHERE id = 'old'")
    store._write(lambda connection: connection.execute(ago))


def left(path: Path) -> dict[str, tuple[str, ...]]:
    with closing(SQLiteStore(path)) as store:
        return {tenant: store.for_tenant(tenant).conversations() for tenant in store.tenants()}


def run(path: Path, *arguments: str, **settings: str) -> Result:
    env: dict[str, Any] = {f"HEARTLINE_{name.upper()}": value for name, value in settings.items()}
    return CliRunner().invoke(app, ["--store", str(path), *arguments], env=env)


ALL = {"": ("new", "old"), "acme": ("new", "old"), "other": ("new", "old")}


def test_that_each_tenant_keeps_what_the_settings_say(path: Path):
    done = run(path, retention=RULES)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Tenant 'acme': 1 conversation erased, not used for 30 days." in done.stdout
    assert left(path)["acme"] == ("new",)


def test_that_days_of_a_tenant_come_first_then_the_one_setting_then_everybody_elses():
    settings = load_settings(retention={"tenants": {"acme": 30, "*": 365}}, retention_days=7)
    assert [days_of(name, settings) for name in ("acme", "", "other")] == [30, 7, 365]
    only = load_settings(retention_days=7, tenant="acme")
    assert [days_of(name, only) for name in ("acme", "", "other")] == [7, None, None]


def test_that_one_tenant_can_be_named_with_days(path: Path):
    assert run(path, "--tenant", "other", "--days", "30").exit_code == 0
    assert left(path) == ALL | {"other": ("new",)}


def test_that_a_dry_run_counts_and_erases_nothing(path: Path):
    done = run(path, "--dry-run", "--tenant", "acme", "--tenant", "", "--days", "30")
    assert done.stdout.splitlines() == [
        "Without a tenant: 1 conversation would be erased, not used for 30 days.",
        "Tenant 'acme': 1 conversation would be erased, not used for 30 days.",
    ]
    assert left(path) == ALL


@pytest.mark.parametrize(
    ("arguments", "told"), [([], "Nothing says how long"), (["--days", "3"], "needs `--tenant`"),
                            (["--tenant", "a b", "--days", "3"], "64 letters")],
)  # fmt: skip
def test_that_what_is_not_clear_erases_nothing(path: Path, arguments: list[str], told: str):
    done = run(path, *arguments)
    assert isinstance(done.exception, InputError)
    assert told in str(done.exception)
    assert left(path) == ALL


def test_that_one_that_fails_is_told_and_the_others_go_on(path: Path, monkeypatch: pytest.MonkeyPatch):
    erase = SQLStore.expire

    def failing(self: SQLStore, before: datetime) -> tuple[str, ...]:
        if self.tenant == "acme":
            raise StoreError("The disk is full.")
        return erase(self, before)

    monkeypatch.setattr(SQLStore, "expire", failing)
    done = run(path, retention='{"tenants": {"*": 30}}')
    assert (done.exit_code, done.stderr) == (1, "Tenant 'acme': failed. The disk is full.\n")
    assert left(path) == {"": ("new",), "acme": ("new", "old"), "other": ("new",)}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_that_much_is_erased_in_small_parts_with_room_for_others(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention_rows, "_PART", 4)

    def look(store: SQLStore) -> None:
        for number in range(10):
            store.append(a_turn(id=f"{number}", conversation_id=f"c{number}"))
        erased: list[int] = []
        rested: list[float] = []

        def rest(seconds: float) -> None:
            rested.append(seconds)
            erased.append(10 - len(store.conversations()))
            store.append(a_turn(id=f"late {len(rested)}", conversation_id="late"))  # nothing is locked

        monkeypatch.setattr(retention_rows.time, "sleep", rest)
        before = datetime.now(UTC)
        assert store.due(before) == tuple(f"c{number}" for number in range(9, -1, -1))
        assert store.expire(before) == tuple(f"c{number}" for number in range(9, -1, -1))
        assert erased == [4, 7, 9]  # one more is there each time: `late` from the first rest on
        assert store.conversations() == ("late",)

    if engine == "sqlite":
        with closing(SQLiteStore(tmp_path / "talks.db")) as store:
            look(store)
        return
    with a_cluster() as cluster, closing(PostgresStore(cluster.schema())) as store:
        look(store)


def test_that_of_several_servers_one_erases_once_a_day(path: Path):
    settings = load_settings(retention={"tenants": {"*": 30}}, store_path=path)
    with closing(SQLiteStore(path)) as one, closing(SQLiteStore(path)) as two:
        assert expire_if_due(one, settings, "one")
        assert not expire_if_due(two, settings, "two")
        assert two.conversations() == ("new",)


async def test_that_a_server_erases_in_the_background_and_stops_when_it_ends(path: Path):
    settings = load_settings(retention={"tenants": {"acme": 30}}, store_path=path)
    with closing(SQLiteStore(path)) as store:
        async with daily(store, settings, first=0), asyncio.timeout(20):
            while store.for_tenant("acme").conversations() != ("new",):  # noqa: ASYNC110 - a store has no events
                await asyncio.sleep(0.01)
        assert store.conversations() == ("new", "old")


async def test_that_a_server_that_is_told_not_to_erases_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Settings] = []
    monkeypatch.setattr("ui.http.daily.expire_if_due", lambda _store, settings, _: asked.append(settings))
    settings = load_settings(retention={"daily": False, "tenants": {"*": 1}})
    async with daily(InMemoryStore(), settings, first=0):
        await asyncio.sleep(0.02)
    assert asked == []


async def test_that_a_failure_is_logged_without_a_word_and_tried_again(caplog: pytest.LogCaptureFixture):
    class Broken(InMemoryStore):
        tries = 0
        leases = None

        def tenants(self) -> tuple[str, ...]:
            Broken.tries += 1
            raise RuntimeError("Quillon hurt me")

    async with daily(Broken(), load_settings(retention_days=3), first=0, every=0.01), asyncio.timeout(20):
        while Broken.tries < 2:  # noqa: ASYNC110 - counted in another thread
            await asyncio.sleep(0.01)
    assert "old conversations were not erased: RuntimeError" in caplog.text
    assert "Quillon" not in caplog.text


def test_that_a_file_that_is_no_store_is_refused(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE ways (way TEXT)")
    done = run(tmp_path / "other.db", retention=RULES)
    assert isinstance(done.exception, StoreError)
