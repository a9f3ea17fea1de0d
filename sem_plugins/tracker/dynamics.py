"""How emotions move from utterance to utterance: inertia, contagion, climate, and what a strategy adds.

After EmotionIC (arXiv 2303.11117): *inertia* ties a speaker to their own last emotion and fades with the
utterances since; *contagion* ties them to what the others last showed and grows with the length of their run. A
transition matrix goes with each, as in its SkipCRF. *Climate* is ours: the decayed mean of what everybody showed,
which holds what a chain of single steps forgets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import SettingsError, WeightsError
from agent.readings import LabelSet
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, MELD
from sem_plugins.tracker.parameters import array, damaged, section

__all__ = [
    "CLIMATE_DECAY",
    "PARTS",
    "Dynamics",
    "climate_after",
    "dynamics",
    "from_section",
    "softmax",
    "untrained",
]

Array = NDArray[np.float64]

PARTS = frozenset({"inertia", "contagion", "climate"})
"""What `Dynamics.logits` can be asked to leave out."""

CLIMATE_DECAY = 0.6
"""Share of the climate that is left when another utterance comes."""

_LABEL_SETS = {
    "meld-7": MELD,
    "dailydialog-7": DAILY_DIALOG,
    "emorynlp-7": EMORY_NLP,
    "peld": MELD,
    "support": MELD,
}


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A distribution over a speaker's next emotion from what they and others showed before.

    Attributes:
        label_set: K labels.
        bias: (K,), what is common.
        own: (K, K), from the speaker's last emotion (row) to the next.
        other: (K, K), from the others' last emotion.
        climate: (K, K), from the climate.
        unspoken, unanswered: (K,), in place of `own` and `other` where the speaker or the others have not spoken.
        midpoint, width: Inertia is 1 / (1 + exp((since - midpoint) / width)).
        slope: Contagion is 1 / (1 + exp(-run / slope)).
        strategies: S strategies that something was learned for.
        offsets: (S, K), what is added to the logits where the supporter takes each.
    """

    label_set: LabelSet
    bias: Array
    own: Array
    other: Array
    climate: Array
    unspoken: Array
    unanswered: Array
    midpoint: float = 3.0
    width: float = 1.0
    slope: float = 2.0
    strategies: tuple[str, ...] = ()
    offsets: Array = field(default_factory=lambda: np.zeros((0, 1)))  # broadcast to no rows

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the label set, in the order of every array."""
        return self.label_set.labels

    def inertia(self, since: int) -> float:
        """How far a speaker's last emotion still counts, in [0, 1].

        Args:
            since: Utterances since they spoke, from 1.
        """
        return 1 / (1 + math.exp(min(700.0, (since - self.midpoint) / self.width)))

    def contagion(self, run: int) -> float:
        """How far the others' last emotion counts, in [0.5, 1].

        Args:
            run: Utterances of the others since the speaker spoke, from 0.
        """
        return 1 / (1 + math.exp(-min(700.0, run / self.slope)))

    def logits(
        self,
        own: Array | None,
        since: int,
        other: Array | None,
        run: int,
        climate: Array | None,
        *,
        without: frozenset[str] = frozenset(),
    ) -> Array:
        """What a speaker is likely to feel next, as logits, (K,): `softmax` makes the distribution of them.

        Args:
            own: (K,), distribution of the speaker's last utterance; None where they have not spoken.
            since: Utterances since then, from 1; 0 where they have not spoken.
            other: (K,), distribution of the last utterance of somebody else; None where there is none.
            run: Utterances of others since the speaker spoke.
            climate: (K,), over all utterances so far (`climate_after`); None at the start.
            without: Parts to leave out, of `PARTS`.

        Raises:
            SettingsError: `without` names something else.
        """
        if unknown := without - PARTS:
            raise SettingsError(f"No parts are called {sorted(unknown)!r}. Choices: {', '.join(sorted(PARTS))}.")
        found = self.bias
        if "inertia" not in without:
            found = found + (self.unspoken if own is None else self.inertia(since) * (own @ self.own))
        if "contagion" not in without:
            found = found + (self.unanswered if other is None else self.contagion(run) * (other @ self.other))
        if climate is not None and "climate" not in without:
            found = found + climate @ self.climate
        return found

    def forecast(self, logits: Array) -> Array:
        """The distribution over the next emotion for each of `strategies`, (S, K), from `logits`."""
        return softmax(logits + self.offsets)


def climate_after(climate: Array | None, shown: Array) -> Array:
    """The climate after one more utterance, (K,): an exponential mean that starts with the first.

    Args:
        climate: (K,), before it; None at the start.
        shown: (K,), the distribution of that utterance.
    """
    return shown if climate is None else CLIMATE_DECAY * climate + (1 - CLIMATE_DECAY) * shown


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis."""
    if logits.ndim == 1:  # of seven numbers Python is four times as fast as NumPy
        numbers = logits.tolist()
        highest = max(numbers)
        weights = [math.exp(number - highest) for number in numbers]
        return np.array(weights) / sum(weights)
    values: Array = np.exp(logits - logits.max(axis=-1, keepdims=True))
    values /= values.sum(axis=-1, keepdims=True)
    return values


