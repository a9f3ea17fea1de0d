"""What every store refuses, whatever it keeps its rows in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agent.errors import StoreError, UnknownConversationError
from agent.turn import Turn

__all__ = ["check_limit", "check_still_there", "in_utc", "page_of"]


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


def page_of(ids: Sequence[str], *, beginning: str, limit: int | None, after: str | None) -> tuple[str, ...]:
    """A part of a list of conversations, as `ConversationStore.conversations` gives it.

    Args:
        ids: Of all of them, in order.
        beginning: As there; so with the others.
        limit: As there.
        after: As there.

    Raises:
        UnknownConversationError: `after` is not among them.
        StoreError: `limit` is less than 1.
    """
    check_limit(limit)
    if after is not None and after not in ids:
        raise UnknownConversationError(f"No conversation {after!r} is stored; `after` names one that is.")
    rest = ids if after is None else ids[ids.index(after) + 1 :]
    return tuple(each for each in rest if each.startswith(beginning))[:limit]


def check_limit(limit: int | None) -> None:
    """Refuse a number of things that is none.

    Raises:
        StoreError: It is less than 1.
    """
    if limit is not None and limit < 1:
        raise StoreError(f"`limit` is {limit}; it is 1 or more, or None for all.")


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
