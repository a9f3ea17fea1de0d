"""What the shipped encoder gives for the examples of a valid part, read once and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.turn import Message
from sem_plugins.encoder import Encoded, Encoder
from sem_plugins.training.counted import counted
from sem_plugins.training.examples import Example
from sem_plugins.training.sets import (
    counsel_chat,
    cssrs,
    emobank,
    empathetic_dialogues,
    empathic_reactions,
    epitome,
    esconv,
    goemotions,
    imhi,
    reccon,
    risk,
    se_emotions,
)
from sem_plugins.weights import Manifest

__all__ = ["SETS", "ReadSet", "ValidParts", "on_every_core", "read_all"]

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class ReadSet:
    """Examples and what the encoder gave for each.

    Attributes:
        examples: In the order of the file.
        encoded: One per example.
    """

    examples: Sequence[Example]
    encoded: Sequence[Encoded]

    @property
    def groups(self) -> NDArray[np.str_]:
        """Which dialogue each example belongs to, (N,)."""
        return np.array([example.group for example in self.examples])

    def outputs(self, head: str) -> NDArray[np.float64]:
        """Outputs of a head that is not over tokens, (N, size)."""
        return np.stack([encoded.outputs[head] for encoded in self.encoded]).astype(np.float64)

    def targets(self, head: str) -> NDArray[np.float64]:
        """Targets of a head that is not over tokens, (N, size)."""
        return np.array([example.targets[head] for example in self.examples], np.float64)

    def labels(self, head: str) -> NDArray[np.intp]:
        """Indices of the true labels, (N,), or of the true levels, (N, mechanisms)."""
        return np.array([example.targets[head] for example in self.examples], np.intp)


def _benign_esconv(folder: Path) -> list[Example]:
    """Every message of a seeker in ESConv valid that a supporter answered, in its dialogue."""
    last: dict[str, tuple[Example, ...]] = {}
    for example in esconv.supporter_turns(folder, "valid"):
        last[example.group] = (*last.get(example.group, ()), example)
    out = []
    for group, examples in last.items():
        messages = examples[-1].messages
        out += [
            Example(messages[: place + 1], {}, group)
            for place, message in enumerate(messages)
            if message.role == "seeker" and message.text
        ]
    return out


SETS: Mapping[str, Callable[[Path], list[Example]]] = MappingProxyType(
    {
        "situations": lambda f: empathetic_dialogues.situations(empathetic_dialogues.dialogues(f, "valid")),
        "seeker-turns": lambda f: empathetic_dialogues.seeker_turns(empathetic_dialogues.dialogues(f, "valid")),
        "live": lambda f: empathetic_dialogues.live(empathetic_dialogues.dialogues(f, "valid")),
        "comments": lambda f: goemotions.comments(f, "valid"),
        "held-out comments": lambda f: goemotions.held_out_tenth(goemotions.comments(f, "train"))[1],
        "sentences": lambda f: emobank.sentences(f, "valid"),
        "reactions": lambda f: empathic_reactions.reactions(f, "valid"),
        "statements": lambda _: risk.statements("valid"),
        "seekers of ESConv": _benign_esconv,
        "strategies": lambda f: esconv.supporter_turns(f, "valid"),
        "strategies, seekers only": lambda f: [
            esconv.without_supporters(example) for example in esconv.supporter_turns(f, "valid")
        ],
        "causes": lambda f: reccon.targets(f, "valid"),
        "replies": lambda f: epitome.pairs(f, "valid"),
        "developers": lambda f: se_emotions.comments(f, "valid"),
        "causes of developers": lambda f: se_emotions.causes(f, "dev"),
        "users": lambda f: cssrs.pieces(f, "dev"),
        "posts": lambda f: imhi.posts(f, "dev"),
        "segments": lambda f: risk.stress(f, "valid"),
        "questions": lambda f: counsel_chat.questions(f, "dev"),
    }
)
"""Name to the examples that are read."""


class ValidParts:
    """Reads sets with one encoder, each once; and what stands in several of them, once.

    Args:
        folder: The prepared data sets.
        manifest: The weights.
        progress: Show a progress bar with the time left.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, progress: bool = True) -> None:
        self.folder = folder
        self._progress = progress
        # One thread a pass and one pass a core: a third faster in all than one pass on every core.
        self._encoder = Encoder(manifest, threads=1)
        self._read: dict[str, ReadSet] = {}
        # Some dialogues stand in two sets.
        self._passes: dict[tuple[Message, ...], Encoded] = {}

    def __getitem__(self, name: str) -> ReadSet:
        """The set of that name in `SETS`.

        Raises:
            DataError: Its file is missing or malformed.
        """
        if name not in self._read:
            examples = self.examples(name)
            self._read[name] = ReadSet(examples, self._passed([example.messages for example in examples], name))
        return self._read[name]

    def examples(self, name: str) -> list[Example]:
        """The examples of a set, not read.

        Raises:
            DataError: Its file is missing or malformed.
        """
        return SETS[name](self.folder)

    def _passed(self, dialogues: Sequence[tuple[Message, ...]], name: str) -> list[Encoded]:
        new = [*dict.fromkeys(said for said in dialogues if said not in self._passes)]
        encoded = read_all(self._encoder, new, name=name, progress=self._progress)
        self._passes.update(zip(new, encoded, strict=True))
        return [self._passes[said] for said in dialogues]


def read_all(
    encoder: Encoder, dialogues: Sequence[Sequence[Message]], *, name: str, progress: bool
) -> list[Encoded]:
    """What the encoder gives for each dialogue, in their order, one pass a core.

    Args:
        encoder: Of one thread.
        dialogues: Messages of each.
        name: What is read, for the progress bar.
        progress: Show the bar.
    """
    return on_every_core(encoder.read, dialogues, name=name, progress=progress)


def on_every_core(
    function: Callable[[Item], Found], items: Sequence[Item], *, name: str, progress: bool = True
) -> list[Found]:
    """What `function`, which mostly waits for passes of the encoder, gives for each item, in their order.

    Args:
        function: Called from one thread a core.
        items: What it is called with.
        name: What is read, for the progress bar.
        progress: Show the bar with the time left; on standard error, so that output stays clean.
    """
    found: list[Found] = []
    with (
        ThreadPoolExecutor(os.cpu_count() or 1) as threads,
        counted(f"reading {name}", len(items), shown=progress) as advance,
    ):
        for one in threads.map(function, items):
            found.append(one)
            advance()
    return found
