"""False alarms on everyday messages: seekers of EmpatheticDialogues and ESConv, comments of GoEmotions.

Nobody labelled them for risk. A few of ESConv's seekers may speak of dying; what is counted here is what the
record says, and a share of it may be right.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.build import build_perception
from agent.perception import Perception
from agent.protocols import Guard
from agent.registry import make
from agent.safety.course import RiskCourse
from agent.safety.steps import reaches
from agent.settings import Settings
from agent.turn import Message, Turn, new_turn
from evals.safety.figures import Share
from sem_plugins.training.sets import empathetic_dialogues, esconv, goemotions

__all__ = ["conversations_of", "false_alarms", "share_of_alarms"]

SPLIT = "valid"
_BATCH = 64  # conversations that are read at once


def false_alarms(folder: Path, settings: Settings, *, limit: int | None) -> dict[str, dict[str, Any]]:
    """Share of turns, a set each, after which the record stands at ideation or above, for self or for others.

    Perception and guard as an agent has them, message by message with what was said before; nobody replies, and
    so no answer to a safety question is read into what follows.

    Args:
        folder: The prepared data sets.
        settings: With the weights that read and the guard.
        limit: So many messages a set, of conversations drawn at random; all where None.

    Raises:
        DataError: A file is missing or malformed.
    """
    perception = build_perception(settings.model_copy(update={"plugins": ("risk",)}))
    guard: Guard = make("guards", settings.guard or "protocol", settings)
    return {
        name: share_of_alarms(_drawn(found, limit), perception, guard).as_dict()
        for name, found in conversations_of(folder).items()
    }


def conversations_of(folder: Path) -> Mapping[str, list[tuple[Message, ...]]]:
    """The conversations of the valid parts, by the set's name; a comment of GoEmotions is one message."""
    dialogues = empathetic_dialogues.dialogues(folder, SPLIT)
    return {
        "empathetic_dialogues": [dialogue.messages for dialogue in dialogues],
        "esconv": [dialogue.messages for dialogue in esconv.outcomes(folder, SPLIT)],
        "goemotions": [example.messages for example in goemotions.comments(folder, SPLIT)],
    }


def share_of_alarms(conversations: Sequence[Sequence[Message]], perception: Perception, guard: Guard) -> Share:
    """Of all messages of seekers, those after which the record stands at ideation or above."""
    alarms: list[bool] = []
    for start in range(0, len(conversations), _BATCH):
        read = perception.read([turn for one in conversations[start : start + _BATCH] for turn in _turns(one)])
        course: RiskCourse | None = None
        for turn in read:
            before = None if course is None or not turn.index else replace(course, asked=None)
            course = guard.screen(replace(turn, course_before=before)).course
            alarms.append(course is not None and reaches(course.highest, "ideation"))
    return Share.of(alarms)


def _turns(messages: Sequence[Message]) -> list[Turn]:
    places = [place for place, message in enumerate(messages) if message.role == "seeker" and message.text.strip()]
    return [
        new_turn(messages[place].text, index=index, history=tuple(messages[:place]))
        for index, place in enumerate(places)
    ]


def _drawn(conversations: list[tuple[Message, ...]], limit: int | None) -> list[tuple[Message, ...]]:
    if limit is None:
        return conversations
    shuffled = random.Random(13).sample(conversations, len(conversations))
    kept, many = [], 0
    for conversation in shuffled:
        if many >= limit:
            break
        kept.append(conversation)
        many += sum(message.role == "seeker" for message in conversation)
    return kept
