"""The strategy plugin: how likely each of ESConv's eight strategies is to come next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.readings import StrategyReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.language import readability

__all__ = ["StrategyPlugin", "create"]


class StrategyPlugin:
    """Reads the `strategy` head of the shared encoder: the dialogue, with the strategies used so far.

    It says what ESConv's supporters would do, not what helps most; choosing is a planner's task.
    """

    name = "strategy"
    reads = frozenset({"text", "history"})
    writes = "likely_strategies"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._head = encoder.manifest.heads["strategy"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[StrategyReading | None]:
        """One distribution per turn; None where the text cannot be read."""
        return [self._reading(turn) if readability(turn.text).kind != "unreadable" else None for turn in turns]

    def _reading(self, turn: Turn) -> StrategyReading:
        head = self._head
        logits = self._encoder.read_turn(turn).outputs["strategy"]
        row = head.distribution(logits[None])[0]
        labels = head.label_set
        return StrategyReading(
            labels.id, dict(zip(labels.labels, row.tolist(), strict=True)), self._encoder.manifest.id
        )


def create(settings: Any = None) -> StrategyPlugin:
    """Entry point `strategy`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return StrategyPlugin(encoder_for(settings))
