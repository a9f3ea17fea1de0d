"""The affect plugin, first form: where the emotion reading lies in valence, arousal, dominance.

It reads no text of its own: the point is the mean of the emotions' places, weighted by their
probabilities and drawn to the middle as far as the words are neutral.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from agent.readings import Affect
from agent.turn import Turn

__all__ = ["AffectPlugin", "circumplex", "create"]

Point = tuple[float, float, float]

_COVERED = 0.5  # below this share of known emotions the plugin cannot tell


@cache
def circumplex() -> Mapping[str, Point]:
    """Emotion word to valence, arousal and dominance, each in [-1, 1]."""
    text = files("sem_plugins.affect").joinpath("circumplex.toml").read_text(encoding="utf-8")
    return {label: (v, a, d) for label, (v, a, d) in tomllib.loads(text).items()}


class AffectPlugin:
    """Maps `emotion` (any label set whose words it knows) to a point."""

    name = "affect"
    reads = frozenset({"emotion", "expression"})
    writes = "affect"

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Affect | None]:
        """One point per turn; None where most of the probability lies on unknown words."""
        return [self._affect(turn) for turn in turns]

    def _affect(self, turn: Turn) -> Affect | None:
        if turn.emotion is None or turn.expression is None:
            return None
        places = circumplex()
        known = [(places[label], p) for label, p in turn.emotion.probabilities.items() if label in places]
        weights = np.array([probability for _, probability in known])
        if weights.sum() < _COVERED:
            return None
        point = np.average(np.array([place for place, _ in known]), axis=0, weights=weights)
        valence, arousal, dominance = (float(value) for value in point * (1 - turn.expression.neutrality))
        return Affect(valence, arousal, dominance)


def create(settings: Any = None) -> AffectPlugin:  # noqa: ARG001 - every part is made with the settings
    """Entry point `affect`."""
    return AffectPlugin()
