"""The course of a conversation: valence, arousal and dominance, emotions as ribbons, strategies as marks.

Small enough for the panel, or as wide as a walk through the conversation has room for. `heartline trace --picture`
draws the same at full size, from the same columns, families and lanes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from strategies.taxonomy import esconv
from ui.columns import Column, columns_of
from ui.drawing import MINUS, family_of, path_of, runs, shortened, ticks
from ui.page.markup import filled
from ui.page.texts import Texts
from ui.picture_rows import strategies
from ui.trajectories import Step

__all__ = ["NARROW", "WIDE", "Size", "course_picture", "course_table"]

_RIGHT = 10.0  # pixels of air
_ROW = 18.0
_AXES = ("valence", "arousal", "dominance")
_NONE = "\N{EN DASH}"
_STRATEGIES = {"a careful reply": "panel.careful_short", "other strategies": "panel.other_strategies"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much room there is.

    Attributes:
        left: Pixels of the words at the left.
        wide: Of the whole picture.
        high: Of the plot of valence, arousal and dominance.
        most: Columns; longer conversations have several turns in each.
        ribbons: Emotions.
        lanes: Strategies.
    """

    left: float
    wide: float
    high: float
    most: int
    ribbons: int
    lanes: int


NARROW = Size(left=118.0, wide=320.0, high=84.0, most=60, ribbons=4, lanes=5)
WIDE = Size(left=150.0, wide=1000.0, high=130.0, most=120, ribbons=6, lanes=8)


def course_picture(
    steps: Sequence[Step], texts: Texts, size: Size = NARROW, *, shown: int | None = None
) -> Markup:
    """The picture. `course_table` tells the same in words.

    Args:
        steps: Of a conversation, oldest first.
        texts: In the language of the page.
        size: How much room there is.
        shown: Place of the step that is marked; then clicks on the others lead to them. None marks none.
    """
    columns = columns_of(steps, size.most)
    step = (size.wide - size.left - _RIGHT) / max(1, len(columns))

    def x(place: float) -> float:
        return size.left + (place + 0.5) * step

    top = 14.0
    scene: dict[str, Any] = {"size": size, "right": size.wide - _RIGHT, "top": top, "minus": MINUS, "step": step}
    scene |= _affect(columns, x, top, size.high)
    y = top + size.high + 22
    scene["ribbons"], y = _ribbons(columns, texts, x, y, size)
    scene["lanes"], y = _lanes(columns, texts, x, y + 8, size)
    scene["ticks"] = [
        (x(place), columns[place].first + 1) for place in ticks(len(columns), size.wide - size.left, needed=22)
    ]
    scene["bottom"] = y
    scene["height"] = y + 20
    scene["hits"] = (
        [] if shown is None else [_hit(column, place, x, step, shown) for place, column in enumerate(columns)]
    )
    return Markup(filled("course", texts, **scene))  # noqa: S704 - every text in it was escaped


def course_table(steps: Sequence[Step], texts: Texts) -> Markup:
    """The picture in words: what its lines mean, and a table for those who cannot see it."""
    rows = [_told(column, texts) for column in columns_of(steps, NARROW.most)]
    return Markup(filled("course_table", texts, rows=rows))  # noqa: S704 - every text in it was escaped


def _hit(column: Column, place: int, x: Any, step: float, shown: int) -> dict[str, Any]:
    """Where a click leads to a turn."""
    return {
        "x": x(place) - step / 2,
        "first": column.first,
        "last": column.last,
        "now": column.first <= shown <= column.last,
    }


