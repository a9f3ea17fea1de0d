"""CounselChat (Bertagnolli 2020): what people ask therapists. For checking only.

{"id": "...", "title": "...", "question": "...", "topics": ["anxiety"], "answers": [{"text": "..."}]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, pieces_of, read, text_of

__all__ = ["questions"]


def questions(folder: Path, part: Part) -> list[Example]:
    """Titles and questions in pieces of a hundred words, grouped by question.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "counsel_chat" / f"{part}.jsonl", _question)
    return [example for examples in found for example in examples]


def _question(row: dict[str, Any]) -> list[Example]:
    return [alone(piece, row["id"]) for piece in pieces_of(f"{text_of(row, 'title')} {text_of(row, 'question')}")]
