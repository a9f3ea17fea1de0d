"""The arms of the grid: what the LLM is given beside the conversation, and the controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from agent.errors import SettingsError
from agent.options import Part, parts_of
from agent.readings import CauseReading, EmotionReading
from agent.turn import Turn

__all__ = ["ARMS", "BASE", "Arm", "arm_of", "exchanged", "with_truth"]

BASE = "plain"
"""The arm that the others are compared with: the LLM alone."""

_SEED = 13
_SURE = 0.9  # of the oracle's label

Control = Literal["", "shuffled", "oracle"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One row of the grid.

    Attributes:
        name: As systems are called on the command line.
        title: As the table calls it.
        variant: What stands in the prompt (`agent.options`).
        control: `shuffled` gives each sample the readings of another one, to see whether it is what they say that
            helps; `oracle` gives it the truth, to see what could be won at best.
        verified: Drafts are looked at, and asked for once more where something speaks against them.
        stimulus: Emotional stimulus in the prompt.
    """

    name: str
    title: str
    variant: str
    control: Control = ""
    verified: bool = False
    stimulus: str = "none"

    @property
    def parts(self) -> frozenset[Part]:
        """The parts of the prompt."""
        return parts_of(self.variant)


ARMS = (
    Arm(BASE, "LLM alone", "plain"),
    Arm("labels", "+ labels", "labels"),
    Arm("causes", "+ causes", "causes"),
    Arm("hef", "+ both", "hef"),
    Arm("hef+strategy", "+ both, strategy", "hef+strategy"),
    Arm("hef+exemplars", "+ both, exemplars", "hef+exemplars"),
    Arm("shuffled", "+ both, strategy; of another sample", "hef+strategy", "shuffled"),
    Arm("oracle", "+ both, strategy; the truth", "hef+strategy", "oracle"),
    Arm("verified", "+ both, strategy; drafts looked at", "hef+strategy", verified=True),
)
"""In the order of the table."""

_STIMULUS = "stimulus:"


def arm_of(name: str) -> Arm:
    """The arm of that name; `stimulus:NAME` is `hef+strategy` with that stimulus.

    Raises:
        SettingsError: There is none.
    """
    for arm in ARMS:
        if arm.name == name:
            return arm
    if name.startswith(_STIMULUS):
        stimulus = name.removeprefix(_STIMULUS)
        return Arm(name, f"+ both, strategy; stimulus {stimulus!r}", "hef+strategy", stimulus=stimulus)
    choices = ", ".join(arm.name for arm in ARMS)
    raise SettingsError(f"No arm of the grid is called {name!r}. There are: {choices}, and {_STIMULUS}NAME.")


def exchanged(turns: Sequence[Turn]) -> list[Turn]:
    """The turns, each with emotion, words' expression and affect of another one, drawn so that none keeps its own.

    Causes are as many words elsewhere in the same dialogue: those of another one would be quoted from nowhere.
    The risk stays: whoever is in danger is answered with care in every arm.
    """
    rng = np.random.default_rng(_SEED)
    order = rng.permutation(len(turns))
    giver = {int(order[place]): turns[order[place - 1]] for place in range(len(order))}
    return [
        replace(
            turn,
            emotion=giver[place].emotion,
            expression=giver[place].expression,
            affect=giver[place].affect,
            felt=giver[place].felt,
            likely_strategies=giver[place].likely_strategies,
            cause=_elsewhere(turn, rng),
        )
        for place, turn in enumerate(turns)
    ]


def with_truth(reading: EmotionReading, label: str) -> EmotionReading:
    """The reading with the true label at its head: 0.9 of it, the rest as it was."""
    rest = 1 - reading.probabilities[label]
    probabilities = {
        other: _SURE if other == label else (1 - _SURE) * p / rest if rest else 0.0
        for other, p in reading.probabilities.items()
    }
    primary = (label, *(other for other in reading.primary if other != label))
    return replace(reading, probabilities=probabilities, primary=primary)


def _elsewhere(turn: Turn, rng: np.random.Generator) -> CauseReading | None:
    if turn.cause is None:
        return None
    spans = []
    for span in turn.cause.spans:
        text = turn.dialogue[span.utterance].text
        length = span.end - span.start
        start = int(rng.integers(0, len(text) - length + 1))
        moved = text[start : start + length]
        spans.append(replace(span, start=start, end=start + length, text=moved))
    return replace(turn.cause, spans=tuple(spans))
