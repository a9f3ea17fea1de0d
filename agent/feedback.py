"""What people say of single replies: a rating and a reason, kept beside the conversation and erased with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from agent.errors import InputError, UnknownConversationError
from agent.intake import scrub

__all__ = [
    "LONGEST_REASON",
    "Feedback",
    "FeedbackStore",
    "Rating",
    "checked_feedback",
    "unknown_turn",
]

Rating = Literal[-1, 0, 1]

LONGEST_REASON = 2_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of one reply. A later one of the same turn takes its place.

    Attributes:
        turn_id: Of the turn.
        rating: -1 (bad), 0 (neither) or 1 (good).
        reason: Why, in somebody's own words; None where nobody said.
        at: When, in UTC; None where it is new.
    """

    turn_id: str
    rating: Rating
    reason: str | None = None
    at: datetime | None = None


class FeedbackStore(Protocol):
    """A store that keeps feedback. Ours do."""

    def rate(self, conversation_id: str, feedback: Feedback) -> None:
        """Keep it, in place of what was said of the turn before.

        Raises:
            UnknownConversationError: There is no such conversation, or no such turn in it.
            StoreError: It could not be written.
        """
        ...

    def feedback(self, conversation_id: str) -> tuple[Feedback, ...]:
        """What was said of the turns of a conversation, oldest first; nothing where there is none with this id."""
        ...


def checked_feedback(feedback: Feedback) -> Feedback:
    """The feedback with its reason scrubbed; an empty one counts as none.

    Raises:
        InputError: The rating is none, or the reason is too long. It is not in the error.
    """
    if feedback.rating not in {-1, 0, 1}:
        raise InputError(f"`rating` is {feedback.rating!r}. Choices: -1, 0, 1.")
    reason = scrub(feedback.reason or "").strip()
    if len(reason) > LONGEST_REASON:
        raise InputError(
            f"The reason has {len(reason):,} characters; the limit is {LONGEST_REASON:,}. Shorten it."
        )
    return Feedback(feedback.turn_id, feedback.rating, reason or None, feedback.at)


def unknown_turn(conversation_id: str) -> UnknownConversationError:
    """For a turn that is not there. Its id is not in the error."""
    return UnknownConversationError(f"Conversation {conversation_id!r} is not there, or has no turn of this id.")
