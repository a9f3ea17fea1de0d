"""Emotions in developers' comments (Imran et al. 2022; Novielli et al. 2018) and their causes (Imran et al. 2024).

    {"id": "github-1", "text": "...", "labels": ["joy"]}
    {"id": "github-2", "text": "...", "labels": ["anger"], "cause": {"text": "...", "start": 12, "end": 40}}

Not trained on by what is shipped: they show how the readings hold in another domain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sem_plugins.labels import GO_EMOTIONS
from sem_plugins.ontology import SE_EMOTIONS, ontology
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, index_of, read, text_of

__all__ = ["as_expression", "causes", "comments", "primaries_of_expression"]


def comments(folder: Path, part: Part) -> list[Example]:
    """Every comment, with which of six emotions it shows; none may.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "se_emotions" / f"{part}.jsonl", _comment)


def causes(folder: Path, part: Part) -> list[Example]:
    """Every comment whose cause was found in it word for word; a span as RECCON's.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "se_emotion_causes" / f"{part}.jsonl", _cause)
    return [example for example in found if example is not None]


def primaries_of_expression() -> list[str]:
    """The primary emotion that most of each of GoEmotions' labels belongs to, in their order."""
    lattice = ontology()
    places = [lattice.place(GO_EMOTIONS.id, label) for label in GO_EMOTIONS.labels]
    return [lattice.tier(max(place, key=lambda node: place[node]), 1) for place in places]


def as_expression(comment: Example) -> Example:
    """A comment with GoEmotions' labels: a developer's emotion is the label of its name, its neighbours of
    the same primary emotion are not known, and the others do not hold; neutral where there is no emotion.
    """
    shown = comment.targets["se_emotion"] > 0
    named = {name for name, holds in zip(SE_EMOTIONS.labels, shown, strict=True) if holds}
    target = np.array([np.nan if primary in named else 0.0 for primary in primaries_of_expression()])
    target[[GO_EMOTIONS.index(name) for name in named] or [GO_EMOTIONS.index("neutral")]] = 1
    return alone(comment.text, comment.group, expression=target)


def _comment(row: dict[str, Any]) -> Example:
    holds = np.zeros(len(SE_EMOTIONS))
    holds[[index_of(SE_EMOTIONS, label) for label in row["labels"]]] = 1
    return alone(text_of(row, "text"), row["id"], se_emotion=holds)


def _cause(row: dict[str, Any]) -> Example | None:
    cause = row["cause"]
    if "start" not in cause:
        return None
    return alone(text_of(row, "text"), row["id"], span={0: (cause["start"], cause["end"])})
