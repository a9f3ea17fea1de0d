"""The learned numbers of the tracker: one JSON file, checked strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import WeightsError

__all__ = ["FORMAT", "array", "damaged", "section"]

FORMAT = 1
_FILE = "parameters.json"
_CURE = "Install Heartline again, or learn them anew: heartline models dynamics."


def damaged(what: str) -> WeightsError:
    """An error that says what is wrong with the file, a sentence, and what to do about it."""
    return WeightsError(f"{what} {_CURE}")


def section(*path: str) -> Mapping[str, Any]:
    """A part of the shipped file, e.g. `section("dynamics", "meld-7")`.

    Raises:
        WeightsError: The file is missing, damaged, or has no such part.
    """
    found: Any = _shipped()
    for depth, name in enumerate(path):
        if name not in found:
            where = f"`{'.'.join(path[:depth])}` in {_FILE}" if depth else _FILE
            raise damaged(f"{where} has no {name!r}; it has: {', '.join(found) or 'nothing'}.")
        found = found[name]
        if not isinstance(found, dict):
            raise damaged(f"`{'.'.join(path[: depth + 1])}` in {_FILE} is no object.")
    return found  # type: ignore[no-any-return]  # a dict, as was just asked


def array(values: Any, *shape: int, name: str) -> NDArray[np.float64]:
    """Numbers as an array of the given shape.

    Raises:
        WeightsError: The shape differs, or a number is not finite.
    """
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(f"`{name}` in {_FILE} holds no numbers, or rows of different length.") from error
    if found.shape != shape:
        raise damaged(f"`{name}` in {_FILE} is missing, or its shape is {found.shape} and not {shape}.")
    if not np.isfinite(found).all():
        raise damaged(f"`{name}` in {_FILE} is missing, or holds a number that is not finite.")
    found.setflags(write=False)
    return found


@cache
def _shipped() -> Mapping[str, Any]:
    try:
        content = json.loads(files("sem_plugins.tracker").joinpath(_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(f"{_FILE} of the tracker cannot be read ({type(error).__name__}).") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise damaged(f"{_FILE} of the tracker is not of format {FORMAT}.")
    return content
