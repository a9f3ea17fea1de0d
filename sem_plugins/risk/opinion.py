"""Whether a message shows thoughts of suicide or self-harm: a second opinion over everything the encoder says of
it.

The encoder's own `risk` head was trained with the others, on few statements. This one weighs the outputs of all
heads for the message alone: a logistic regression, learned on statements that twelve writers made up and on
everyday messages (`heartline models opinion`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import WeightsError
from agent.intake import parsed
from sem_plugins.encoder import Encoded
from sem_plugins.probability import sigmoid
from sem_plugins.weights import MODEL, SHIPPED, Manifest

__all__ = ["FILE", "FORMAT", "Opinion", "features_of", "load_opinion", "whole_heads"]

Array = NDArray[np.float64]

FORMAT = 1
_WHOLE = frozenset({"softmax", "sigmoid", "regression", "levels"})  # the other kinds give numbers per token

FILE = "opinion.json"
"""Name of the file: beside this module for the shipped weights, in the folder of other weights."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """Logistic regression.

    Attributes:
        heads: Whose outputs it reads, in order.
        weight: (features,).
        bias: A number.
        threshold: Probability from which the message is read as ideation.
        card: How it was learned and what it is worth.
    """

    heads: tuple[str, ...]
    weight: Array
    bias: float
    threshold: float
    card: Mapping[str, Any]

    def probability(self, encoded: Encoded) -> float:
        """That ideation is reached, of a message that was read alone."""
        return float(sigmoid(self.weight @ features_of(encoded, self.heads) + self.bias))


def whole_heads(manifest: Manifest) -> tuple[str, ...]:
    """Heads that give numbers for the whole message, in order of their names."""
    return tuple(sorted(name for name, head in manifest.heads.items() if head.kind in _WHOLE))


def features_of(encoded: Encoded, heads: tuple[str, ...]) -> Array:
    """What it reads: the outputs of the heads as they come, (features,)."""
    return np.concatenate([encoded.outputs[name].ravel() for name in heads]).astype(np.float64)


def load_opinion(manifest: Manifest) -> Opinion | None:
    """The opinion that was learned for these weights; None where there is none for other weights than the shipped.

    Raises:
        WeightsError: The file is damaged, or was learned for other weights.
    """
    path = (Path(__file__).parent if manifest.folder == SHIPPED else manifest.folder) / FILE
    if not path.is_file() and manifest.folder != SHIPPED:
        return None
    cure = f"Learn it anew: heartline models opinion --weights {manifest.folder}."
    if manifest.folder == SHIPPED:
        cure = "Install Heartline again, or learn it anew: heartline models opinion."
    try:
        return _checked(parsed(path.read_text(encoding="utf-8")), manifest)
    except OSError as error:
        raise WeightsError(f"{FILE} cannot be read in {str(path.parent)!r} ({error.strerror}). {cure}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{FILE} in {str(path.parent)!r} is not sound ({error}). {cure}") from error


def _checked(raw: Any, manifest: Manifest) -> Opinion:
    heads = whole_heads(manifest)
    for name, wanted in (("format", FORMAT), ("model", manifest.sha256[MODEL]), ("heads", list(heads))):
        if raw[name] != wanted:
            raise ValueError(f"it is of {'other weights' if name == 'model' else f'another {name}'}")
    weight = np.array(raw["weight"], np.float64)
    bias, threshold = float(raw["bias"]), float(raw["threshold"])
    if weight.ndim != 1 or not np.isfinite([*weight, bias]).all() or not 0 < threshold < 1:
        raise ValueError("its numbers are not finite, or its threshold is no probability")
    weight.setflags(write=False)
    return Opinion(heads, weight, bias, threshold, MappingProxyType(raw["card"]))
