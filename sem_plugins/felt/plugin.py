"""The felt plugin: what writers of such words say that they felt, distress and concern for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.readings import FeltReading
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.language import readability

__all__ = ["FeltPlugin", "create"]


class FeltPlugin:
    """Reads the `felt` head of the shared encoder. Learned from 1,260 texts on news: a weak reading."""

    name = "felt"
    reads = frozenset({"text", "history"})
    writes = "felt"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, turns: Sequence[Turn]) -> Sequence[FeltReading | None]:
        """One reading per turn; None where the text is not English."""
        return [self._reading(turn) if readability(turn.text).kind in _READ else None for turn in turns]

    def _reading(self, turn: Turn) -> FeltReading:
        distress, concern = np.clip(self._encoder.read_turn(turn).outputs["felt"], 0, 1).tolist()
        return FeltReading(distress, concern, self._encoder.manifest.id)


_READ = frozenset({"english", "too short to tell"})


def create(settings: Any = None) -> FeltPlugin:
    """Entry point `felt`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return FeltPlugin(encoder_for(settings))
