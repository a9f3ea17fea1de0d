"""A store that keeps conversations without personal data (setting `redact_store`)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Self, cast

from agent.errors import StoreError
from agent.feedback import Feedback, FeedbackStore
from agent.protocols import ConversationStore, Recalled
from agent.repeats import RepeatStore, Request
from agent.safety.redaction import redact, redact_turn
from agent.tenants import TenantStore
from agent.turn import Turn

__all__ = ["RedactingStore"]

_AS_IT_IS = frozenset(
    {
        "answered",
        "called",
        "called_in",
        "claim",
        "counts",
        "due",
        "handoffs",
        "held_by",
        "hold",
        "human_acts",
        "leases",
        "path",
        "release",
        "settle",
        "tenant",
        "where",
    }
)
"""What another store may have beside conversations and holds no words of a person. Whoever adds to a store decides
whether it belongs here: a test compares.
"""


class RedactingStore:
    """A store that hands redacted turns to another one, and can do what that one can.

    The agent goes on from what is kept: in later turns neither it nor an LLM knows a name that was told before.
    Turns that the other store holds already stay as they are.

    Args:
        kept_in: The store that keeps them.
        public: Numbers and addresses that are nobody's own (see `redact`).
    """

    def __init__(self, kept_in: ConversationStore, *, public: Collection[str] = ()) -> None:
        self.name = kept_in.name
        self._kept_in, self._public = kept_in, public

    def __getattr__(self, name: str) -> Any:
        """What the other store can do beside keeping conversations; where it cannot, this one cannot either."""
        if name in _AS_IT_IS:
            return getattr(self._kept_in, name)
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    @property
    def api_keys(self) -> Any:
        """The other store's keys; None where it keeps none."""
        return getattr(self._kept_in, "api_keys", None)

    def for_tenant(self, tenant: str) -> Self:
        """See `TenantStore`. The other store must be one."""
        return type(self)(cast("TenantStore", self._kept_in).for_tenant(tenant), public=self._public)

    def tenants(self) -> tuple[str, ...]:
        """See `TenantStore`."""
        return cast("TenantStore", self._kept_in).tenants()

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`."""
        return self._kept_in.recall(conversation_id, turns=turns)

    def append(self, turn: Turn, *, request: Request | None = None) -> Turn:
        """See `RepeatStore`. The turn that comes back is as it was said: the person is shown it."""
        redacted = redact_turn(turn, public=self._public, earlier_redacted=True)
        if request is None:
            kept = self._kept_in.append(redacted)
        else:
            kept = cast("RepeatStore", self._kept_in).append(redacted, request=request)
        return replace(turn, index=kept.index)

    def turns(
        self, conversation_id: str, *, limit: int | None = None, before: int | None = None
    ) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        return self._kept_in.turns(conversation_id, limit=limit, before=before)

    def conversations(
        self, *, beginning: str = "", limit: int | None = None, after: str | None = None
    ) -> tuple[str, ...]:
        """See `ConversationStore`."""
        return self._kept_in.conversations(beginning=beginning, limit=limit, after=after)

    def rate(self, conversation_id: str, feedback: Feedback) -> None:
        """See `agent.feedback.FeedbackStore`. The reason is kept without personal data."""
        reason = None if feedback.reason is None else redact(feedback.reason, public=self._public)
        self._with_feedback().rate(conversation_id, replace(feedback, reason=reason))

    def feedback(self, conversation_id: str) -> tuple[Feedback, ...]:
        """See `agent.feedback.FeedbackStore`."""
        return self._with_feedback().feedback(conversation_id)

    @property
    def say(self) -> Any:
        """See `TakeoverStore`. What a person says is kept without personal data, and so shown."""
        say: Callable[..., bool] = self._kept_in.say  # type: ignore[attr-defined]

        def redacted(conversation_id: str, words: str, *, by: str, request: Request | None = None) -> bool:
            return say(conversation_id, redact(words, public=self._public), by=by, request=request)

        return redacted

    def _with_feedback(self) -> FeedbackStore:
        if not hasattr(self._kept_in, "rate"):
            raise StoreError(f"The store {self.name!r} keeps no feedback. Take `sqlite`.")
        return cast("FeedbackStore", self._kept_in)

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`."""
        self._kept_in.forget_profile(conversation_id)

    def erase(self, conversation_id: str) -> int:
        """See `ConversationStore`."""
        return self._kept_in.erase(conversation_id)

    def expire(self, before: datetime) -> tuple[str, ...]:
        """See `ConversationStore`."""
        return self._kept_in.expire(before)

    def close(self) -> None:
        """See `ConversationStore`."""
        self._kept_in.close()
