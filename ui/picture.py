"""One conversation as a picture: affect over the turns, emotions as ribbons, shifts, strategies and risk below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from agent.state import Shift
from ui.columns import Column, columns_of, moment, signed, told
from ui.drawing import (
    MINUS,
    count,
    flowed,
    path_of,
    rendered,
    runs,
    shortened,
    ticks,
    width_of,
)
from ui.picture_rows import LEFT, MARGIN, Frame, ends, lanes, ribbons, risks, strategies
from ui.trajectories import Trajectory, strategy_name

__all__ = ["picture", "title_of", "what_changed"]

_RIGHT = 28  # pixels of air right of the plot
_NARROW, _WIDE = 560, 860  # of the plot; in between a turn gets `_ROOM`
_ROOM = 56
_HIGH = 200  # of the plot of affect
_NOTES = 8  # shifts told in words
_LEVELS = 3  # lines for words over the plot
_MARKS = 24  # shifts that are marked: the largest ones
_EACH = 60  # columns up to which each has a dot and is told to screen readers
_SAME_DAY = 43_200  # seconds
_NAMES = ("valence", "arousal", "dominance")


def picture(trajectory: Trajectory, *, texts: bool = False) -> str:
    """The SVG. Its size does not grow with the conversation beyond 240 columns.

    Args:
        trajectory: Any; one without turns gives a picture that says so.
        texts: Whether the words that brought a shift about are told.
    """
    columns = columns_of(trajectory.steps)
    frame = Frame(len(columns), min(_WIDE, max(_NARROW, _ROOM * len(columns))))
    right = LEFT + frame.plot
    scene: dict[str, Any] = {
        "title": title_of(trajectory),
        "subtitle": shortened(_subtitle(trajectory, columns), right - MARGIN, 13),
        "description": _description(trajectory, columns),
        "left": LEFT,
        "right": right,
        "margin": MARGIN,
        "width": right + _RIGHT,
        "columns": [
            (frame.x(place) - frame.step / 2, frame.step, told(column)) for place, column in enumerate(columns)
        ],
    }
    y = 76.0
    scene["legend"], y = _legend(columns, right, y)
    scene["affect"], y = _affect(columns, frame, y)
    scene["ribbons"], y = ribbons(columns, frame, y)
    scene["strategies"], y = lanes(*strategies(columns, trajectory.opening), frame, y)
    scene["risk"], y = lanes(*risks(columns), frame, y)
    wanted = ticks(frame.n, frame.plot)
    scene["ticks"] = [(frame.x(place), columns[place].first + 1) for place in wanted]
    scene["bottom"] = y
    scene["notes"] = [shortened(note, right - MARGIN, 13) for note in _notes(trajectory, texts=texts)]
    scene["height"] = y + 62 + 20 * len(scene["notes"]) + (26 if scene["notes"] else 0)
    return rendered("trajectory.svg.jinja", **scene)


def title_of(trajectory: Trajectory) -> str:
    """What the picture is called."""
    return f"Emotions over the conversation {shortened(trajectory.id, 300)}"


def what_changed(shift: Shift, *, texts: bool) -> str:
    """A shift in words."""
    text = f"{shift.direction} by {shift.size:.2f}"
    if shift.after is not None:
        text += f", after {strategy_name(shift.after)}"
    return text + (f", because “{shift.cause.text}”" if texts and shift.cause is not None else "")


def _subtitle(trajectory: Trajectory, columns: Sequence[Column]) -> str:
    steps = trajectory.steps
    parts = [count(len(steps), "message") + " of the seeker"]
    if columns and columns[0].last > columns[0].first:
        parts.append(f"each column is the mean of up to {columns[0].last + 1}")
    times = [step.turn.at for step in steps if step.turn.at is not None]
    if times and moment(times[0]):
        until = moment(times[-1], date=times[-1] - times[0] > _SAME_DAY)
        parts.append(f"{moment(times[0])}{f' to {until}' if len(times) > 1 and until else ''} UTC")
    sets = {column.label_set for column in columns if column.label_set}
    if sets:
        parts.append(f"emotions of {', '.join(sorted(sets))}")
    return " · ".join(parts)


def _description(trajectory: Trajectory, columns: Sequence[Column]) -> str:
    parts = [f"{count(len(trajectory.steps), 'message')} of the seeker."]
    known = [(step.turn.index + 1, step.affect.valence) for step in trajectory.steps if step.affect is not None]
    if known:
        low, high = min(known, key=lambda one: one[1]), max(known, key=lambda one: one[1])
        parts += [
            f"Valence begins at {signed(known[0][1])} and ends at {signed(known[-1][1])};",
            f"lowest is {signed(low[1])} in turn {low[0]}, highest {signed(high[1])} in turn {high[0]}.",
        ]
    shifts = Counter(step.shift.direction for step in trajectory.steps if step.shift is not None)
    parts.append(f"Shifts for the better: {shifts['better']}, for the worse: {shifts['worse']}.")
    if len(columns) <= _EACH:
        parts += [f"{told(column).capitalize()}." for column in columns]
    return " ".join(parts)


def _legend(columns: Sequence[Column], right: float, y: float) -> tuple[list[Any], float]:
    entries = [("valence", f"valence: unpleasant ({MINUS}1) to pleasant (+1)")]
    if any(column.deviation is not None for column in columns):
        entries.append(("band", "how sure that valence is: ±1 standard deviation"))
    entries += [("arousal", "arousal: calm to excited"), ("dominance", "dominance: overwhelmed to in control")]
    if any(column.shift is not None for column in columns):
        many = sum(column.shift is not None for column in columns) > _MARKS
        largest = f" (the largest {_MARKS})" if many else ""
        entries += [("better", f"marked change for the better{largest}"), ("worse", "for the worse")]
    if any(column.followed for column in columns):
        entries.append(("followed", "what the supporter did"))
    if any(column.planned for column in columns):
        entries.append(("planned", "planned, not done"))
    places = flowed([36 + width_of(text) for _, text in entries], left=MARGIN, right=right)
    drawn = [(kind, x, y + 20 * line, text) for (kind, text), (x, line) in zip(entries, places, strict=True)]
    return drawn, y + 20 * (places[-1][1] + 1)


def _affect(columns: Sequence[Column], frame: Frame, y: float) -> tuple[dict[str, Any], float]:
    """Lines, band and shift marks; `top` and `low` are where valence is 1 and -1."""
    marks, levels = _marks(columns, frame, y + 30)
    top = y + 32 + (18 * levels + 6 if levels else 0)
    low = top + _HIGH

    def height(value: float) -> float:
        return top + (1 - min(1.0, max(-1.0, value))) / 2 * _HIGH

    lines = {}
    for axis, name in enumerate(_NAMES):
        values = [None if column.affect is None else column.affect[axis] for column in columns]
        lines[name] = [[(frame.x(place), height(value)) for place, value in run] for run in runs(values)]
    sure = [
        None if column.affect is None or column.deviation is None else (column.affect[0], column.deviation)
        for column in columns
    ]
    band = [
        path_of(
            [(x, height(mean + spread)) for x, (mean, spread) in ends(run, frame)]
            + [(x, height(mean - spread)) for x, (mean, spread) in reversed(ends(run, frame))],
            closed=True,
        )
        for run in runs(sure)
    ]
    points = [[path_of(run) for run in lines[name]] for name in _NAMES]
    found = {
        "head": y + 16,
        "top": top,
        "low": low,
        "band": band,
        "lines": dict(zip(_NAMES, points, strict=True)),
        "dots": [point for run in lines["valence"] for point in run] if frame.n <= _EACH else [],
        "lone": [(name, run[0]) for name in _NAMES[1:] for run in lines[name] if len(run) == 1],
        "marks": marks,
    }
    return found, low + 38


def _marks(columns: Sequence[Column], frame: Frame, y: float) -> tuple[list[dict[str, Any]], int]:
    """Triangles with their words on as many lines as keep them apart; those without room stand below, bare."""
    taken = [0.0] * _LEVELS  # where each line is taken up to
    marks: list[dict[str, Any]] = []
    used = 0
    shifts = [(place, column.shift) for place, column in enumerate(columns) if column.shift is not None]
    for place, shift in sorted(sorted(shifts, key=lambda one: -one[1].size)[:_MARKS], key=lambda one: one[0]):
        x, word = frame.x(place), shift.direction
        after = x + 14 + width_of(word, 12)
        flipped = after > LEFT + frame.plot + _RIGHT - 4  # at the edge the word stands left of its triangle
        start = x - (after - x) if flipped else x - 8
        level = next((line for line, end in enumerate(taken) if end <= start), None)
        if level is not None:
            taken[level] = x + 9 if flipped else after + 4
            used = max(used, level + 1)
        marks.append({"x": x, "level": level, "kind": word, "flipped": flipped})
    for mark in marks:
        mark["word"] = mark["kind"] if mark["level"] is not None else ""
        mark["y"] = y + 18 * (used if mark["level"] is None else used - 1 - mark["level"])
    return marks, used + any(mark["level"] is None for mark in marks)


def _notes(trajectory: Trajectory, *, texts: bool) -> list[str]:
    shifts = [(step.turn.index, step.shift) for step in trajectory.steps if step.shift is not None]
    largest = sorted(shifts, key=lambda one: -one[1].size)[:_NOTES]
    in_order = sorted(largest, key=lambda one: one[0])
    notes = [f"Turn {index + 1}: {what_changed(shift, texts=texts)}" for index, shift in in_order]
    if len(shifts) > _NOTES:
        notes.append(f"… and {len(shifts) - _NOTES:,} smaller ones.")
    return notes
