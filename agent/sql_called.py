"""Conversations that a person was called for, out of an SQL database, in one statement.

What they cost grows with how many are asked for, and with the packets that these have, not with how many are kept:
every part of the statement searches an index (tests/agent/test_store_plans.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.intake import parsed
from agent.record import unpack
from agent.safety.called import Called, CallState
from agent.safety.course import RiskCourse
from agent.sql_people import PACKET, packet_of_row
from agent.sql_tables import ACTS, HANDOFFS, HOLDS, TURNS, Key

__all__ = ["called_in", "newest_called"]


def _of_it(table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.tenant == HANDOFFS.c.tenant, table.c.conversation_id == HANDOFFS.c.conversation_id
    ).self_group()


def _last(did: str) -> sa.ScalarSelect[Any]:
    when = sa.select(sa.func.max(ACTS.c.created_at)).where(_of_it(ACTS), ACTS.c.did == did)
    return when.correlate(HANDOFFS).scalar_subquery()


_OTHER = HANDOFFS.alias("other")
_SAME = sa.and_(HANDOFFS.c.tenant == _OTHER.c.tenant, _OTHER.c.conversation_id == HANDOFFS.c.conversation_id)
_BACK = sa.func.coalesce(_last("gave_back"), "")
# In the order of the index of one conversation: for the least `created` SQLite would look through the others' too.
_FIRST = sa.select(_OTHER.c.created).where(_SAME).order_by(_OTHER.c.position).limit(1).correlate(HANDOFFS)
_CALLED = (
    sa.select(
        *PACKET,
        HOLDS.c.held_by,
        _last("took_over").label("taken"),
        _FIRST.scalar_subquery().label("first"),
        _FIRST.where(_OTHER.c.created > _BACK).scalar_subquery().label("waiting"),
        sa.select(TURNS.c.course)
        .where(_of_it(TURNS))
        .order_by(TURNS.c.position.desc())
        .limit(1)
        .correlate(HANDOFFS)
        .scalar_subquery()
        .label("course"),
    )
    .select_from(HANDOFFS.outerjoin(HOLDS, _of_it(HOLDS)))
    .where(HANDOFFS.c.tenant == sa.bindparam("tenant"))
    .where(~sa.exists().where(_SAME, _OTHER.c.position > HANDOFFS.c.position).correlate(HANDOFFS))
)
"""The newest packet of each conversation with how that stands. Made once, as `agent.sql_people` does."""

_NEWEST = _CALLED.order_by(HANDOFFS.c.created.desc(), HANDOFFS.c.id.desc()).limit(
    sa.bindparam("most", type_=sa.Integer)
)
_ONE = _CALLED.where(HANDOFFS.c.conversation_id == sa.bindparam("id"))


def newest_called(connection: sa.Connection, tenant: str, *, most: int) -> tuple[Called, ...]:
    """The conversations that a person was last called for, the newest first."""
    return _called(connection.execute(_NEWEST, {"tenant": tenant, "most": most}))


def called_in(connection: sa.Connection, key: Key) -> Called | None:
    """One of them; None where nobody was called for it."""
    found = _called(connection.execute(_ONE, key._asdict()))
    return found[0] if found else None


def _called(rows: Iterable[Any]) -> tuple[Called, ...]:
    return tuple(map(_from_row, rows))


def _from_row(row: Any) -> Called:
    course = RiskCourse() if row.course is None else unpack(RiskCourse, parsed(row.course), at="course")
    state: CallState = "held" if row.held_by is not None else "waiting" if row.waiting else "given_back"
    since = datetime.fromisoformat(row.waiting or row.first)
    taken = None if row.held_by is None or row.taken is None else datetime.fromisoformat(row.taken)
    return Called(packet_of_row(row), since, course.level, course.others, state, row.held_by, taken)
