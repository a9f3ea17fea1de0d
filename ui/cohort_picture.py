"""Many conversations as a picture of four panels: course, change, what shifts came after, and transitions."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ui.cohort import After, Cohort
from ui.columns import signed
from ui.drawing import FAMILIES, MINUS, count, family_of, path_of, rendered, shortened, width_of
from ui.trajectories import strategy_name

__all__ = ["cohort_picture"]

_MARGIN, _GAP = 24, 56
_PANEL = 470  # width of a panel with its labels
_HIGH = 210  # of the two upper plots
_LABEL = 190  # width of labels left of the bars
_BAR = 22
_BIN = 0.1  # valence
_STRATEGIES = 12  # rows of bars
_EMOTIONS = 10  # rows of the table of transitions, the rest is one more
_DARKEST = 0.55  # of a cell; dark numbers on it keep a contrast above 4.5
_OTHERS = "all others"


class Plot(NamedTuple):
    """A rectangle, with values on its axes."""

    left: float
    top: float
    right: float
    low: float

    def x(self, share: float) -> float:
        """Of 0 to 1."""
        return self.left + share * (self.right - self.left)

    def y(self, share: float) -> float:
        """Of 0, at the bottom, to 1."""
        return self.low - share * (self.low - self.top)


def cohort_picture(cohort: Cohort) -> str:
    """The SVG. It holds no word and no id of a conversation, and its size does not grow with their number."""
    width = 2 * _PANEL + _GAP + 2 * _MARGIN
    second = _MARGIN + _PANEL + _GAP
    low = 102.0 + _HIGH + 86
    scene: dict[str, Any] = {
        "title": f"Emotions over {count(cohort.conversations, 'conversation')}",
        "subtitle": shortened(_subtitle(cohort), width - 2 * _MARGIN, 13),
        "description": _description(cohort),
        "width": width,
        "margin": _MARGIN,
        "second": second,
        "heads": (86, low),
        "course": _course(cohort, Plot(_MARGIN + 104, 102, _MARGIN + _PANEL, 102 + _HIGH)),
        "change": _change(cohort, Plot(second + 34, 102, second + _PANEL, 102 + _HIGH)),
        "shifts": _shifts(cohort, low + 34),
        "moves": _moves(cohort, second, low + 16),
    }
    scene["height"] = max(scene["shifts"]["low"], scene["moves"]["low"], low + 60) + 50
    return rendered("cohort.svg.jinja", **scene)


def _subtitle(cohort: Cohort) -> str:
    parts = [count(cohort.turns, "message") + " of seekers"]
    if cohort.left_out:
        parts.append(f"{count(cohort.left_out, 'line')} could not be read")
    few = cohort.conversations - len(cohort.changes)
    if few:
        parts.append(f"{few:,} too short for a course")
    if cohort.label_sets:
        parts.append(f"emotions of {', '.join(cohort.label_sets)}")
    return " · ".join(parts)


def _description(cohort: Cohort) -> str:
    parts = [f"{count(cohort.conversations, 'conversation')}, {count(cohort.turns, 'message')} of seekers."]
    if cohort.positions:
        first, last = cohort.positions[0], cohort.positions[-1]
        parts.append(f"Mean valence goes from {signed(first.mean)} to {signed(last.mean)}.")
    parts.append(f"{_ended(cohort)}.")
    parts += [
        f"After {_name(one)}, {count(one.said, 'message')}: {one.better} shifts for better, {one.worse} for worse."
        for one in cohort.shifts
    ]
    return " ".join(parts)


def _ended(cohort: Cohort) -> str:
    better = sum(end > start for start, end in cohort.changes)
    worse = sum(end < start for start, end in cohort.changes)
    return f"{better:,} ended better than they began, {worse:,} worse"


def _name(one: After) -> str:
    return "nothing, or unknown" if one.strategy is None else strategy_name(one.strategy)


def _course(cohort: Cohort, plot: Plot) -> dict[str, Any]:
    points = cohort.positions
    band = [(plot.x(p.place), plot.y((p.high + 1) / 2)) for p in points]
    band += [(plot.x(p.place), plot.y((p.low + 1) / 2)) for p in reversed(points)]
    return {
        "plot": plot,
        "band": path_of(band, closed=True) if points else "",
        "line": path_of((plot.x(p.place), plot.y((p.mean + 1) / 2)) for p in points) if points else "",
    }


def _change(cohort: Cohort, plot: Plot) -> dict[str, Any]:
    """A histogram of the change of valence, over bins of a tenth around 0."""
    bins = Counter(round((end - start) / _BIN) for start, end in cohort.changes)
    reach = max([5, *map(abs, bins)])
    most = max(bins.values(), default=1)
    wide = (plot.right - plot.left) / (2 * reach + 1)
    bars = [
        {
            "x": plot.left + (place + reach) * wide + 1,
            "y": plot.y(times / most * 0.9),
            "width": wide - 2,
            "height": plot.low - plot.y(times / most * 0.9),
            "kind": "better" if place > 0 else "worse" if place < 0 else "same",
            "n": f"{times:,}",
        }
        for place, times in sorted(bins.items())
    ]
    each = max(1, round(reach / 5))
    marks = [
        (plot.left + (place + reach + 0.5) * wide, f"{place * _BIN:+.1f}".replace("-", MINUS) if place else "0")
        for place in range(-reach // each * each, reach + 1, each)
        if abs(place) <= reach
    ]
    room = all(width_of(f"{times:,}", 11) <= wide for times in bins.values())
    return {"plot": plot, "bars": bars, "marks": marks, "numbers": room, "ended": _ended(cohort)}


def _shifts(cohort: Cohort, y: float) -> dict[str, Any]:
    """Bars to both sides: the share of messages after each strategy that were shifts."""
    shown = cohort.shifts[:_STRATEGIES]
    most = max([max(one.better, one.worse) / one.said for one in shown if one.said], default=0) or 1
    half = (_PANEL - _LABEL - 64) / 2
    middle = _MARGIN + _LABEL + half + 8
    rows = []
    for number, one in enumerate(shown):
        better, worse = (times / one.said if one.said else 0.0 for times in (one.better, one.worse))
        rows.append(
            {
                "label": shortened(_name(one), _LABEL),
                "y": y + 24 + _BAR * number,
                "better": better / most * (half - 48),
                "worse": worse / most * (half - 48),
                "better_told": f"{one.better:,} ({better:.0%})" if one.better else "0",
                "worse_told": f"{one.worse:,} ({worse:.0%})" if one.worse else "0",
                "n": f"{one.said:,}",
            }
        )
    low = y + 24 + _BAR * len(rows)
    return {
        "rows": rows,
        "middle": middle,
        "labels": _MARGIN + _LABEL,
        "right": _MARGIN + _PANEL,
        "top": y,
        "low": low,
        "any": any(one.better or one.worse for one in cohort.shifts),
    }


def _moves(cohort: Cohort, left: float, y: float) -> dict[str, Any]:
    """Counts of transitions between the commonest emotions; shades are shares of a row."""
    times: Counter[str] = Counter()
    for (one, other), n in cohort.transitions.items():
        times[one] += n
        times[other] += n
    own = [label for label, _ in times.most_common(_EMOTIONS)]
    families = list(FAMILIES)
    of = cohort.label_sets[0] if len(cohort.label_sets) == 1 else ""
    own.sort(key=lambda label: (families.index(family_of(of, label)), -times[label]))
    labels = own + ([_OTHERS] if len(times) > len(own) else [])
    counts: Counter[tuple[str, str]] = Counter()
    for (one, other), n in cohort.transitions.items():
        counts[one if one in own else _OTHERS, other if other in own else _OTHERS] += n
    size = min(32.0, (_PANEL - 110) / max(1, len(labels)))
    start, top = left + 104, y + 96
    wholes = {one: sum(counts[one, other] for other in labels) or 1 for one in labels}
    most = max((n / wholes[one] for (one, _), n in counts.items()), default=1)
    cells = []
    for row, one in enumerate(labels):
        for column, other in enumerate(labels):
            share = counts[one, other] / wholes[one] / most
            cells.append(
                {
                    "x": start + column * size,
                    "y": top + row * size,
                    "shade": f"{share * _DARKEST:.3f}",
                    "n": _brief(counts[one, other]),
                    "told": f"{one} then {other}: {counts[one, other]:,}",
                }
            )
    colours = [FAMILIES["other" if label == _OTHERS else family_of(of, label)] for label in labels]
    drawn = [
        (shortened(label, 92), colour, (place + 0.5) * size)
        for place, (label, colour) in enumerate(zip(labels, colours, strict=True))
    ]
    return {
        "cells": cells, "labels": drawn, "size": size, "left": start, "top": top, "low": top + size * len(labels),
    }  # fmt: skip


def _brief(number: int) -> str:
    """As short as a cell is narrow."""
    if number < 1000:  # noqa: PLR2004
        return str(number or "")
    return f"{number / 1000:.0f}k" if number < 1_000_000 else f"{number / 1_000_000:.0f}M"  # noqa: PLR2004
