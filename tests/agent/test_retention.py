"""`retention_days`: what was not used for so long is gone after a start, and a failure there stops nothing."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import agent.build
from agent.build import build_agent
from agent.errors import SettingsError, StoreError
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.settings import load_settings
from agent.testing import a_turn

BARE: dict[str, Any] = {"plugins": ["risk"], "tracker": "none"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a conversation of five weeks ago and one of today."""
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store:
        for name in ("old", "new"):
            store.append(a_turn(id=name, conversation_id=name))
    with closing(sqlite3.connect(path)) as database, database:
        ago = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '-35 days')"
        database.execute(f"UPDATE conversations SET updated_at = {ago} WHERE id = 'old'")  # noqa: S608
    return path


@pytest.mark.parametrize(("days", "left"), [(None, ("new", "old")), (36, ("new", "old")), (34, ("new",))])
@pytest.mark.parametrize("redact", [False, True])
def test_that_a_start_erases_what_is_too_old(path: Path, days: int | None, left: tuple[str, ...], *, redact: bool):
    built = build_agent(store_path=path, retention_days=days, redact_store=redact, **BARE)
    assert built.store.conversations() == left
    built.store.close()


class Stubborn(InMemoryStore):
    """A store that cannot erase."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def expire(self, before: datetime) -> tuple[str, ...]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [(StoreError("The disk is full."), "The disk is full."), (RuntimeError("Quillon hurt me"), "RuntimeError")],
)
def test_that_a_failure_is_warned_of_and_does_not_keep_it_from_starting(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
):
    monkeypatch.setattr(agent.build, "open_store", lambda settings: Stubborn(error))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        built = build_agent(retention_days=7, **BARE)
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert str(warning.message) == f"Conversations unused for `retention_days` (7) days were not erased: {told}"
    assert warning.filename == __file__
    assert built.respond_sync("I can't sleep.").failures == ()


@pytest.mark.parametrize("days", [0, -1, 100_000])
def test_that_a_retention_that_makes_no_sense_is_refused(days: int):
    with pytest.raises(SettingsError, match="retention_days"):
        load_settings(retention_days=days)
