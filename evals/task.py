"""What an evaluation is made of: samples, who answers them, and figures.

A task turns the file of a split into samples, asks a system for an answer to each, and scores the answers.
What has no answer is unscored: it is left out of the figures and counted, never taken for a wrong answer.
A floor is a system that understands nothing; it is scored in the same way as everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agent.settings import Settings
from agent.turn import Message
from sem_plugins.encoder import Encoded
from sem_plugins.training.intervals import Measure
from sem_plugins.weights import Manifest

__all__ = ["Answer", "Answers", "Kit", "Measures", "OwnTexts", "Sample", "Task", "scored"]

Measures = dict[str, Measure]
"""Metric to what its figure, interval and tests are computed from."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a data set.

    Attributes:
        id: Unique within the split.
        group: The dialogue it belongs to: what is drawn as a whole for intervals.
        messages: What a system is given.
        truth: What the data say, in a form that JSON holds; each task says which.
        reference: What a person wrote, where that is the truth; it stays out of result files.
    """

    id: str
    group: str
    messages: tuple[Message, ...]
    truth: Any
    reference: str = ""


Answer = Mapping[str, Any] | None
"""What a system says of a sample, in a form that JSON holds; None where it cannot say."""

Answers = list[Answer]


class Kit(Protocol):
    """What systems answer with.

    Attributes:
        manifest: The weights of the encoder.
        settings: For systems that are agents, e.g. which LLM.
        cache: Folder that keeps replies of LLMs; None keeps nothing.
        parallel: Replies that may be asked for at once.
        progress: Show progress bars.
    """

    manifest: Manifest
    settings: Settings
    cache: Path | None
    parallel: int
    progress: bool

    def read(self, samples: Sequence[Sample]) -> Sequence[Encoded]:
        """One pass of the encoder per sample."""
        ...


class Task(Protocol):
    """One evaluation. Its docstring shows an item, the protocol and the traps.

    Attributes:
        name: As it is called on the command line.
        data: Folder of its data set; empty where it is `OwnTexts`.
        systems: Who can answer, by name; the first one is taken unless another is asked for.
        version: Raised when the same answers would get other figures.
    """

    name: str
    data: str
    systems: tuple[str, ...]
    version: int

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """The samples of `folder/<data>/<split>.jsonl`, in its order.

        Raises:
            DataError: The file is missing or malformed.
        """
        ...

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """What a system says, one answer per sample."""
        ...

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Metrics of the answers that there are; one that is not defined raises `DataError` when asked for."""
        ...

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Name to what answers without understanding; what needs train reads `folder/<data>/train.jsonl`."""
        ...


@runtime_checkable
class OwnTexts(Protocol):
    """A task that brings what it asks, and needs no data set.

    Attributes:
        parts: What it has in place of splits.
    """

    parts: tuple[str, ...]

    def sha256(self, part: str) -> str:
        """Of the texts of a part."""
        ...


def scored(samples: Sequence[Sample], answers: Answers) -> tuple[list[Sample], list[Mapping[str, Any]]]:
    """The samples that have an answer, and the answers."""
    kept = [(sample, answer) for sample, answer in zip(samples, answers, strict=True) if answer is not None]
    return [sample for sample, _ in kept], [answer for _, answer in kept]
