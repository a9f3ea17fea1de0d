"""Turns as rows of an SQL database, and back.

Everything here is asked for a `Key` or a tenant: no statement sees the rows of two tenants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa

from agent.errors import InputError, StoreError
from agent.intake import parsed
from agent.memory import said_in
from agent.migrations import utc_now
from agent.protocols import Recalled
from agent.record import from_record, pack, to_record, unpack
from agent.safety.course import RiskCourse
from agent.safety.human_acts import messages_after
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.sql_acts import acts_in
from agent.sql_people import CONTACT, contact_in
from agent.sql_tables import ACTS, CONVERSATIONS, TURNS, Key, insert_into, named_rows
from agent.state import EmotionalState
from agent.store_checks import check_still_there
from agent.turn import Message, Turn

__all__ = [
    "SAID",
    "count",
    "counts_in",
    "erase",
    "forget_profile",
    "insert_turn",
    "last_used_first",
    "newest_of",
    "said_in_row",
    "turns_of",
]

_counts = sa.table("counts", *map(sa.column, ("tenant", "month", "kind", "n")))
_KNOWN = ("state", "course", "reliance", "sitting")
SAID = (TURNS.c.position, TURNS.c.seeker_text, TURNS.c.supporter_text, TURNS.c.strategy)

_BEFORE = sa.bindparam("before", type_=sa.Integer)
# Not the highest position: where Postgres has not counted its rows yet, it looks for that through a tenant's rows.
_LAST = (
    sa.select(TURNS.c.position)
    .where(named_rows(TURNS), TURNS.c.position < _BEFORE)
    .order_by(TURNS.c.position.desc())
    .limit(1)
    .correlate(None)
    .scalar_subquery()
)
# All that is known before a turn in one statement: each takes SQLAlchemy longer than the database.
_NEWEST = (
    sa.select(
        *SAID,
        # Of the newest turn alone: it is longer than what was said in it.
        *(sa.case((TURNS.c.position == _LAST, TURNS.c[name])).label(name) for name in _KNOWN),
        sa.exists().where(named_rows(ACTS)).label("people"),
        *CONTACT,
    )
    .where(named_rows(TURNS), TURNS.c.position < _BEFORE)
    .order_by(TURNS.c.position.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def newest_of(connection: sa.Connection, key: Key, *, turns: int, before: int = 2**31 - 1) -> Recalled:
    """The newest turns of those at positions under `before`, with what people said after each."""
    named = {"tenant": key.tenant, "id": key.id, "before": before, "most": max(1, turns)}
    found = connection.execute(_NEWEST, named).all()
    if not found:
        return Recalled()
    newest, rows = found[0], found[:turns]
    with _naming(connection, key, newest.position):
        state = None if newest.state is None else unpack(EmotionalState, parsed(newest.state), at="state")
        course = None if newest.course is None else unpack(RiskCourse, parsed(newest.course), at="course")
        reliance = None if newest.reliance is None else unpack(Reliance, parsed(newest.reliance), at="reliance")
        sitting = None if newest.sitting is None else unpack(Sitting, parsed(newest.sitting), at="sitting")
    acts = acts_in(connection, key, after=rows[-1].position) if rows and newest.people else ()
    people = messages_after(acts)
    messages = tuple(
        message for row in reversed(rows) for message in (*said_in_row(row), *people.get(row.position + 1, ()))
    )
    return Recalled(messages, state, newest.position + 1, course, reliance, contact_in(newest), sitting)


def insert_turn(connection: sa.Connection, tenant: str, turn: Turn) -> tuple[Turn, Recalled]:
    """Store a new turn at the next free place of its conversation. Gives it with what was known of that before."""
    key = Key(tenant, turn.conversation_id)
    now = utc_now()
    # First: on Postgres its row is the lock that turns of one conversation queue for, and what is read
    # after it was waited for holds the turn that was waited for.
    _touch(connection, key, now)
    length = len(turn.history)
    # Each turn began with a message of the seeker; the history may begin within one.
    within = 1 + len(turn.said_by("seeker"))
    so_far = newest_of(connection, key, turns=within)
    check_still_there(turn, stored=so_far.turns)
    # Stored turns hold the history of one that was recalled from here. A caller may bring its own.
    overtaken = turn.index < so_far.turns
    before = newest_of(connection, key, turns=within, before=turn.index) if overtaken else so_far
    context = (before.turns, before.messages[-length:] if length else (), before.state)
    records = (before.course, before.reliance, before.sitting)
    derivable = (*context, *records) == (
        turn.index,
        turn.history,
        turn.state_before,
        turn.course_before,
        turn.reliance_before,
        turn.sitting_before,
    )
    record = to_record(turn, context=not derivable)
    seeker, *supporter = said_in(turn)
    connection.execute(
        sa.insert(TURNS),
        {
            "tenant": tenant,
            "conversation_id": turn.conversation_id,
            "position": so_far.turns,
            "turn_id": turn.id,
            "created_at": now,
            "seeker_text": seeker.text,
            "supporter_text": supporter[0].text if supporter else None,
            "strategy": supporter[0].strategy if supporter else None,
            **{name: _known_after(name, record, so_far) for name in _KNOWN},
            "history_length": length if derivable else None,
            "record": _json(record),
        },
    )
    return turn.altered(index=so_far.turns), so_far


def _known_after(name: str, record: Mapping[str, Any], before: Recalled) -> str | None:
    """What is known after a turn: what it found, as its record has it, or what was known before."""
    known = record[name] if record[name] is not None else pack(getattr(before, name), at=f"turn.{name}")
    return None if known is None else _json(known)


def turns_of(
    connection: sa.Connection, key: Key, *, limit: int | None = None, before: int | None = None
) -> tuple[Turn, ...]:
    """Turns of a conversation as `ConversationStore.turns` gives them, with history and state before put back."""
    mine = sa.select(*SAID, TURNS.c.history_length, TURNS.c.record).where(key.rows(TURNS))
    if before is not None:
        mine = mine.where(TURNS.c.position < before)
    rows = connection.execute(mine.order_by(TURNS.c.position.desc()).limit(limit)).all()[::-1]
    first = rows[0].position if rows else 0

    def known_at(place: int, length: int) -> Recalled:
        return newest_of(connection, key, turns=length, before=place) if place > 0 else Recalled()

    earlier = known_at(first, max((row.history_length or 0 for row in rows), default=0))
    turns: list[Turn] = []
    said = [*earlier.messages]
    ends = [len(said)]  # messages that were said before each of these turns
    kept = [earlier]  # what was known before each
    people = messages_after(acts_in(connection, key, after=first))
    for row in rows:
        with _naming(connection, key, row.position):
            turn = from_record(parsed(row.record))
            length = row.history_length
            if length is not None and turn.index < first:  # overtaken by some of these
                past = known_at(turn.index, length)
                turn = past.before(turn.altered(history=past.messages[-length:] if length else ()))
            elif length is not None:
                end = ends[turn.index - first]
                turn = kept[turn.index - first].before(turn.altered(history=tuple(said[end - length : end])))
        turns.append(turn.altered(index=row.position))
        said.extend((*said_in_row(row), *people.get(row.position + 1, ())))
        ends.append(len(said))
        kept.append(kept[-1].after(turn))
    return tuple(turns)


def said_in_row(row: sa.Row[*tuple[Any, ...]]) -> tuple[Message, ...]:
    """As `said_in`, without parsing the record."""
    seeker = Message("seeker", row.seeker_text)
    if row.supporter_text is None:
        return (seeker,)
    return (seeker, Message("supporter", row.supporter_text, row.strategy))


def forget_profile(connection: sa.Connection, key: Key) -> int:
    """Take `EmotionalState.personal` out of every copy of a state. Gives how many turns there are.

    Read and written here rather than by the engine: Postgres' own JSON would forget the order of keys.
    """
    kept = sa.select(TURNS.c.position, TURNS.c.state, TURNS.c.record).where(key.rows(TURNS))
    forgotten: list[dict[str, Any]] = []
    for row in connection.execute(kept).all():
        with _naming(connection, key, row.position):
            state = None if row.state is None else parsed(row.state)
            record = parsed(row.record)
        for each in (state, record.get("state"), record.get("state_before")):
            if each is not None:
                each.pop("personal", None)
        state = None if state is None else _json(state)
        forgotten.append({"at": row.position, "state": state, "record": _json(record)})
    if forgotten:
        of_it = sa.update(TURNS).where(key.rows(TURNS), TURNS.c.position == sa.bindparam("at"))
        connection.execute(of_it.values(state=sa.bindparam("state"), record=sa.bindparam("record")), forgotten)
    return len(forgotten)


def erase(connection: sa.Connection, tenant: str, which: sa.ColumnElement[bool]) -> tuple[str, ...]:
    """Erase conversations with all that belongs to them, and give their ids, the one last used first.

    Every table that holds something of a conversation refers to it with ON DELETE CASCADE.
    """
    # Locked as they are listed: whoever appends meanwhile waits, so that none goes that is not listed.
    mine = CONVERSATIONS.c.tenant == tenant
    ids = tuple(connection.execute(last_used_first(tenant).where(which).with_for_update()).scalars())
    if ids:
        this = sa.delete(CONVERSATIONS).where(mine, CONVERSATIONS.c.id == sa.bindparam("erased"))
        connection.execute(this, [{"erased": each} for each in ids])
    return ids


def last_used_first(tenant: str) -> sa.Select[str]:
    """The ids of a tenant's conversations."""
    used = (CONVERSATIONS.c.last_used.desc(), CONVERSATIONS.c.id)
    return sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.tenant == tenant).order_by(*used)


