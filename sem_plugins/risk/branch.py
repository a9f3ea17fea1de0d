"""A branch of the encoder for risk alone: four layers of its own above the two lowest that all readings share.

What the other heads were trained on holds hardly any danger, so layers that serve them all pay it little heed.
These four were trained on statements that writers made up, and on everyday messages (`heartline models risk`). The
branch reads a message by itself, and costs less than a pass of the whole encoder: six layers, not eight. What the
phrases of the message say of ideation is added to what its network says (`sem_plugins.risk.phrases`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError, WeightsError
from agent.intake import parsed
from sem_plugins.encoder import one_pass, open_session
from sem_plugins.probability import sigmoid
from sem_plugins.risk.phrases import BUCKETS, Phrases
from sem_plugins.weights import MODEL, SHIPPED, Manifest
from sem_plugins.window import Window

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["FORMAT", "HALF", "LOWER", "NETWORK", "NUMBERS", "WEIGHTS", "RiskBranch", "load_branch"]

FORMAT = 2
_IDEATION = 1  # its place among the four steps of a ladder

HALF = 0.5
"""From which probability a step counts as reached. That of ideation is set by `Phrases.bias`."""

LOWER = "/network/shared.1/output/LayerNorm/LayerNormalization_output_0"
"""Inner tensor of the encoder on which the branch stands: what the second layer gives, (1, T, width)."""

NETWORK, WEIGHTS, NUMBERS = "risk.int8.onnx", "risk.phrases.npy", "risk.json"
"""Names of the files, in the folder of the weights."""


@dataclass(frozen=True, slots=True)
class RiskBranch:
    """Reads how likely a message reaches each step of both ladders.

    Attributes:
        lower: Session from ids and types to what the second layer gives.
        upper: Session from that to the logits of the steps.
        phrases: Add to the logits of ideation.
        card: How it was trained and what it is worth.
    """

    lower: InferenceSession
    upper: InferenceSession
    phrases: Phrases
    card: Mapping[str, Any]

    def probabilities(self, window: Window) -> NDArray[np.float64]:
        """Of each step, (2, 4): for self and for others from distress to acute, never rising with the step.

        Args:
            window: A message by itself.
        """
        [states] = one_pass(self.lower, [LOWER], {"ids": window.ids[None], "types": window.types[None]})
        [logits] = one_pass(self.upper, ["risk"], {"states": states})
        ladders = logits.reshape(2, -1).astype(np.float64)
        ladders[:, _IDEATION] += self.phrases.logits(window)
        steps = np.asarray(sigmoid(ladders), np.float64)
        steps[:, 0] = np.maximum(steps[:, 0], steps[:, _IDEATION])  # of distress the phrases say nothing
        return np.minimum.accumulate(steps, axis=1)  # a step is reached at most as surely as the one below it


def load_branch(manifest: Manifest, *, threads: int = 0, folder: Path | None = None) -> RiskBranch | None:
    """The branch that was trained on these weights; None where there is none for other weights than the shipped.

    Args:
        manifest: The encoder's weights.
        threads: As the encoder has them.
        folder: Where it lies; None: with the weights.

    Raises:
        WeightsError: A file is missing or damaged, or was made for other weights.
    """
    path = (folder or manifest.folder) / NUMBERS
    if not path.is_file() and manifest.folder != SHIPPED:
        return None
    cure = f"Train it anew: heartline models risk --weights {manifest.folder}."
    if manifest.folder == SHIPPED:
        cure = "Install Heartline again, or train it anew: heartline models risk."
    try:
        raw = parsed(path.read_text(encoding="utf-8"))
        network = path.with_name(NETWORK)
        found = hashlib.sha256(network.read_bytes()).hexdigest()
        phrases = _checked(raw, manifest, found, path.with_name(WEIGHTS).read_bytes())
    except OSError as error:
        raise WeightsError(f"{error.filename!r} cannot be read ({error.strerror}). {cure}") from error
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{NUMBERS} in {str(path.parent)!r} is not sound ({error}). {cure}") from error
    return RiskBranch(
        open_session(manifest.verified(manifest.model), threads, instead=LOWER),
        open_session(network, threads),
        phrases,
        MappingProxyType(raw["card"]),
    )


def _checked(raw: Any, manifest: Manifest, network: str, weights: bytes) -> Phrases:
    for name, wanted, what in (
        ("format", FORMAT, "another format"),
        ("encoder", manifest.sha256[MODEL], "other weights"),
        ("sha256", network, f"another {NETWORK}"),
        ("phrases", hashlib.sha256(weights).hexdigest(), f"another {WEIGHTS}"),
    ):
        if raw[name] != wanted:
            raise ValueError(f"it is of {what}")
    found = np.load(io.BytesIO(weights), allow_pickle=False)
    scale, bias = (np.array(raw[name], np.float64) for name in ("scale", "bias"))
    if found.shape != (2, BUCKETS) or found.dtype != np.int8:
        raise ValueError(f"{WEIGHTS} does not hold two times {BUCKETS} weights of eight bits")
    if scale.shape != (2,) or bias.shape != (2,) or not np.isfinite([scale, bias]).all():
        raise ValueError("its scale and bias are not two numbers each")
    for array in (found, scale, bias):
        array.setflags(write=False)
    return Phrases(found, scale, bias)
