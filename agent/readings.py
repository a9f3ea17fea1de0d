"""What plugins read out of a turn: distributions and spans, never bare labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError

__all__ = [
    "DANGER",
    "SUM_TOLERANCE",
    "Affect",
    "CausalSpan",
    "CauseReading",
    "EmotionReading",
    "EmpathyReading",
    "ExpressionReading",
    "FeltReading",
    "LabelSet",
    "RiskLevel",
    "RiskReading",
    "SenseReading",
    "StrategyReading",
    "UndertoneReading",
    "checked_probabilities",
]

KeyT = TypeVar("KeyT")

SUM_TOLERANCE = 1e-3  # float32 softmax over 32 labels drifts by less than 1e-5


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A closed, ordered list of labels. The order is the order of a model's outputs."""

    id: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ReadingError(f"Label set `{self.id}` names a label twice.")

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, label: str) -> int:
        """Position of `label`.

        Raises:
            ReadingError: `label` is not in the set.
        """
        try:
            return self.labels.index(label)
        except ValueError:
            choices = ", ".join(self.labels)
            msg = f"{label!r} is not in label set `{self.id}`. It holds: {choices}."
            raise ReadingError(msg) from None


def checked_probabilities(
    name: str, probabilities: Mapping[KeyT, float], *, exclusive: bool
) -> Mapping[KeyT, float]:
    """A read-only copy whose values are probabilities, summing to one if `exclusive`.

    Raises:
        ReadingError: They are not, or there are none.
    """
    values = list(probabilities.values())  # few: arrays would take five times as long
    if not values:
        raise ReadingError(f"`{name}` has no labels. Leave the reading out instead of filling it empty.")
    total = sum(values)  # not finite where one of them is not
    if not math.isfinite(total) or min(values) < 0 or max(values) > 1 + SUM_TOLERANCE:
        raise ReadingError(f"`{name}` holds a value outside [0, 1]: {dict(probabilities)!r}.")
    if exclusive and abs(total - 1) > SUM_TOLERANCE:
        raise ReadingError(f"`{name}` sums to {total:.4f}; a distribution sums to 1.")
    return MappingProxyType(dict(probabilities))


@dataclass(frozen=True, slots=True)
class EmotionReading:
    """What the person is going through: one distribution over mutually exclusive emotions.

    Attributes:
        label_set: Id of the label set, e.g. `"empathetic-dialogues-32"`.
        probabilities: Label to probability. Sums to 1. Calibrated by whoever read it.
        source: Which model read it, e.g. a weights id.
        primary: HEF's primary emotions: the labels of a prediction set that holds the true one as often
            as its rule promises, likeliest first. Empty where the reader makes no such promise.
        caveat: Why the reading deserves less trust, e.g. `"other language"`; empty where nothing speaks
            against it. The probabilities are flatter for it already.
    """

    label_set: str
    probabilities: Mapping[str, float]
    source: str = ""
    primary: tuple[str, ...] = ()
    caveat: str = ""

    def __post_init__(self) -> None:
        checked = checked_probabilities("EmotionReading.probabilities", self.probabilities, exclusive=True)
        object.__setattr__(self, "probabilities", checked)
        unknown = set(self.primary) - set(checked)
        if unknown:
            raise ReadingError(f"`EmotionReading.primary` names unknown labels: {sorted(unknown)!r}.")

    def top(self, k: int = 1) -> tuple[tuple[str, float], ...]:
        """The `k` likeliest labels with their probabilities, likeliest first."""
        return tuple(sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:k])

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.top()[0][0]

    @property
    def certainty(self) -> float:
        """1 minus the normalised entropy: 0 for a flat distribution, 1 for a sure one."""
        values: NDArray[np.float64] = np.fromiter(self.probabilities.values(), dtype=np.float64)
        if values.size == 1:
            return 1.0
        positive = values[values > 0]
        return float(1 + (positive * np.log(positive)).sum() / np.log(values.size))


