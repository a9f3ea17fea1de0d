"""Phrases that tell danger from daily life: a linear model over up to three tokens in a row.

It knows no meaning and remembers wordings, so that it is wrong where the branch's network is right, and the other
way round: the sum of both finds more of what is veiled than the network alone, with fewer everyday messages that
alarm (docs/design/0009-statements-of-risk.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sem_plugins.window import MARKS, Window

__all__ = ["BUCKETS", "Phrases", "buckets_of"]

BUCKETS = 1 << 16
"""Places for weights. Phrases share them by chance; twice or four times as many find nothing more."""

_LONGEST = 3  # tokens in a row; four find nothing more
_MIX, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd, with bits at random
_SHIFT = np.uint64(64 - 16)


@dataclass(frozen=True, slots=True)
class Phrases:
    """How much a message's phrases speak for danger.

    Attributes:
        weights: Of each place, (2, BUCKETS), in eight bits: for self, for others.
        scale: What one unit of a weight is worth, (2,).
        bias: What is added, (2,): such that a half is where everyday messages may just alarm.
    """

    weights: NDArray[np.int8]
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, window: Window) -> NDArray[np.float64]:
        """What the phrases add to the logits of ideation, (2,): for self, for others.

        Args:
            window: A message by itself.
        """
        places = buckets_of(window)
        summed = self.weights[:, places].sum(axis=1, dtype=np.int64)
        found: NDArray[np.float64] = self.scale * summed / np.sqrt(max(len(places), 1)) + self.bias
        return found


def buckets_of(window: Window) -> NDArray[np.int64]:
    """The places of the phrases of the newest message, each once, in order."""
    ids = window.ids[(window.types == 1) & (window.ids >= MARKS)].astype(np.uint64)
    found = []
    mixed = np.zeros(len(ids), np.uint64)
    for start in range(min(_LONGEST, len(ids))):
        mixed = mixed[: len(ids) - start] * _MIX + ids[start:]
        found.append((mixed * _SPREAD) >> _SHIFT)
    return np.unique(np.concatenate(found)).astype(np.int64) if found else np.zeros(0, np.int64)
