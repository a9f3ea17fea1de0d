"""Reads affect from how loud a message is typed: capitals and exclamation marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heartline import Affect, Turn

__all__ = ["Loudness", "create"]


class Loudness:
    """More capitals and exclamation marks, more arousal. Says nothing of valence and dominance."""

    name = "loudness"
    reads = frozenset({"text"})
    writes = "affect"

    def __call__(self, turns: Sequence[Turn]) -> list[Affect | None]:
        """One point per turn; None where there is no letter to judge by."""
        return [_read(turn.text) for turn in turns]


def _read(text: str) -> Affect | None:
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return None
    capitals = sum(letter.isupper() for letter in letters) / len(letters)
    marks = min(text.count("!") / 3, 1)
    return Affect(0.0, max(capitals, marks), 0.0)


def create(settings: Any = None) -> Loudness:
    """Entry point `loudness`."""
    return Loudness()
