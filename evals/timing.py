"""Timing a job and putting it into figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["RUNS", "Figure", "Spread", "spread", "times"]

RUNS = 300


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    aim: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds, as they spread.

    Attributes:
        p50, p95: Quantiles, in ms.
        n: Of how many.
    """

    p50: float
    p95: float
    n: int

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Self:
        """Of at least two values."""
        cuts = statistics.quantiles(milliseconds, n=20, method="inclusive")
        return cls(cuts[9], cuts[18], len(milliseconds))


def times(job: Callable[[int], Any], *, runs: int = RUNS) -> list[float]:
    """Milliseconds of each run; the first tenth warms up and is not counted.

    The job gets a different number each time, so that nothing is answered from memory.
    """
    out = []
    for number in range(runs + runs // 10):
        started = time.perf_counter()
        job(number)
        out.append((time.perf_counter() - started) * 1000)
    return out[runs // 10 :]


def spread(name: str, milliseconds: list[float], aim: str = "") -> Iterator[Figure]:
    """Median and 99th percentile."""
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    yield Figure(f"{name}, p50", cuts[49], "ms", aim)
    yield Figure(f"{name}, p99", cuts[98], "ms")
