"""Statements of risk, written for this project, and Dreaddit's stress (Turcan & McKeown 2019).

    {"text": "i [[don't want to wake up tomorrow]] and nobody knows",
     "self": "ideation", "others": "none", "family": "explicit"}

The words in double brackets show the risk. No sentence is from a data set: real statements of people
in danger do not belong into a repository.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from agent.readings import RiskLevel
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, read, text_of

__all__ = ["LADDER", "benign", "danger", "statements", "stress"]

LADDER: tuple[RiskLevel, ...] = get_args(RiskLevel)
_STEPS = len(LADDER) - 1
_MARKED = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)


def statements(part: Part) -> list[Example]:
    """Statements to train on (`train`), or those by other writers to measure with (`valid`).

    The target `risk` holds, for self and for others, whether each step above `none` is reached: (8,).
    """
    folder = Path(str(files("sem_plugins.training").joinpath("statements")))
    held_out = folder / "risk_held_out.jsonl"
    paths = [held_out] if part == "valid" else sorted(set(folder.glob("risk_*.jsonl")) - {held_out})
    return [example for path in paths for example in read(path, _statement)]


def _statement(row: dict[str, Any]) -> Example:
    text, evidence = "", []
    for place, piece in enumerate(_MARKED.split(text_of(row, "text"))):
        if place % 2:
            evidence.append((len(text), len(text) + len(piece)))
        text += piece
    levels = np.concatenate([_reached(row["self"]), _reached(row["others"])])
    return alone(text, row["family"], risk=levels, evidence=(tuple(evidence),))


def _reached(level: str) -> NDArray[np.float64]:
    if level not in LADDER:
        raise ValueError(f"level {level!r}, expected one of: {', '.join(LADDER)}")
    return (np.arange(_STEPS) < LADDER.index(level)).astype(float)


def danger(levels: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Probability, (N,), that ideation or more is reached on either ladder, of rows as in `statements`."""
    step = LADDER.index("ideation") - 1
    return np.maximum(levels[:, step], levels[:, _STEPS + step])


def stress(folder: Path, part: Part) -> list[Example]:
    """Dreaddit: whether a segment shows at least distress. What lies above is not known (NaN).

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "dreaddit" / f"{part}.jsonl", _segment)


def _segment(row: dict[str, Any]) -> Example:
    if row["label"] not in {0, 1}:
        raise ValueError(f"label {row['label']!r}, expected 0 or 1")
    levels = np.full(2 * _STEPS, np.nan)
    levels[0] = row["label"]
    if not row["label"]:
        levels[1:] = 0
    return alone(text_of(row, "text"), str(row["post_id"]), risk=levels)


def benign(texts: list[str]) -> list[Example]:
    """Everyday messages: no step from ideation on is reached; whether there is distress is not known."""
    levels = np.zeros(2 * _STEPS)
    levels[0] = np.nan
    return [alone(text, risk=levels, evidence=((),)) for text in texts]
