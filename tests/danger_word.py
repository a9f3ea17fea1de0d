"""A plugin that reads danger off one word, for tests of what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.readings import RiskReading
from agent.turn import Turn

__all__ = ["DangerWord"]


class DangerWord:
    """Ideation where a message says "kill", else nothing. Keeps what it read."""

    name = "danger-word"
    reads = frozenset({"text"})
    writes = "risk"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, turns: Sequence[Turn]) -> Sequence[RiskReading]:
        self.seen += [turn.text for turn in turns]
        return [RiskReading("ideation" if "kill" in turn.text else "none", source="word") for turn in turns]
