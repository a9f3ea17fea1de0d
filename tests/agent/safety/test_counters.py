"""Counts: what is counted, and that nobody can be found by them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Care, Objection, Reply
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.counters import BELOW, KINDS, counted, kinds, make_report
from agent.safety.course import RiskChange, RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.safety.steps import STEPS
from agent.testing import a_turn
from tests.contracts.store_contract import recalled_turn

numbers = st.integers(0, 40)
months = st.sampled_from(["2025-12", "2026-01", "2026-02", "2026-11"])
counts = st.dictionaries(months, st.dictionaries(st.sampled_from(kinds()), numbers))


def test_that_a_calm_message_counts_as_one():
    assert counted(a_turn(index=3)) == {"turns": 1}
    assert counted(a_turn()) == {"turns": 1, "conversations": 1}


def test_that_each_rise_is_counted_where_it_came_and_cooling_is_not():
    changes = (
        RiskChange(1, "self", "none", "ideation", "said"),
        RiskChange(4, "self", "ideation", "distress", "cooled"),
        RiskChange(4, "others", "none", "plan", "said"),
    )
    course = RiskCourse("distress", "plan", "ideation", "plan", changes=changes)
    assert counted(a_turn(index=1, course=course)) == {"turns": 1, "rise.self.ideation": 1}
    assert counted(a_turn(index=4, course=course)) == {"turns": 1, "rise.others.plan": 1}
    assert counted(a_turn(index=5, course=course)) == {"turns": 1}


def test_that_what_the_guard_does_is_counted_by_its_names():
    turn = a_turn("I took them all just now.", index=1, risk=RiskReading("acute"))
    screened = ProtocolGuard("GB").screen(turn)
    found = counted(replace(screened, reply=Reply("Please call 999.", "protocol")))
    assert found == {"turns": 1, "rise.self.acute": 1, "referral.emergency": 1}


def test_that_a_referral_that_was_never_said_is_not_counted():
    assert counted(a_turn(index=1, care=Care("p", ("lines",), "Call."))) == {"turns": 1}


def test_that_blocked_sentences_are_counted_by_category_and_drafts_are_not():
    objections = (Objection("guard: method", "x"), Objection("guard: method", "x"), Objection("plan", "x"))
    assert counted(a_turn(index=1, objections=objections)) == {"turns": 1, "blocked.method": 2}


def test_that_every_kind_says_what_it_counts():
    assert set(KINDS) <= set(kinds())
    assert {f"rise.self.{step}" for step in STEPS[1:]} <= set(kinds())
    assert len(set(kinds())) == len(kinds())


@given(counts)
def test_that_no_small_number_leaves_the_house(found: dict[str, dict[str, int]]):
    report = make_report(found, 2026)
    assert report.months == {}
    for kind in report.counts:
        whole = sum(month.get(kind, 0) for name, month in found.items() if name.startswith("2026-"))
        assert report.shown(kind) == ("<5" if 0 < whole < BELOW else whole)
    json.dumps(report.as_json())


@given(counts)
def test_that_the_operator_sees_every_number(found: dict[str, dict[str, int]]):
    report = make_report(found, 2026, exact=True)
    assert report.months == {month: each for month, each in found.items() if month.startswith("2026-")}
    assert all(
        report.counts[kind] == sum(m.get(kind, 0) for m in report.months.values()) for kind in report.counts
    )


def test_that_a_kind_of_a_strangers_guard_is_told_as_well():
    assert make_report({"2026-01": {"blocked.advertising": 7}}, 2026).counts["blocked.advertising"] == 7


def test_that_a_turn_that_cannot_be_stored_is_not_counted(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        store.append(recalled_turn(store, "early", conversation_id="a"))
        before = store.counts()
        with closing(sqlite3.connect(tmp_path / "talks.db")) as database, database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON counts BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(Exception, match="failed"):
            store.append(recalled_turn(store, "late", objections=(Objection("guard: risk", "x"),)))
        assert store.counts() == before
        assert "c" not in store.conversations()
