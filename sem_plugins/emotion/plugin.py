"""The emotion plugin: a calibrated distribution over the 32 emotions of EmpatheticDialogues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.readings import EmotionReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.probability import softmax

__all__ = ["EmotionPlugin", "create", "window"]

_ENOUGH = 12  # words; shorter messages ("yes, since Monday") are read with what was said before


class EmotionPlugin:
    """Reads the `emotion` head of the shared encoder."""

    name = "emotion"
    reads = frozenset({"text", "history"})
    writes = "emotion"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._head = encoder.manifest.heads["emotion"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading]:
        """One distribution per turn."""
        logits = self._encoder.forward([window(turn) for turn in turns])["emotion"]
        probabilities = softmax(logits, self._head.temperature, self._head.smoothing)
        labels = self._head.label_set
        return [
            EmotionReading(
                labels.id, dict(zip(labels.labels, row.tolist(), strict=True)), self._encoder.manifest.id
            )
            for row in probabilities
        ]


def window(turn: Turn) -> str:
    """The message; before a short one, the seeker's earlier messages until there is enough to read.

    A long message stands alone, so that the reading follows the person and not the past.
    """
    parts = [turn.text]
    for earlier in reversed(turn.said_by("seeker")):
        if sum(len(part.split()) for part in parts) >= _ENOUGH:
            break
        parts.insert(0, earlier)
    return " ".join(parts)


def create(settings: Any = None) -> EmotionPlugin:
    """Entry point `emotion`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return EmotionPlugin(encoder_for(settings))
