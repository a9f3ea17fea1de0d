"""A turn late in a long conversation costs what an early one does, and so does a queue that many stand in: SQLite
looks everything up in an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.memory_sqlite import SQLiteStore
from agent.testing import a_turn
from agent.turn import Turn
from tests.contracts.store_contract import a_full_turn


def plans(path: Path, turns: list[Turn]) -> dict[str, list[str]]:
    """How SQLite goes about each statement of recalling and storing turns, and of what people say between them:
    searches, scans, sorting."""
    asked: dict[str, Any] = {}
    store = SQLiteStore(path)
    with _noted(asked), closing(store):
        for turn in turns:
            store.recall(turn.conversation_id, turns=24)
            store.append(turn)
            store.hold(turn.conversation_id, by="Amy")
            store.say(turn.conversation_id, "Hello.", by="Amy")
    return _plans(path, asked)


@contextmanager
def _noted(asked: dict[str, Any]) -> Iterator[None]:

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: Any) -> None:
        asked[statement] = values[0] if many else values

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def _plans(path: Path, asked: dict[str, Any]) -> dict[str, list[str]]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            statement: [
                row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            ]
            for statement, values in asked.items()
            if not statement.startswith("BEGIN")
        }


@pytest.mark.parametrize("kind", ["plain", "full"])
def test_that_no_statement_of_a_turn_reads_more_the_longer_the_conversation_is(tmp_path: Path, kind: str):
    first = a_turn(id="1", conversation_id="long") if kind == "plain" else a_full_turn(id="1", index=0)
    second = a_turn(id="2", conversation_id=first.conversation_id, index=1)
    found = plans(tmp_path / "kept.db", [first, second])
    assert any("turns" in statement for statement in found)
    slow = {
        statement: steps
        for statement, steps in found.items()
        for step in steps
        if re.match(r"SCAN (turns|conversations|holds|handoffs|counts|human_acts)\b", step)
        or "TEMP B-TREE" in step
    }
    assert slow == {}


def test_that_who_was_called_for_is_found_in_one_statement_that_looks_at_nobody_else(tmp_path: Path):
    for look in (lambda store: store.called(newest=50), lambda store: store.called_in("c")):
        asked: dict[str, Any] = {}
        with closing(SQLiteStore(tmp_path / "kept.db")) as store, _noted(asked):
            look(store)
        (steps,) = (
            steps
            for statement, steps in _plans(tmp_path / "kept.db", asked).items()
            if "SELECT" in statement and "handoffs" in statement
        )
        assert [step for step in steps if not step.startswith(("SEARCH", "CORRELATED"))] == []
        own = [step for step in steps if step.startswith("SEARCH") and "conversation_id=?" not in step]
        # What is looked through without a conversation is the order of age, which ends after the newest.
        assert own in ([], ["SEARCH handoffs USING INDEX handoffs_made (tenant=?)"])


def test_that_a_part_of_the_list_is_read_alone(tmp_path: Path):
    for given in ({}, {"after": "c"}):
        asked: dict[str, Any] = {}
        with closing(SQLiteStore(tmp_path / "kept.db")) as store:
            if not store.conversations():
                store.append(a_turn(id="1", conversation_id="c"))
            with _noted(asked):
                store.conversations(limit=50, **given)
        steps = [step for found in _plans(tmp_path / "kept.db", asked).values() for step in found]
        used = "tenant=? AND last_used<?" if given else "tenant=?"
        assert f"SEARCH conversations USING INDEX conversations_used ({used})" in steps
        assert [step for step in steps if step.startswith("SCAN") or "FOR ORDER BY" in step] == []


def test_that_a_part_of_a_conversation_is_read_alone(tmp_path: Path):
    asked: dict[str, Any] = {}
    with closing(SQLiteStore(tmp_path / "kept.db")) as store:
        for number in range(9):
            store.append(a_turn(id=f"{number}", conversation_id="c", index=number))
        with _noted(asked):
            assert [turn.id for turn in store.turns("c", limit=2, before=7)] == ["5", "6"]
    steps = [step for found in _plans(tmp_path / "kept.db", asked).values() for step in found]
    assert [step for step in steps if step.startswith("SCAN") or "FOR ORDER BY" in step] == []
    assert [step for step in steps if "turns" in step and "position<?" not in step] == []
    assert all("LIMIT" in statement for statement in asked if "FROM turns" in statement)


def test_that_listing_by_a_beginning_looks_at_no_other_conversation(tmp_path: Path):
    asked: dict[str, Any] = {}
    with closing(SQLiteStore(tmp_path / "kept.db")) as store:
        with _noted(asked):
            store.conversations(beginning="page-1-")
        (steps,) = _plans(tmp_path / "kept.db", asked).values()
    assert "(tenant=? AND id>? AND id<?)" in steps[0]
