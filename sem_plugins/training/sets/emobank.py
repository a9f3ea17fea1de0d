"""EmoBank (Buechel & Hahn 2017): valence, arousal and dominance of sentences, 1 to 5.

{"id": "...", "text": "...", "valence": 3.0, "arousal": 3.2, "dominance": 3.1, "genre": "letters"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, read, text_of

__all__ = ["sentences"]


def sentences(folder: Path, part: Part) -> list[Example]:
    """Every sentence, its affect in [-1, 1] (3 becomes 0).

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "emobank" / f"{part}.jsonl", _sentence)


def _sentence(row: dict[str, Any]) -> Example:
    point = np.array([float(row[name]) for name in ("valence", "arousal", "dominance")])
    return alone(text_of(row, "text"), row["id"], affect=(point - 3) / 2)
