"""The rows of a picture of one conversation: emotions as ribbons, strategies and risk as chips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from strategies.taxonomy import esconv
from ui.columns import Column
from ui.drawing import FAMILIES, family_of, path_of, runs, shortened
from ui.trajectories import Ids, strategy_name

__all__ = ["LEFT", "MARGIN", "Frame", "ends", "lanes", "ribbons", "risks", "strategies"]

LEFT, MARGIN = 224, 24
"""Pixels left of the plot, and around the picture."""

_RIBBON, _THICKEST = 30, 26  # of a row, and of the ribbon of the likeliest emotion where it is widest
_LIKELY = 0.4  # or of this probability, so that a flat distribution does not look like a sure one
_NOTHING = 0.005  # less than that is a rounding error
_LANE = 19
_ROWS = 8  # emotions with a ribbon of their own
_LANES = 16  # strategies with a lane of their own
_FAINT = 0.25  # opacity of what hardly ever was in a column of many turns
_OTHERS = "all others"

Lanes = dict[str, dict[int, tuple[str, float]]]


class Lane(NamedTuple):
    """A row of chips: left edge, kind and opacity of each."""

    label: str
    y: float
    chips: list[tuple[float, str, float]]


class Frame(NamedTuple):
    """Where columns stand."""

    n: int
    plot: float

    @property
    def step(self) -> float:
        """Width of a column."""
        return self.plot / max(1, self.n)

    def x(self, place: float) -> float:
        """The middle of a column."""
        return LEFT + (place + 0.5) * self.step


def ends(run: Sequence[tuple[int, Any]], frame: Frame) -> list[tuple[float, Any]]:
    """Points of a run; one that stands alone is as wide as its column."""
    if len(run) == 1:
        place, value = run[0]
        half = min(0.4, 24 / frame.step)
        return [(frame.x(place - half), value), (frame.x(place + half), value)]
    return [(frame.x(place), value) for place, value in run]


def ribbons(columns: Sequence[Column], frame: Frame, y: float) -> tuple[dict[str, Any] | None, float]:
    """The likeliest emotions over the whole conversation, by family from pleasant to unpleasant, and the rest.

    Returns:
        What the template draws, None where no emotion was read; and where the next part begins.
    """
    total: Counter[tuple[str, str]] = Counter()
    for column in columns:
        total.update({(column.label_set, label): p for label, p in column.emotions.items()})
    if not total:
        return None, y
    order = list(FAMILIES)
    own = sorted(
        (name for name, _ in total.most_common(_ROWS)),
        key=lambda name: (order.index(family_of(*name)), -total[name]),
    )
    shares = [(label, family_of(of, label), _shares(columns, of, label)) for of, label in own]
    left = [
        None
        if not column.emotions
        else sum(p for label, p in column.emotions.items() if (column.label_set, label) not in own)
        for column in columns
    ]
    if any(value is not None and value > _NOTHING for value in left):
        shares.append((_OTHERS, "other", left))
    thickest = max(value for _, _, row in shares[: len(own)] for value in row if value is not None)
    scale = _THICKEST / max(thickest, _LIKELY)
    rows, low = [], y + 32
    for label, family, values in shares:
        # What is left over may be likelier than any one emotion, and then has a wider row.
        high = max(_RIBBON, 4 + scale * max(value for value in values if value is not None))
        middle, low = low + high / 2, low + high
        paths = [_ribbon(run, frame, middle, scale / 2) for run in runs(values)]
        rows.append(
            {
                "label": shortened(label, LEFT - MARGIN - 14),
                "y": middle,
                "colour": FAMILIES[family],
                "others": label == _OTHERS,
                "paths": paths,
            }
        )
    return {"head": y + 16, "thickest": f"{thickest:.0%}", "rows": rows}, low + 22


def _shares(columns: Sequence[Column], label_set: str, label: str) -> list[float | None]:
    return [
        None if not column.emotions else column.emotions.get(label, 0.0) if column.label_set == label_set else 0.0
        for column in columns
    ]


def _ribbon(run: Sequence[tuple[int, float]], frame: Frame, middle: float, scale: float) -> str:
    points = ends(run, frame)
    above = [(x, middle - scale * p) for x, p in points]
    return path_of(above + [(x, middle + scale * p) for x, p in reversed(points)], closed=True)


def strategies(columns: Sequence[Column], opening: Ids | None) -> tuple[str, Lanes]:
    """Heading, and the chips of each lane."""
    times: Counter[str] = Counter()
    for column in columns:
        times.update([*column.followed, *column.planned])
    known = [each.id for each in esconv().strategies]
    own = [name for name, _ in times.most_common(_LANES)]
    own.sort(key=lambda name: known.index(name) if name in known else len(known))
    found: Lanes = {strategy_name(name): {} for name in own}
    for place, column in enumerate(columns):
        for name in [*column.planned, *column.followed]:  # what was done counts where both share a lane
            label = strategy_name(name) if name in own else "other strategies"
            done = column.followed.get(name)
            shade = 1.0 if done is None or column.first == column.last else _FAINT + (1 - _FAINT) * min(1.0, done)
            found.setdefault(label, {})[place] = ("planned" if done is None else "followed", shade)
        if column.careful:
            found.setdefault("a careful reply", {})[place] = ("careful", 1.0)
    before = f" (before the first: {', '.join(map(strategy_name, opening))})" if opening else ""
    return f"What the supporter did after each message{before}", found


def risks(columns: Sequence[Column]) -> tuple[str, Lanes]:
    """Heading, and the chips of each level above `none` that was read."""
    found: Lanes = {}
    for level in ("acute", "plan", "ideation", "distress"):
        there: dict[int, tuple[str, float]] = {
            place: (level, 1.0) for place, column in enumerate(columns) if column.risk == level
        }
        if there:
            found[level] = there
    return "Risk that was read in a message", found


def lanes(heading: str, found: Lanes, frame: Frame, y: float) -> tuple[dict[str, Any] | None, float]:
    """Rows of chips as the template draws them, None where there are none; and where the next part begins."""
    if not found:
        return None, y
    width = max(1.5, min(46.0, frame.step - 3))
    drawn = [
        Lane(
            shortened(label, LEFT - MARGIN - 14),
            y + 36 + _LANE * number,
            [(frame.x(place) - width / 2, kind, shade) for place, (kind, shade) in sorted(chips.items())],
        )
        for number, (label, chips) in enumerate(found.items())
    ]
    heading = shortened(heading, LEFT + frame.plot - MARGIN, 15)
    low = drawn[-1].y + _LANE / 2
    return {"head": y + 16, "heading": heading, "lanes": drawn, "chip": width}, low + 22
