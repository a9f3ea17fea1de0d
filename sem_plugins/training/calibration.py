"""Fitting temperature and thresholds, and measuring whether probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.probability import softmax

__all__ = [
    "best_thresholds",
    "expected_calibration_error",
    "f1_per_label",
    "fit_temperature",
    "folds",
    "reliability",
]

Array = NDArray[np.floating[Any]]

_FOLDS = 5


def fit_temperature(logits: Array, truth: NDArray[np.intp], smoothing: float = 0.0) -> float:
    """The temperature that makes the true labels likeliest (Guo et al. 2017), to within 0.5%.

    Args:
        logits: (N, labels).
        truth: (N,) indices of the true labels.
        smoothing: Label smoothing that the network was trained with.
    """
    candidates = np.exp(np.linspace(np.log(0.3), np.log(4.0), 520))
    rows = np.arange(len(truth))
    losses = [-np.log(softmax(logits, t, smoothing)[rows, truth] + 1e-12).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def reliability(probabilities: Array, truth: NDArray[np.intp], *, bins: int) -> list[tuple[float, float, int]]:
    """Per bin of the top probability: mean confidence, accuracy, count. Empty bins are left out."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[place == b].mean()), float(right[place == b].mean()), int((place == b).sum()))
        for b in range(bins)
        if (place == b).any()
    ]


def expected_calibration_error(probabilities: Array, truth: NDArray[np.intp], *, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy of the top label, over bins of equal width; in [0, 1]."""
    rows = reliability(probabilities, truth, bins=bins)
    return sum(abs(confidence - accuracy) * count for confidence, accuracy, count in rows) / len(truth)


def folds(groups: NDArray[Any]) -> list[NDArray[np.bool_]]:
    """Which rows are scored in each fold, (N,) per fold, by turns of the groups: a dialogue stays in one piece."""
    names = np.unique(groups)
    return [np.isin(groups, names[start::_FOLDS]) for start in range(_FOLDS)]


def f1_per_label(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Array:
    """F1 of each label, (labels,); 0 for a label that is neither predicted nor true."""
    hits = (predicted & truth).sum(axis=0)
    scores: Array = 2 * hits / np.maximum(1, predicted.sum(axis=0) + truth.sum(axis=0))
    return scores


def best_thresholds(probabilities: Array, truth: NDArray[np.bool_]) -> Array:
    """Per label the threshold in [0.05, 0.80] with the best F1, drawn to 0.3 for rare labels.

    A label with a dozen examples would get a threshold that fits those examples and no others:
    each label's best is averaged with 0.3, weighted by count against 30.
    """
    grid = np.linspace(0.05, 0.80, 76)
    scores = np.stack([f1_per_label(probabilities >= threshold, truth) for threshold in grid])
    best = grid[scores.argmax(axis=0)]
    trust = truth.sum(axis=0) / (truth.sum(axis=0) + 30.0)
    thresholds: Array = trust * best + (1 - trust) * 0.3
    return thresholds
