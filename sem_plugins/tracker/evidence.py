"""What one message shows of its writer's emotion, over few labels, through the ontology."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.readings import EmotionReading, ExpressionReading, LabelSet
from agent.turn import Turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.ontology import ontology

__all__ = ["shown", "shown_in_rows"]

Array = NDArray[np.float64]

_FLOOR = 0.02  # share of each reading that is made flat, so that none can veto an emotion
_NEUTRAL = "neutral"


def shown(turn: Turn, labels: LabelSet) -> Array | None:
    """The distribution that a message shows, (K,); None where nothing usable was read.

    What the person goes through, in any label set that the ontology knows, as far as the words show any emotion;
    the rest is `neutral`. Readings in an unknown set are as good as none.
    """
    emotion, expression = turn.emotion, turn.expression
    if emotion is None or emotion.label_set not in ontology().label_sets:
        return _of_expression(expression, labels)
    if emotion.label_set == EMPATHETIC_DIALOGUES.id:
        felt = _row(emotion, EMPATHETIC_DIALOGUES) @ _to(labels)
        felt = felt / felt.sum()  # readings sum to 1 within their tolerance
    else:
        felt = _converted(emotion.label_set, emotion, labels)
    quiet = 0.0 if expression is None else min(1.0, expression.neutrality)
    return _mixed(felt, np.array(quiet), labels)


def shown_in_rows(emotion: Array, neutrality: Array, labels: LabelSet) -> Array:
    """The same for many messages at once, (N, K).

    Args:
        emotion: (N, 32), probabilities over the labels of EmpatheticDialogues.
        neutrality: (N,), probability that the words show no emotion.
        labels: K labels.
    """
    return _mixed(emotion @ _to(labels), neutrality, labels)


def _mixed(felt: Array, neutrality: Array, labels: LabelSet) -> Array:
    mixed: Array = felt
    if _NEUTRAL in labels.labels:
        quiet = np.eye(len(labels))[labels.index(_NEUTRAL)]
        mixed = (1 - neutrality)[..., None] * felt + neutrality[..., None] * quiet
    return (1 - _FLOOR) * mixed + _FLOOR / len(labels)


def _of_expression(expression: ExpressionReading | None, labels: LabelSet) -> Array | None:
    """What the words show, where it was not read what the person goes through."""
    if expression is None or expression.label_set not in ontology().label_sets:
        return None
    total = sum(expression.probabilities.values())
    if total <= 0:
        return None
    scaled = EmotionReading(
        expression.label_set, {label: p / total for label, p in expression.probabilities.items()}
    )
    return _mixed(_converted(expression.label_set, scaled, labels), np.array(0.0), labels)


def _converted(source: str, reading: EmotionReading, labels: LabelSet) -> Array:
    found = ontology().convert(reading.probabilities, source=source, target=labels.id)
    return np.array(list(found.values()))


@cache
def _to(labels: LabelSet) -> Array:
    """(32, K): where each label of EmpatheticDialogues goes."""
    every = EMPATHETIC_DIALOGUES.labels
    rows = [
        ontology().convert({label: 1.0}, source=EMPATHETIC_DIALOGUES.id, target=labels.id).values()
        for label in every
    ]
    return np.array([list(row) for row in rows])


def _row(reading: EmotionReading, labels: LabelSet) -> Array:
    return np.array([reading.probabilities.get(label, 0.0) for label in labels.labels])
