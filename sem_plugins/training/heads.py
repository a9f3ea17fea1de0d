"""Which heads the encoder has: what each reads, how it is trained, and what its target looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["HEADS", "Branch", "Head", "Kind"]

Branch = Literal["message", "dialogue"]

Kind = Literal["softmax", "sigmoid", "regression", "levels", "marks", "span", "tags"]


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the encoder.

    Attributes:
        name: Name of the output.
        size: Numbers per message, or per token for token heads.
        branch: Which upper layers it stands on (`training.network`).
        reads: `"message"` (mean over the message that is read), `"peaks"` (that, and the highest value
            in the message of each number: one clause of a long message may hold what matters),
            `"window"` (the mean, the mean over what was said before, and the first token), or `"token"`.
        kind: Loss, and form of an example's target:
            `softmax`: a label's index, or a distribution (size,);
            `sigmoid`: probabilities (size,), NaN where not known;
            `regression`: numbers (size,), NaN where not known;
            `levels`: tuple of levels 0 to 2, a third of the outputs each;
            `marks`: 0 or 1 per utterance of the dialogue, read at its speaker mark;
            `span`: utterance to first and one-past-last character: a first and a last token;
            `tags`: per output the spans, in the message that is read, whose tokens are tagged.
        weight: Factor on its loss.
        smoothing: For softmax: label smoothing where the target is an index.
        spread: For regression: standard deviation of each target in train; errors are counted in it.
    """

    name: str
    size: int
    branch: Branch
    reads: Literal["message", "peaks", "window", "token"]
    kind: Kind
    weight: float = 1.0
    smoothing: float = 0.0
    spread: tuple[float, ...] = ()


HEADS: Mapping[str, Head] = MappingProxyType(
    {
        head.name: head
        for head in (
            Head("emotion", 32, "message", "message", "softmax", smoothing=0.1),
            Head("expression", 28, "message", "message", "sigmoid"),
            Head("affect", 3, "message", "message", "regression", spread=(0.175, 0.131, 0.105)),
            Head("felt", 2, "message", "message", "regression", spread=(0.322, 0.305)),
            Head("risk", 8, "message", "peaks", "sigmoid"),
            Head("evidence", 1, "message", "token", "tags", weight=0.3),
            Head("strategy", 8, "dialogue", "window", "softmax", smoothing=0.05),
            Head("empathy", 9, "dialogue", "window", "levels"),
            Head("rationale", 3, "dialogue", "token", "tags", weight=0.3),
            Head("cause", 1, "dialogue", "token", "marks"),
            Head("span", 2, "dialogue", "token", "span", weight=0.5),
            Head("cause_type", 5, "dialogue", "window", "sigmoid", weight=0.3),
        )
    }
)
"""Every head of the shipped encoder, in the order of its outputs."""
