"""One measured number beside its aim, and the statistics that such numbers are made by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sem_plugins.training.intervals import Estimate, bootstrap

__all__ = ["Finding", "at_least", "at_most", "none_of", "quantile", "ratio", "slope"]

BLOCKS = 20
"""Stretches of time that are drawn whole for an interval: what follows each other is alike."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A number.

    Attributes:
        name: What was measured.
        value: How much.
        unit: Of what; empty for a count.
        low, high: 95% interval; None where none was drawn.
        aim: What it should be, in words; empty where there is none.
        met: Whether it is; None where there is no aim.
        must: The aim is one of correctness: where it is missed, the command fails.
    """

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    aim: str = ""
    met: bool | None = None
    must: bool = False


def at_most(name: str, value: float, unit: str, limit: float) -> Finding:
    """A number that should not be more than `limit`. NaN, which stands for nothing measured, misses it."""
    return Finding(name, value, unit, aim=f"at most {limit:g} {unit}", met=value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Finding:
    """A number that should not be less than `limit`."""
    return Finding(name, value, unit, aim=f"at least {limit:g} {unit}", met=value >= limit)


def none_of(name: str, count: int) -> Finding:
    """A count of what must never happen."""
    return Finding(name, count, aim="0", met=count == 0, must=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed, between neighbours in a straight line; NaN of none."""
    return float(np.quantile(values, share)) if len(values) else math.nan


def ratio(late: Sequence[float], early: Sequence[float]) -> Estimate:
    """How many times as long the median of `late` is as that of `early`, with its 95% interval.

    Args:
        late: Measured in turns with those of `early`, one by one, from 20 pairs.
        early: As many.

    Raises:
        DataError: Lengths differ, or there are fewer than two pairs.
    """
    pairs = len(late)
    return bootstrap(
        lambda above, below: np.median(above) / np.median(below),
        _blocks(pairs),
        np.asarray(late, dtype=float),
        np.asarray(early, dtype=float),
    )


def slope(places: Sequence[float], values: Sequence[float]) -> Estimate:
    """How much `values` grow for each step of 1 (least squares), with a 95% interval over stretches of time.

    Args:
        places: Where each was taken, growing: after so many minutes, say.
        values: As many, from 40 for an interval that means something.

    Raises:
        DataError: Lengths differ, or there are fewer than two.
    """
    at = np.asarray(places, dtype=float)

    def steepness(when: np.ndarray, what: np.ndarray) -> float:
        apart = when - when.mean()
        spread = float(apart @ apart)
        return float(apart @ what) / spread if spread else math.nan

    return bootstrap(steepness, _blocks(len(at)), at, np.asarray(values, dtype=float))


def _blocks(rows: int) -> np.ndarray:
    """Which of the `BLOCKS` stretches each row belongs to."""
    return np.arange(rows) * BLOCKS // max(rows, 1)
