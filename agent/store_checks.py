"""What every store refuses, whatever it keeps its rows in."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.errors import StoreError
from agent.turn import Turn

__all__ = ["check_still_there", "in_utc"]


def check_still_there(turn: Turn, *, stored: int) -> None:
    """Refuse a turn that goes on from turns which were erased while it was made: it would bring them back.

    Args:
        turn: That is to be appended.
        stored: Turns that its conversation has now.

    Raises:
        StoreError: They are gone.
    """
    recalled = turn.history or turn.state_before is not None or turn.sitting_before is not None
    if stored == 0 and turn.index > 0 and recalled:
        raise StoreError(
            f"Turn {turn.id!r} goes on from {turn.index} turns of conversation {turn.conversation_id!r} that were "
            "erased meanwhile. It was not stored, since it holds what they said. The next message begins anew."
        )


def in_utc(time: datetime) -> datetime:
    """The same time in UTC.

    Raises:
        StoreError: It has no time zone, or none of the calendar's years holds it in UTC.
    """
    if time.tzinfo is None or time.utcoffset() is None:
        raise StoreError(f"`before` is {time.isoformat()}, without a time zone. `datetime.now(UTC)` has one.")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise StoreError(f"`before` is {time.isoformat()}, which no year from 1 to 9999 holds in UTC.") from None
