"""Which tasks there are. Ours and a stranger's enter by the same door: the entry points `heartline.tasks`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from agent.errors import SettingsError
from evals.task import Task

__all__ = ["task", "task_names"]


def task_names() -> tuple[str, ...]:
    """Sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group="heartline.tasks")}))


def task(name: str) -> Task:
    """The task of that name.

    Raises:
        SettingsError: There is none.
    """
    for entry in entry_points(group="heartline.tasks"):
        if entry.name == name:
            return cast("Task", entry.load()())
    raise SettingsError(f"No task {name!r}. Tasks: {', '.join(task_names())}.")
