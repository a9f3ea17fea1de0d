"""MELD (Poria et al. 2019): scenes of «Friends», every utterance with one of seven emotions and a sentiment.

    {"dialogue_id": "...", "turns": [{"speaker": "Ana", "text": "...", "emotion": "joy", "sentiment": "positive"}]}

A dialogue is a stretch of a scene as the authors cut it, of one speaker up to nine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sem_plugins.ontology import MELD
from sem_plugins.training.sets.records import Part, read
from sem_plugins.training.sets.utterances import SENTIMENTS, Dialogue, dialogue_of

__all__ = ["dialogues"]


def dialogues(folder: Path, part: Part) -> list[Dialogue]:
    """Every dialogue, with emotions of `meld-7` and sentiments.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "meld" / f"{part}.jsonl", _dialogue)


def _dialogue(row: dict[str, Any]) -> Dialogue:
    found = dialogue_of(row, MELD)
    if any(utterance.sentiment is None for utterance in found.utterances):
        raise ValueError(f"sentiment None, expected one of: {', '.join(SENTIMENTS)}")
    return found
