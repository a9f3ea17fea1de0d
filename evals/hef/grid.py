"""The whole grid: every arm on every task, compared with the LLM alone and with what it adds to, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from agent.errors import DataError, SettingsError
from evals.compare import Difference, compare
from evals.hef.arms import BASE, arm_of
from evals.hef.cause import HefCause
from evals.hef.cost import COSTS
from evals.hef.emotion import HefEmotion
from evals.hef.reply import HefReply
from evals.result import Result, write_result
from evals.run import EncoderKit, checked, evaluate
from evals.signature import file_of
from evals.task import Sample, Task
from sem_plugins.training.cells import page, shown

__all__ = ["TASKS", "Row", "print_grid", "run_grid"]

TASKS: Mapping[str, type[Any]] = {"emotion": HefEmotion, "cause": HefCause, "reply": HefReply}
"""By the words of the command line."""

_METRICS: Mapping[str, tuple[str, ...]] = {
    "emotion": ("accuracy", "macro_f1", "invalid", "rescue", "harm"),
    "cause": ("token_f1", "exact_match", "found", "nothing"),
    "reply": ("bleu_2", "distinct_2", "adherence", "empathy", "other_language", "objected", "verify_ms"),
}
"""Columns of the table; what a run cost stands behind them."""

_SURE = 0.05

_ADDS_TO: Mapping[str, str] = {
    "hef": "labels",
    "hef+strategy": "hef",
    "hef+exemplars": "hef",
    "verified": "hef+strategy",
    "adjudicated": "sem",
    "adaptive": "sem",
}
"""Arm to the one that differs from it in one thing alone; controls and stimuli: see `_added_to`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One arm of one task.

    Attributes:
        task: Which.
        system: The arm.
        result: Its figures.
        against: Metric to the difference to the LLM alone; empty for the LLM alone itself.
        added: Metric to the difference to the arm that lacks one thing alone; empty where that was not run.
        why_not: Why there is none; empty where there is.
    """

    task: str
    system: str
    result: Result | None
    against: Mapping[str, Difference]
    added: Mapping[str, Difference] = field(default_factory=dict)
    why_not: str = ""


def run_grid(
    folder: Path,
    split: str,
    *,
    make_kit: Callable[[], EncoderKit],
    tasks: Sequence[str] = tuple(TASKS),
    systems: Sequence[str] = (),
    stimuli: Sequence[str] = (),
    limit: int | None,
    out: Path | None = None,
) -> list[Row]:
    """Every arm of the tasks. Arms that need what is not there are left out, and say why.

    Args:
        folder: The prepared data sets.
        split: Name of the files.
        make_kit: Gives an `EncoderKit`; called once a task, since a kit remembers samples by their ids.
        tasks: Of `TASKS`.
        systems: Only these arms; all of a task where none is named.
        stimuli: Emotional stimuli; each is an arm of the replies more.
        limit: Only the first samples of each task.
        out: Folder that gets a result file per task and arm.

    Raises:
        DataError: A file is missing or malformed, `limit` leaves too few dialogues, or the LLM alone answers
            nothing.
        SettingsError: A task or a system does not exist, or no LLM is named.
    """
    rows: list[Row] = []
    asked = [(name, *_samples(name, folder, split, limit)) for name in tasks]  # what cannot run is told at once
    for name, task, samples in asked:
        kit = make_kit()
        named = [*task.systems, *(f"stimulus:{stimulus}" for stimulus in stimuli if name == "reply")]
        chosen = [system for system in named if not systems or system in {BASE, *systems}]
        done: dict[str, Result] = {}
        for system in chosen:
            try:
                [done[system]] = evaluate(task, folder, split, kit=kit, systems=[system], limit=limit)
            except (SettingsError, DataError) as error:
                # An LLM that answers nothing in one arm, e.g. since its prompts are longer, may in the others.
                if system == BASE or (isinstance(error, SettingsError) and "examples" not in str(error)):
                    raise
                rows.append(Row(name, system, None, {}, why_not=str(error)))
                continue
            if out is not None:
                write_result(out / name / f"{system.replace(':', '-')}.json", done[system])
            against, added = (
                _differences(name, samples, done, system, to=other) for other in (BASE, _added_to(system, named))
            )
            rows.append(Row(name, system, done[system], against, added))
    return rows


def print_grid(rows: Sequence[Row], *, seconds: float) -> None:
    """One table a task, arms below each other; marks where a difference is no chance."""
    console = page()
    for name in dict.fromkeys(row.task for row in rows):
        own = [row for row in rows if row.task == name]
        first = next(row.result for row in own if row.result is not None)
        columns = [
            metric
            for metric in (*_METRICS[name], *COSTS)
            if any(row.result is not None and metric in row.result.metrics for row in own)
        ]
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("arm", *columns):
            table.add_column(column, no_wrap=column == "arm")
        for row in own:
            if row.result is None:
                table.add_row(_title(row.system), f"left out: {row.why_not.partition('. ')[0]}")
                continue
            table.add_row(_title(row.system), *(_cell(row, metric) for metric in columns))
        signature = first.signature
        console.print(f"{first.task}, {signature['data']}, n = {signature['n']:,}, {_speaker(own)}")
        console.print(table)
        for floor, figures in first.floors.items():
            told = ", ".join(
                f"{metric} {shown(figures[metric], metric)}" for metric in _METRICS[name] if metric in figures
            )
            console.print(f"floor, {floor}: {told}")
        console.print()
    console.print(
        f"* differs from {_title(BASE)!r}, + from the arm that lacks one thing alone (docs/hef.md), p < {_SURE} "
        f"(paired permutation of dialogues). {seconds:.0f} s in all."
    )


def _samples(name: str, folder: Path, split: str, limit: int | None) -> tuple[Task, list[Sample]]:
    """A task, and what it asks about."""
    if name not in TASKS:
        raise SettingsError(f"No task of the grid is called {name!r}. There are: {', '.join(TASKS)}.")
    task: Task = TASKS[name]()
    return task, checked(task, task.samples(folder, split)[:limit], file_of(task, split))


def _added_to(system: str, named: Sequence[str]) -> str:
    """The arm that differs from one in one thing alone; empty where there is none but the LLM alone."""
    if system in {"shuffled", "oracle"} or system.startswith("stimulus:"):
        return "hef+strategy" if "hef+strategy" in named else "hef"
    return _ADDS_TO.get(system, "")


def _differences(
    name: str, samples: Sequence[Sample], done: Mapping[str, Result], system: str, *, to: str
) -> Mapping[str, Difference]:
    """The differences to another arm, paired by dialogue; none where that was not run."""
    if system == to or to not in done:
        return {}
    try:
        # Metrics of texts carry their settings in the signature, and arms may differ in which they have.
        found = compare(TASKS[name](), done[to], done[system], samples=samples, force=True, metrics=_METRICS[name])
    except DataError:  # no sample that both answered
        return {}
    return {difference.metric: difference for difference in found}


def _cell(row: Row, metric: str) -> str:
    if row.result is None or metric not in row.result.metrics:
        return ""
    figure = shown({"value": row.result.metrics[metric]["value"]}, metric)
    marks = [
        mark
        for mark, found in (("*", row.against), ("+", row.added))
        if metric in found and found[metric].p < _SURE
    ]
    return " ".join((figure, *marks))


def _title(system: str) -> str:
    try:
        return arm_of(system).title
    except SettingsError:
        return {"sem": "small model alone", "adjudicated": "both pooled", "adaptive": "both pooled where unsure"}[
            system
        ]


def _speaker(rows: Sequence[Row]) -> str:
    speakers = {str(name) for row in rows if row.result for name in row.result.signature.get("speakers", ())}
    return f"LLM {', '.join(sorted(speakers))}" if speakers else "no LLM"
