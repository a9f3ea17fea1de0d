"""The shipped weights: a folder with a manifest that says what each file must be.

Loading is strict. Labels, temperatures and thresholds are read from the manifest and from nowhere
else, and a file whose SHA-256 differs is not loaded.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from agent.errors import WeightsError
from agent.readings import LabelSet
from sem_plugins.conformal import ConformalRule
from sem_plugins.probability import sigmoid, softmax

__all__ = ["CURE", "MODEL", "SHIPPED", "TOKENIZER", "Head", "Manifest", "load_manifest"]

SHIPPED = Path(__file__).parent / "shipped"
"""Folder of the weights that come with the package."""

MODEL, TOKENIZER = "encoder.int8.onnx", "tokenizer.json"
"""Names of the files."""

CURE = "Reinstall `heartline`, or train the weights again with `heartline train`."


Array = NDArray[np.floating[Any]]

Kind = Literal["softmax", "sigmoid", "regression", "levels", "marks", "span", "tags"]
KINDS = frozenset(get_args(Kind))

_FEWEST_TOKENS = 8  # the marks of a message, its two ends and some of its words


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the encoder.

    Attributes:
        label_set: What its numbers stand for, in the order of the output. With `levels`, each
            label has three numbers; with `span`, the labels are `first` and `last`.
        kind: `softmax` (one label holds), `sigmoid` (each on its own), `regression` (numbers as they
            are), `levels` (each label at level 0, 1 or 2), and over tokens: `marks` (one number per
            utterance, read at its speaker mark), `span` (first and last token), `tags` (each token on its own).
        temperature: Above 1 makes probabilities flatter, below 1 sharper.
        smoothing: For softmax: the label smoothing of its training, which is undone.
        offsets: For softmax: added to the logits, against a training set that prefers some labels; or empty.
        thresholds: For sigmoid, marks and tags: from which probability each label counts as present.
        by_distance: For marks: added to the outputs of the message, of the utterance before it, of the one
            before that and so on; the last number stands for all that are further away; or empty.
        conformal: For softmax: the rule of its prediction sets (`conformal.ConformalRule`), or None.
    """

    label_set: LabelSet
    kind: Kind
    temperature: float = 1.0
    smoothing: float = 0.0
    offsets: tuple[float, ...] = ()
    thresholds: tuple[float, ...] = ()
    by_distance: tuple[float, ...] = ()
    conformal: ConformalRule | None = None

    @property
    def size(self) -> int:
        """Numbers that the model gives for it."""
        return len(self.label_set) * (3 if self.kind == "levels" else 1)

    def distribution(self, outputs: Array) -> Array:
        """For softmax: calibrated probabilities of outputs (N, labels)."""
        return softmax(outputs + np.array(self.offsets or 0.0), self.temperature, self.smoothing)

    def each(self, outputs: Array) -> Array:
        """For sigmoid, marks and tags: the probability of each output on its own, in the same shape."""
        return sigmoid(outputs, self.temperature)

    def at_distances(self, outputs: Array, distances: NDArray[np.integer[Any]]) -> Array:
        """For marks: the probability of each utterance, (N,).

        Args:
            outputs: One per utterance, (N,).
            distances: How many utterances before the message each stands, 0 for the message itself, (N,).
        """
        offsets = np.array(self.by_distance or (0.0,))
        return sigmoid(outputs + offsets[np.minimum(distances, len(offsets) - 1)], self.temperature)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the weights are.

    Attributes:
        id: Name and version, e.g. `"heartline-text-1"`.
        folder: Where the files lie.
        model, tokenizer: File names.
        sha256: File name to hash.
        max_tokens: Longest input, in tokens; the oldest part of longer ones is cut.
        heads: Output name to head.
        card: Everything else that the manifest says: data, recipe, scores, licence.
    """

    id: str
    folder: Path
    model: str
    tokenizer: str
    sha256: Mapping[str, str]
    max_tokens: int
    heads: Mapping[str, Head]
    card: Mapping[str, Any]

    def verified(self, name: str) -> Path:
        """Path of a file whose content is what the manifest says.

        Raises:
            WeightsError: It is missing, altered or unreadable.
        """
        path = self.folder / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise WeightsError(f"Weights file {str(path)!r} cannot be read ({error.strerror}). {CURE}") from error
        expected = self.sha256[name]
        if found != expected:
            raise WeightsError(
                f"Weights file {str(path)!r} has SHA-256 {found[:12]}…, the manifest says {expected[:12]}…: "
                f"it is damaged or was altered. {CURE}"
            )
        return path


def load_manifest(folder: Path = SHIPPED) -> Manifest:
    """Read `manifest.json` of a weights folder.

    Raises:
        WeightsError: It is missing or does not say what it must.
    """
    path = folder / "manifest.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        heads = {name: _head(head) for name, head in raw["heads"].items()}
        if not isinstance(raw["max_tokens"], int) or raw["max_tokens"] < _FEWEST_TOKENS:
            raise ValueError(f"max_tokens {raw['max_tokens']!r}; at least {_FEWEST_TOKENS}")
        return Manifest(
            id=raw["id"],
            folder=folder,
            model=raw["model"],
            tokenizer=raw["tokenizer"],
            sha256={raw[part]: raw["sha256"][raw[part]] for part in ("model", "tokenizer")},
            max_tokens=raw["max_tokens"],
            heads=heads,
            card=raw["card"],
        )
    except OSError as error:
        raise WeightsError(f"Manifest {str(path)!r} cannot be read ({error.strerror}). {CURE}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"Manifest {str(path)!r} is not sound ({error!r}). {CURE}") from error


def _head(raw: dict[str, Any]) -> Head:
    labels = LabelSet(raw["label_set"], tuple(raw["labels"]))
    rule = raw.get("conformal")
    head = Head(
        label_set=labels,
        kind=raw["kind"],
        temperature=float(raw.get("temperature", 1.0)),
        smoothing=float(raw.get("smoothing", 0.0)),
        offsets=tuple(map(float, raw.get("offsets", ()))),
        thresholds=tuple(map(float, raw.get("thresholds", ()))),
        by_distance=tuple(map(float, raw.get("by_distance", ()))),
        conformal=ConformalRule.from_dict(rule) if rule else None,
    )
    if head.kind not in KINDS or not 0 < head.temperature < math.inf:  # `not` also catches NaN
        raise ValueError(f"head over {labels.id}: kind {head.kind!r}, temperature {head.temperature!r}")
    if head.offsets and len(head.offsets) != len(labels):
        raise ValueError(f"head over {labels.id}: {len(head.offsets)} offsets for {len(labels)} labels")
    for name in ("offsets", "by_distance"):
        if not all(map(math.isfinite, getattr(head, name))):
            raise ValueError(f"head over {labels.id}: {name} {getattr(head, name)!r}")
    if not all(0 <= threshold <= 1 for threshold in head.thresholds):
        raise ValueError(f"head over {labels.id}: thresholds {head.thresholds!r}")
    if not 0 <= head.smoothing < 1:
        raise ValueError(f"head over {labels.id}: smoothing {head.smoothing!r}")
    if head.kind in {"sigmoid", "marks", "tags"} and len(head.thresholds) != len(labels):
        raise ValueError(f"head over {labels.id}: {len(head.thresholds)} thresholds for {len(labels)} labels")
    return head
