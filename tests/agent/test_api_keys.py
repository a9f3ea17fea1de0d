"""Keys of a server, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.errors import InputError, StoreError
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.redacting_store import RedactingStore


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLStore]:
    opened: SQLStore
    if request.param == "sqlite":
        opened = SQLiteStore(tmp_path / "talks.db")
    else:
        opened = PostgresStore(request.getfixturevalue("postgres_url"))
    with closing(opened):
        yield opened


def test_that_a_key_opens_its_tenant_until_it_is_revoked(store: SQLStore):
    keys = store.api_keys
    assert not keys.exist()
    secret, key = keys.create("acme", name=" shop ")
    other, _ = keys.create("other")
    assert secret.startswith("hl_")
    assert len(secret) > 40
    assert (key.tenant, key.name, key.last_used, key.revoked) == ("acme", "shop", None, None)
    assert (keys.tenant_of(secret), keys.tenant_of(other)) == ("acme", "other")
    revoked = keys.revoke(key.id)
    assert keys.revoke(key.id) == revoked
    assert revoked.revoked is not None
    assert datetime.now(UTC) - revoked.revoked < timedelta(minutes=1)
    assert (keys.tenant_of(secret), keys.tenant_of(other)) == (None, "other")
    assert keys.exist()


@pytest.mark.parametrize("wrong", ["", "hl_", "hl_%", "unused", "\ud800", "x" * 100_000])
def test_that_what_is_no_key_opens_nothing(store: SQLStore, wrong: str):
    secret, key = store.api_keys.create("acme")
    for each in (wrong, key.id, secret[:-1], f"{secret} ", secret.swapcase()):
        assert store.api_keys.tenant_of(each) is None


def test_that_the_day_of_use_is_kept_and_written_once(store: SQLStore):
    secret, _ = store.api_keys.create("acme")
    written: list[str] = []

    def look(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        written.extend([sql] if sql.startswith("UPDATE") else [])

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        for _ in range(3):
            store.api_keys.tenant_of(secret)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    (key,) = store.api_keys.known()
    assert key.last_used in {datetime.now(UTC).date(), (datetime.now(UTC) - timedelta(days=1)).date()}
    assert len(written) == 1


def test_that_the_database_holds_no_key(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        secret, _ = store.api_keys.create("acme")
        store.api_keys.tenant_of(secret)
    assert not [file for file in tmp_path.iterdir() if secret[3:].encode() in file.read_bytes()]


def test_that_they_are_listed_the_oldest_first(store: SQLStore):
    names = [store.api_keys.create(tenant, name=name)[1].name for tenant, name in (("b", "1"), ("a", "2"))]
    assert [key.name for key in store.api_keys.known()] == names == ["1", "2"]


def test_that_a_tenant_and_a_name_are_checked_and_an_unknown_key_is_named(store: SQLStore):
    for tenant, name in (("a b", ""), ("acme", "x" * 65), ("acme", "a\nb")):
        with pytest.raises(InputError):
            store.api_keys.create(tenant, name=name)
    with pytest.raises(InputError, match=r"'none'.*keys list"):
        store.api_keys.revoke("none")
    assert store.api_keys.known() == ()


def test_that_a_store_that_redacts_has_the_keys_of_the_other_and_memory_has_none(store: SQLStore):
    secret, _ = store.api_keys.create("acme")
    assert RedactingStore(store).api_keys.tenant_of(secret) == "acme"
    assert RedactingStore(InMemoryStore()).api_keys is None
    store.close()
    with pytest.raises(StoreError, match="closed"):
        _ = store.api_keys
