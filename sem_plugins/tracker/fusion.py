"""Late fusion: words, voice, face and body as one distribution, each weighed by its calibration.

Log-linear: what each sense says against a flat guess counts to the power of its weight, so one that is missing
changes nothing and one that is flat says nothing. The weight is what the sense says of its own reliability, times
how far it has agreed with the words so far: one that lies is soon hardly heard.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agent.readings import LabelSet, SenseReading
from agent.turn import SENSES, Turn
from sem_plugins.ontology import ontology

__all__ = ["START", "fused"]

Array = NDArray[np.float64]

START = 0.5
"""Trust in a sense that was never compared with the words."""

_FLOOR = 0.05  # share of each sense that is made flat: a sure and wrong one costs a factor of 20 at most
_RATE = 0.2  # of what is learned from one comparison; a liar has lost half of its trust after three or four


def fused(
    turn: Turn, words: Array | None, *, prior: Array, trust: Mapping[str, float], labels: LabelSet
) -> tuple[Array | None, dict[str, float]]:
    """What all senses together show, (K,), and the trust in each after this turn.

    Args:
        turn: With `voice`, `face` and `body` as far as they were read; in label sets that the ontology knows.
        words: (K,), what the message shows; None where it was not read.
        prior: (K,), shares of the labels among people in general.
        trust: Sense to trust in [0, 1], so far.
        labels: K labels.

    Returns:
        None where neither words nor a sense were read; the words as they are where no sense was.
    """
    heard = {name: reading for name in SENSES if (reading := _usable(turn, name)) is not None}
    if not heard:
        return words, dict(trust)
    logs = np.log(prior if words is None else words)
    after = dict(trust)
    for name, reading in heard.items():
        said = _over(reading, labels)
        believed = trust.get(name, START)
        logs = logs + reading.reliability * believed * np.log(len(labels) * said)
        if words is not None:
            after[name] = believed + _RATE * (_agreement(said, words, prior) - believed)
    values = np.exp(logs - logs.max())
    return values / values.sum(), after


def _usable(turn: Turn, name: str) -> SenseReading | None:
    reading: SenseReading | None = getattr(turn, name)
    return reading if reading is not None and reading.label_set in ontology().label_sets else None


def _over(reading: SenseReading, labels: LabelSet) -> Array:
    found = ontology().convert(reading.probabilities, source=reading.label_set, target=labels.id)
    return (1 - _FLOOR) * np.array(list(found.values())) + _FLOOR / len(labels)


def _agreement(said: Array, words: Array, prior: Array) -> float:
    """How far two senses speak of one state, in (0, 1): a half where they know nothing of each other."""
    ratio = float((said * words / prior).sum() / (said / prior * prior).sum())
    return ratio / (1 + ratio)
