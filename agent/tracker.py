"""Follows the emotional state from turn to turn: a smoothed point and its last marked shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from agent.readings import Affect
from agent.state import EmotionalState, Shift
from agent.turn import Turn

__all__ = ["SmoothedTracker", "create"]


@dataclass(frozen=True)
class SmoothedTracker:
    """Exponential smoothing of valence, arousal and dominance, each reading weighed by its evidence.

    Attributes:
        rate: Weight of a fully sure reading against all before, in (0, 1]. At 0.6 a clear
            message outweighs the past at once, and a vague one hardly moves it.
        shift: Change of the smoothed valence from one turn to the next that counts as a shift.
        memory: What confidence keeps from turn to turn when nothing new is read.
    """

    name: str = "smoothed"
    reads: frozenset[str] = frozenset({"affect", "state_before"})
    rate: float = 0.6
    shift: float = 0.3
    memory: float = 0.8

    def update(self, turn: Turn) -> EmotionalState:
        """The state after this turn. Without a reading the state stays and confidence falls."""
        before = turn.state_before
        if turn.affect is None:
            return self._unchanged(before)
        evidence = _evidence(turn)
        if before is None:
            return EmotionalState(turn.affect, 1, 0.0, None, 0, evidence)
        weight = self.rate * evidence
        moved = (1 - weight) * before.affect.point + weight * turn.affect.point
        # Rounding can leave [-1, 1] by one unit in the last place.
        affect = Affect(*(float(value) for value in np.clip(moved, -1, 1)))
        trend = affect.valence - before.affect.valence
        shifted = abs(trend) >= self.shift
        direction: Literal["better", "worse"] = "better" if trend > 0 else "worse"
        return EmotionalState(
            affect=affect,
            turns=before.turns + 1,
            trend=trend,
            last_shift=Shift(turn.index, direction, abs(trend)) if shifted else before.last_shift,
            turns_since_shift=0 if shifted else before.turns_since_shift + 1,
            confidence=min(1.0, self.memory * before.confidence + (1 - self.memory) * evidence + weight / 2),
        )

    def _unchanged(self, before: EmotionalState | None) -> EmotionalState:
        if before is None:
            return EmotionalState(Affect(0.0, 0.0, 0.0), 1, 0.0, None, 0, 0.0)
        return EmotionalState(
            affect=before.affect,
            turns=before.turns + 1,
            trend=0.0,
            last_shift=before.last_shift,
            turns_since_shift=before.turns_since_shift + 1,
            confidence=self.memory * before.confidence,
        )


def _evidence(turn: Turn) -> float:
    """How much this turn's readings say, in [0, 1]: sure, and not just neutral words."""
    certainty = 1.0 if turn.emotion is None else turn.emotion.certainty
    neutrality = 0.0 if turn.expression is None else turn.expression.neutrality
    # Probabilities may leave [0, 1] by the tolerance of `agent.readings`.
    return min(1.0, max(0.0, certainty * (1 - neutrality)))


def create(settings: Any = None) -> SmoothedTracker:  # noqa: ARG001 - every part is made with the settings
    """Entry point `smoothed`."""
    return SmoothedTracker()
