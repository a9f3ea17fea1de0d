"""Makes the file of examples out of dialogues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agent.errors import DataError
from agent.intake import scrub
from agent.readings import DANGER
from agent.turn import Message, Turn, new_turn
from sem_plugins.emotion.plugin import EmotionPlugin
from sem_plugins.encoder import Encoder
from sem_plugins.exemplars.store import ExemplarStore, Row
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.vectors import Embed, Vector

__all__ = ["Built", "build"]

_WORDS = range(4, 81)  # of a message: shorter ones tell nothing, longer ones fill the prompt
_REPLY_WORDS = range(3, 61)
_PER_DIALOGUE = 2
"""Exchanges of one dialogue: what is told later leans on what was told before."""


@dataclass(frozen=True, slots=True)
class Built:
    """A store, and what was left out for it.

    Attributes:
        store: The store.
        left_out: Reason to number of exchanges.
    """

    store: ExemplarStore
    left_out: Mapping[str, int]


def build(
    dialogues: Iterable[tuple[str, Sequence[Message]]],
    encoder: Encoder,
    embed: Embed,
    embedder: str,
    *,
    per_dialogue: int = _PER_DIALOGUE,
    progress: bool = True,
) -> Built:
    """The first exchanges of each dialogue: a message of the seeker, and the reply that followed.

    Left out are messages and replies that are too short or long, messages that are no readable English, repeated
    ones, and every exchange in which danger was read: an example of how somebody in danger was answered is
    nothing to imitate unseen.

    Args:
        dialogues: Name and messages of each.
        encoder: Reads the emotion of each message in its dialogue, and the risk. Of one thread.
        embed: Makes the vectors.
        embedder: What it is called.
        per_dialogue: Exchanges taken of one dialogue.
        progress: Show a bar with the time left.

    Raises:
        DataError: No exchange can be used.
    """
    left_out: Counter[str] = Counter()
    emotion, risk = EmotionPlugin(encoder), RiskPlugin(encoder)

    def read(exchange: _Exchange) -> _Read | str:
        [danger], [reading] = risk([exchange.turn]), emotion([exchange.turn])
        if danger is None or danger.level in DANGER:
            return "danger was read, or risk could not be"
        if reading is None or reading.caveat:
            return "no readable English"
        return _Read(exchange, list(reading.probabilities.values()), embed(exchange.turn.text))

    exchanges = list(_exchanges(dialogues, per_dialogue, left_out))
    found: list[_Read] = []
    for one in on_every_core(read, exchanges, name="exchanges", progress=progress and bool(exchanges)):
        if isinstance(one, str):
            left_out[one] += 1
        else:
            found.append(one)
    if not found:
        told = ", ".join(f"{reason}: {number}" for reason, number in left_out.most_common()) or "there are none"
        raise DataError(f"No exchange can be an example ({told}). Give a file of dialogues with replies.")
    label_set = encoder.manifest.heads["emotion"].label_set
    store = ExemplarStore(
        label_set=label_set.id,
        labels=label_set.labels,
        embedder=embedder,
        rows=[Row(one.exchange.group, one.exchange.turn.text, one.exchange.reply) for one in found],
        emotions=np.array([one.emotions for one in found]),
        vectors=np.stack([one.vector for one in found]),
    )
    return Built(store, dict(left_out))


@dataclass(frozen=True, slots=True)
class _Exchange:
    group: str
    turn: Turn
    reply: str


@dataclass(frozen=True, slots=True)
class _Read:
    exchange: _Exchange
    emotions: list[float]
    vector: Vector


def _exchanges(
    dialogues: Iterable[tuple[str, Sequence[Message]]], most: int, left_out: Counter[str]
) -> Iterator[_Exchange]:
    """Exchanges that are of a fitting length and new, with what was said before them."""
    seen: set[str] = set()
    for group, messages in dialogues:
        taken = 0
        for place, (message, reply) in enumerate(pairwise(messages)):
            if taken == most:
                break
            if (message.role, reply.role) != ("seeker", "supporter"):
                continue
            text, answer = scrub(message.text).strip(), scrub(reply.text).strip()
            if len(text.split()) not in _WORDS or len(answer.split()) not in _REPLY_WORDS:
                left_out["too short or too long"] += 1
            elif text.lower() in seen:
                left_out["said before"] += 1
            else:
                seen.add(text.lower())
                taken += 1
                yield _Exchange(group, new_turn(text, history=tuple(messages[:place])), answer)
