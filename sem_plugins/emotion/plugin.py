"""The emotion plugin: a calibrated distribution over the 32 emotions of EmpatheticDialogues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.readings import EmotionReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.language import readability, trust

__all__ = ["EmotionPlugin", "create"]


class EmotionPlugin:
    """Reads the `emotion` head of the shared encoder, from the message after what was said before.

    What is not readable English gets a flatter distribution and a caveat; what is no language at
    all gets no reading.
    """

    name = "emotion"
    reads = frozenset({"text", "history"})
    writes = "emotion"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._head = encoder.manifest.heads["emotion"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading | None]:
        """One distribution per turn; None where the text cannot be read."""
        return [self._reading(turn) for turn in turns]

    def _reading(self, turn: Turn) -> EmotionReading | None:
        found = readability(turn.text)
        if found.kind == "unreadable":
            return None
        head = self._head
        logits = self._encoder.read_turn(turn).outputs["emotion"]
        probabilities = head.distribution(logits[None])
        # The rule was fitted on these. Of flatter ones some methods give smaller sets, as if they were surer.
        members = head.conformal.members(probabilities)[0] if head.conformal else np.zeros(len(logits), bool)
        order = np.argsort(-probabilities[0], kind="stable")
        share = trust(turn.text)
        if share < 1:
            probabilities = probabilities**share
            probabilities /= probabilities.sum()
        labels = head.label_set.labels
        return EmotionReading(
            label_set=head.label_set.id,
            probabilities=dict(zip(labels, probabilities[0].tolist(), strict=True)),
            source=self._encoder.manifest.id,
            primary=tuple(labels[place] for place in order if members[place]),
            caveat=found.kind if share < 1 else "",
        )


def create(settings: Any = None) -> EmotionPlugin:
    """Entry point `emotion`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return EmotionPlugin(encoder_for(settings))
