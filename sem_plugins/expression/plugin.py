"""The expression plugin: which of GoEmotions' 28 labels the words show, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.readings import ExpressionReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.probability import sigmoid

__all__ = ["ExpressionPlugin", "create"]


class ExpressionPlugin:
    """Reads the `expression` head of the shared encoder, from the message alone."""

    name = "expression"
    reads = frozenset({"text"})
    writes = "expression"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._head = encoder.manifest.heads["expression"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[ExpressionReading]:
        """One reading per turn."""
        logits = self._encoder.forward([turn.text for turn in turns])["expression"]
        return [self._reading(row) for row in sigmoid(logits, self._head.temperature)]

    def _reading(self, row: np.ndarray[Any, np.dtype[np.float64]]) -> ExpressionReading:
        labels = self._head.label_set
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
