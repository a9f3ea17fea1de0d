"""Feedback as rows of the database."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from agent.feedback import Feedback
from agent.migrations import utc_now

__all__ = ["feedback_of", "keep_feedback"]

_FEEDBACK = sa.table("feedback", *map(sa.column, ("turn_id", "conversation_id", "rating", "reason", "created_at")))


def keep_feedback(connection: sa.Connection, conversation_id: str, feedback: Feedback) -> None:
    """Keep feedback as a row. The turn must be there.

    Args:
        connection: In a transaction that writes.
        conversation_id: Whose turn it is.
        feedback: As `checked_feedback` gives it.
    """
    of_it = _FEEDBACK.c.turn_id == feedback.turn_id
    connection.execute(sa.delete(_FEEDBACK).where(of_it))
    new = {
        "turn_id": feedback.turn_id,
        "conversation_id": conversation_id,
        "rating": feedback.rating,
        "reason": feedback.reason,
        "created_at": utc_now(),
    }
    connection.execute(sa.insert(_FEEDBACK).values(new))


def feedback_of(connection: sa.Connection, conversation_id: str) -> tuple[Feedback, ...]:
    """What was said of the turns of a conversation, oldest first."""
    rows = connection.execute(
        sa.select(_FEEDBACK)
        .where(_FEEDBACK.c.conversation_id == conversation_id)
        .order_by(_FEEDBACK.c.created_at, _FEEDBACK.c.turn_id)
    )
    return tuple(
        Feedback(row.turn_id, row.rating, row.reason, datetime.fromisoformat(row.created_at).astimezone(UTC))
        for row in rows
    )
