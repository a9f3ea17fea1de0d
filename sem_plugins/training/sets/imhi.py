"""IMHI (Yang et al. 2024): yes or no about the state of who wrote a post. For checking only.

{"id": "...", "task": "depression", "post": "...", "label": "yes", "explanation": "..."}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, pieces_of, read, text_of

__all__ = ["TASKS", "posts"]

TASKS = ("depression", "perceived_burdensomeness", "thwarted_belongingness", "loneliness")
"""Those that a reading of risk should say something about; two are from the interpersonal theory of suicide."""

_ANSWERS = {"no": 0, "yes": 1}


def posts(folder: Path, part: Part) -> list[Example]:
    """Posts of `TASKS` in pieces of a hundred words, grouped by record, each with task and answer.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "imhi" / f"{part}.jsonl", _post)
    return [example for examples in found for example in examples]


def _post(row: dict[str, Any]) -> list[Example]:
    if row["task"] not in TASKS:
        return []
    return [
        alone(piece, row["id"], task=TASKS.index(row["task"]), answer=_ANSWERS[row["label"]])
        for piece in pieces_of(text_of(row, "post"))
    ]
