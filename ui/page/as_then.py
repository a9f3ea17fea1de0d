"""Parts of an agent as they stood before a turn, so that it can be answered anew."""

from __future__ import annotations

from dataclasses import replace

from agent.protocols import Recalled
from agent.turn import Turn

__all__ = ["AsKnown", "AsRead"]


class AsRead:
    """Reads what was read then.

    Args:
        turn: With its readings.
        writes: Those that are read.
    """

    def __init__(self, turn: Turn, writes: frozenset[str]) -> None:
        self._turn, self.writes = turn, writes

    async def perceive(self, turn: Turn) -> Turn:
        """The turn with the readings."""
        readings = {name: getattr(self._turn, name) for name in self.writes}
        return replace(turn, **readings, adjudication=self._turn.adjudication)


class AsKnown:
    """A store that knows what was known before a turn, and takes nothing in.

    Args:
        turn: Which.
    """

    name = "nowhere"

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:  # noqa: ARG002 - it knows of one turn only
        """What was known."""
        then = self._turn
        return Recalled(
            messages=then.history,
            state=then.state_before,
            turns=then.index,
            course=then.course_before,
            reliance=then.reliance_before,
            contact=then.contact,
            sitting=then.sitting_before,
        )

    def append(self, turn: Turn) -> Turn:
        """The turn as it is: it never happened."""
        return turn
