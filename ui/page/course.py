"""The course of a conversation, small enough for the panel: valence, emotions as ribbons, strategies as marks.

`heartline trace --picture` draws the same at full size, from the same columns, families and lanes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from agent.turn import Turn
from strategies.taxonomy import esconv
from ui.columns import Column, columns_of, signed
from ui.drawing import MINUS, family_of, path_of, runs, shortened, ticks
from ui.page.markup import filled
from ui.page.texts import Texts
from ui.picture_rows import strategies
from ui.trajectories import stored

__all__ = ["course_picture"]

_LEFT, _WIDE, _RIGHT = 112.0, 340.0, 10.0  # pixels: words, the whole picture, air
_HIGH = 84.0  # of the plot of valence
_ROW = 18.0
_RIBBONS, _LANES = 4, 5
_MOST = 60  # columns
_NONE = "\N{EN DASH}"
_STRATEGIES = {"a careful reply": "panel.careful_short", "other strategies": "panel.other_strategies"}


def course_picture(turns: Sequence[Turn], texts: Texts) -> str:
    """The picture with the same in a table below it, for those who cannot see it.

    Args:
        turns: Of a conversation, oldest first.
        texts: In the language of the page.
    """
    trajectory = stored("", turns)
    columns = columns_of(trajectory.steps, _MOST)
    step = (_WIDE - _LEFT - _RIGHT) / max(1, len(columns))

    def x(place: float) -> float:
        return _LEFT + (place + 0.5) * step

    top = 14.0
    scene: dict[str, Any] = {"left": _LEFT, "wide": _WIDE, "right": _WIDE - _RIGHT, "top": top, "high": _HIGH}
    scene["minus"] = MINUS
    scene |= _valence(columns, x, top)
    y = top + _HIGH + 22
    scene["ribbons"], y = _ribbons(columns, texts, x, y)
    scene["lanes"], y = _lanes(columns, texts, x, step, y + 8)
    scene["ticks"] = [
        (x(place), columns[place].first + 1) for place in ticks(len(columns), _WIDE - _LEFT, needed=22)
    ]
    scene["bottom"] = y
    scene["height"] = y + 20
    scene["rows"] = [_told(column, texts) for column in columns]
    return Markup(filled("course", texts, **scene))  # noqa: S704 - every text in it was escaped


def _valence(columns: Sequence[Column], x: Any, top: float) -> dict[str, Any]:
    def height(value: float) -> float:
        return top + (1 - min(1.0, max(-1.0, value))) / 2 * _HIGH

    values = [None if column.affect is None else column.affect[0] for column in columns]
    sure = [
        None if column.affect is None or column.deviation is None else (column.affect[0], column.deviation)
        for column in columns
    ]
    lines = [[(x(place), height(value)) for place, value in run] for run in runs(values)]
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
        "dots": [point for run in lines for point in run],
        "shifts": shifts,
        "middle": height(0.0),
    }


def _ribbons(columns: Sequence[Column], texts: Texts, x: Any, y: float) -> tuple[list[dict[str, Any]], float]:
    total: Counter[tuple[str, str]] = Counter()
    for column in columns:
        total.update({(column.label_set, label): p for label, p in column.emotions.items()})
    rows = []
    for (label_set, label), _ in total.most_common(_RIBBONS):
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
        word = shortened(texts.word("emotion", label), _LEFT - 14, 12)
        rows.append({"word": word, "y": middle, "family": family_of(label_set, label), "paths": paths})
        y += _ROW
    return rows, y


def _lanes(
    columns: Sequence[Column], texts: Texts, x: Any, step: float, y: float
) -> tuple[list[dict[str, Any]], float]:
    _, found = strategies(columns, None)
    ids = {each.name: each.id for each in esconv().strategies}
    rows = []
    by_use = sorted(found.items(), key=lambda one: -len(one[1]))[:_LANES]
    for label, chips in by_use:
        word = texts(_STRATEGIES[label]) if label in _STRATEGIES else texts.word("strategy", ids.get(label, label))
        width = max(2.0, min(14.0, step - 3))
        rows.append(
            {
                "word": shortened(word, _LEFT - 14, 12),
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
        "emotion": f"{texts.word('emotion', label)} {p:.0%}" if label else _NONE,
        "valence": _NONE if column.affect is None else signed(column.affect[0]),
        "done": ", ".join(words) or _NONE,
        "shift": shift,
    }
