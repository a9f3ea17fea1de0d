"""Empathic Reactions (Buechel et al. 2018): what the writer says they felt at a news article, 1 to 7.

{"id": "...", "text": "...", "empathy": 5.667, "distress": 4.375}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, read, text_of

__all__ = ["reactions"]


def reactions(folder: Path, part: Part) -> list[Example]:
    """Every message with its felt distress and empathic concern, each in [0, 1].

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "empathic_reactions" / f"{part}.jsonl", _reaction)


def _reaction(row: dict[str, Any]) -> Example:
    felt = np.array([float(row["distress"]), float(row["empathy"])])
    return alone(text_of(row, "text"), row["writer_id"], felt=(felt - 1) / 6)
