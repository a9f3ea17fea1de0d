"""Parts are found by name through entry points: ours enter by the same door as a stranger's.

A distribution offers a part in its `pyproject.toml`:

    [project.entry-points."heartline.plugins"]
    mine = "my_package.my_module:create"

where `create(settings)` returns the part (see `agent.protocols`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, Literal

from agent.errors import SettingsError, WiringError

__all__ = ["Kind", "load", "make", "names"]

Kind = Literal[
    "plugins",
    "second_readers",
    "trackers",
    "planners",
    "composers",
    "generators",
    "verifiers",
    "guards",
    "stores",
    "directories",
    "tasks",
    "commands",
]
"""Parts of an agent, and directories of help lines; tasks of evaluations, and commands of the command line, which
are loaded and not made."""


def names(kind: Kind) -> tuple[str, ...]:
    """Names that are registered for a kind of part, sorted."""
    return tuple(sorted({entry.name for entry in _registered(kind)}))


def load(kind: Kind, name: str) -> Any:
    """What is registered under `name`: what makes the part, for parts of an agent.

    Raises:
        SettingsError: Nothing has this name.
        WiringError: Two distributions claim the name, or it cannot be imported.
    """
    found = [entry for entry in _registered(kind) if entry.name == name]
    if not found:
        choices = ", ".join(names(kind)) or "none (is `heartline` installed? try `pip install -e .`)"
        raise SettingsError(f"No {_one(kind)} is called {name!r}. Registered are: {choices}.")
    places = sorted({entry.value for entry in found})
    if len(places) > 1:
        raise WiringError(f"The {_one(kind)} {name!r} is claimed twice: {' and '.join(places)}. Uninstall one.")
    try:
        return found[0].load()
    except Exception as error:  # a stranger's module may fail in any way while it is imported
        msg = f"The {_one(kind)} {name!r} ({places[0]}) cannot be imported: {error}. Reinstall what provides it."
        raise WiringError(msg) from error


def make(kind: Kind, name: str, settings: Any) -> Any:
    """The part that is registered under `name`.

    Args:
        kind: Which kind of part.
        name: Its name.
        settings: Passed to the part's `create`.

    Raises:
        SettingsError, WiringError: As `load`.
    """
    return load(kind, name)(settings)


def _registered(kind: Kind) -> EntryPoints:
    return _found_on(tuple(sys.path))(kind)


@lru_cache(maxsize=1)
def _found_on(path: tuple[str, ...]) -> Callable[[Kind], EntryPoints]:  # noqa: ARG001 - elsewhere are other ones
    """All, looked for once and sifted once for each kind: it reads a file of every distribution, and an agent is
    made of a score of parts."""
    found: Any = entry_points()  # of one type in Python 3.11 and of another one later
    return cache(lambda kind: found.select(group=f"heartline.{kind}"))


def _one(kind: Kind) -> str:
    return kind[:-3] + "y" if kind.endswith("ies") else kind[:-1]
