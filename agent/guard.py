"""The first guard: whoever may be in danger gets the careful reply, not a free one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.decisions import Verdict
from agent.readings import DANGER
from agent.turn import Turn

__all__ = ["CarefulGuard", "create"]


@dataclass(frozen=True)
class CarefulGuard:
    """Escalates at thoughts of suicide or self-harm and above, and when risk could not be read."""

    name: str = "careful"
    reads: frozenset[str] = frozenset({"risk"})

    async def screen(self, turn: Turn) -> Verdict:
        """Unknown is not safe: a risk reader that failed takes the cautious path."""
        if turn.risk is None:
            return Verdict("escalate", self.name, ("risk could not be read",))
        if turn.risk.level in DANGER:
            return Verdict("escalate", self.name, (f"risk reads {turn.risk.level}",))
        return Verdict("allow", self.name)


def create(settings: Any = None) -> CarefulGuard:  # noqa: ARG001 - every part is made with the settings
    """Entry point `careful`."""
    return CarefulGuard()
