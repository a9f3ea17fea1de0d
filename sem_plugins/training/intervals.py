"""How far a figure may be trusted: bootstrap intervals that keep the rows of a dialogue together.

Rows of one dialogue are alike. Drawing them one by one would pass them off as so many
independent ones and give intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError

__all__ = ["DRAWS", "Estimate", "Measure", "bootstrap", "estimates", "mean_scored", "rounding", "sums_of_groups"]


_CLOSE = 0.004
_SHARE = 1 / 8
_AT_ONCE = 1_000_000  # groups drawn, for memory's sake

DRAWS = 1000
"""Of the bootstrap; what takes long has fewer (`training.figures`)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval.

    Attributes:
        value: On all rows.
        low, high: The 2.5th and 97.5th percentile of the draws.
        n: Rows.
        undefined: Draws that did not define the figure and were skipped. Where they are many, the
            interval is that of the lucky draws and too narrow.
    """

    value: float
    low: float
    high: float
    n: int
    undefined: int = 0

    def as_dict(self) -> dict[str, float]:
        """For JSON; rounded to four digits, as manifests have it."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "n": self.n,
            "undefined": self.undefined,
        }


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric and the rows it is of, from which its value, its interval and paired tests can be had.

    Attributes:
        metric: Takes the arrays' rows.
        groups: (N,), which dialogue a row belongs to.
        arrays: Each with N rows.
        draws: For the interval; 0 for none.
        version: Settings and version of what computes it, where a library does.
    """

    metric: Callable[..., SupportsFloat]
    groups: NDArray[Any]
    arrays: tuple[NDArray[Any], ...]
    draws: int = DRAWS
    version: str = ""

    def value(self, rows: NDArray[np.intp] | slice = slice(None)) -> float:
        """The metric of all rows, or of some.

        Raises:
            DataError: It is not defined there.
        """
        return float(self.metric(*(array[rows] for array in self.arrays)))

    def estimate(self) -> Estimate:
        """The value with its interval.

        Raises:
            DataError: As `bootstrap`.
        """
        if not self.draws:
            return Estimate(self.value(), float("nan"), float("nan"), len(self.groups))
        return bootstrap(self.metric, self.groups, *self.arrays, draws=self.draws)


def estimates(measures: Mapping[str, Measure]) -> dict[str, Estimate]:
    """Each with its interval."""
    return {name: measure.estimate() for name, measure in measures.items()}


def bootstrap(
    metric: Callable[..., SupportsFloat],
    groups: NDArray[Any],
    *arrays: NDArray[Any],
    draws: int = DRAWS,
    seed: int = 13,
) -> Estimate:
    """`metric` with its interval over groups that are drawn whole, with replacement.

    The metric is called once a draw: for costly ones, such as those of texts, score the rows first and
    give the mean as metric.

    Args:
        metric: Takes the arrays' rows. Undefined where it gives NaN or raises `DataError`.
        groups: (N,), which dialogue a row belongs to; names or numbers, in any order.
        arrays: Each with N rows.
        draws: How many.
        seed: The same one gives the same interval.

    Raises:
        DataError: Lengths differ, there is but one group, or the metric is undefined on all rows or in
            all draws.

    Example:
        >>> dialogue = np.array([0, 0, 1, 1, 2])
        >>> right = np.array([1, 0, 1, 1, 1])
        >>> bootstrap(np.mean, dialogue, right).value
        0.8
    """
    lengths = [len(array) for array in arrays]
    if any(length != len(groups) for length in lengths):
        raise DataError(f"Arrays of {lengths} rows for {len(groups)} groups' rows; expected as many in each.")
    names, group_of_row = np.unique(groups, return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004
        raise DataError(f"{len(names)} group in {len(groups)} rows; an interval needs at least two to draw from.")
    value = float(metric(*arrays))
    if np.isnan(value):
        raise DataError(f"The metric is NaN on all {len(groups)} rows. Look for NaN in what it is given.")

    rng = np.random.default_rng(seed)
    by_group = np.argsort(group_of_row, kind="stable")
    sizes = np.bincount(group_of_row)
    starts = np.cumsum(sizes) - sizes
    drawn: list[float] = []
    if sums := sums_of_groups(metric, arrays, group_of_row):
        drawn = _means(*sums, rng, draws)
    for _ in range(draws - len(drawn)):
        picked = rng.integers(0, len(names), len(names))
        rows = by_group[_runs(starts[picked], sizes[picked])]
        try:
            drawn.append(float(metric(*(array[rows] for array in arrays))))
        except DataError:
            drawn.append(np.nan)
    defined = [figure for figure in drawn if not np.isnan(figure)]
    if not defined:
        raise DataError(
            f"The metric is undefined in all {draws} draws, though not on all rows. Merge rare classes."
        )
    low, high = np.percentile(defined, [2.5, 97.5]).tolist()
    return Estimate(value, low, high, len(groups), draws - len(defined))


def mean_scored(scores: NDArray[Any]) -> float:
    """Mean of the scores, (N,), that are not NaN; `DataError` if there is none."""
    scored = scores[~np.isnan(scores)]
    if not scored.size:
        raise DataError(f"None of {len(scores)} replies is scored; a mean needs one.")
    return float(scored.mean())


def sums_of_groups(
    metric: Callable[..., SupportsFloat], arrays: Sequence[NDArray[Any]], group_of_row: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """What the rows of each group sum up to, and how many count; None where the metric is no mean.

    Nearly all figures are means. Drawing groups, those need no rows.
    """
    if metric not in {np.mean, mean_scored} or arrays[0].ndim != 1:
        return None
    known = ~np.isnan(arrays[0])
    summed, counted = (np.bincount(group_of_row, each) for each in (np.where(known, arrays[0], 0), known))
    return summed.astype(np.float64), counted.astype(np.float64)


def _means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], rng: np.random.Generator, draws: int
) -> list[float]:
    """The means of all draws; NaN where nothing counts."""
    found: list[float] = []
    while len(found) < draws:
        some = min(draws - len(found), max(1, _AT_ONCE // len(sums)))
        picked = rng.integers(0, len(sums), (some, len(sums)))
        count = counts[picked].sum(axis=1)
        found += (sums[picked].sum(axis=1) / np.where(count, count, np.nan)).tolist()
    return found


def _runs(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """The runs start, start + 1, ... one after the other; a Python loop over groups takes ten times longer."""
    before = np.cumsum(lengths) - lengths
    runs: NDArray[np.intp] = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return runs


def rounding(metric: str, stated: Mapping[str, float]) -> float:
    """How far a figure may be from the card's on another processor, where eight-bit arithmetic rounds otherwise.

    That moves a figure by a few samples; of few (n = 90) by one, which is more than the rest allows. What rests on
    thresholds that are fitted anew (`crossfitted_…`) jumps further, by up to 0.010; but not by an eighth of its
    95% interval, from which nobody could conclude anything.

    Args:
        metric: Its name.
        stated: `value`, `n`, and `low` and `high` where the card has an interval.
    """
    jumps = metric.startswith("crossfitted_") and "low" in stated
    share = _SHARE * (stated["high"] - stated["low"]) if jumps else 0.0
    return max(_CLOSE * max(1.0, abs(stated["value"])), share) + 1.5 / stated["n"]
