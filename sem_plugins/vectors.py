"""Sentence vectors: the mean of the encoder's token vectors, or those of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import SettingsError
from agent.extras import needs_extra
from agent.turn import Message
from sem_plugins.encoder import VECTORS, Encoded, Encoder
from sem_plugins.weights import MODEL, SHIPPED, load_manifest

__all__ = ["Embed", "Vector", "encoder_vectors", "mean_vector", "sentence_transformers_vectors", "vector_encoder"]

_WIDTH = 384  # of the encoder

Vector = NDArray[np.float32]

Embed = Callable[[str], Vector]
"""A text to its vector, (D,), of length 1; all zeros where the text has no token."""


def mean_vector(encoded: Encoded) -> NDArray[np.float64] | None:
    """The mean of the token vectors of a text, (D,); None where it has no token.

    Args:
        encoded: The text alone, with the inner tensor `VECTORS`.
    """
    tokens = encoded.window.tokens_of(0)
    if not len(tokens):
        return None
    mean: NDArray[np.float64] = encoded.outputs[VECTORS][tokens].mean(axis=0).astype(np.float64)
    return mean


def encoder_vectors(weights: Path | None = None, *, threads: int = 1) -> tuple[Embed, str]:
    """Mean token vectors of the shipped encoder, and the name of what makes them.

    Args:
        weights: Folder of other weights.
        threads: As `sem_plugins.encoder.Encoder` takes them.

    Raises:
        WeightsError: The weights are missing or altered.
    """
    encoder = vector_encoder(weights or SHIPPED, threads)

    def embed(text: str) -> Vector:
        vector = mean_vector(encoder.read((Message("seeker", text),)))
        return np.zeros(_WIDTH, np.float32) if vector is None else _unit(vector)

    return embed, f"encoder:{encoder.manifest.sha256[MODEL][:12]}"


def sentence_transformers_vectors(model: str) -> tuple[Embed, str]:
    """Vectors of a sentence-transformers model, and its name.

    Args:
        model: A folder, or a name that the library can load.

    Raises:
        SettingsError: The `embeddings` extra is not installed, or the model cannot be loaded.
    """
    with needs_extra("embeddings", f"Making vectors with {model!r}"):
        from sentence_transformers import SentenceTransformer
    try:
        loaded: Any = SentenceTransformer(model)
    except Exception as error:  # the library raises many kinds
        raise SettingsError(
            f"Cannot load the sentence-transformers model {model!r} ({type(error).__name__}). "
            "Name a folder that holds one."
        ) from error

    def embed(text: str) -> Vector:
        return _unit(np.asarray(loaded.encode([text], show_progress_bar=False)[0]))

    return embed, f"sentence-transformers:{Path(model).name}"


@lru_cache(maxsize=2)
def vector_encoder(folder: Path, threads: int) -> Encoder:
    """An encoder that gives token vectors, loaded once per process. The plugins' gives none: they take memory.

    Raises:
        WeightsError: The weights are missing or altered.
    """
    return Encoder(load_manifest(folder), threads=threads, inner=[VECTORS], remembered=4)


def _unit(vector: NDArray[Any]) -> Vector:
    length = float(np.linalg.norm(vector))
    found: Vector = (vector / length if length > 0 else vector).astype(np.float32)
    return found
