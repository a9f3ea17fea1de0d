"""The affect plugin: where a message lies in valence, arousal and dominance."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from agent.readings import Affect
from agent.turn import Turn
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.language import readability, trust

__all__ = ["REACH", "AffectPlugin", "circumplex", "create"]

Point = tuple[float, float, float]

# EmoBank's raters hardly ever leave the middle: two thirds of its sentences lie within 0.18 of it in valence.
# Three standard deviations (0.53, 0.39, 0.32) become 1, so that an ordinary bad day is not read as neutral.
REACH = np.array([0.53, 0.39, 0.32])
"""What the encoder gives for valence, arousal and dominance is divided by this."""


@cache
def circumplex() -> Mapping[str, Point]:
    """Emotion word to valence, arousal and dominance, each in [-1, 1]."""
    text = files("sem_plugins.affect").joinpath("circumplex.toml").read_text(encoding="utf-8")
    return {label: (v, a, d) for label, (v, a, d) in tomllib.loads(text).items()}


class AffectPlugin:
    """Reads the `affect` head of the shared encoder."""

    name = "affect"
    reads = frozenset({"text", "history"})
    writes = "affect"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Affect | None]:
        """One point per turn; None where the text cannot be read."""
        return [self._affect(turn) if readability(turn.text).kind != "unreadable" else None for turn in turns]

    def _affect(self, turn: Turn) -> Affect:
        point = self._encoder.read_turn(turn).outputs["affect"] / REACH * trust(turn.text)
        valence, arousal, dominance = np.clip(point, -1, 1).tolist()
        return Affect(valence, arousal, dominance)


def create(settings: Any = None) -> AffectPlugin:
    """Entry point `affect`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return AffectPlugin(encoder_for(settings))
