"""Two runs side by side: differences with paired intervals, and how often chance alone would make them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from evals.result import Result
from evals.signature import differences
from evals.task import Sample, Task
from sem_plugins.training.intervals import DRAWS, Measure, sums_of_groups

__all__ = ["Difference", "compare"]

_SMALL = 1e-12
_SEED = 13


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one metric, the second run less the first.

    Attributes:
        metric: Name.
        first, second: Figures.
        low, high: 95% interval of the difference; dialogues are drawn together for both runs.
        p: Share of random exchanges of whole dialogues between the runs that make a difference at least as
            large (two-sided permutation test).
    """

    metric: str
    first: float
    second: float
    low: float
    high: float
    p: float

    @property
    def value(self) -> float:
        """The difference."""
        return self.second - self.first


def compare(
    task: Task,
    first: Result,
    second: Result,
    *,
    samples: Sequence[Sample],
    force: bool = False,
    metrics: Collection[str] | None = None,
) -> list[Difference]:
    """Every metric that both runs have with an interval.

    Args:
        task: Of both runs.
        first: The run that is compared with.
        second: The run that may be better.
        samples: Of the split, as the task gives them; result files hold no words.
        force: Put them side by side although their signatures say that they may not be.
        metrics: Only these; all of them where it is None.

    Raises:
        DataError: They are of different data, splits or versions, or do not hold the same samples.
    """
    reasons = differences(first.signature, second.signature)
    if reasons and not force:
        raise DataError(f"These runs cannot be compared. {'; '.join(reasons)}. `--force` does it anyway.")
    by_id = {sample.id: sample for sample in samples}
    one, other = ({row["id"]: row["answer"] for row in result.samples} for result in (first, second))
    shared = [name for name in one if name in other and name in by_id]
    if not force and not len(shared) == len(first.samples) == len(second.samples):
        raise DataError(
            f"Of {len(first.samples)} and {len(second.samples)} samples only {len(shared)} are in both runs "
            "and in the split. Run both again on the same file."
        )
    # What one of the runs left open would be a row that the other has alone.
    both = [name for name in shared if one[name] is not None and other[name] is not None]
    found = [by_id[name] for name in both]
    measured = [task.measures(found, [said[name] for name in both]) for said in (one, other)]
    return [
        _difference(name, measured[0][name], measured[1][name])
        for name, figure in first.metrics.items()
        if "low" in figure
        and all(name in measures for measures in measured)
        and (metrics is None or name in metrics)
    ]


def _difference(name: str, first: Measure, second: Measure) -> Difference:
    rng = np.random.default_rng(_SEED)
    groups, of_row = np.unique(first.groups, return_inverse=True)
    members = [np.flatnonzero(of_row == group) for group in range(len(groups))]
    sums = [sums_of_groups(measure.metric, measure.arrays, of_row) for measure in (first, second)]
    drawn, exchanged = [], []
    for _ in range(DRAWS):
        picked, swapped = rng.integers(0, len(members), len(members)), rng.random(len(members)) < 1 / 2
        if sums[0] and sums[1]:
            drawn.append(_mean(sums[1], picked) - _mean(sums[0], picked))
            mixed = [np.where(swapped, b, a) for a, b in zip(*sums, strict=True)]
            back = [np.where(swapped, b, a) for b, a in zip(*sums, strict=True)]
            exchanged.append(_mean(back) - _mean(mixed))
            continue
        rows = np.concatenate([members[place] for place in picked])
        drawn.append(_value(second, rows) - _value(first, rows))
        of_rows = swapped[of_row]
        one, other = (replace(a, arrays=_mixed(a, b, of_rows)) for a, b in ((first, second), (second, first)))
        exchanged.append(_value(other) - _value(one))
    low, high = np.nanpercentile(drawn, [2.5, 97.5]).tolist()
    gap = abs(second.value() - first.value())
    larger = sum(abs(one) >= gap - _SMALL for one in exchanged if not np.isnan(one))
    return Difference(name, first.value(), second.value(), low, high, (1 + larger) / (1 + DRAWS))


def _mean(sums: Sequence[NDArray[np.float64]], groups: NDArray[np.intp] | slice = slice(None)) -> float:
    """Of some groups, from what each sums up to and how many count there; NaN where none do."""
    total, count = (each[groups].sum() for each in sums)
    return float(total / count) if count else float("nan")


def _mixed(one: Measure, other: Measure, swapped: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """The rows of `one`, with those of `other` where `swapped`."""
    return tuple(
        np.where(swapped.reshape(-1, *[1] * (a.ndim - 1)), b, a)
        for a, b in zip(one.arrays, other.arrays, strict=True)
    )


def _value(measure: Measure, rows: NDArray[np.intp] | slice = slice(None)) -> float:
    """NaN where it is not defined."""
    try:
        return measure.value(rows)
    except DataError:
        return float("nan")
