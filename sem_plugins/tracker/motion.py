"""Valence, arousal and dominance as a filter: what is believed relaxes, spreads, and is drawn in by each reading.

A Kalman filter over an Ornstein-Uhlenbeck process: between messages the mean moves back towards the baseline, and
the covariance back towards that of people in general. So a belief about yesterday is worth less than one about a
minute ago, and one about nobody is the general one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.state import EmotionalState
from sem_plugins.tracker.parameters import array, damaged, section

__all__ = ["Belief", "Motion", "belief_of", "from_section", "motion"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Belief:
    """A normal distribution over valence, arousal and dominance: mean (3,), covariance (3, 3)."""

    mean: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Motion:
    """The filter's numbers.

    Attributes:
        baseline: (3,), where people are who are not known yet.
        spread: (3, 3), their covariance there.
        keep: Share of the distance to the baseline that is left one message later, in [0, 1).
        noise: (3, 3), covariance of a fully clear reading around the truth.
        half_life: Seconds after which a wall-clock gap has halved what was known.
        grace: Seconds without which no conversation goes: a gap below it does not count.
    """

    baseline: Array
    spread: Array
    keep: float
    noise: Array
    half_life: float = 6 * 3600.0
    grace: float = 600.0

    def start(self) -> Belief:
        """What is believed of somebody of whom nothing was read."""
        return Belief(self.baseline, self.spread)

    def ahead(self, belief: Belief, *, messages: int = 1, gap: float | None = None) -> Belief:
        """The belief some messages later, before the last of them is read.

        Args:
            belief: After the message before.
            messages: How many later, from 1; more where some in between were lost.
            gap: Seconds between the two; None where nobody said. A clock that went back counts as no gap.
        """
        keep = self.keep**messages * self.left(gap)
        covariance = keep**2 * belief.covariance + (1 - keep**2) * self.spread
        return Belief(self.baseline + keep * (belief.mean - self.baseline), covariance)

    def left(self, gap: float | None) -> float:
        """What a wall-clock gap leaves of what was known, in (0, 1]."""
        waited = max(0.0, gap - self.grace) if gap is not None and math.isfinite(gap) else 0.0
        return float(max(1e-9, 0.5 ** (waited / self.half_life)))

    def drawn(self, belief: Belief, reading: Array, *, clarity: float) -> Belief:
        """The belief after a reading.

        Args:
            belief: Before it.
            reading: (3,).
            clarity: How clear the reading is, in (0, 1]; its variance is divided by it.
        """
        gain = np.linalg.solve(belief.covariance + self.noise / clarity, belief.covariance).T
        mean = belief.mean + gain @ (reading - belief.mean)
        # Joseph's form: it stays symmetric and positive definite whatever rounding does.
        rest = np.eye(3) - gain
        covariance = rest @ belief.covariance @ rest.T + gain @ (self.noise / clarity) @ gain.T
        return Belief(np.clip(mean, -1, 1), (covariance + covariance.T) / 2)

    def surprise(self, belief: Belief, reading: Array, *, clarity: float, known: float | None = None) -> float:
        """How far the valence read lies from what was to be expected, in standard deviations of that difference.

        Args:
            belief: Before the reading, one message ahead.
            reading: (3,).
            clarity: As for `drawn`.
            known: Valence after the message before. Then all between it and the belief is to be expected, and no
                surprise: who stays as they are does nothing new.
        """
        read, expected = float(reading[0]), float(belief.mean[0])
        low, high = sorted((expected, expected if known is None else known))
        variance = float(belief.covariance[0, 0] + self.noise[0, 0] / clarity)
        return (read - min(max(read, low), high)) / math.sqrt(variance)


def belief_of(state: EmotionalState | None) -> Belief | None:
    """What a state believes; None where it holds no covariance, as those of other trackers."""
    if state is None or state.covariance is None:
        return None
    return Belief(state.affect.point, np.array(state.covariance))


@cache
def motion() -> Motion:
    """What was learned on the seekers of ESConv.

    Raises:
        WeightsError: The shipped file is damaged.
    """
    return from_section(section("motion"))


def from_section(content: Mapping[str, Any]) -> Motion:
    """The filter from its part of the parameter file.

    Raises:
        WeightsError: Something is missing, not of its shape, or out of its range.
    """
    found = Motion(
        baseline=array(content.get("baseline"), 3, name="motion.baseline"),
        spread=array(content.get("spread"), 3, 3, name="motion.spread"),
        keep=float(array(content.get("keep"), name="motion.keep")),
        noise=array(content.get("noise"), 3, 3, name="motion.noise"),
    )
    if not 0 <= found.keep < 1 or np.abs(found.baseline).max() > 1:
        raise damaged("`motion.keep` lies in [0, 1), and each number of `motion.baseline` in [-1, 1].")
    for name, matrix in (("spread", found.spread), ("noise", found.noise)):
        if (matrix != matrix.T).any() or np.linalg.eigvalsh(matrix)[0] <= 0:
            raise damaged(f"`motion.{name}` is not symmetric and positive definite.")
    return found
