"""Feedback as rows of an SQL database."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from agent.feedback import Feedback, unknown_turn
from agent.migrations import utc_now
from agent.sql_tables import TURNS, Key, new_row

__all__ = ["feedback_of", "keep_feedback"]

_FEEDBACK = sa.table(
    "feedback", *map(sa.column, ("tenant", "turn_id", "conversation_id", "rating", "reason", "created_at"))
)


def keep_feedback(connection: sa.Connection, key: Key, feedback: Feedback) -> None:
    """Keep feedback as a row, in place of what was said of the turn before.

    Args:
        connection: In a transaction that writes, with the conversation locked.
        key: Whose turn it is.
        feedback: As `checked_feedback` gives it.

    Raises:
        UnknownConversationError: There is no such turn.
    """
    turn = sa.select(TURNS.c.position).where(key.rows(TURNS), TURNS.c.turn_id == feedback.turn_id)
    if connection.execute(turn).one_or_none() is None:
        raise unknown_turn(key.id)
    said = {"rating": feedback.rating, "reason": feedback.reason, "created_at": utc_now()}
    whose = {"tenant": key.tenant, "turn_id": feedback.turn_id, "conversation_id": key.id}
    new = new_row(connection, _FEEDBACK).values({**whose, **said})
    connection.execute(new.on_conflict_do_update(index_elements=["tenant", "turn_id"], set_=said))


def feedback_of(connection: sa.Connection, key: Key) -> tuple[Feedback, ...]:
    """What was said of the turns of a conversation, oldest first."""
    rows = connection.execute(
        sa.select(_FEEDBACK).where(key.rows(_FEEDBACK)).order_by(_FEEDBACK.c.created_at, _FEEDBACK.c.turn_id)
    )
    return tuple(
        Feedback(row.turn_id, row.rating, row.reason, datetime.fromisoformat(row.created_at)) for row in rows
    )
