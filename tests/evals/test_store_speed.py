"""The figures of `python -m evals.store_speed`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agent.memory_sqlite import SQLiteStore
from evals.store_speed import leases, main, turns_early_and_late


def test_that_turns_early_and_late_are_measured_and_nothing_is_left(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        figures = list(turns_early_and_late(store, runs=10, late=30))
        assert store.conversations() == ()
    assert [figure.name for figure in figures] == [
        f"sqlite: recall and append, {turns} turns before, {part}" for turns in (20, 30) for part in ("p50", "p99")
    ]
    assert all(figure.value > 0 for figure in figures)


def test_that_leases_are_measured_and_none_is_left(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        assert [figure.name.rpartition(" ")[2] for figure in leases(store, runs=10)] == ["p50", "p99"]
        assert store.leases.take("store-speed 3", "another").got


def test_that_it_says_what_was_not_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("evals.store_speed.turns_early_and_late", lambda _store: iter(()))
    main([])
    assert "Postgres: not measured" in capsys.readouterr().out
