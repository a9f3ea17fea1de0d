"""What the shipped encoder is trained on: one stream per data set, and how much of each an epoch holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agent.readings import DANGER
from agent.turn import Message
from sem_plugins.labels import ESCONV
from sem_plugins.risk.rules import read_rules
from sem_plugins.training.batches import Stream
from sem_plugins.training.examples import Example
from sem_plugins.training.heads import HEADS
from sem_plugins.training.sets import (
    emobank,
    empathetic_dialogues,
    empathic_reactions,
    epitome,
    esconv,
    goemotions,
    reccon,
    risk,
)

__all__ = ["FIRST", "Teacher", "class_weights", "streams"]

Teacher = Callable[[Sequence[Example], str], NDArray[np.floating[Any]]]
"""Examples and a head's name to the probabilities that earlier networks give, (N, size)."""

FIRST = ("emotion", "expression")
"""Streams, and heads, of the first stage, whose network teaches in the second."""

_LEVELS = 3  # of empathy
_TRUST = 0.5  # share of the teacher in the targets; the rest is what the annotators said
_BENIGN = 6_000  # everyday messages an epoch, as many as statements: what is ordinary must stay ordinary
_ALARMING = 1 / 10  # of them by a teacher's reading, which half of those in an epoch come from


def streams(folder: Path, *, seed: int, teachers: Mapping[str, Teacher] = MappingProxyType({})) -> list[Stream]:
    """Every stream of a joint run.

    Where a head has a teacher, its set was gone through before, and an epoch holds a part of it.

    Args:
        folder: The prepared data sets.
        seed: Decides which examples each epoch holds.
        teachers: Who softens the targets of a head, of `emotion`, `expression` and `strategy`; the one of
            `risk` says which everyday messages alarm it without reason ("I take it next week").

    Raises:
        DataError: A data set is missing or malformed.
    """
    dialogues = empathetic_dialogues.dialogues(folder, "train")
    comments, _ = goemotions.held_out_tenth(goemotions.comments(folder, "train"))
    turns = esconv.supporter_turns(folder, "train")
    causes = reccon.targets(folder, "train")
    replies = epitome.pairs(folder, "train")
    sentences = emobank.sentences(folder, "train")
    reactions = empathic_reactions.reactions(folder, "train")
    statements, stress = risk.statements("train"), risk.stress(folder, "train")
    seekers = esconv.seekers(folder, "train")

    @cache  # half a minute of rules, and only the stream of danger wants it
    def everyday() -> list[str]:
        # ESConv's seekers count three times, to be as many as the others: they are who an agent meets.
        found = (
            [text for d in dialogues for text in d.seeker] + [comment.text for comment in comments] + 3 * seekers
        )
        # A few of them speak of death. What the rules find is not called harmless here.
        return [text for text in found if read_rules(text).level not in DANGER]

    @cache
    def alarming() -> list[str]:
        texts = list(dict.fromkeys(everyday()))
        said = teachers["risk"](risk.benign(texts), "risk")
        return [texts[row] for row in np.argsort(-risk.danger(said))[: int(len(texts) * _ALARMING)]]

    def taught(examples: Sequence[Example], head: str, share: float, epoch: int) -> Sequence[Example]:
        if head not in teachers:
            return examples
        return _softened(_some(examples, share, seed + epoch), head, teachers[head])

    def emotion(epoch: int) -> Sequence[Example]:
        return taught(empathetic_dialogues.epoch(dialogues, seed=seed, number=epoch), "emotion", 1 / 2, epoch)

    def expression(epoch: int) -> Sequence[Example]:
        return taught(comments, "expression", 1 / 4, epoch)

    def strategy(epoch: int) -> Sequence[Example]:
        return taught(turns, "strategy", 2 / 3, epoch)

    def danger(epoch: int) -> Sequence[Example]:
        rng = random.Random(f"{seed}-{epoch}-benign")
        count = min(_BENIGN, len(everyday()))
        hard = rng.sample(alarming(), min(count // 2, len(alarming()))) if "risk" in teachers else []
        return [*statements, *risk.benign([*hard, *rng.sample(everyday(), count - len(hard))])]

    def in_context(examples: Callable[[int], Sequence[Example]], share: float) -> Callable[[int], list[Example]]:
        """Some of the examples after an unrelated beginning, which must not change how they are read."""

        def placed(epoch: int) -> list[Example]:
            rng = random.Random(f"{seed}-{epoch}-context")
            return [
                replace(example, messages=(*_beginning(rng, dialogues, statements), *example.messages))
                if rng.random() < share
                else example
                for example in examples(epoch)
            ]

        return placed

    return [
        Stream("emotion", ("emotion",), emotion, batch=64),
        Stream("expression", ("expression",), in_context(expression, 1 / 5), batch=64),
        Stream("affect", ("affect",), in_context(lambda _: sentences, 1 / 5), batch=64),
        Stream("felt", ("felt",), lambda _: reactions),
        Stream("risk", ("risk", "evidence"), in_context(danger, 1 / 2), batch=64),
        Stream("stress", ("risk",), lambda epoch: _some(stress, 1 / 2, seed + epoch), weight=0.5),
        Stream("strategy", ("strategy",), strategy),
        Stream("cause", ("cause", "span", "cause_type"), lambda _: causes),
        Stream("empathy", ("empathy", "rationale"), lambda _: replies),
    ]


def class_weights(folder: Path) -> dict[str, Tensor]:
    """Square-root weights of strategies and of the levels of empathy: what is rare counts more, but not as
    much as it is rare. Unweighted, the middle level of interpretations (4% of replies) is never found.
    """
    strategies = np.array([example.targets["strategy"] for example in esconv.supporter_turns(folder, "train")])
    levels = np.array([example.targets["empathy"] for example in epitome.pairs(folder, "train")])
    return {
        "strategy": _square_root(strategies, len(ESCONV)),
        "empathy": torch.cat([_square_root(column, _LEVELS) for column in levels.T]),
    }


def _square_root(labels: NDArray[np.intp], size: int) -> Tensor:
    """Weights by the square root of rarity, (size,), whose mean over the labels is 1."""
    counts = np.bincount(labels, minlength=size).astype(float)
    weights = np.sqrt(counts.mean() / np.maximum(1, counts))  # a label may not occur
    return torch.tensor(weights * counts.sum() / (weights * counts).sum(), dtype=torch.float32)


def _beginning(
    rng: random.Random, dialogues: Sequence[empathetic_dialogues.Dialogue], statements: Sequence[Example]
) -> tuple[Message, ...]:
    """Two or four messages that end with a supporter's; one in ten begins with a statement of risk."""
    messages = rng.choice(dialogues).messages
    while len(messages) < 2:  # noqa: PLR2004
        messages = rng.choice(dialogues).messages
    chosen = messages[: rng.choice((2, 4)) if len(messages) >= 4 else 2]  # noqa: PLR2004
    return (*rng.choice(statements).messages, *chosen[1:]) if rng.random() < 1 / 10 else chosen


def _some(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    return random.Random(seed).sample(list(examples), int(len(examples) * share))


def _softened(examples: Sequence[Example], head: str, teacher: Teacher) -> list[Example]:
    said = teacher(examples, head)
    return [
        replace(example, targets={head: _TRUST * soft + (1 - _TRUST) * _hard(example.targets[head], head)})
        for example, soft in zip(examples, said, strict=True)
    ]


def _hard(target: int | NDArray[np.float64], head: str) -> NDArray[np.float64]:
    if isinstance(target, np.ndarray):
        return target
    spec = HEADS[head]
    row = np.full(spec.size, spec.smoothing / spec.size)
    row[target] += 1 - spec.smoothing
    return row
