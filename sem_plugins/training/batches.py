"""From examples to tensors: padded windows, and targets in the form that each head's loss takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent.errors import DataError
from sem_plugins.training.examples import Example
from sem_plugins.training.heads import HEADS, Head
from sem_plugins.window import Window, WindowMaker

__all__ = ["UNKNOWN", "Batch", "Stream", "batch_of", "epoch_batches", "padded"]

UNKNOWN = -100
"""Target of a token that does not count."""


@dataclass(frozen=True)
class Stream:
    """One data set and the heads that learn from it.

    Attributes:
        name: For messages and the progress bar.
        heads: Names of heads; every example has a target for each.
        examples: Epoch number to that epoch's examples; may vary them, must not depend on
            anything but the number.
        batch: Examples per step.
        weight: Factor on the loss of this stream.
    """

    name: str
    heads: tuple[str, ...]
    examples: Callable[[int], Sequence[Example]]
    batch: int = 32
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as (N, T) tensors, and per head its targets (see `_target`)."""

    stream: Stream
    ids: Tensor
    types: Tensor
    mask: Tensor
    targets: dict[str, Tensor]


def epoch_batches(streams: Sequence[Stream], maker: WindowMaker, *, seed: int, epoch: int) -> list[Batch]:
    """The batches of one epoch, the same for the same seed and epoch.

    Windows are put together by length (padding would cost a third of the time), then the batches
    of all streams are shuffled among each other.

    Raises:
        DataError: A stream has no examples.
    """
    rng = random.Random(f"{seed}-{epoch}")
    plans = []
    for stream in streams:
        examples = list(stream.examples(epoch))
        if not examples:
            raise DataError(f"`{stream.name}` has no training examples. Check the data folder.")
        windows = [example.window(maker) for example in examples]
        order = sorted(range(len(examples)), key=lambda i: (len(windows[i].ids), rng.random()))
        for start in range(0, len(order), stream.batch):
            rows = order[start : start + stream.batch]
            plans.append((stream, [windows[i] for i in rows], [examples[i] for i in rows]))
    rng.shuffle(plans)
    return [batch_of(*plan) for plan in plans]


def batch_of(stream: Stream, windows: Sequence[Window], examples: Sequence[Example]) -> Batch:
    """One batch."""
    ids, types, mask = padded(windows)
    longest = ids.shape[1]
    targets = {
        name: torch.from_numpy(
            np.stack(
                [
                    _target(HEADS[name], example.targets[name], window, longest)
                    for example, window in zip(examples, windows, strict=True)
                ]
            )
        )
        for name in stream.heads
    }
    return Batch(stream, ids, types, mask, targets)


def padded(windows: Sequence[Window]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, types and mask of windows, each (N, T) with the longest one's T; padding is 0."""
    longest = max(len(window.ids) for window in windows)
    ids, types, mask = (torch.zeros(len(windows), longest, dtype=torch.long) for _ in range(3))
    for row, window in enumerate(windows):
        length = len(window.ids)
        ids[row, :length] = torch.from_numpy(window.ids)
        types[row, :length] = torch.from_numpy(window.types)
        mask[row, :length] = 1
    return ids, types, mask


def _target(head: Head, target: Any, window: Window, longest: int) -> np.ndarray[Any, Any]:
    """One row of a head's targets.

    (size,) float for softmax (a distribution), sigmoid and regression; (mechanisms,) int for
    levels; (T,) int for marks (0, 1, or UNKNOWN); (T, 3) float for span (see `_span_target`);
    (T, size) float for tags, NaN outside the message.
    """
    match head.kind:
        case "softmax":
            return _distribution(head, target)
        case "sigmoid" | "regression":
            return np.asarray(target, np.float32)
        case "levels":
            return np.asarray(target, np.int64)
        case "marks":
            row = np.full(longest, UNKNOWN, np.int64)
            for utterance, position in window.marks.items():
                row[position] = int(target[utterance])
            return row
        case "span":
            return _span_target(target, window, longest)
        case "tags":
            tags = np.full((longest, head.size), np.nan, np.float32)
            message = np.flatnonzero((window.types == 1) & (window.places >= 0))
            for column, spans in enumerate(target):
                tags[message, column] = [
                    float(any(start < spot[1] and spot[0] < end for start, end in spans))
                    for spot in window.offsets[message]
                ]
            return tags


def _distribution(head: Head, target: Any) -> np.ndarray[Any, Any]:
    if isinstance(target, np.ndarray):
        return target.astype(np.float32)
    row = np.full(head.size, head.smoothing / head.size, np.float32)
    row[target] += 1 - head.smoothing
    return row


def _span_target(spans: dict[int, tuple[int, int]], window: Window, longest: int) -> np.ndarray[Any, Any]:
    """Utterance number (from 1) of each token that may be chosen, and whether it is first and last: (T, 3)."""
    row = np.zeros((longest, 3), np.float32)
    for utterance, (start, end) in spans.items():
        tokens = window.tokens_of(utterance)
        inside = [t for t in tokens if window.offsets[t, 0] < end and start < window.offsets[t, 1]]
        if not inside:
            continue  # the words did not fit into the window
        row[tokens, 0] = utterance + 1
        row[inside[0], 1] = 1
        row[inside[-1], 2] = 1
    return row
