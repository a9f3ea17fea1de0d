"""Dialogues whose every utterance has an emotion: what the readers of MELD, EmoryNLP, RECCON and PELD share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.readings import LabelSet
from agent.turn import Message
from sem_plugins.training.sets.records import index_of, text_of

__all__ = ["SENTIMENTS", "Dialogue", "Utterance", "dialogue_of", "utterance_of"]

SENTIMENTS = ("neutral", "positive", "negative")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What somebody said.

    Attributes:
        speaker: Name; not empty.
        text: The words.
        emotion: A label of the set of its data.
        sentiment: One of `SENTIMENTS`; None where the data do not say.
    """

    speaker: str
    text: str
    emotion: str
    sentiment: str | None = None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Utterances of two or more people, oldest first; at least one."""

    id: str
    utterances: tuple[Utterance, ...]

    def heard_by(self, speaker: str, end: int) -> tuple[Message, ...]:
        """The first `end` utterances from one speaker's side: they are the seeker, everybody else the
        supporter.
        """
        return tuple(
            Message("seeker" if one.speaker == speaker else "supporter", one.text) for one in self.utterances[:end]
        )


def dialogue_of(row: Mapping[str, Any], labels: LabelSet) -> Dialogue:
    """A record with `dialogue_id` and `turns`.

    Raises:
        LookupError, TypeError, ValueError: It is none.
    """
    utterances = tuple(utterance_of(turn, labels) for turn in row["turns"])
    if not utterances:
        raise ValueError("`turns` is empty")
    return Dialogue(text_of(row, "dialogue_id"), utterances)


def utterance_of(turn: Mapping[str, Any], labels: LabelSet) -> Utterance:
    """One of `turns`; a `sentiment` need not be there.

    Raises:
        LookupError, TypeError, ValueError: It is none.
    """
    speaker, sentiment = text_of(turn, "speaker"), turn.get("sentiment")
    if not speaker.strip():
        raise ValueError("`speaker` is empty")
    if sentiment is not None and sentiment not in SENTIMENTS:
        raise ValueError(f"sentiment {sentiment!r}, expected one of: {', '.join(SENTIMENTS)}")
    emotion = labels.labels[index_of(labels, turn["emotion"])]
    return Utterance(speaker, text_of(turn, "text"), emotion, sentiment)
