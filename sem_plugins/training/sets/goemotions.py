"""GoEmotions (Demszky et al. 2020): 27 emotions and neutral per Reddit comment, several may hold.

{"id": "...", "text": "...", "labels": ["gratitude", "joy"]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sem_plugins.labels import GO_EMOTIONS
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, falls_in_tenth, index_of, plain, read, text_of

__all__ = ["comments", "held_out_tenth"]


def comments(folder: Path, part: Part) -> list[Example]:
    """Every comment of a part; those of train whose text is also in valid are left out.

    Raises:
        DataError: A file is missing or malformed.
    """
    found = read(folder / "goemotions" / f"{part}.jsonl", _comment)
    if part == "train":
        known = {plain(comment.text) for comment in comments(folder, "valid")}
        found = [comment for comment in found if plain(comment.text) not in known]
    return found


def held_out_tenth(found: list[Example]) -> tuple[list[Example], list[Example]]:
    """Comments to train on, and the tenth that chooses the thresholds."""
    return (
        [comment for comment in found if not falls_in_tenth(comment.text)],
        [comment for comment in found if falls_in_tenth(comment.text)],
    )


def _comment(row: dict[str, Any]) -> Example:
    holds = np.zeros(len(GO_EMOTIONS))
    holds[[index_of(GO_EMOTIONS, label) for label in row["labels"]]] = 1
    return alone(text_of(row, "text"), row["id"], expression=holds)
