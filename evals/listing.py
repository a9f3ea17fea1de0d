"""What can be run here: each task, who can answer it, and what it lacks. For people and, as JSON, for programs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from agent.errors import HeartlineError, SettingsError
from agent.registry import load, names
from evals.ask import LLM
from evals.data.catalogue import data_sets
from evals.task import OwnTexts, Task

__all__ = ["Listed", "check_extra", "listed"]

_MODULES = {"evals": ("nltk", "rouge_score", "sacrebleu")}
_MEASURED = ("valid", "dev")  # parts that are there to be measured on come first
_LEARNED = "train"


@dataclass(frozen=True, slots=True)
class Listed:
    """A task.

    Attributes:
        name: As it is called.
        about: The first paragraph of its docstring.
        data: The set that it reads; empty where it brings its own texts.
        parts: Of the set, those whose files are in the data folder, train last.
        systems: Who can answer.
        asking: Those of them that need an LLM.
        get: The command that brings the set, where one is known.
        extra: The extra that it needs and that is not installed; empty where it lacks none.
        problem: Why it cannot be loaded; empty where it can.
    """

    name: str
    about: str = ""
    data: str = ""
    parts: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()
    get: str = ""
    extra: str = ""
    problem: str = ""


def listed(folder: Path | None) -> list[Listed]:
    """Every task.

    Args:
        folder: The prepared data sets; None where there is none.
    """
    return [_listed(name, folder) for name in names("tasks")]


def check_extra(task: Task) -> None:
    """See that what a task needs is there, before it runs for an hour.

    Raises:
        SettingsError: An extra is not installed.
    """
    if lacking := _lacking(task):
        raise SettingsError(f"{task.name} needs an extra. Run: pip install 'heartline[{lacking}]'")


def _listed(name: str, folder: Path | None) -> Listed:
    try:
        task: Task = load("tasks", name)()
    except HeartlineError as error:
        return Listed(name, problem=str(error))
    asking = tuple(getattr(task, "asking", ())) or (
        (LLM,) if hasattr(task, "question") or LLM in task.systems else ()
    )
    return Listed(
        name,
        " ".join((task.__doc__ or "").partition("\n\n")[0].split()),
        task.data,
        task.parts if isinstance(task, OwnTexts) else _parts(folder, task.data),
        tuple(dict.fromkeys((*task.systems, *asking))),
        asking,
        f"heartline data fetch {task.data}" if task.data in data_sets() else "",
        _lacking(task),
    )


def _parts(folder: Path | None, data: str) -> tuple[str, ...]:
    found = [] if folder is None else [path.stem for path in (folder / data).glob("*.jsonl")]
    return tuple(sorted(found, key=lambda part: (part == _LEARNED, part not in _MEASURED, part)))


def _lacking(task: Task) -> str:
    extra: str = getattr(task, "extra", "")
    return extra if any(find_spec(module) is None for module in _MODULES.get(extra, ())) else ""
