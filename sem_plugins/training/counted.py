"""How far long work is, and why it ended, on standard error: a bar for people, or lines of JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.errors import DataError, GenerationError, HeartlineError, SettingsError, WeightsError, WiringError

__all__ = ["Advance", "counted", "errors_named", "say_as"]

_FORMS = ("bar", "json")
"""Ways to tell."""

_OFTEN = 0.5  # seconds between two lines
_LINES: ContextVar[bool] = ContextVar("lines", default=False)


class Advance(Protocol):
    """Called after each piece of the work."""

    def __call__(self, so_far: str = "") -> None:
        """One more is done; `so_far` is what can be said of them all."""
        ...


def say_as(form: str) -> None:
    """How `counted` tells from now on.

    Args:
        form: `bar`; or `json`: a line twice a second, at the beginning and at the end of each part of the work,
            `{"what": "reading samples", "done": 12, "of": 50, "so_far": "", "seconds": 1.4}`, where `seconds` have
            passed since this part began.

    Raises:
        SettingsError: It is neither.
    """
    if form not in _FORMS:
        raise SettingsError(f"Progress is told as {form!r}. It can be: {', '.join(_FORMS)}.")
    _LINES.set(form == "json")


@contextmanager
def counted(what: str, of: int, *, done: int = 0, shown: bool = True) -> Iterator[Advance]:
    """Show how far something is.

    Args:
        what: Is counted, e.g. `"reading samples"`.
        of: How many there are.
        done: How many are done already.
        shown: Show it at all.
    """
    if shown and _LINES.get():
        yield _Lines(what, of, done)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    further = (TextColumn("{task.fields[so_far]}"), TimeRemainingColumn())
    with Progress(*columns, *further, disable=not shown, console=Console(stderr=True)) as bar:
        row = bar.add_task(what, total=of, completed=done, so_far="")

        def advance(so_far: str = "") -> None:
            bar.update(row, advance=1, so_far=so_far)

        yield advance


@contextmanager
def errors_named() -> Iterator[None]:
    """Name the kind of an error of ours in a line of its own, where lines are told: `{"error": "llm"}`.

    It is `data`, `llm`, `weights`, `settings` or `other`. The error goes on.
    """
    try:
        yield
    except HeartlineError as error:
        if _LINES.get():
            sys.stderr.write(json.dumps({"error": _kind_of(error)}) + "\n")
            sys.stderr.flush()
        raise


def _kind_of(error: HeartlineError) -> str:
    match error:
        case DataError():
            return "data"
        case GenerationError():
            return "llm"
        case WeightsError():
            return "weights"
        case SettingsError() | WiringError():
            return "settings"
        case _:
            return "other"


class _Lines:
    def __init__(self, what: str, of: int, done: int) -> None:
        self._what, self._of, self._done = what, of, done
        self._began = self._told = time.monotonic()
        self._tell("")

    def __call__(self, so_far: str = "") -> None:
        self._done += 1
        if self._done >= self._of or time.monotonic() - self._told >= _OFTEN:
            self._tell(so_far)

    def _tell(self, so_far: str) -> None:
        self._told = time.monotonic()
        row = {"what": self._what, "done": self._done, "of": self._of, "so_far": so_far}
        sys.stderr.write(json.dumps(row | {"seconds": round(self._told - self._began, 3)}) + "\n")
        sys.stderr.flush()