@dataclass(frozen=True, slots=True)
class ExpressionReading:
    """What the words themselves show. Several labels may hold at once, or `neutral`.

    Attributes:
        label_set: Id of the label set, e.g. `"goemotions-28"`.
        probabilities: Label to the probability that it holds, each on its own in [0, 1].
        present: Labels above their threshold, likeliest first.
        source: Which model read it.
    """

    label_set: str
    probabilities: Mapping[str, float]
    present: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        checked = checked_probabilities("ExpressionReading.probabilities", self.probabilities, exclusive=False)
        object.__setattr__(self, "probabilities", checked)
        unknown = set(self.present) - set(checked)
        if unknown:
            raise ReadingError(f"`ExpressionReading.present` names unknown labels: {sorted(unknown)!r}.")

    @property
    def neutrality(self) -> float:
        """Probability that the words show no emotion; 0 where the label set has no `neutral`."""
        return self.probabilities.get("neutral", 0.0)


@dataclass(frozen=True, slots=True)
class Affect:
    """A point in valence (unpleasant to pleasant), arousal (calm to excited) and dominance
    (overwhelmed to in control). Each in [-1, 1]; 0 is neutral."""

    valence: float
    arousal: float
    dominance: float

    def __post_init__(self) -> None:
        for name in ("valence", "arousal", "dominance"):
            value = getattr(self, name)
            if not -1 <= value <= 1:  # also catches NaN
                raise ReadingError(f"`Affect.{name}` is {value!r}; it lies in [-1, 1].")

    @property
    def point(self) -> NDArray[np.float64]:
        """The three values in order valence, arousal, dominance; shape (3,)."""
        return np.array([self.valence, self.arousal, self.dominance])

    @property
    def intensity(self) -> float:
        """How strong the feeling is, in [0, 1]: the distance from neutral in valence and arousal.

        Derived, not trained for: calm is not intense, so arousal below 0 does not count.
        """
        return float(min(1.0, np.hypot(self.valence, max(0.0, self.arousal))))


