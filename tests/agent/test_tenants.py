"""Tenants on every store, and that no statement sees the rows of two."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.build import build_agent
from agent.decisions import Care, Handoff
from agent.errors import SettingsError
from agent.feedback import Feedback
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.repeats import Request
from agent.safety.redacting_store import RedactingStore
from agent.settings import load_settings
from agent.store_url import open_store
from tests.contracts.store_contract import a_full_turn, recalled_turn
from tests.contracts.tenant_store_contract import TenantOutboxContract, TenantStoreContract
from tests.stores import an_empty_store

TABLES = ("conversations", "turns", "holds", "handoffs", "human_acts", "counts", "feedback", "requests")


class TestMemory(TenantStoreContract):
    @pytest.fixture
    def store(self):
        with closing(InMemoryStore()) as store:
            yield store


class TestSQLite(TenantOutboxContract):
    @pytest.fixture
    def store(self, tmp_path: Path):
        with closing(an_empty_store(tmp_path / "talks.db")) as store:
            yield store


class TestPostgres(TenantOutboxContract):
    @pytest.fixture
    def store(self, postgres_url: str):
        with closing(PostgresStore(postgres_url)) as store:
            yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "sqlite":
        opened: SQLStore = an_empty_store(tmp_path / "talks.db")
    else:
        opened = PostgresStore(request.getfixturevalue("postgres_url"))
    with closing(opened):
        yield opened


EVERYTHING: dict[str, Callable[[SQLStore], object]] = {
    "append": lambda store: store.append(
        recalled_turn(store, "two", care=Care("p", ("lines",), "x"), handoff=Handoff("plan"))
    ),
    "append again": lambda store: store.append(store.turns("c")[0]),
    "append overtaken": lambda store: store.append(replace(a_full_turn(conversation_id="c"), id="late")),
    "recall": lambda store: store.recall("c", turns=24),
    "turns": lambda store: store.turns("c"),
    "turns of a page": lambda store: store.turns("c", limit=1, before=5),
    "conversations": lambda store: store.conversations(),
    "counts": lambda store: store.counts(),
    "hold": lambda store: store.hold("c", by="Amy"),
    "held_by": lambda store: store.held_by("c"),
    "say": lambda store: (store.hold("c", by="Amy"), store.say("c", "Hello.", by="Amy")),
    "human_acts": lambda store: store.human_acts("c"),
    "release": lambda store: store.release("c"),
    "append with a key": lambda store: store.append(recalled_turn(store, "two"), request=Request("k", "b")),
    "answered": lambda store: store.answered("c", "k"),
    "due": lambda store: store.due(datetime.now(UTC)),
    "claim": lambda store: store.claim(datetime.now(UTC), until=datetime.now(UTC) + timedelta(days=1)),
    "settle": lambda store: store.settle("one", "sent", next_try=datetime.now(UTC)),
    "handoffs": lambda store: store.handoffs(),
    "handoffs of one": lambda store: store.handoffs("c", newest=1),
    "called": lambda store: store.called(newest=50),
    "called_in": lambda store: store.called_in("c"),
    "rate": lambda store: store.rate("c", Feedback("one", 1, "It helped.")),
    "feedback": lambda store: store.feedback("c"),
    "forget_profile": lambda store: store.forget_profile("c"),
    "erase": lambda store: store.erase("c"),
    "expire": lambda store: store.expire(datetime.now(UTC) + timedelta(days=1)),
}


def test_that_every_public_method_is_looked_at():
    methods = {name for name, _ in inspect.getmembers(SQLStore, callable) if not name.startswith("_")}
    assert methods - {"for_tenant", "tenants", "close"} == {name.split()[0] for name in EVERYTHING}


def unscoped(sql: str) -> list[str]:
    """Tables that a statement touches more often than it names their tenant in a condition, or in a row it adds."""
    found = []
    for table in TABLES:
        touched = len(re.findall(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+{table}\b", sql))
        conditions = len(re.findall(rf"\b{table}\.tenant = ", sql))
        added = len(re.findall(rf"\bINTO {table} \(tenant, .*?\) VALUES", sql, re.DOTALL))
        found += [table] * (conditions + added < touched)
    return found


@pytest.mark.parametrize("name", EVERYTHING)
def test_that_every_statement_names_the_tenant(store: SQLStore, name: str):
    acme = store.for_tenant("acme")
    acme.append(recalled_turn(acme, "one", handoff=Handoff("plan")))
    asked: list[tuple[str, Any]] = []

    def look(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        asked.append((sql, values))

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        EVERYTHING[name](acme)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    of_ours = [(sql, values) for sql, values in asked if any(re.search(rf"\b{each}\b", sql) for each in TABLES)]
    assert of_ours != []
    for sql, values in of_ours:
        assert unscoped(sql) == [], sql
        for row in values if isinstance(values, list) else [values]:
            assert "acme" in (row.values() if isinstance(row, dict) else row), sql


def test_that_the_check_sees_what_is_not_scoped():
    assert unscoped("SELECT id FROM conversations WHERE conversations.id = ?") == ["conversations"]
    assert unscoped("SELECT 1 FROM turns JOIN holds ON true WHERE turns.tenant = ?") == ["holds"]
    assert unscoped("INSERT INTO counts (month, n) VALUES (?, ?)") == ["counts"]
    assert unscoped("DELETE FROM holds WHERE holds.tenant = ?") == []


def test_that_tables_with_a_tenant_are_those_that_are_looked_for(store: SQLStore):
    def keys(connection: sa.Connection) -> dict[str, str]:
        looked = sa.inspect(connection)
        return {
            name: looked.get_pk_constraint(name)["constrained_columns"][0] for name in looked.get_table_names()
        }

    # Which tenant a key has is what is asked there (see `agent.api_keys`).
    # A lease belongs to a hash of tenant and conversation.
    others = {"heartline_migrations": "number", "api_keys": "id", "leases": "name"}
    assert store._read(keys) == dict.fromkeys(TABLES, "tenant") | others


def test_that_a_view_shares_the_connections(store: SQLStore):
    assert store.for_tenant("acme")._database.engine is store._database.engine


def test_that_a_redacting_store_keeps_tenants_apart_too():
    store = RedactingStore(InMemoryStore())
    acme = store.for_tenant("acme")
    acme.append(recalled_turn(acme, "My number is 0171 4969 123."))
    assert store.conversations() == ()
    assert acme.conversations() == ("c",)
    assert "4969" not in acme.turns("c")[0].text
    assert store.tenants() == ("acme",)


def test_that_the_setting_names_whose_conversations_are_seen(tmp_path: Path):
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store:
        acme = store.for_tenant("acme")
        acme.append(recalled_turn(acme, "hello"))
    agent = build_agent(store_path=path, tenant="acme", plugins=["risk"], tracker="none")
    assert agent.store.conversations() == ("c",)
    agent.store.close()
    with closing(open_store(load_settings(store_path=path))) as store:
        assert store.conversations() == ()
    with closing(open_store(load_settings(store="memory", tenant="acme"))) as store:
        assert store.tenant == "acme"


class Plain(InMemoryStore):
    """A store that takes no notice of the setting."""


def test_that_a_store_without_tenants_is_refused_where_one_is_named(monkeypatch: pytest.MonkeyPatch):
    opened: list[Plain] = []
    monkeypatch.setattr("agent.store_url.make", lambda *_: opened.append(Plain()) or opened[0])
    with pytest.raises(SettingsError, match="'acme', and the store 'plain' keeps no tenants apart"):
        open_store(load_settings(store="plain", tenant="acme"))
    with pytest.raises(Exception, match="closed"):
        opened[0].conversations()
