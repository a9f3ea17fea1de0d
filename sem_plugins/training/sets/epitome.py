"""EPITOME (Sharma et al. 2020): how far a reply shows each of three mechanisms of empathy, 0 to 2.

{"id": "...", "seeker_post": "...", "response_post": "...", "emotional_reactions": {"level": 0},
 "explorations": {"level": 2, "rationales": [{"text": "...", "start": 21, "end": 122}]}, ...}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.turn import Message
from sem_plugins.labels import EMPATHY
from sem_plugins.training.examples import Example
from sem_plugins.training.sets.records import Part, read, text_of

__all__ = ["pairs"]


def pairs(folder: Path, part: Part) -> list[Example]:
    """Post and reply, with the level of each mechanism and the words that show it.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "epitome" / f"{part}.jsonl", _pair)


def _pair(row: dict[str, Any]) -> Example:
    mechanisms = [row[name] for name in EMPATHY.labels]
    levels = tuple(mechanism["level"] for mechanism in mechanisms)
    if not set(levels) <= {0, 1, 2}:
        raise ValueError(f"levels {levels}, expected 0, 1 or 2")
    rationales = tuple(
        tuple((r["start"], r["end"]) for r in mechanism.get("rationales", ()) if "start" in r)
        for mechanism in mechanisms
    )
    return Example(
        (Message("seeker", text_of(row, "seeker_post")), Message("supporter", text_of(row, "response_post"))),
        {"empathy": levels, "rationale": rationales},
        row["seeker_post_id"],
    )
