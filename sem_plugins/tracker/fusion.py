"""Late fusion: words, voice, face and body as one distribution, each weighed by its calibration.

Log-linear: what each sense says against a flat guess counts to the power of its weight, so one that is missing
changes nothing and one that is flat says nothing. The weight is what the sense says of its own reliability, times
the trust in it: how likely it is that the sense speaks of the same state as the words, and not of nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agent.readings import LabelSet, SenseReading
from agent.turn import SENSES, Turn
from sem_plugins.tracker.evidence import converted

__all__ = ["START", "fused"]

Array = NDArray[np.float64]

START = 0.5
"""Trust in a sense that was never compared with the words."""

_FLOOR = 0.05  # share of each sense that is made flat: a sure and wrong one costs a factor of 20 at most
_KEPT = 0.95  # share of the evidence for a sense that is left a turn later: a microphone may be mended
_COUNTS = 0.5  # weight of one comparison; less than 1, since the words may be wrong, too
_LEAST = 0.01  # of trust and of distrust: so that either can be lost again


def fused(
    turn: Turn, words: Array | None, *, prior: Array, trust: Mapping[str, float], labels: LabelSet
) -> tuple[Array | None, dict[str, float]]:
    """What all senses together show, (K,), and the trust in each after this turn.

    Args:
        turn: With `voice`, `face` and `body` as far as they were read; one in labels that the ontology
            does not know is as good as missing.
        words: (K,), what the message shows; None where it was not read.
        prior: (K,), shares of the labels among people in general.
        trust: Sense to trust in [0, 1], so far; `START` where it is not among them.
        labels: K labels.

    Returns:
        None where neither words nor a sense were read; the words as they are where no sense was.
    """
    heard = {name: said for name in SENSES if (said := _said(turn, name, labels)) is not None}
    if not heard:
        return words, dict(trust)
    logs = np.log(prior if words is None else words)
    after = dict(trust)
    for name, said in heard.items():
        believed = min(1 - _LEAST, max(_LEAST, trust.get(name, START)))
        logs = logs + getattr(turn, name).reliability * believed * np.log(len(labels) * said)
        if words is not None:
            after[name] = _compared(believed, said, words, prior)
    values = np.exp(logs - logs.max())
    return values / values.sum(), after


def _said(turn: Turn, name: str, labels: LabelSet) -> Array | None:
    """What one sense says, (K,), none of it 0; None where it was not read or cannot be used."""
    reading: SenseReading | None = getattr(turn, name)
    found = None if reading is None else converted(reading.probabilities, reading.label_set, labels)
    return None if found is None else (1 - _FLOOR) * found + _FLOOR / len(labels)


def _compared(believed: float, said: Array, words: Array, prior: Array) -> float:
    """The trust in a sense after one more comparison with the words, in [0.01, 0.99].

    Bayes: how many times likelier it is that both say this if they speak of one state than if the sense speaks of
    nothing. Who speaks of nothing agrees by chance, and less often than not.
    """
    evidence = math.log(float((said * words / prior).sum()))
    odds = _KEPT * math.log(believed / (1 - believed)) + _COUNTS * evidence
    return min(1 - _LEAST, max(_LEAST, 1 / (1 + math.exp(-odds))))