def untrained(label_set: LabelSet) -> Dynamics:
    """EmotionIC's two decays and nothing else: people tend to stay where they are, and to go along with others.

    Args:
        label_set: Any.
    """
    size = len(label_set)
    nothing = np.zeros(size)
    return Dynamics(
        label_set, nothing, 2.0 * np.eye(size), 0.5 * np.eye(size), np.zeros((size, size)), nothing, nothing
    )


@cache
def dynamics(name: str, *, inputs: Literal["told", "read"] = "told") -> Dynamics:
    """What was learned on a data set.

    Args:
        name: `"meld-7"`, `"dailydialog-7"`, `"emorynlp-7"`; `"peld"`: the third utterance of its triples, of
            true labels alone; or `"support"`: seekers of ESConv, in the labels of
            `meld-7`, with what goes along with each strategy. Nobody labelled those; there is only `read`.
        inputs: What it is given of the utterances before: true labels, or what `evidence` reads of them.

    Raises:
        WeightsError: There are none of this name, or the shipped file is damaged.
    """
    if name not in _LABEL_SETS:
        raise WeightsError(f"No dynamics are called {name!r}. Choices: {', '.join(_LABEL_SETS)}.")
    return from_section(_LABEL_SETS[name], section("dynamics", name, inputs))


def from_section(label_set: LabelSet, content: Mapping[str, Any]) -> Dynamics:
    """Dynamics from their part of the parameter file.

    Raises:
        WeightsError: Something is missing or not of its shape.
    """
    k = len(label_set)
    shapes = {
        "bias": (k,),
        "own": (k, k),
        "other": (k, k),
        "climate": (k, k),
        "unspoken": (k,),
        "unanswered": (k,),
    }
    missing = [name for name in (*shapes, "midpoint", "width", "slope", "strategies") if name not in content]
    if missing:
        raise damaged(f"The dynamics of `{label_set.id}` lack {', '.join(missing)}.")
    arrays = {name: array(content[name], *shape, name=name) for name, shape in shapes.items()}
    midpoint, width, slope = (float(array(content[name], name=name)) for name in ("midpoint", "width", "slope"))
    if min(width, slope) <= 0:
        raise damaged(f"`width` ({width}) and `slope` ({slope}) of the dynamics of `{label_set.id}` lie above 0.")
    strategies = content["strategies"]
    if not isinstance(strategies, Mapping):
        raise damaged(f"`strategies` of the dynamics of `{label_set.id}` is no object.")
    offsets = array([*strategies.values()] or np.zeros((0, k)), len(strategies), k, name="strategies")
    return Dynamics(
        label_set=label_set,
        bias=arrays["bias"],
        own=arrays["own"],
        other=arrays["other"],
        climate=arrays["climate"],
        unspoken=arrays["unspoken"],
        unanswered=arrays["unanswered"],
        midpoint=midpoint,
        width=width,
        slope=slope,
        strategies=tuple(strategies),
        offsets=offsets,
    )
