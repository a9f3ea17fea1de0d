"""The record of risk over a conversation, as a picture and as a table: for whoever is asked to take it over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from agent.safety.handoff import RiskPoint
from agent.safety.human_acts import HumanAct
from agent.safety.steps import STEPS, Step
from agent.turn import Turn
from ui.drawing import path_of, ticks
from ui.page.markup import filled
from ui.page.texts import Texts

__all__ = ["levels", "risk_picture"]

_LEFT, _WIDE, _RIGHT = 96.0, 440.0, 8.0  # pixels: words, the whole picture, air
_ROW, _TOP = 22.0, 14.0
_MOST = 60  # turns


def levels(turns: Sequence[Turn]) -> list[tuple[Step, Step]]:
    """Where the record stood after each turn, of danger to the person and to others."""
    found: list[tuple[Step, Step]] = []
    for turn in turns:
        before: tuple[Step, Step] = found[-1] if found else ("none", "none")
        found.append(before if turn.course is None else (turn.course.level, turn.course.others))
    return found


def risk_picture(
    turns: Sequence[Turn], timeline: Sequence[RiskPoint], acts: Sequence[HumanAct], texts: Texts
) -> Markup:
    """The picture, with each change and the words that stand for it in a table below.

    Args:
        turns: Of the conversation, oldest first. The newest 60 are drawn.
        timeline: The changes of the record.
        acts: What people did there: where somebody has it is marked.
        texts: In the language of the page.
    """
    first = max(0, len(turns) - _MOST)
    shown = levels(turns)[first:]
    step = (_WIDE - _LEFT - _RIGHT) / max(1, len(shown))

    def x(place: float) -> float:
        return _LEFT + (place - first + 0.5) * step

    def y(level: Step) -> float:
        return _TOP + (len(STEPS) - 1 - STEPS.index(level)) * _ROW

    own = [(x(first + place), y(level)) for place, (level, _) in enumerate(shown)]
    others = [(x(first + place), y(level)) for place, (_, level) in enumerate(shown)]
    bottom = _TOP + (len(STEPS) - 1) * _ROW
    scene: dict[str, Any] = {
        "left": _LEFT,
        "wide": _WIDE,
        "right": _WIDE - _RIGHT,
        "top": _TOP,
        "bottom": bottom,
        "height": bottom + 26,
        "steps": [(texts.word("step", level), y(level)) for level in reversed(STEPS)],
        "own": path_of(own),
        "dots": [(cx, cy, level) for (cx, cy), (level, _) in zip(own, shown, strict=True)],
        "others": path_of(others) if any(level != "none" for _, level in shown) else "",
        "held": [(max(_LEFT, start), end - max(_LEFT, start)) for start, end in _held(acts, x, len(turns))],
        "ticks": [(x(first + place), first + place + 1) for place in ticks(len(shown), _WIDE - _LEFT, needed=26)],
        "rows": [_told(point, texts) for point in timeline],
    }
    return Markup(filled("risk", texts, **scene))  # noqa: S704 - every text in it was escaped


def _held(acts: Sequence[HumanAct], x: Any, turns: int) -> Iterator[tuple[float, float]]:
    """From where to where somebody had it, left and right edge."""
    since: int | None = None
    for act in acts:
        if act.did == "took_over" and since is None:
            since = act.turns
        elif act.did == "gave_back" and since is not None:
            yield x(since - 0.5), x(act.turns - 0.5)
            since = None
    if since is not None:
        yield x(since - 0.5), x(turns - 0.5)


def _told(point: RiskPoint, texts: Texts) -> dict[str, Any]:
    return {
        "turn": point.turn + 1,
        "whose": texts.word("ladder", point.ladder),
        "before": texts.word("step", point.before),
        "after": texts.word("step", point.after),
        "why": texts.word("why", point.why),
        "words": point.words,
    }
