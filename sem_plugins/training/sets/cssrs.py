"""Reddit C-SSRS (Gaur et al. 2019): a level of suicide risk per user, by four psychiatrists. For checking only.

{"id": "user-1", "label": "ideation", "posts": ["...", "..."]}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, pieces_of, read

__all__ = ["LEVELS", "pieces"]

LEVELS: Mapping[str, int] = MappingProxyType(
    {"supportive": 0, "indicator": 1, "ideation": 2, "behavior": 3, "attempt": 4}
)
"""Label to step, as on our ladder (none, distress, ideation, plan, acute); the scales are not the same."""


def pieces(folder: Path, part: Part) -> list[Example]:
    """Posts in pieces of a hundred words, grouped by user, each with the user's level.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "cssrs_reddit" / f"{part}.jsonl", _user)
    return [example for examples in found for example in examples]


def _user(row: dict[str, Any]) -> list[Example]:
    level = LEVELS[row["label"]]
    return [alone(piece, row["id"], level=level) for post in row["posts"] for piece in pieces_of(post)]