def _json(packed: Any) -> str:
    return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextmanager
def _naming(connection: sa.Connection, key: Key, position: int) -> Iterator[None]:
    """Says which turn it is that cannot be read."""
    try:
        yield
    except (StoreError, InputError, IndexError) as error:
        problem = error if isinstance(error, StoreError) else "Its record is damaged."
        where = f"Turn {position} of conversation {key.id!r} in {connection.engine.url.database!r}"
        raise StoreError(f"{where} cannot be read. {problem} Restore a copy of the database.") from None


def _touch(connection: sa.Connection, key: Key, now: str) -> None:
    """Make a conversation the one last used; it begins to exist where it did not."""
    connection.execute(_touched(connection.dialect.name), {**key._asdict(), "now": now})


@cache
def _touched(engine: str) -> sa.Insert:
    tenant: sa.BindParameter[str] = sa.bindparam("tenant")
    now: sa.BindParameter[str] = sa.bindparam("now")
    highest = sa.select(sa.func.max(CONVERSATIONS.c.last_used)).where(CONVERSATIONS.c.tenant == tenant)
    next_use = sa.func.coalesce(highest.scalar_subquery(), 0) + 1
    new = insert_into(engine, CONVERSATIONS).values(
        tenant=tenant, id=sa.bindparam("id"), created_at=now, updated_at=now, last_used=next_use
    )
    again = {"updated_at": new.excluded.updated_at, "last_used": new.excluded.last_used}
    return new.on_conflict_do_update(index_elements=["tenant", "id"], set_=again)


