"""A turn late in a long conversation costs what an early one does: SQLite looks everything up in an index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.memory_sqlite import SQLiteStore
from agent.testing import a_turn
from agent.turn import Turn
from tests.contracts.store_contract import a_full_turn


def plans(path: Path, turns: list[Turn]) -> dict[str, list[str]]:
    """How SQLite goes about each statement of recalling and storing turns: searches, scans, sorting."""
    asked: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: Any) -> None:
        asked[statement] = values[0] if many else values

    store = SQLiteStore(path)
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        for turn in turns:
            store.recall(turn.conversation_id, turns=24)
            store.append(turn)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
        store.close()
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
        if step.startswith(("SCAN turns", "SCAN conversations", "SCAN holds", "SCAN handoffs", "SCAN counts"))
        or "TEMP B-TREE" in step
    }
    assert slow == {}
