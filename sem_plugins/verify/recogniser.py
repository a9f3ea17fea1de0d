"""Which of ESConv's strategies an utterance of a supporter follows: a small classifier over the encoder's vectors.

The encoder's own `strategy` head says what comes next, before anything was said. This one reads what was said. It
was learned on openings (the first two sentences) of supporters' turns: `heartline models recogniser`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import WeightsError
from sem_plugins.labels import ESCONV
from sem_plugins.probability import softmax
from sem_plugins.verify.cues import CUES, cues_of
from sem_plugins.weights import MODEL, SHIPPED, Manifest

__all__ = ["FILE", "FORMAT", "Recogniser", "features_of", "load_recogniser"]

Array = NDArray[np.float64]

FORMAT = 1
FILE = "recogniser.json"
"""Name of the file: beside this module for the shipped weights, in the folder of other weights."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Multinomial logistic regression.

    Attributes:
        weight: (8, features), for ESConv's strategies in the order of `ESCONV`.
        bias: (8,).
        least: Strategy to the probability below which an utterance is said not to follow it.
        card: How it was learned and what it is worth.
    """

    weight: Array
    bias: Array
    least: Mapping[str, float]
    card: Mapping[str, Any]

    def probabilities(self, features: Array) -> Mapping[str, float]:
        """Strategy to probability, of features (F,)."""
        row = softmax((self.weight @ features + self.bias)[None])[0]
        return MappingProxyType(dict(zip(ESCONV.labels, row.tolist(), strict=True)))

    def follows_none(self, features: Array, planned: Sequence[str]) -> bool:
        """Whether an utterance follows none of the planned strategies, as far as can be told.

        Of true utterances of a strategy at most one in twenty is denied it. A strategy of another taxonomy cannot
        be told, so that it counts as followed.
        """
        found = self.probabilities(features)
        return bool(planned) and all(name in found and found[name] < self.least[name] for name in planned)


def features_of(vector: Array, text: str) -> Array:
    """What the recogniser reads of an utterance, (F,): its vector, then its cues."""
    return np.concatenate([vector, cues_of(text)])


def load_recogniser(manifest: Manifest) -> Recogniser:
    """The recogniser that was learned for these weights.

    Raises:
        WeightsError: The file is missing, damaged, or was learned for other weights.
    """
    path = (Path(__file__).parent if manifest.folder == SHIPPED else manifest.folder) / FILE
    cure = f"Learn it with `heartline models recogniser --weights {manifest.folder}`, or leave out the verifier."
    if manifest.folder == SHIPPED:
        cure = "Install Heartline again, or learn it anew: heartline models recogniser."
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return _checked(raw, manifest)
    except OSError as error:
        raise WeightsError(f"{FILE} cannot be read in {str(path.parent)!r} ({error.strerror}). {cure}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise WeightsError(f"{FILE} in {str(path.parent)!r} is not sound ({error}). {cure}") from error


def _checked(raw: Any, manifest: Manifest) -> Recogniser:
    for name, wanted in (
        ("format", FORMAT),
        ("model", manifest.sha256[MODEL]),
        ("labels", list(ESCONV.labels)),
        ("cues", list(CUES)),
    ):
        if raw[name] != wanted:
            what = "other weights" if name == "model" else f"another {name}"
            raise ValueError(f"it is of {what}")
    bias = np.array(raw["bias"], np.float64)
    weight = np.array(raw["weight"], np.float64)
    sound = bias.shape == (len(ESCONV),) and weight.ndim == 2 and weight.shape[0] == len(ESCONV)  # noqa: PLR2004
    if not (sound and weight.shape[1] > len(CUES) and np.isfinite(bias).all() and np.isfinite(weight).all()):
        raise ValueError(f"its numbers have shapes {weight.shape} and {bias.shape}, or are not finite")
    least = {name: float(raw["least"][name]) for name in ESCONV.labels}
    if not all(0 <= value < 1 and math.isfinite(value) for value in least.values()):
        raise ValueError("its bounds are no probabilities")
    for array in (weight, bias):
        array.setflags(write=False)
    return Recogniser(weight, bias, MappingProxyType(least), raw["card"])
