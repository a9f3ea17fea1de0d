"""A trajectory as a table: short for the terminal, in whole words for a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from agent.intake import scrub
from ui.columns import moment, signed
from ui.picture import title_of, what_changed
from ui.trajectories import Step, Trajectory, strategy_name

__all__ = ["in_terminal", "in_words"]

_STRATEGY = 14  # characters of a strategy; longer ones are cut
_BAR = 9  # characters; the middle one is 0
_SHOWN = 200  # newest turns in a table


def in_words(trajectory: Trajectory, *, texts: bool) -> list[list[str]]:
    """Head and rows of the newest 200 turns, without columns that nothing is in."""
    return _filled([_cells(step, texts=texts) for step in trajectory.steps[-_SHOWN:]])


def in_terminal(trajectory: Trajectory, *, texts: bool = False) -> Group:
    """The same for a window of 80 columns, with a bar for the valence; what was said stands below it."""
    steps = trajectory.steps[-_SHOWN:]
    days = {moment(step.turn.at).partition(",")[0] for step in steps} - {""}
    head, *rows = _filled([_short(step, one_day=len(days) == 1) for step in steps])
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in head:
        table.add_column(
            name,
            justify="right" if name == "turn" else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=_STRATEGY if name == "strategy" else None,
        )
    for row in rows:
        table.add_row(*(Text(" ".join(scrub(cell).split())) for cell in row))
    day = "".join(f", {day}, UTC" for day in days if len(days) == 1)
    below = [Text(line) for step in steps for line in _said(step)] if texts else []
    hidden = len(trajectory.steps) - _SHOWN
    if hidden > 0:
        below.append(Text(f"The newest {_SHOWN} turns; `--json` has the {hidden:,} before them too.", style="dim"))
    title = Text(scrub(title_of(trajectory)) + day, style="bold")
    return Group(title, table if steps else Text("Nothing was said yet."), *below)


def _said(step: Step) -> list[str]:
    """Message, and the cause of a shift where there is one."""
    lines = [f"{step.turn.index + 1:>4} {' '.join(scrub(step.turn.text).split())}"]
    if step.shift is not None:
        lines.append(f"     ({scrub(what_changed(step.shift, texts=True))})")
    return lines


def _cells(step: Step, *, texts: bool) -> dict[str, str]:
    top, affect, spread = step.top, step.affect, step.deviation
    around = "" if spread is None else f" ±{spread[0]:.2f}"
    return {
        "turn": str(step.turn.index + 1),
        "time": moment(step.turn.at),
        "emotion": "" if top is None else f"{top[0]} {top[1]:.0%}",
        "valence": "" if affect is None else f"{signed(affect.valence)}{around}",
        "change": "" if step.shift is None else what_changed(step.shift, texts=texts),
        "strategy": _strategy(step, short=False),
        "risk": "" if step.risk in (None, "none") else str(step.risk),
        "text": step.turn.text if texts else "",
    }


def _short(step: Step, *, one_day: bool) -> dict[str, str]:
    cells = _cells(step, texts=False)
    bar = {"": "" if step.affect is None else _bar(step.affect.valence)}
    mark = (
        "" if step.shift is None else f"{'▲' if step.shift.direction == 'better' else '▼'} {step.shift.size:.2f}"
    )
    short = {
        "time": moment(step.turn.at, date=not one_day),
        "change": mark,
        "strategy": _strategy(step, short=True),
    }
    return {
        name: text
        for key, value in (cells | short).items()
        for name, text in ({key: value} | (bar if key == "valence" else {})).items()
    }


def _filled(rows: Sequence[dict[str, str]]) -> list[list[str]]:
    """Head and rows, without empty columns."""
    names = [name for name in (rows[0] if rows else ("turn",)) if not rows or any(row[name] for row in rows)]
    return [names, *([row[name] for name in names] for row in rows)]


def _strategy(step: Step, *, short: bool) -> str:
    """What the supporter did after; in brackets what was only planned."""
    if step.careful:
        return "careful" if short else "a careful reply"
    chosen = step.followed or step.planned or ()
    told = ("+" if short else ", then ").join(name if short else strategy_name(name) for name in chosen)
    return told if step.followed or not told else f"({told})"


def _bar(valence: float) -> str:
    """Valence as a bar to the left or to the right of its middle."""
    half = _BAR // 2
    filled = round(abs(valence) * half)
    left = "█" * filled if valence < 0 else ""
    right = "█" * filled if valence > 0 else ""
    return f"{left:·>{half}}│{right:·<{half}}"
