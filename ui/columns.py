"""The columns of a picture: one a turn, or one for several turns where there are more than a picture can show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import numpy as np

from agent.readings import RiskLevel
from agent.state import Shift
from ui.trajectories import Step

__all__ = ["MOST", "Column", "columns_of", "in_calendar", "moment", "signed", "told"]

MOST = 240
"""Columns of a picture; so its size has a bound however long the conversation is."""

_LEVELS: Sequence[str] = get_args(RiskLevel)


@dataclass(frozen=True, slots=True)
class Column:
    """Turns that are drawn as one.

    Attributes:
        first: Place of the first one, from 0.
        last: Place of the last one.
        affect: Mean valence, arousal and dominance; None where none of them has a state.
        deviation: Of the valence: the mean variance's root; None where no tracker keeps one.
        emotions: Mean distribution; empty where none was read.
        label_set: Of the distribution.
        shift: The largest.
        followed: Strategies of the answers, each to the share of answers that followed it.
        planned: Strategies that were planned and not followed; told of single turns only.
        careful: Whether a careful reply was given.
        risk: The highest level.
    """

    first: int
    last: int
    affect: tuple[float, float, float] | None
    deviation: float | None
    emotions: Mapping[str, float]
    label_set: str
    shift: Shift | None
    followed: Mapping[str, float]
    planned: frozenset[str]
    careful: bool
    risk: str | None


def columns_of(steps: Sequence[Step], most: int = MOST) -> list[Column]:
    """At most `most` columns, each of as many turns; the last may have fewer."""
    size = max(1, math.ceil(len(steps) / most))
    return [_column(start, steps[start : start + size]) for start in range(0, len(steps), size)]


def _column(first: int, steps: Sequence[Step]) -> Column:
    points = [step.affect.point for step in steps if step.affect is not None]
    variances = [step.deviation[0] ** 2 for step in steps if step.deviation is not None]
    sets = Counter(step.emotions[1] for step in steps if step.emotions[2])
    label_set = max(sets, key=lambda name: sets[name], default="")
    total: Counter[str] = Counter()
    for step in steps:
        if step.emotions[2] and step.emotions[1] == label_set:
            total.update({label: p / sets[label_set] for label, p in step.emotions[2].items()})
    done = Counter(name for step in steps for name in set(step.followed or ()))
    planned = frozenset(steps[0].planned or ()) if len(steps) == 1 else frozenset()
    levels = [step.risk for step in steps if step.risk is not None]
    mean = np.mean(points, axis=0) if points else None
    return Column(
        first=first,
        last=first + len(steps) - 1,
        affect=None if mean is None else (float(mean[0]), float(mean[1]), float(mean[2])),
        deviation=math.sqrt(sum(variances) / len(variances)) if variances else None,
        emotions=dict(total),
        label_set=label_set,
        shift=max((step.shift for step in steps if step.shift is not None), key=lambda s: s.size, default=None),
        followed={name: times / len(steps) for name, times in done.items()},
        planned=planned - done.keys(),
        careful=any(step.careful for step in steps),
        risk=max(levels, key=_LEVELS.index, default=None),
    )


def in_calendar(at: float | None) -> datetime | None:
    """A time in UTC; None where nobody said or no calendar has it."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def moment(at: float | None, *, date: bool = True) -> str:
    """A time in UTC, e.g. "3 May 2026, 14:02"; empty where nobody said or no calendar has it."""
    when = in_calendar(at)
    if when is None:
        return ""
    return f"{when.day} {when:%b %Y, %H:%M}" if date else f"{when:%H:%M}"


def signed(value: float) -> str:
    """With its sign and two places; what rounds to nothing is +0.00."""
    return f"{round(value, 2) + 0.0:+.2f}"


def told(column: Column) -> str:
    """A column in one sentence, for pointers and screen readers."""
    one = column.first == column.last
    turns = f"turn {column.first + 1}" if one else f"turns {column.first + 1} to {column.last + 1}"
    parts = []
    if column.emotions:
        label, p = max(column.emotions.items(), key=lambda pair: pair[1])
        parts.append(f"{label} {p:.0%}")
    if column.affect is not None:
        around = "" if column.deviation is None else f" ±{column.deviation:.2f}"
        parts.append(f"valence {signed(column.affect[0])}{around}")
    if column.shift is not None:
        parts.append(f"shift for the {column.shift.direction} by {column.shift.size:.2f}")
    if column.risk not in (None, "none"):
        parts.append(f"risk: {column.risk}")
    return f"{turns}: {', '.join(parts) or 'nothing was read'}"
