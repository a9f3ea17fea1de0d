"""What one message shows of its writer's emotion, over few labels, through the ontology."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.readings import ExpressionReading, LabelSet
from agent.turn import Turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.ontology import ontology

__all__ = ["converted", "shown", "shown_in_rows"]

Array = NDArray[np.float64]

_FLOOR = 0.02  # share of each reading that is made flat, so that none can veto an emotion
_NEUTRAL = "neutral"


def shown(turn: Turn, labels: LabelSet) -> Array | None:
    """The distribution that a message shows, (K,); None where nothing usable was read.

    What the person goes through, in any label set that the ontology knows, as far as the words show any emotion;
    the rest is `neutral`. Readings in an unknown set are as good as none, and so are those with a label
    that is not in theirs.
    """
    emotion, expression = turn.emotion, turn.expression
    felt = None if emotion is None else converted(emotion.probabilities, emotion.label_set, labels)
    if felt is None:
        return _of_expression(expression, labels)
    quiet = 0.0 if expression is None else min(1.0, expression.neutrality)
    return _mixed(felt, np.array(quiet), labels)


def shown_in_rows(emotion: Array, neutrality: Array, labels: LabelSet) -> Array:
    """The same for many messages at once, (N, K).

    Args:
        emotion: (N, 32), probabilities over the labels of EmpatheticDialogues.
        neutrality: (N,), probability that the words show no emotion.
        labels: K labels.
    """
    return _mixed(emotion @ _to(EMPATHETIC_DIALOGUES, labels), neutrality, labels)


def converted(probabilities: Mapping[str, float], source: str, labels: LabelSet) -> Array | None:
    """A distribution over other labels, (K,), summing to 1.

    Args:
        probabilities: Label to probability, in any order; a label left out counts as 0, and the sum need not be 1.
        source: Id of the set that they are of.
        labels: K labels.

    Returns:
        None where the ontology does not know the set, the set not a label, or no label has any probability.
    """
    known = ontology().label_sets.get(source)
    if known is None or not probabilities.keys() <= set(known.labels):
        return None
    row: Array = np.array([probabilities.get(label, 0.0) for label in known.labels]) @ _to(known, labels)
    total = row.sum()
    return row / total if total > 0 else None


def _mixed(felt: Array, neutrality: Array, labels: LabelSet) -> Array:
    mixed: Array = felt
    if _NEUTRAL in labels.labels:
        mixed = (1 - neutrality)[..., None] * felt
        mixed[..., labels.index(_NEUTRAL)] += neutrality
    return (1 - _FLOOR) * mixed + _FLOOR / len(labels)


def _of_expression(expression: ExpressionReading | None, labels: LabelSet) -> Array | None:
    """What the words show, where it was not read what the person goes through."""
    if expression is None:
        return None
    found = converted(expression.probabilities, expression.label_set, labels)
    return None if found is None else _mixed(found, np.array(0.0), labels)


@cache
def _to(source: LabelSet, labels: LabelSet) -> Array:
    """(source, K): where each label of the one set goes in the other."""
    if source == labels:
        return np.eye(len(labels))
    rows = [ontology().convert({label: 1.0}, source=source.id, target=labels.id) for label in source.labels]
    return np.array([list(row.values()) for row in rows])
