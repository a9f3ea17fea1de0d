"""EmpatheticDialogues (Rashkin et al. 2019): one of 32 emotions per dialogue.

    {"dialogue_id": "...", "emotion": "anxious", "situation": "...",
     "turns": [{"speaker": "seeker", "text": "..."}, {"speaker": "supporter", "text": "..."}]}

The `silver_label` of the turns is not used: its classifier was trained on this very corpus without
regard to the split, so it would leak.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.turn import Message
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.sets.records import Part, index_of, message_of, plain, read, text_of

__all__ = ["Dialogue", "dialogues", "epoch", "in_dialogue", "live", "seeker_turns", "situations"]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is used of one dialogue."""

    id: str
    situation: str
    messages: tuple[Message, ...]
    label: int

    @property
    def seeker(self) -> tuple[str, ...]:
        """What the seeker said."""
        return tuple(message.text for message in self.messages if message.role == "seeker")


def dialogues(folder: Path, part: Part) -> list[Dialogue]:
    """Every dialogue of a part; those of train whose situation is also in valid are left out.

    Raises:
        DataError: A file is missing or malformed.
    """
    found = read(folder / "empathetic_dialogues" / f"{part}.jsonl", _dialogue)
    if part == "train":
        known = {plain(dialogue.situation) for dialogue in dialogues(folder, "valid")}
        found = [dialogue for dialogue in found if plain(dialogue.situation) not in known]
    return found


def _dialogue(row: dict[str, Any]) -> Dialogue:
    messages = tuple(message_of(turn) for turn in row["turns"])
    if not any(message.role == "seeker" for message in messages):
        raise ValueError("the seeker says nothing")
    label = index_of(EMPATHETIC_DIALOGUES, row["emotion"])
    return Dialogue(row["dialogue_id"], text_of(row, "situation"), messages, label)


def situations(found: Sequence[Dialogue]) -> list[Example]:
    """The paragraph that the seeker wrote beforehand; a running agent never sees it."""
    return [alone(d.situation, d.id, emotion=d.label) for d in found]


def seeker_turns(found: Sequence[Dialogue]) -> list[Example]:
    """Everything the seeker said in the dialogue, as one text."""
    return [alone(" ".join(d.seeker), d.id, emotion=d.label) for d in found]


def in_dialogue(found: Sequence[Dialogue]) -> list[Example]:
    """The seeker's last message, after everything that both said before."""
    return [Example(_until_seeker(d, len(d.messages)), {"emotion": d.label}, d.id) for d in found]


def live(found: Sequence[Dialogue], *, seed: int = 13) -> list[Example]:
    """A message of each dialogue's seeker at random, after everything before it: what a running agent reads."""
    rng = random.Random(seed)
    out = []
    for dialogue in found:
        places = [place for place, message in enumerate(dialogue.messages) if message.role == "seeker"]
        until = rng.choice(places) + 1
        out.append(Example(dialogue.messages[:until], {"emotion": dialogue.label}, dialogue.id))
    return out


def epoch(found: Sequence[Dialogue], *, seed: int, number: int) -> list[Example]:
    """Examples of one epoch: every situation, and every dialogue in one of three forms.

    Half of the dialogues show all that the seeker said as one text, a quarter a first part of it,
    as a running agent sees it before the end, and a quarter a message after both sides' earlier ones.
    """
    rng = random.Random(f"{seed}-{number}-turns")
    out = situations(found)
    for dialogue in found:
        form, seeker = rng.random(), dialogue.seeker
        if form < 1 / 4:
            until = rng.randint(1, len(dialogue.messages))
            out.append(Example(_until_seeker(dialogue, until), {"emotion": dialogue.label}, dialogue.id))
            continue
        if form < 1 / 2:
            seeker = seeker[: rng.randint(1, len(seeker))]
        out.append(alone(" ".join(seeker), dialogue.id, emotion=dialogue.label))
    return out


def _until_seeker(dialogue: Dialogue, until: int) -> tuple[Message, ...]:
    """The first `until` messages, less those after the seeker's last."""
    while until > 1 and dialogue.messages[until - 1].role != "seeker":
        until -= 1
    return dialogue.messages[:until]
