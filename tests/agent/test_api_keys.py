"""Keys of a server, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.api_keys import ApiKeys
from agent.errors import InputError, StoreError
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.redacting_store import RedactingStore
from agent.sql_database import transaction


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
    assert [keys.opened_by(each).tenant for each in (secret, other)] == ["acme", "other"]
    revoked = keys.revoke(key.id)
    assert keys.revoke(key.id) == revoked
    assert revoked.revoked is not None
    assert datetime.now(UTC) - revoked.revoked < timedelta(minutes=1)
    assert keys.opened_by(secret) is None
    assert keys.opened_by(other).tenant == "other"
    assert keys.exist()


@pytest.mark.parametrize("wrong", ["", "hl_", "hl_%", "unused", "\ud800", "x" * 100_000])
def test_that_what_is_no_key_opens_nothing(store: SQLStore, wrong: str):
    secret, key = store.api_keys.create("acme")
    for each in (wrong, key.id, secret[:-1], f"{secret} ", secret.swapcase()):
        assert store.api_keys.opened_by(each) is None


def test_that_the_day_of_use_is_kept_and_written_once(store: SQLStore):
    secret, _ = store.api_keys.create("acme")
    written: list[str] = []

    def look(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        written.extend([sql] if sql.startswith("UPDATE") else [])

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        for _ in range(3):
            store.api_keys.opened_by(secret)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    (key,) = store.api_keys.known()
    assert key.last_used in {datetime.now(UTC).date(), (datetime.now(UTC) - timedelta(days=1)).date()}
    assert len(written) == 1


def test_that_the_database_holds_no_key(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        secret, _ = store.api_keys.create("acme")
        store.api_keys.opened_by(secret)
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
    secret, key = store.api_keys.create("acme")
    assert RedactingStore(store).api_keys.opened_by(secret).id == key.id
    assert RedactingStore(InMemoryStore()).api_keys is None
    store.close()
    with pytest.raises(StoreError, match="closed"):
        _ = store.api_keys


def test_that_a_key_ends_when_its_time_has_come(store: SQLStore):
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    keys = ApiKeys(store._database, clock=lambda: now)
    secret, key = keys.create("acme", expires=now + timedelta(days=90))
    assert key.expires == datetime(2027, 1, 30, 12, tzinfo=UTC)
    assert keys.known() == (key,)
    now = key.expires - timedelta(microseconds=1)
    assert keys.opened_by(secret) is not None
    now = key.expires
    assert keys.opened_by(secret) is None
    assert keys.exist()
    assert [each.opens(now) for each in keys.known()] == [False]
    now -= timedelta(days=1)  # a clock that is set back opens it again: the end is a time and no state
    assert keys.opened_by(secret) is not None


def test_that_an_end_is_kept_in_utc_and_is_not_past(store: SQLStore):
    there = timezone(timedelta(hours=9))
    _, key = store.api_keys.create("acme", expires=datetime(2999, 1, 1, tzinfo=there))
    assert store.api_keys.known()[0].expires == datetime(2998, 12, 31, 15, tzinfo=UTC) == key.expires
    with pytest.raises(InputError, match=r"expired on 2020-01-01\. Name a later day"):
        store.api_keys.create("acme", expires=datetime(2020, 1, 1, tzinfo=UTC))


def test_that_rights_and_limits_are_kept(store: SQLStore):
    secret, key = store.api_keys.create("acme", rights=["read", "erase", "read"], per_minute=7, concurrent=2)
    assert (key.rights, key.per_minute, key.concurrent) == (("erase", "read"), 7, 2)
    assert store.api_keys.known() == (key,)
    found = store.api_keys.opened_by(secret)
    assert found is not None
    assert (found.rights, found.per_minute, found.concurrent) == (("erase", "read"), 7, 2)
    assert store.api_keys.create("acme")[1].rights == ("chat", "feedback", "read")


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        ({"rights": ["chat", "fly"]}, r"called 'fly'\. There are: chat, erase"),
        ({"rights": []}, "without a right opens nothing"),
        ({"per_minute": 0}, "limit of a key is 0"),
        ({"concurrent": 2_000_000}, "from 1 to 1,000,000"),
    ],
    ids=["unknown right", "no right", "none a minute", "too many at once"],
)
def test_that_terms_that_make_no_sense_are_refused(store: SQLStore, terms: dict[str, Any], problem: str):
    with pytest.raises(InputError, match=problem):
        store.api_keys.create("acme", **terms)
    assert not store.api_keys.exist()


def test_that_a_right_of_a_newer_version_is_none_here(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        secret, _ = store.api_keys.create("acme", rights=["chat"])
        newer = sa.text("UPDATE api_keys SET rights = 'chat,fly'")
        transaction(store._database, lambda connection: connection.execute(newer), writing=True)
        found = store.api_keys.opened_by(secret)
        assert found is not None
        assert found.rights == ("chat",)
