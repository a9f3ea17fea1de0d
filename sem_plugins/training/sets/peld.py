"""PELD (Wen et al. 2021): three utterances of «Friends» each, with emotions and the first speaker's personality.

    {"id": "...", "personality": {"openness": 0.6, "conscientiousness": 0.4, "extraversion": 0.4,
     "agreeableness": 0.6, "neuroticism": 0.5}, "turns": [{"speaker": "Ana", "text": "...", "emotion": "joy"},
     {"speaker": "Bo", ...}, {"speaker": "Ana", ...}]}

The triples are windows over dialogues and overlap; which dialogue, the set does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.persona import TRAITS
from sem_plugins.ontology import MELD
from sem_plugins.training.sets.records import Part, read, text_of
from sem_plugins.training.sets.utterances import Dialogue, utterance_of

__all__ = ["Triple", "triples"]

_UTTERANCES = 3
_TELLING = 20  # letters of a line; two scenes that share a shorter one need have nothing to do with each other


@dataclass(frozen=True, slots=True)
class Triple:
    """An utterance, somebody else's answer, and what the first speaker said then.

    Attributes:
        dialogue: The three, with emotions of `meld-7`.
        personality: Trait of `agent.persona.TRAITS` to its strength in [0, 1]; the first speaker's.
        scene: The same for triples that overlap: those that share a line with the one before them in the file, or
            a line of 20 letters with any.
    """

    dialogue: Dialogue
    personality: Mapping[str, float]
    scene: str = ""


def triples(folder: Path, part: Part) -> list[Triple]:
    """Every triple of a part.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "peld" / f"{part}.jsonl", _triple)
    return [replace(one, scene=found[scene].dialogue.id) for one, scene in zip(found, _scenes(found), strict=True)]


def _triple(row: dict[str, Any]) -> Triple:
    utterances = tuple(utterance_of(turn, MELD) for turn in row["turns"])
    if len(utterances) != _UTTERANCES:
        raise ValueError(f"{len(utterances)} turns, expected {_UTTERANCES}")
    if not utterances[0].speaker == utterances[2].speaker != utterances[1].speaker:
        raise ValueError("`turns` are not of one speaker, another, and the first again")
    personality = {trait: float(row["personality"][trait]) for trait in TRAITS}
    if outside := [trait for trait, value in personality.items() if not 0 <= value <= 1]:
        raise ValueError(f"{outside[0]} {personality[outside[0]]!r}, expected a number from 0 to 1")
    return Triple(Dialogue(text_of(row, "id"), utterances), MappingProxyType(personality))


def _scenes(found: Sequence[Triple]) -> list[int]:
    """For each triple the place of the one that stands for its scene."""
    above = list(range(len(found)))

    def top(place: int) -> int:
        while above[place] != place:
            place = above[place]
        return place

    first: dict[tuple[str, str], int] = {}
    before: set[tuple[str, str]] = set()
    for place, triple in enumerate(found):
        lines = {(one.speaker, one.text) for one in triple.dialogue.utterances}
        if lines & before:
            above[top(place)] = top(place - 1)
        for line in sorted(lines):
            if len(line[1]) >= _TELLING and top(place) != (other := top(first.setdefault(line, place))):
                above[top(place)] = other
        before = lines
    return [top(place) for place in range(len(found))]
