"""How long and how quick a conversation may be. What comes in beyond that is refused, and nothing is lost.

How long one message may be is told by `agent.intake.clean`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from agent.errors import LimitError, SettingsError
from agent.safety.answered import speaks_of_death
from agent.safety.sitting import known_time, moved_on
from agent.turn import Turn

__all__ = ["USUAL", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one conversation. They hold across processes: what is counted is kept with the turns.

    Attributes:
        turns: Most turns that it may have, from 1.
        turns_per_minute: Most messages a minute, from 1. A token bucket: as many may come at once, and later ones
            as fast as it fills again, so that a minute which follows a quiet one may see up to twice as many.

    Raises:
        SettingsError: One of them is less than 1.
    """

    turns: int = 10_000
    turns_per_minute: int = 60

    def __post_init__(self) -> None:
        for name, value in (("max_turns", self.turns), ("max_turns_per_minute", self.turns_per_minute)):
            if value < 1:
                raise SettingsError(f"`{name}` is {value}; it is 1 or more.")

    def admit(self, turn: Turn) -> Turn:
        """The turn with its sitting, of whose allowance it takes one.

        Args:
            turn: With what was recalled, and not read yet.

        Raises:
            LimitError: The conversation is too long, or its messages come too fast.
        """
        sitting = moved_on(turn.sitting_before, turn.at)
        allowance = self._allowance(turn)
        # Who is or was in danger is answered, however much and however fast they write: a refusal is the last
        # thing that they need, and what it would save is a few calls of an LLM. The same goes for a message with
        # plain words of suicide, since the record knows nothing of it yet.
        known = turn.course_before is not None and turn.course_before.was_in_danger
        if not (known or speaks_of_death(turn.text)):
            if turn.index >= self.turns:
                self._too_long(turn)
            if allowance < 1:
                self._too_fast(turn, wait=(1 - allowance) * 60 / self.turns_per_minute)
        if known_time(turn.at) is not None:
            sitting = replace(sitting, allowance=max(0.0, allowance - 1))
        return turn.altered(sitting=sitting)

    def _allowance(self, turn: Turn) -> float:
        """Messages that may come at once now; all where nobody counted, or the time is unknown."""
        before, now = turn.sitting_before, known_time(turn.at)
        if before is None or before.allowance is None or before.latest is None or now is None:
            return float(self.turns_per_minute)
        gone = max(0.0, now - before.latest)
        return min(self.turns_per_minute, before.allowance + gone * self.turns_per_minute / 60)

    def _too_long(self, turn: Turn) -> NoReturn:
        raise LimitError(
            f"Conversation {turn.conversation_id!r} has {turn.index:,} turns; the limit is {self.turns:,}. The "
            "message was not taken in. Begin a new conversation, or raise `max_turns` (HEARTLINE_MAX_TURNS)."
        )

    def _too_fast(self, turn: Turn, *, wait: float) -> NoReturn:
        raise LimitError(
            f"Messages of conversation {turn.conversation_id!r} come faster than the limit of "
            f"{self.turns_per_minute:,} a minute. The message was not taken in. Send it again in {wait:.1f} "
            "seconds, or raise `max_turns_per_minute` (HEARTLINE_MAX_TURNS_PER_MINUTE).",
            retry_after=wait,
        )


USUAL = Limits()
"""What holds where nothing is set."""
