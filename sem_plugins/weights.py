"""The shipped weights: a folder with a manifest that says what each file must be.

Loading is strict. Labels, temperatures and thresholds are read from the manifest and from nowhere
else, and a file whose SHA-256 differs is not loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent.errors import WeightsError
from agent.readings import LabelSet

__all__ = ["SHIPPED", "Head", "Manifest", "load_manifest"]

SHIPPED = Path(__file__).parent / "shipped"
"""Folder of the weights that come with the package."""

CURE = "Reinstall `heartline`, or train the weights again with `heartline train emotion`."


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the encoder.

    Attributes:
        label_set: Its labels, in the order of the output.
        kind: `"softmax"` (one label holds) or `"sigmoid"` (each on its own).
        temperature: Above 1 makes probabilities flatter, below 1 sharper.
        smoothing: For softmax: the label smoothing of its training, which is undone.
        thresholds: For sigmoid: from which probability each label counts as present.
    """

    label_set: LabelSet
    kind: Literal["softmax", "sigmoid"]
    temperature: float
    smoothing: float = 0.0
    thresholds: tuple[float, ...] = ()


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
    head = Head(
        label_set=labels,
        kind=raw["kind"],
        temperature=float(raw["temperature"]),
        smoothing=float(raw.get("smoothing", 0.0)),
        thresholds=tuple(raw.get("thresholds", ())),
    )
    if head.kind not in {"softmax", "sigmoid"} or head.temperature <= 0:
        raise ValueError(f"head over {labels.id}: kind {head.kind!r}, temperature {head.temperature!r}")
    if not 0 <= head.smoothing < 1:
        raise ValueError(f"head over {labels.id}: smoothing {head.smoothing!r}")
    if head.kind == "sigmoid" and len(head.thresholds) != len(labels):
        raise ValueError(f"head over {labels.id}: {len(head.thresholds)} thresholds for {len(labels)} labels")
    return head
