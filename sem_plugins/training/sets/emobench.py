"""EmoBench (Sabour et al. 2024): questions on emotional intelligence with a choice of answers. For checking only.

{"id": "EU-2-en", "task": "EU", "question_id": "EU-2", "language": "en", "scenario": "...", "subject": "Ana",
 "emotion_choices": ["Pride", ...], "emotion_answer": 0, "cause_choices": ["She won", ...], "cause_answer": 1}
{"id": "EA-7-zh", "task": "EA", "question_id": "EA-7", "language": "zh", "scenario": "...", "subject": "Ana",
 "question_type": "Response", "choices": ["...", ...], "answer": 2}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sem_plugins.training.sets.records import Part, read, text_of

__all__ = ["Item", "questions"]

_CHOICES = {"EU": (("emotion_choices", "emotion_answer"), ("cause_choices", "cause_answer"))}
_LEAST = 2  # choices


@dataclass(frozen=True, slots=True)
class Item:
    """A question.

    Attributes:
        id: Of the question in its language.
        question: Of the question in either language.
        kind: `"EU"`, understanding (which emotion, and why), or `"EA"`, application (what is best to say or do).
        language: `"en"` or `"zh"`.
        scenario: The story.
        subject: The person asked about.
        action: Of application: asked for an action, not for words.
        choices: One list for application; emotions and causes for understanding.
        answers: The place of the right one in each list.
    """

    id: str
    question: str
    kind: str
    language: str
    scenario: str
    subject: str
    action: bool
    choices: tuple[tuple[str, ...], ...]
    answers: tuple[int, ...]


def questions(folder: Path, part: Part) -> list[Item]:
    """All questions of a part.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "emobench" / f"{part}.jsonl", _item)


def _item(row: dict[str, Any]) -> Item:
    kind = text_of(row, "task")
    if kind not in {"EU", "EA"}:
        raise ValueError(f"task {kind!r}, expected one of: EU, EA")
    choices, answers = [], []
    for of_choices, of_answer in _CHOICES.get(kind, (("choices", "answer"),)):
        listed, place = row[of_choices], row[of_answer]
        if not isinstance(listed, list) or len(listed) < _LEAST or not all(isinstance(one, str) for one in listed):
            raise TypeError(f"`{of_choices}`: expected a list of at least {_LEAST} strings")
        if not isinstance(place, int) or not 0 <= place < len(listed):
            raise ValueError(f"`{of_answer}` is {place!r}, expected a place from 0 to {len(listed) - 1}")
        choices.append(tuple(listed))
        answers.append(place)
    return Item(
        id=text_of(row, "id"),
        question=text_of(row, "question_id"),
        kind=kind,
        language=text_of(row, "language"),
        scenario=text_of(row, "scenario"),
        subject=text_of(row, "subject"),
        action=row.get("question_type") == "Action",
        choices=tuple(choices),
        answers=tuple(answers),
    )
