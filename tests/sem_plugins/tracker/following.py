"""Readings of turns, drawn or plain, and a tracker that follows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.readings import Affect, EmotionReading, ExpressionReading, LabelSet, SenseReading
from agent.state import EmotionalState
from agent.testing import a_turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.ontology import EMORY_NLP, MELD
from sem_plugins.tracker.filter import FilterTracker

__all__ = ["TRACKER", "TURNS", "distribution", "feels", "follow", "named", "neutral"]

TRACKER = FilterTracker()


def named(row: Sequence[float] | NDArray[np.float64], labels: LabelSet = MELD) -> dict[str, float]:
    """Label to number."""
    return dict(zip(labels.labels, np.asarray(row, float).tolist(), strict=True))


def distribution(label: str, probability: float = 0.9, labels: LabelSet = MELD) -> dict[str, float]:
    """`probability` for one label, the rest shared by the others."""
    rest = (1 - probability) / (len(labels) - 1)
    return {each: probability if each == label else rest for each in labels.labels}


def feels(label: str, probability: float = 0.9) -> EmotionReading:
    """A reading over the labels of MELD."""
    return EmotionReading(MELD.id, distribution(label, probability))


def neutral(probability: float) -> ExpressionReading:
    """Words that show no emotion, so surely."""
    return ExpressionReading(GO_EMOTIONS.id, dict.fromkeys(GO_EMOTIONS.labels, 0.0) | {"neutral": probability})


def follow(
    *turns: Mapping[str, Any], tracker: FilterTracker = TRACKER, before: EmotionalState | None = None
) -> list[EmotionalState]:
    """The state after each turn. A turn is what was read of it."""
    states: list[EmotionalState] = []
    for index, fields in enumerate(turns, start=0 if before is None else before.last_turn + 1):
        given = {"index": index, "state_before": states[-1] if states else before} | dict(fields)
        states.append(tracker.update(a_turn(**given)))
    return states


@st.composite
def _distributions(draw: st.DrawFn) -> tuple[str, dict[str, float]]:
    """A label set, known or not, with probabilities over all or some of its labels, in any order."""
    labels = draw(st.sampled_from([MELD, EMPATHETIC_DIALOGUES, EMORY_NLP, LabelSet("nobody-2", ("up", "down"))]))
    some = draw(st.lists(st.sampled_from(labels.labels), min_size=1, max_size=7, unique=True))
    weights = [draw(st.floats(0.01, 1)) for _ in some]
    return labels.id, {label: weight / sum(weights) for label, weight in zip(some, weights, strict=True)}


_SHARE, _COORDINATE = st.floats(0, 1), st.floats(-1, 1)
_SENSES = st.builds(lambda drawn, sure: SenseReading(*drawn, reliability=sure), _distributions(), _SHARE)
_GAPS = (0.0, -30.0, 59.0, 8 * 3600.0, 21 * 86400.0, float("nan"), float("inf"), float("-inf"))
_TEXTS = ("The tram was late again.", "No, I'm not angry.", "That's not how I feel.", "I'm not sad, just tired.")

TURNS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.sampled_from(_TEXTS),
            "emotion": st.builds(lambda drawn: EmotionReading(*drawn), _distributions()),
            "expression": _SHARE.map(neutral),
            "affect": st.builds(Affect, _COORDINATE, _COORDINATE, _COORDINATE),
            "at": st.sampled_from([1.8e9 + gap for gap in _GAPS]),
            "voice": _SENSES,
            "body": _SENSES,
        },
    ),
    min_size=1,
    max_size=10,
)
"""What was read of the turns of a conversation: everything, something, nothing; at times that go to and fro."""
