"""Conversations that a person was called for, and how each of them stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.safety.delivery import QueuedHandoff
from agent.safety.steps import STEPS, Step

__all__ = ["CALL_STATES", "CallState", "Called"]

CallState = Literal["waiting", "held", "given_back"]
CALL_STATES: tuple[CallState, ...] = ("waiting", "held", "given_back")


@dataclass(frozen=True, slots=True)
class Called:
    """A conversation that a person was called for, without a word of anybody.

    Attributes:
        packet: The newest one.
        since: When somebody was first called since it was last given back, in UTC; where nobody was, when somebody
            was first called at all.
        level, others: Where the record of risk stands now, on both ladders.
        state: What became of it. Given back, it waits again once somebody is called again.
        held_by: Who has it; None where nobody does.
        held_since: When they took it, in UTC; None where nobody has it, or it was taken before that was kept.
    """

    packet: QueuedHandoff
    since: datetime
    level: Step
    others: Step
    state: CallState
    held_by: str | None = None
    held_since: datetime | None = None

    @property
    def conversation_id(self) -> str:
        """Which."""
        return self.packet.conversation_id

    @property
    def step(self) -> Step:
        """The higher of the two."""
        return max(self.level, self.others, key=STEPS.index)
