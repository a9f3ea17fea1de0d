"""Where the person is: the emotional state that a tracker keeps from turn to turn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError
from agent.readings import Affect, CausalSpan, checked_probabilities

__all__ = ["EmotionalState", "OwnAffect", "PersonalCalibration", "Shift"]

Row = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Shift:
    """A marked change of the person's valence.

    Attributes:
        turn: Index of the turn at which it showed.
        direction: `"better"` or `"worse"`.
        size: Change of valence since it began to show, in [0, 2].
        cause: Words that likely brought it about, counted as that turn counts its dialogue; None where nobody
            can tell.
        after: Strategy of what the supporter had said just before; None where there was none or it is unknown.
    """

    turn: int
    direction: Literal["better", "worse"]
    size: float
    cause: CausalSpan | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class OwnAffect:
    """What the agent itself feels: what its tone follows.

    Attributes:
        affect: A point that never leaves what a supporter may show (see `sem_plugins.tracker.own`).
        emotion: The label of the tracked set that lies nearest among those allowed.
        persona: Whose it is.
    """

    affect: Affect
    emotion: str
    persona: str


@dataclass(frozen=True, slots=True)
class PersonalCalibration:
    """How this person's words are to be read, learned from what they set right. Nothing until they do.

    Attributes:
        corrections: How often they said that the reading was wrong.
        bias: Label to what is added to its log-probability.
        temperature: What log-probabilities are divided by, from 1 up.
        literal: The prototype does not fit this person: take the words as they stand, ask rather than assert.
    """

    corrections: int = 0
    bias: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    literal: bool = False

    def __post_init__(self) -> None:
        values = [*self.bias.values(), self.temperature]
        if not np.isfinite(values).all() or self.temperature < 1 or self.corrections < 0:
            raise ReadingError(f"A personal calibration has a temperature from 1 and finite biases: {self!r}.")
        object.__setattr__(self, "bias", MappingProxyType(dict(self.bias)))


@dataclass(frozen=True, slots=True)
class EmotionalState:
    """Where the person is, over the turns so far. Its size does not depend on how many there were.

    Attributes:
        affect: Valence, arousal and dominance: the mean of what is believed.
        turns: Turns that went into it.
        trend: Change of valence a turn, in [-2, 2].
        last_shift: The last marked change, or None.
        turns_since_shift: Turns since then; since the start where there was none.
        confidence: How much evidence stands behind it, in [0, 1]; 0 where nothing was ever read.
        covariance: Of the mean, (3, 3), symmetric and positive definite; None where the tracker keeps none.
        label_set: Id of the set that `emotions` is over; empty where the tracker keeps no distribution.
        emotions: Label to probability, summing to 1.
        climate: The same over what both sides showed lately.
        expected: The same for the person's next message, whatever the supporter does.
        forecast: Strategy to the distribution over the person's next emotion, if the supporter takes it.
        lift: Strategy to how much better than on average it is expected to leave the valence of the next message.
        own: What the agent feels; None where it has no persona.
        personal: What the person set right so far.
        trust: Other sense, e.g. `"voice"`, to how far it agreed with the words so far, in [0, 1].
        pressure: Evidence for a rise and for a fall that is no shift yet, each from 0 up.
        pressure_from: Valence when each of the two began to gather.
        last_turn: Index of the last turn that went in.
        at: When that was, in seconds since 1970; None where nobody said.
    """

    affect: Affect
    turns: int
    trend: float
    last_shift: Shift | None
    turns_since_shift: int
    confidence: float
    covariance: tuple[Row, Row, Row] | None = None
    label_set: str = ""
    emotions: Mapping[str, float] = field(default_factory=dict)
    climate: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    forecast: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    lift: Mapping[str, float] = field(default_factory=dict)
    own: OwnAffect | None = None
    personal: PersonalCalibration = field(default_factory=PersonalCalibration)
    trust: Mapping[str, float] = field(default_factory=dict)
    pressure: tuple[float, float] = (0.0, 0.0)
    pressure_from: tuple[float, float] = (0.0, 0.0)
    last_turn: int = -1
    at: float | None = None

    def __post_init__(self) -> None:
        if self.covariance is not None:
            self._check_covariance(self.covariance)
        for name in ("emotions", "climate", "expected"):
            if values := getattr(self, name):
                checked = checked_probabilities(f"EmotionalState.{name}", values, exclusive=True)
                object.__setattr__(self, name, checked)
        forecast = {
            strategy: checked_probabilities("EmotionalState.forecast", values, exclusive=True)
            for strategy, values in self.forecast.items()
        }
        for name, mapping in (("forecast", forecast), ("lift", self.lift), ("trust", self.trust)):
            object.__setattr__(self, name, MappingProxyType(dict(mapping)))

    def _check_covariance(self, covariance: tuple[Row, Row, Row]) -> None:
        """Symmetric, and positive definite after Sylvester: each leading determinant is above 0."""
        try:
            (a, b, c), (d, e, f), (g, h, i) = covariance
            minors = (a, a * e - b * d, a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
            sound = (b, c, f) == (d, g, h) and all(0 < minor < math.inf for minor in minors)
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise ReadingError(f"`EmotionalState.covariance` is not positive definite: {covariance!r}.")

    @property
    def intensity(self) -> float:
        """How strong the feeling is, in [0, 1] (see `Affect.intensity`)."""
        return self.affect.intensity

    @property
    def spread(self) -> NDArray[np.float64] | None:
        """Standard deviations of valence, arousal and dominance, (3,); None without a covariance."""
        return None if self.covariance is None else np.sqrt(np.diag(np.array(self.covariance)))

    def top(self, k: int = 1) -> tuple[tuple[str, float], ...]:
        """The `k` likeliest emotions with their probabilities, likeliest first; empty where none are kept."""
        return tuple(sorted(self.emotions.items(), key=lambda pair: -pair[1])[:k])
