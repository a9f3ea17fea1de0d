"""Many conversations seen together, as pictures of the page with the same in tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from ui.cohort import Cohort
from ui.drawing import family_of, path_of, shortened
from ui.page.markup import filled
from ui.page.texts import Texts

__all__ = ["cohort_view"]

_LEFT, _WIDE, _RIGHT, _TOP, _HIGH = 104.0, 400.0, 12.0, 14.0, 110.0  # pixels
_ROW = 20.0
_RIBBONS = 6
_MOVES = 8
_TOLD = (0, 5, 10, 15, 20)  # of the 21 places, those in tables
_NONE = "\N{EN DASH}"


def cohort_view(cohort: Cohort, texts: Texts, *, file: str = "") -> str:
    """What conversations have in common. No word and no id of any is in it.

    Args:
        cohort: Of them.
        texts: In the language of the page.
        file: What the file is called that they came from; empty where they are in the store.
    """
    changes = cohort.changes
    return filled(
        "cohort",
        texts,
        file=file,
        cohort=cohort,
        first=texts.number(cohort.positions[0].mean) if cohort.positions else "",
        last=texts.number(cohort.positions[-1].mean) if cohort.positions else "",
        better=sum(end > start for start, end in changes),
        worse=sum(end < start for start, end in changes),
        course=_course(cohort, texts),
        emotions=_emotions(cohort, texts),
        strategies=_strategies(cohort, texts),
        moves=[
            (texts.word("emotion", one), texts.word("emotion", other), n)
            for (one, other), n in sorted(cohort.transitions.items(), key=lambda pair: -pair[1])
            if one != other
        ][:_MOVES],
    )


def _x(place: float) -> float:
    return _LEFT + place * (_WIDE - _LEFT - _RIGHT)


def _course(cohort: Cohort, texts: Texts) -> dict[str, Any] | None:
    """Mean valence with the band that eight of ten lie in, and its table."""
    points = cohort.positions
    if not points:
        return None

    def y(value: float) -> float:
        return _TOP + (1 - value) / 2 * _HIGH

    band = [(_x(p.place), y(p.high)) for p in points] + [(_x(p.place), y(p.low)) for p in reversed(points)]
    rows = [
        (f"{p.place:.0%}", texts.number(p.mean), f"{texts.number(p.low)} {_NONE} {texts.number(p.high)}", p.n)
        for p in points
        if round(p.place * 20) in _TOLD
    ]
    scene = {
        "line": path_of((_x(p.place), y(p.mean)) for p in points),
        "band": path_of(band, closed=True),
        "levels": [
            (y(1.0), texts("panel.pleasant")),
            (y(0.0), texts("axis.valence")),
            (y(-1.0), texts("panel.unpleasant")),
        ],
        "ribbons": [],
        "bottom": _TOP + _HIGH,
        "label": texts("trace.cohort_course"),
    }
    return {"picture": _drawn(scene, texts), "rows": rows}


def _emotions(cohort: Cohort, texts: Texts) -> dict[str, Any] | None:
    """The emotions that are likeliest over all, each as thick as it is likely there, and their table."""
    mixtures = cohort.emotions
    if not mixtures:
        return None
    total: Counter[str] = Counter()
    for one in mixtures:
        total.update(one.emotions)
    labels = [label for label, _ in total.most_common(_RIBBONS)]
    most = max(one.emotions.get(label, 0.0) for one in mixtures for label in labels) or 1.0
    ribbons = []
    for number, label in enumerate(labels):
        middle = _TOP + _ROW * (number + 0.5)
        halves = [
            (_x(one.place), max(0.6, one.emotions.get(label, 0.0) / most * (_ROW / 2 - 1))) for one in mixtures
        ]
        path = [(x, middle - half) for x, half in halves] + [(x, middle + half) for x, half in reversed(halves)]
        word = shortened(texts.word("emotion", label), _LEFT - 14, 12)
        ribbons.append((word, middle, family_of(cohort.label_set, label), path_of(path, closed=True)))
    scene = {
        "line": "",
        "band": "",
        "levels": [],
        "ribbons": ribbons,
        "bottom": _TOP + _ROW * len(labels),
        "label": texts("trace.cohort_emotions"),
    }
    told = [one for one in mixtures if round(one.place * 20) in _TOLD]
    rows = [
        (f"{one.place:.0%}", [f"{one.emotions.get(label, 0.0):.0%}" for label in labels], one.n) for one in told
    ]
    words = [texts.word("emotion", label) for label in labels]
    return {"picture": _drawn(scene, texts), "words": words, "rows": rows}


def _drawn(scene: dict[str, Any], texts: Texts) -> Markup:
    places = [(_x(0.0), "start"), (_x(0.5), "middle"), (_x(1.0), "end")]
    names = (texts("trace.first"), texts("trace.half"), texts("trace.last"))
    ends = [(x, anchor, name) for (x, anchor), name in zip(places, names, strict=True)]
    drawn = filled("cohort_picture", texts, left=_LEFT, right=_x(1.0), wide=_WIDE, top=_TOP, ends=ends, **scene)
    return Markup(drawn)  # noqa: S704 - every text in it was escaped


def _strategies(cohort: Cohort, texts: Texts) -> list[dict[str, Any]]:
    """How often each was used, and which marked changes came right after it."""
    after = {one.strategy: one for one in cohort.shifts}
    names = dict.fromkeys(
        [*cohort.strategies, *(one.strategy for one in cohort.shifts if one.better or one.worse)]
    )
    most = max(cohort.strategies.values(), default=0) or 1
    found = []
    for name in names:
        one, used = after.get(name), cohort.strategies.get(name or "", 0)
        found.append(
            {
                "word": texts("trace.no_strategy") if name is None else texts.word("strategy", name),
                "used": used if name is not None else _NONE,
                "share": used / most,
                "said": 0 if one is None else one.said,
                "better": 0 if one is None else one.better,
                "worse": 0 if one is None else one.worse,
            }
        )
    return found
