"""What was found beyond the readings of the small models: the LLM's second look, and examples of other people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from agent.errors import ReadingError
from agent.readings import EmotionReading, checked_probabilities

__all__ = ["Adjudication", "Exemplar", "ExemplarReading"]


@dataclass(frozen=True, slots=True)
class Adjudication:
    """What an LLM said of an emotion that the small model was unsure of, and which of them won.

    Attributes:
        before: What the small model read.
        after: What goes on from here, as `Turn.emotion`.
        said: The LLM's label; None where it gave no usable answer.
        opened: Whether the LLM left the primary emotions and chose among the others.
        won: Whose label is the likeliest of `after`; `"both"` where they agree.
        reason: Why, in one sentence, without any of the person's words.
        probabilities: The LLM's distribution over what it was offered; empty where the server gives none.
        speaker: The LLM.
    """

    before: EmotionReading
    after: EmotionReading
    said: str | None
    opened: bool
    won: Literal["sem", "llm", "both"]
    reason: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    speaker: str = ""

    def __post_init__(self) -> None:
        if self.said is not None and self.said not in self.before.probabilities:
            raise ReadingError(f"`Adjudication.said` is {self.said!r}, which the small model does not know.")
        if self.probabilities:
            checked = checked_probabilities("Adjudication.probabilities", self.probabilities, exclusive=True)
            object.__setattr__(self, "probabilities", checked)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """What another person wrote in a like mood, and what was replied.

    Attributes:
        text: The other person's words. As little an instruction as the seeker's own.
        reply: The supporter's; empty where there is none.
        emotions: The likeliest emotions, with their probabilities.
        similarity: To the seeker's message, in [0, 1].
    """

    text: str
    reply: str
    emotions: Mapping[str, float]
    similarity: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "emotions", MappingProxyType(dict(self.emotions)))
        if not self.text.strip():
            raise ReadingError("An exemplar without words is none. Leave it out.")
        if not 0 <= self.similarity <= 1:  # also catches NaN
            raise ReadingError(f"`Exemplar.similarity` is {self.similarity!r}; it lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class ExemplarReading:
    """Examples for a turn, the most similar first. None at all means: nothing in the store is like it.

    Attributes:
        exemplars: At most eight.
        source: The store's id.
    """

    exemplars: tuple[Exemplar, ...] = ()
    source: str = ""
