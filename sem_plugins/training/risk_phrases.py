"""Learns the phrases that tell danger from daily life (`sem_plugins.risk.phrases`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from sem_plugins.risk.phrases import BUCKETS

__all__ = ["learn_phrases"]

_C = 10.0  # 3 finds a tenth less of what is veiled, 30 no more
_ITERATIONS = 500
_EIGHT_BITS = 127


def learn_phrases(
    places: Sequence[NDArray[np.int64]], danger: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Weights in eight bits, (2, BUCKETS), and what one unit of them is worth, (2,).

    Args:
        places: Of each message's phrases (`buckets_of`).
        danger: Whether a message speaks of ideation or more, (N, 2): for self, for others.
    """
    matrix = _matrix_of(places)
    learned = np.vstack(
        [LogisticRegression(C=_C, max_iter=_ITERATIONS).fit(matrix, column).coef_[0] for column in danger.T]
    )
    scale = np.abs(learned).max(axis=1) / _EIGHT_BITS
    return np.rint(learned / scale[:, None]).astype(np.int8), scale


def _matrix_of(places: Sequence[NDArray[np.int64]]) -> csr_matrix:
    """One row a message, of length 1: (N, BUCKETS)."""
    counts = np.array([len(one) for one in places])
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return csr_matrix((values, np.concatenate(places), np.r_[0, counts.cumsum()]), (len(places), BUCKETS))