def count(connection: sa.Connection, tenant: str, found: Mapping[str, int], *, month: str | None = None) -> None:
    """Add to the counts.

    Args:
        connection: In a transaction that writes.
        tenant: Whose counts.
        found: Kind to how often.
        month: E.g. `"2026-11"`; None takes the current one, in UTC.
    """
    named = {"tenant": tenant, "month": month or utc_now()[:7]}
    # In order, so that of two transactions on Postgres none waits for a row that the other has.
    rows = [{**named, "kind": kind, "n": found[kind]} for kind in sorted(found)]
    connection.execute(_counting(connection.dialect.name), rows)


@cache
def _counting(engine: str) -> sa.Insert:
    new = insert_into(engine, _counts)
    more = {"n": _counts.c.n + new.excluded.n}
    return new.on_conflict_do_update(index_elements=["tenant", "month", "kind"], set_=more)


def counts_in(connection: sa.Connection, tenant: str) -> dict[str, dict[str, int]]:
    """All counts of a tenant: month to kind to number."""
    found: dict[str, dict[str, int]] = {}
    every = sa.select(_counts.c.month, _counts.c.kind, _counts.c.n).where(_counts.c.tenant == tenant)
    for month, kind, number in connection.execute(every.order_by(_counts.c.month, _counts.c.kind)):
        found.setdefault(month, {})[kind] = number
    return found
