"""The expression plugin: which of GoEmotions' 28 labels the words show, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.readings import ExpressionReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.language import readability

__all__ = ["ExpressionPlugin", "create"]


class ExpressionPlugin:
    """Reads the `expression` head of the shared encoder."""

    name = "expression"
    reads = frozenset({"text", "history"})
    writes = "expression"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._head = encoder.manifest.heads["expression"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[ExpressionReading | None]:
        """One reading per turn; None where the text cannot be read."""
        return [self._reading(turn) if readability(turn.text).kind != "unreadable" else None for turn in turns]

    def _reading(self, turn: Turn) -> ExpressionReading:
        labels = self._head.label_set
        row = self._head.each(self._encoder.read_turn(turn).outputs["expression"])
        probabilities = dict(zip(labels.labels, row.tolist(), strict=True))
        present = [
            label
            for label, threshold in zip(labels.labels, self._head.thresholds, strict=True)
            if probabilities[label] >= threshold
        ]
        present.sort(key=lambda label: -probabilities[label])
        return ExpressionReading(labels.id, probabilities, tuple(present), self._encoder.manifest.id)


def create(settings: Any = None) -> ExpressionPlugin:
    """Entry point `expression`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return ExpressionPlugin(encoder_for(settings))
