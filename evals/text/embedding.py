"""How alike two texts are by the vectors of their tokens.

Which vectors decides the figures: they compare runs that used the same ones. With vectors of Heartline's
encoder they are not comparable with published BERTScores, which are those of RoBERTa-large.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError

__all__ = ["BertScore", "Vectors", "bert_score", "extrema", "mean_cosine"]

Vectors = NDArray[np.floating[Any]]
"""Of the tokens of a text, (T, width), at least one; without marks of its ends, which match in any two texts."""


class BertScore(NamedTuple):
    """Greedy matching of tokens, each in [-1, 1]."""

    precision: float
    recall: float
    f1: float


def bert_score(reply: Vectors, reference: Vectors) -> BertScore:
    """BERTScore without weights by rarity and without rescaling.

    Precision is the mean over the reply's tokens of the cosine with the reference's likest token, recall the
    other way round; F1 is 0 where their sum is not above 0.

    Raises:
        DataError: A text has no token, widths differ, or a number is not finite.

    Source:
        Zhang et al. 2020 (arXiv 1904.09675).
    """
    own, other = _checked(reply, reference)
    cosines = _unit(own) @ _unit(other).T
    precision, recall = float(cosines.max(axis=1).mean()), float(cosines.max(axis=0).mean())
    total = precision + recall
    return BertScore(precision, recall, 2 * precision * recall / total if total > 0 else 0.0)


def extrema(reply: Vectors, reference: Vectors) -> float:
    """Cosine, in [-1, 1], of the vectors of extremes: of all tokens, each dimension's value farthest from 0.

    Raises:
        DataError: As `bert_score`.

    Source:
        Forgues et al. 2014, with vectors of words. Of two values as far from 0, the positive one counts.
    """
    own, other = map(_extremes, _checked(reply, reference))
    return _cosine(own, other)


def mean_cosine(one: Vectors, other: Vectors) -> float:
    """Cosine, in [-1, 1], of the mean vectors; 0 where a mean is 0.

    Raises:
        DataError: As `bert_score`.
    """
    first, second = (vectors.mean(axis=0) for vectors in _checked(one, other))
    return _cosine(first, second)


def _extremes(vectors: Vectors) -> Vectors:
    high, low = vectors.max(axis=0), vectors.min(axis=0)
    return np.asarray(np.where(high >= -low, high, low))


def _cosine(one: Vectors, other: Vectors) -> float:
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.clip(one @ other / lengths, -1, 1)) if lengths > 0 else 0.0


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _checked(*texts: Vectors) -> list[Vectors]:
    """As float64: products of half precision would overflow."""
    arrays: list[Vectors] = [np.asarray(vectors, np.float64) for vectors in texts]
    shapes = [array.shape for array in arrays]
    if any(len(shape) != 2 or not shape[0] for shape in shapes) or shapes[0][1] != shapes[1][1]:  # noqa: PLR2004
        raise DataError(f"Vectors of tokens have shapes {shapes}; expected (tokens, width), one token at least.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise DataError("Vectors of tokens hold NaN or infinity.")
    return arrays
