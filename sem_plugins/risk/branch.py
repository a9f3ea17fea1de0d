"""A branch of the encoder for risk alone: four layers of its own above the two lowest that all readings share.

What the other heads were trained on holds hardly any danger, so layers that serve them all pay it little heed.
These four were trained on statements that writers made up, and on everyday messages (`heartline models risk`). The
branch reads a message by itself, and costs less than a pass of the whole encoder: six layers, not eight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError, WeightsError
from agent.intake import parsed
from sem_plugins.encoder import open_session
from sem_plugins.probability import sigmoid
from sem_plugins.weights import MODEL, SHIPPED, Manifest
from sem_plugins.window import Window

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["FORMAT", "LOWER", "NETWORK", "NUMBERS", "RiskBranch", "load_branch"]

FORMAT = 1
_SIZE = 8  # two ladders of four steps

LOWER = "/network/shared.1/output/LayerNorm/LayerNormalization_output_0"
"""Inner tensor of the encoder on which the branch stands: what the second layer gives, (1, T, width)."""

NETWORK, NUMBERS = "risk.int8.onnx", "risk.json"
"""Names of the files, in the folder of the weights."""


@dataclass(frozen=True, slots=True)
class RiskBranch:
    """Reads how likely a message reaches each step of both ladders.

    Attributes:
        lower: Session from ids and types to what the second layer gives.
        upper: Session from that to the logits of the steps.
        thresholds: From which probability each counts as reached, (2, 4): for self, for others.
        card: How it was trained and what it is worth.
    """

    lower: InferenceSession
    upper: InferenceSession
    thresholds: NDArray[np.float64]
    card: Mapping[str, Any]

    def probabilities(self, window: Window) -> NDArray[np.float64]:
        """Of each step, (2, 4): for self and for others from distress to acute, never rising with the step.

        Args:
            window: A message by itself.
        """
        [states] = self.lower.run([LOWER], {"ids": window.ids[None], "types": window.types[None]})
        [logits] = self.upper.run(["risk"], {"states": states})
        steps = np.asarray(sigmoid(logits.reshape(2, -1)), np.float64)
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
        thresholds = _checked(raw, manifest, found)
    except OSError as error:
        raise WeightsError(f"{error.filename!r} cannot be read ({error.strerror}). {cure}") from error
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{NUMBERS} in {str(path.parent)!r} is not sound ({error}). {cure}") from error
    return RiskBranch(
        open_session(manifest.verified(manifest.model), threads, instead=LOWER),
        open_session(network, threads),
        thresholds,
        MappingProxyType(raw["card"]),
    )


def _checked(raw: Any, manifest: Manifest, network: str) -> NDArray[np.float64]:
    for name, wanted, what in (
        ("format", FORMAT, "another format"),
        ("encoder", manifest.sha256[MODEL], "other weights"),
        ("sha256", network, f"another {NETWORK}"),
    ):
        if raw[name] != wanted:
            raise ValueError(f"it is of {what}")
    thresholds = np.array(raw["thresholds"], np.float64)
    if thresholds.shape != (_SIZE,) or not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError(f"its thresholds are not {_SIZE} probabilities")
    thresholds = thresholds.reshape(2, -1)
    thresholds.setflags(write=False)
    return thresholds
