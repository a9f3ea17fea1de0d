"""What people did in conversations that they took over, out of an SQL database."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from agent.safety.human_acts import HumanAct
from agent.sql_tables import ACTS, Key, named_rows

__all__ = ["acts_in"]

_ACTS = (
    sa.select(ACTS)
    .where(named_rows(ACTS))
    .where(ACTS.c.turns > sa.bindparam("after", type_=sa.Integer))
    .order_by(ACTS.c.number)
)


def acts_in(connection: sa.Connection, key: Key, *, after: int = -1) -> tuple[HumanAct, ...]:
    """What was done in a conversation, oldest first.

    Args:
        connection: In a transaction.
        key: Which.
        after: Only what was done once there were more turns than this.
    """
    return tuple(
        HumanAct(row.name, row.did, row.turns, row.words, datetime.fromisoformat(row.created_at))
        for row in connection.execute(_ACTS, {**key._asdict(), "after": after})
    )
