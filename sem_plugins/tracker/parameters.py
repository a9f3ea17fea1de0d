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

__all__ = ["FORMAT", "array", "section"]

FORMAT = 1
_FILE = "parameters.json"
_CURE = "Install Heartline again, or learn them anew: heartline models dynamics."


def section(*path: str) -> Mapping[str, Any]:
    """A part of the shipped file, e.g. `section("dynamics", "meld-7")`.

    Raises:
        WeightsError: The file is missing, damaged, or has no such part.
    """
    found: Any = _shipped()
    for name in path:
        if not isinstance(found, dict) or name not in found:
            choices = ", ".join(found) if isinstance(found, dict) else "nothing"
            raise WeightsError(f"{_FILE} has no {name!r} in `{'.'.join(path)}`; it has: {choices}. {_CURE}")
        found = found[name]
    if not isinstance(found, dict):
        raise WeightsError(f"`{'.'.join(path)}` in {_FILE} is no object. {_CURE}")
    return found


def array(values: Any, *shape: int, name: str) -> NDArray[np.float64]:
    """Numbers as an array of the given shape.

    Raises:
        WeightsError: The shape differs, or a number is not finite.
    """
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"`{name}` in {_FILE} holds no numbers. {_CURE}") from error
    if found.shape != shape or not np.isfinite(found).all():
        raise WeightsError(f"`{name}` in {_FILE} is {found.shape} and not {shape}, or not finite. {_CURE}")
    found.setflags(write=False)
    return found


@cache
def _shipped() -> Mapping[str, Any]:
    try:
        content = json.loads(files("sem_plugins.tracker").joinpath(_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{_FILE} of the tracker cannot be read ({type(error).__name__}). {_CURE}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise WeightsError(f"{_FILE} is not of format {FORMAT}. {_CURE}")
    return content
