"""Emotions in developers' comments (Imran et al. 2022; Novielli et al. 2018) and their causes (Imran et al. 2024).

    {"id": "github-1", "text": "...", "labels": ["joy"]}
    {"id": "github-2", "text": "...", "labels": ["anger"], "cause": {"text": "...", "start": 12, "end": 40}}

Not trained on: they show how the readings hold in another domain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sem_plugins.ontology import SE_EMOTIONS
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, index_of, read, text_of

__all__ = ["causes", "comments"]


def comments(folder: Path, part: Part) -> list[Example]:
    """Every comment, with which of six emotions it shows; none may.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "se_emotions" / f"{part}.jsonl", _comment)


def causes(folder: Path) -> list[Example]:
    """Every comment whose cause was found in it word for word (dev part); a span as RECCON's.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "se_emotion_causes" / "dev.jsonl", _cause)
    return [example for example in found if example is not None]


def _comment(row: dict[str, Any]) -> Example:
    holds = np.zeros(len(SE_EMOTIONS))
    holds[[index_of(SE_EMOTIONS, label) for label in row["labels"]]] = 1
    return alone(text_of(row, "text"), row["id"], se_emotion=holds)


def _cause(row: dict[str, Any]) -> Example | None:
    cause = row["cause"]
    if "start" not in cause:
        return None
    return alone(text_of(row, "text"), row["id"], span={0: (cause["start"], cause["end"])})