def _affect(columns: Sequence[Column], x: Any, top: float, high: float) -> dict[str, Any]:
    def height(value: float) -> float:
        return top + (1 - min(1.0, max(-1.0, value))) / 2 * high

    def line(axis: int) -> list[list[tuple[float, float]]]:
        values = [None if column.affect is None else column.affect[axis] for column in columns]
        return [[(x(place), height(value)) for place, value in run] for run in runs(values)]

    sure = [
        None if column.affect is None or column.deviation is None else (column.affect[0], column.deviation)
        for column in columns
    ]
    lines = line(0)
    band = [
        path_of(
            [(x(place), height(mean + spread)) for place, (mean, spread) in run]
            + [(x(place), height(mean - spread)) for place, (mean, spread) in reversed(run)],
            closed=True,
        )
        for run in runs(sure)
    ]
    shifts = [
        (x(place), height(column.affect[0] if column.affect else 0.0), column.shift.direction)
        for place, column in enumerate(columns)
        if column.shift is not None
    ]
    return {
        "band": band,
        "line": [path_of(run) for run in lines],
        "others": [(name, path_of(run)) for axis, name in enumerate(_AXES) if axis for run in line(axis)],
        "dots": [point for run in lines for point in run],
        "shifts": shifts,
        "middle": height(0.0),
    }


def _ribbons(
    columns: Sequence[Column], texts: Texts, x: Any, y: float, size: Size
) -> tuple[list[dict[str, Any]], float]:
    total: Counter[tuple[str, str]] = Counter()
    for column in columns:
        total.update({(column.label_set, label): p for label, p in column.emotions.items()})
    rows = []
    for (label_set, label), _ in total.most_common(size.ribbons):
        shares = [
            None
            if not column.emotions
            else column.emotions.get(label, 0.0)
            if column.label_set == label_set
            else 0.0
            for column in columns
        ]
        middle = y + _ROW / 2
        paths = []
        for run in runs(shares):
            points = [(x(place), max(0.6, share * _ROW / 2)) for place, share in run]
            if len(points) == 1:
                points = [(points[0][0] - 4, points[0][1]), (points[0][0] + 4, points[0][1])]
            above = [(at, middle - half) for at, half in points]
            below = [(at, middle + half) for at, half in reversed(points)]
            paths.append(path_of(above + below, closed=True))
        full = texts.word("emotion", label)
        word = shortened(full, size.left - 14, 12)
        rows.append(
            {"word": word, "full": full, "y": middle, "family": family_of(label_set, label), "paths": paths}
        )
        y += _ROW
    return rows, y


def _lanes(
    columns: Sequence[Column], texts: Texts, x: Any, y: float, size: Size
) -> tuple[list[dict[str, Any]], float]:
    _, found = strategies(columns, None)
    ids = {each.name: each.id for each in esconv().strategies}
    rows = []
    by_use = sorted(found.items(), key=lambda one: -len(one[1]))[: size.lanes]
    for label, chips in by_use:
        word = texts(_STRATEGIES[label]) if label in _STRATEGIES else texts.word("strategy", ids.get(label, label))
        width = max(2.0, min(14.0, x(1) - x(0) - 3))
        rows.append(
            {
                "word": shortened(word, size.left - 14, 12),
                "full": word,
                "y": y + _ROW / 2,
                "chips": [(x(place) - width / 2, width, kind) for place, (kind, _) in sorted(chips.items())],
            }
        )
        y += _ROW
    return rows, y


def _told(column: Column, texts: Texts) -> dict[str, str]:
    one = column.first == column.last
    label, p = max(column.emotions.items(), key=lambda pair: pair[1], default=("", 0.0))
    shift = "" if column.shift is None else texts(f"panel.shift_{column.shift.direction}")
    done = [*column.followed, *column.planned]
    words = [texts.word("strategy", name) for name in done] or ([texts("panel.careful")] if column.careful else [])
    return {
        "turn": str(column.first + 1) if one else f"{column.first + 1}{_NONE}{column.last + 1}",
        "emotion": f"{texts.word('emotion', label)} {100 * p:.0f} %" if label else _NONE,
        **{
            name: _NONE if column.affect is None else texts.number(column.affect[axis])
            for axis, name in enumerate(_AXES)
        },
        "done": ", ".join(words) or _NONE,
        "shift": shift,
    }
