"""Turns as rows of the SQLite file, and back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from agent.errors import InputError, StoreError
from agent.intake import parsed
from agent.memory import check_still_there, said_in
from agent.migrations import utc_now
from agent.protocols import Recalled
from agent.record import from_record, pack, to_record, unpack
from agent.safety.course import RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.state import EmotionalState
from agent.turn import Message, Turn

__all__ = [
    "CONVERSATIONS",
    "SAID",
    "TURNS",
    "count",
    "counts_in",
    "insert_turn",
    "newest_of",
    "said_in_row",
    "turns_of",
]

CONVERSATIONS = sa.table("conversations", *map(sa.column, ("id", "created_at", "updated_at", "last_used")))
TURNS = sa.table(
    "turns",
    *map(sa.column, ("conversation_id", "position", "turn_id", "created_at", "seeker_text", "supporter_text")),
    *map(sa.column, ("strategy", "state", "history_length", "record", "course", "reliance", "sitting")),
)
_counts = sa.table("counts", *map(sa.column, ("month", "kind", "n")))
SAID = (TURNS.c.position, TURNS.c.seeker_text, TURNS.c.supporter_text, TURNS.c.strategy)


def newest_of(
    connection: sa.Connection, conversation_id: str, *, turns: int, before: int = sys.maxsize
) -> Recalled:
    """The newest turns of those at positions under `before`."""
    rows = connection.execute(
        sa.select(*SAID, TURNS.c.state)
        .where(TURNS.c.conversation_id == conversation_id, TURNS.c.position < before)
        .order_by(TURNS.c.position.desc())
        .limit(max(1, turns))  # one at least, for its state
    ).all()
    if not rows:
        return Recalled()
    with _naming(connection, conversation_id, rows[0].position):
        state = None if rows[0].state is None else unpack(EmotionalState, parsed(rows[0].state), at="state")
        # Of the newest turn alone: it stands behind `record`, whose pages would have to be walked through.
        newest = (TURNS.c.conversation_id == conversation_id, TURNS.c.position == rows[0].position)
        columns = (TURNS.c.course, TURNS.c.reliance, TURNS.c.sitting)
        kept = connection.execute(sa.select(*columns).where(*newest)).one()
        course = None if kept.course is None else unpack(RiskCourse, parsed(kept.course), at="course")
        reliance = None if kept.reliance is None else unpack(Reliance, parsed(kept.reliance), at="reliance")
        sitting = None if kept.sitting is None else unpack(Sitting, parsed(kept.sitting), at="sitting")
    messages = tuple(message for row in reversed(rows[:turns]) for message in said_in_row(row))
    return Recalled(messages, state, rows[0].position + 1, course, reliance, sitting=sitting)


def insert_turn(connection: sa.Connection, turn: Turn) -> Turn:
    """Store a new turn at the next free place of its conversation."""
    so_far = newest_of(connection, turn.conversation_id, turns=0)
    check_still_there(turn, stored=so_far.turns)
    state = so_far.state if turn.state is None else turn.state
    course = so_far.course if turn.course is None else turn.course
    reliance = so_far.reliance if turn.reliance is None else turn.reliance
    sitting = so_far.sitting if turn.sitting is None else turn.sitting
    # Stored turns hold the history of one that was recalled from here. A caller may bring its own.
    length = len(turn.history)
    before = newest_of(connection, turn.conversation_id, turns=length, before=min(turn.index, so_far.turns))
    context = (before.turns, before.messages[-length:], before.state)
    records = (before.course, before.reliance, before.sitting)
    derivable = (*context, *records) == (
        turn.index,
        turn.history,
        turn.state_before,
        turn.course_before,
        turn.reliance_before,
        turn.sitting_before,
    )
    seeker, *supporter = said_in(turn)
    now = utc_now()
    _touch(connection, turn.conversation_id, now)
    connection.execute(
        sa.insert(TURNS).values(
            conversation_id=turn.conversation_id,
            position=so_far.turns,
            turn_id=turn.id,
            created_at=now,
            seeker_text=seeker.text,
            supporter_text=supporter[0].text if supporter else None,
            strategy=supporter[0].strategy if supporter else None,
            state=None if state is None else _json(pack(state, at="turn.state")),
            course=None if course is None else _json(pack(course, at="turn.course")),
            reliance=None if reliance is None else _json(pack(reliance, at="turn.reliance")),
            sitting=None if sitting is None else _json(pack(sitting, at="turn.sitting")),
            history_length=length if derivable else None,
            record=_json(to_record(turn, context=not derivable)),
        )
    )
    return replace(turn, index=so_far.turns)


def turns_of(connection: sa.Connection, conversation_id: str) -> tuple[Turn, ...]:
    """Every turn of a conversation, with history and state before put back."""
    every = sa.select(*SAID, TURNS.c.history_length, TURNS.c.record).order_by(TURNS.c.position)
    turns: list[Turn] = []
    said: list[Message] = []
    ends = [0]  # messages that were said before each turn
    kept = [Recalled()]  # what was known after each turn
    for row in connection.execute(every.where(TURNS.c.conversation_id == conversation_id)):
        with _naming(connection, conversation_id, row.position):
            turn = from_record(parsed(row.record))
            if row.history_length is not None:
                end = ends[turn.index]
                history = tuple(said[end - row.history_length : end])
                then = kept[turn.index]
                turn = replace(turn, history=history, state_before=then.state, course_before=then.course)
                turn = replace(turn, reliance_before=then.reliance, sitting_before=then.sitting)
        turns.append(replace(turn, index=row.position))
        said.extend(said_in_row(row))
        ends.append(len(said))
        before = kept[-1]
        state, course = turn.state or before.state, turn.course or before.course
        reliance, sitting = turn.reliance or before.reliance, turn.sitting or before.sitting
        kept.append(Recalled(state=state, course=course, reliance=reliance, sitting=sitting))
    return tuple(turns)


def said_in_row(row: sa.Row[*tuple[Any, ...]]) -> tuple[Message, ...]:
    """As `said_in`, without parsing the record."""
    seeker = Message("seeker", row.seeker_text)
    if row.supporter_text is None:
        return (seeker,)
    return (seeker, Message("supporter", row.supporter_text, row.strategy))


def _json(packed: Any) -> str:
    return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextmanager
def _naming(connection: sa.Connection, conversation_id: str, position: int) -> Iterator[None]:
    """Says which turn it is that cannot be read."""
    try:
        yield
    except (StoreError, InputError, IndexError) as error:
        problem = error if isinstance(error, StoreError) else "Its record is damaged."
        where = f"Turn {position} of conversation {conversation_id!r} in {connection.engine.url.database!r}"
        raise StoreError(f"{where} cannot be read. {problem} Restore a copy of the file.") from None


def _touch(connection: sa.Connection, conversation_id: str, now: str) -> None:
    """Make a conversation the one last used; it begins to exist where it did not."""
    next_use = sa.select(sa.func.coalesce(sa.func.max(CONVERSATIONS.c.last_used), 0) + 1).scalar_subquery()
    known = sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id)
    if connection.execute(known.values(updated_at=now, last_used=next_use)).rowcount == 0:
        new = {"id": conversation_id, "created_at": now, "updated_at": now, "last_used": next_use}
        connection.execute(sa.insert(CONVERSATIONS).values(new))


def count(connection: sa.Connection, found: Mapping[str, int], *, month: str | None = None) -> None:
    """Add to the counts.

    Args:
        connection: In a transaction that writes.
        found: Kind to how often.
        month: E.g. `"2026-11"`; None takes the current one, in UTC.
    """
    for kind, number in found.items():
        new = sqlite.insert(_counts).values(month=month or utc_now()[:7], kind=kind, n=number)
        more = {"n": _counts.c.n + number}
        connection.execute(new.on_conflict_do_update(index_elements=["month", "kind"], set_=more))


def counts_in(connection: sa.Connection) -> dict[str, dict[str, int]]:
    """All counts: month to kind to number."""
    found: dict[str, dict[str, int]] = {}
    for month, kind, number in connection.execute(sa.select(_counts).order_by(_counts.c.month, _counts.c.kind)):
        found.setdefault(month, {})[kind] = number
    return found
