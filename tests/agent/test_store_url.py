"""The setting `store`: a name, or a URL, which may hold a password and is never shown."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import SettingsError
from agent.memory_sqlite import SQLiteStore
from agent.settings import load_settings
from agent.store_url import open_store, sqlite_path
from agent.testing import a_turn

URL = "postgresql://heart:hushhush@db.example/talks"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///talks.db", "talks.db"),
        ("sqlite:////srv/talks.db", "/srv/talks.db"),
        ("sqlite:////srv/my%20talks.db", "/srv/my talks.db"),
        ("sqlite+pysqlite:///talks.db", "talks.db"),
        ("sqlite", None),
        (URL, None),
    ],
)
def test_that_a_url_of_sqlite_names_a_file(url: str, path: str | None):
    assert sqlite_path(url) == (None if path is None else Path(path))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://talks.db"])
def test_that_a_url_of_sqlite_without_a_file_is_refused(url: str):
    with pytest.raises(SettingsError, match="names no file"):
        sqlite_path(url)


def test_that_a_url_opens_its_file_in_place_of_the_usual_one(tmp_path: Path):
    path = tmp_path / "talks.db"
    with closing(open_store(load_settings(store=f"sqlite:///{path}"))) as store:
        store.append(a_turn())
        assert (store.name, store.where) == ("sqlite", str(path))
    with closing(SQLiteStore(path)) as store:
        assert len(store.conversations()) == 1


def test_that_whoever_names_a_file_does_not_mean_the_server_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEARTLINE_STORE", URL)
    assert load_settings().store == URL
    assert load_settings(store_path=tmp_path / "talks.db").store == "sqlite"
    assert load_settings(store_path=tmp_path / "talks.db", store="memory").store == "memory"


def test_that_a_url_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    settings = load_settings(store=URL)
    assert "hushhush" not in repr(settings) + str(settings)
    with pytest.raises(SettingsError, match="No store is called 'mysql'") as caught:
        open_store(load_settings(store="mysql+driver://heart:hushhush@db.example/talks"))
    assert "hushhush" not in str(caught.value)
    monkeypatch.setenv("HEARTLINE_STORE_POOL", '{"size": 0}')
    with pytest.raises(SettingsError, match=r"`store_pool.size` \(HEARTLINE_STORE_POOL\) is 0") as caught:
        load_settings(store=URL)
    assert "hushhush" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_that_the_scheme_names_the_store(monkeypatch: pytest.MonkeyPatch, scheme: str):
    asked: list[tuple[str, str]] = []

    class Found:
        tenant = ""

    monkeypatch.setattr("agent.store_url.make", lambda kind, name, _: asked.append((kind, name)) or Found())
    open_store(load_settings(store=f"{scheme}://heart:hushhush@db.example/talks"))
    assert asked == [("stores", "postgresql")]


def test_that_the_pool_can_be_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_STORE_POOL", '{"size": 3, "wait": 0.5}')
    pool = load_settings().store_pool
    assert (pool.size, pool.wait, pool.connect) == (3, 0.5, 5.0)