@dataclass(frozen=True, slots=True)
class CausalSpan:
    """Words that tell what brought the emotion about.

    Attributes:
        utterance: Index into the dialogue: `history` first, then the turn's own text.
        start: First character, counted from 0.
        end: One past the last character.
        text: The words themselves, `utterance_text[start:end]`.
        score: Probability that the words are a cause, in [0, 1].
    """

    utterance: int
    start: int
    end: int
    text: str
    score: float

    def __post_init__(self) -> None:
        if self.utterance < 0 or not 0 <= self.start < self.end:
            raise ReadingError(f"Causal span {self.start}:{self.end} of utterance {self.utterance} is no span.")
        if len(self.text) != self.end - self.start:
            msg = f"A causal span's text has {len(self.text)} characters and does not fit {self.start}:{self.end}."
            raise ReadingError(msg)
        if not 0 <= self.score <= 1:
            raise ReadingError(f"`CausalSpan.score` is {self.score!r}; it lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class CauseReading:
    """What brought the emotion about. No spans means: the reader cannot tell.

    Attributes:
        spans: The words, the surest first.
        source: Which model or rules read it.
        types: RECCON's cause types, each with the probability that it holds; empty where not read.
    """

    spans: tuple[CausalSpan, ...] = ()
    source: str = ""
    types: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.types:
            object.__setattr__(
                self, "types", checked_probabilities("CauseReading.types", self.types, exclusive=False)
            )


@dataclass(frozen=True, slots=True)
class StrategyReading:
    """How likely each support strategy is to come next, over a named taxonomy."""

    taxonomy: str
    probabilities: Mapping[str, float]
    source: str = ""

    def __post_init__(self) -> None:
        checked = checked_probabilities("StrategyReading.probabilities", self.probabilities, exclusive=True)
        object.__setattr__(self, "probabilities", checked)


RiskLevel = Literal["none", "distress", "ideation", "plan", "acute"]

_RISK_LEVELS: tuple[RiskLevel, ...] = get_args(RiskLevel)

DANGER: frozenset[RiskLevel] = frozenset({"ideation", "plan", "acute"})
"""Levels at which somebody may come to harm."""


@dataclass(frozen=True, slots=True)
class RiskReading:
    """Signs of danger in one message, on an ordinal ladder. Not an assessment.

    Attributes:
        level: The highest step that the message shows, for whomever.
        kinds: What the danger is, e.g. `"self-harm"`.
        evidence: The words that show it, as character spans of the turn's text.
        source: Which model or rules read it.
        probabilities: Per ladder and step, e.g. `"self:ideation"`, the probability that the step is
            reached; empty where only rules read it.
        others: The highest step of danger to other people; never above `level`.
        sure: False where danger is suspected in words that need not mean it: no rule found it, and the model is
            less than all but certain.
    """

    level: RiskLevel
    kinds: tuple[str, ...] = ()
    evidence: tuple[tuple[int, int], ...] = field(default=())
    source: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    others: RiskLevel = "none"
    sure: bool = True

    def __post_init__(self) -> None:
        if self.probabilities:
            checked = checked_probabilities("RiskReading.probabilities", self.probabilities, exclusive=False)
            object.__setattr__(self, "probabilities", checked)
        if self.others != "none" and _RISK_LEVELS.index(self.others) > _RISK_LEVELS.index(self.level):
            raise ReadingError(f"Danger to others at {self.others!r} is above the reading's level {self.level!r}.")

    @property
    def for_self(self) -> RiskLevel:
        """The highest step of danger to the person: `level`, unless it is one to others alone."""
        alone = self.others in DANGER and self.others == self.level and "self-harm" not in self.kinds
        return "distress" if alone else self.level


@dataclass(frozen=True, slots=True)
class FeltReading:
    """What writers of such words say that they felt, each in [0, 1]. A weak reading: see the model card.

    Attributes:
        distress: Upset, worried, disturbed for oneself.
        concern: Warmth and compassion for somebody else (empathic concern).
        source: Which model read it.
    """

    distress: float
    concern: float
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("distress", "concern"):
            if not 0 <= getattr(self, name) <= 1:  # also catches NaN
                raise ReadingError(f"`FeltReading.{name}` is {getattr(self, name)!r}; it lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class UndertoneReading:
    """Where words and tone disagree. Both probabilities are rough, and 0 where the reader is unsure.

    Attributes:
        masked: That a painful feeling is played down ("I'm fine, it's whatever").
        ambivalent: That two feelings pull in different directions ("yes, but").
        evidence: The words that show it, as character spans of the turn's text.
        source: Which model or rules read it.
    """

    masked: float = 0.0
    ambivalent: float = 0.0
    evidence: tuple[tuple[int, int], ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("masked", "ambivalent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ReadingError(f"`UndertoneReading.{name}` is {getattr(self, name)!r}; it lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class SenseReading:
    """What a voice, a face or a wearable shows, as a plugin of somebody else read it. Heartline reads none itself.

    Attributes:
        label_set: Id of a label set that the ontology knows.
        probabilities: Label to probability. Sums to 1.
        reliability: How far the distribution may be trusted, in [0, 1]: 1 for one that was calibrated on people
            like this one, 0 for noise. It is the weight in the fusion.
        source: Which model or sensor read it.
    """

    label_set: str
    probabilities: Mapping[str, float]
    reliability: float = 0.5
    source: str = ""

    def __post_init__(self) -> None:
        checked = checked_probabilities("SenseReading.probabilities", self.probabilities, exclusive=True)
        object.__setattr__(self, "probabilities", checked)
        if not 0 <= self.reliability <= 1:  # also catches NaN
            raise ReadingError(f"`SenseReading.reliability` is {self.reliability!r}; it lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class EmpathyReading:
    """How far a *reply* shows each of EPITOME's mechanisms of empathy (Sharma et al. 2020).

    Attributes:
        levels: Mechanism (`emotional_reactions`, `interpretations`, `explorations`) to the probabilities
            of levels 0 (none), 1 (weak) and 2 (strong), which sum to 1.
        rationales: Mechanism to the words of the reply that show it, as character spans.
        source: Which model read it.
    """

    levels: Mapping[str, tuple[float, float, float]]
    rationales: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        for name, levels in self.levels.items():
            checked_probabilities(f"EmpathyReading.levels[{name!r}]", dict(enumerate(levels)), exclusive=True)
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))
        object.__setattr__(self, "rationales", MappingProxyType(dict(self.rationales)))

    def level(self, mechanism: str) -> int:
        """The likeliest level of a mechanism, 0 to 2."""
        return int(np.argmax(self.levels[mechanism]))
