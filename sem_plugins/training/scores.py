"""Figures of the small models on a valid part, each defined once and as the papers define it.

Calibration and the F1 of labels that may hold together are in `calibration.py`, intervals in `intervals.py`.
Labels are indices from 0. Rows that do not define a score (none at all, a constant under a correlation),
shapes that differ and labels out of range raise `DataError`: a 0 or NaN in a table would be read as a result.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError

__all__ = [
    "Entailment",
    "Ordinal",
    "accuracy",
    "confusion",
    "entailment",
    "f1_per_class",
    "in_top",
    "macro_f1",
    "mean_absolute_error",
    "ordinal",
    "pearson",
    "preference_bias",
    "preferences",
    "span_matches",
    "weighted_f1",
]

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

_SWEEPS = 20  # of Kang et al.; on their own predictions 5 and 1,000 give the same bias to four digits


@dataclass(frozen=True, slots=True)
class Entailment:
    """F1 of pairs that hold, of pairs that do not, and the mean of both; in [0, 1]."""

    positive: float
    negative: float
    macro: float


@dataclass(frozen=True, slots=True)
class Ordinal:
    """Mean distance in levels, and quadratic weighted kappa in [-1, 1] (0: as good as chance)."""

    mean_absolute_error: float
    kappa: float


def accuracy(predicted: Labels, truth: Labels) -> float:
    """Share of rows, (N,), that are right."""
    _check_rows(predicted, truth)
    return float((predicted == truth).mean())


def in_top(probabilities: Array, truth: Labels, k: int) -> NDArray[np.bool_]:
    """Whether the true label of each row, (N,), is among the `k` likeliest.

    `probabilities` are (N, labels), logits will do. Of equal ones the first label counts as likelier: a
    flat row must not be a hit whatever the truth. A row with NaN is a miss.
    """
    _check_rows(probabilities[:, 0], truth)
    size = probabilities.shape[1]
    _check_labels(truth, size)
    of_truth = probabilities[np.arange(len(truth)), truth][:, None]
    tied_and_later = (probabilities == of_truth) & (np.arange(size) >= truth[:, None])
    not_likelier = ((probabilities < of_truth) | tied_and_later).sum(axis=1)
    return np.asarray(size - not_likelier < k)


def confusion(predicted: Labels, truth: Labels, size: int) -> NDArray[np.intp]:
    """Counts, (size, size): rows are true labels, columns predicted ones, as scikit-learn gives it."""
    _check_rows(predicted, truth)
    _check_labels(predicted, size)
    _check_labels(truth, size)
    cells = np.ravel_multi_index((truth, predicted), (size, size))
    return np.asarray(np.bincount(cells, minlength=size * size).reshape(size, size))


def f1_per_class(predicted: Labels, truth: Labels, size: int) -> Array:
    """F1 of each of `size` exclusive classes, (size,); 0 for one that is neither predicted nor true."""
    return _f1(confusion(predicted, truth, size))


def macro_f1(predicted: Labels, truth: Labels, size: int, *, labels: int | None = None) -> float:
    """Mean F1 of the (first `labels`) classes that occur, predicted or true, as scikit-learn has it."""
    counts = confusion(predicted, truth, size)
    occurs = (counts.sum(axis=0) + counts.sum(axis=1) > 0)[:labels]
    return float(_f1(counts)[:labels][occurs].mean())


def weighted_f1(predicted: Labels, truth: Labels, size: int) -> float:
    """Mean F1 of the classes, weighted by how often each is true."""
    counts = confusion(predicted, truth, size)
    return float(np.average(_f1(counts), weights=counts.sum(axis=1)))


def preferences(confusion: ArrayLike, names: Sequence[str] = ()) -> Array:
    """How strongly a predictor is drawn to each strategy, whatever its accuracy.

    Each confusion "true i, predicted j" is one win of j over i in a Bradley-Terry contest; right predictions
    do not count. Newman's iteration, 20 sweeps from 1, estimates the strengths.

    Args:
        confusion: Counts, (S, S). Rows are true strategies; the transpose measures something else.
        names: For the error.

    Returns:
        Strengths, (S,), at least 0 and with mean 1: above 1 is overused. 0 for a strategy that is never
        predicted wrongly, and so for one that is never predicted.

    Raises:
        DataError: `confusion` is not square; or a strategy is never the true one, or always comes out
            right, so that it cannot lose and its strength has no bound. Do not read this as no bias.

    Source:
        Kang et al. 2024 (arXiv 2402.13211), their `metrics.py`, which divides by zero where this raises. Its
        geometric mean after each sweep is left out: a common factor changes no later sweep.
    """
    counts = np.array(confusion, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:  # noqa: PLR2004
        raise DataError(f"Confusion has shape {counts.shape}; it is square: true strategies by predicted ones.")
    occurs = counts.sum(axis=1) > 0
    np.fill_diagonal(counts, 0)
    loses = counts.sum(axis=1) > 0
    if not loses.all():
        i = int(loses.argmin())
        why = "is never taken for another" if occurs[i] else "never occurs as the true one"
        name = names[i] if names else i
        raise DataError(f"Strategy {name} {why}; its preference is undefined. Drop the strategy or merge it.")
    wins = counts.T
    strengths = np.ones(len(counts))
    for _ in range(_SWEEPS):
        for i in range(len(strengths)):
            if strengths[i] > 0:  # what has come to 0 has won against nothing but zeros, and stays there
                meetings = strengths[i] + strengths
                strengths[i] = (wins[i] * strengths / meetings).sum() / (wins[:, i] / meetings).sum()
    return np.asarray(strengths / strengths.mean())


def preference_bias(confusion: ArrayLike, names: Sequence[str] = ()) -> float:
    """How unevenly a predictor is drawn to strategies: the population standard deviation of `preferences`.

    0 for no preference, at most sqrt(S - 1). Labels drawn from the prior come near 0, so the figure says
    nothing without F1 beside it. Arguments and errors are those of `preferences`.

    Example:
        Six in ten of the second come out as the first; two in ten go the other way:

        >>> round(preference_bias([[8, 2], [6, 4]]), 2)
        0.5
        >>> preference_bias([[8, 2], [2, 8]])
        0.0
    """
    return float(preferences(confusion, names).std())


def pearson(predicted: Array, truth: Array) -> float:
    """Correlation of (N,) predictions with the true values, in [-1, 1]; `DataError` if either is constant."""
    _check_rows(predicted, truth)
    for name, values in (("Predictions", predicted), ("True values", truth)):
        if values.min() == values.max():
            raise DataError(f"{name} are all {values[0]}; a constant has no correlation.")
    return float(np.corrcoef(predicted, truth)[0, 1])


def mean_absolute_error(predicted: Array | Labels, truth: Array | Labels) -> float:
    """Mean distance of (N,) predictions from the true values, in their unit."""
    _check_rows(predicted, truth)
    return float(np.abs(predicted - truth.astype(np.float64)).mean())


def ordinal(predicted: Labels, truth: Labels) -> Ordinal:
    """How far off (N,) predicted levels are; levels are whole numbers, one apart.

    Kappa is 1 less the mean squared distance over the one that both would have, were they drawn apart;
    `DataError` if all of both is one level.
    """
    error = mean_absolute_error(predicted, truth)
    by_chance = predicted.var() + truth.var() + (predicted.mean() - truth.mean()) ** 2
    if by_chance == 0:
        raise DataError(f"All levels, predicted and true, are {truth[0]}; kappa is undefined.")
    return Ordinal(error, float(1 - ((predicted - truth.astype(np.float64)) ** 2).mean() / by_chance))


def entailment(scores: Array, truth: NDArray[np.bool_], threshold: float) -> Entailment:
    """F1 of causal emotion entailment as RECCON reports it (Poria et al. 2021).

    Args:
        scores: (pairs,), higher for a cause; one is predicted where `score >= threshold`.
        truth: (pairs,), whether the utterance is a cause.
        threshold: In the unit of the scores.
    """
    counts = confusion((scores >= threshold).astype(np.intp), truth.astype(np.intp), 2)
    negative, positive = _f1(counts).tolist()
    return Entailment(positive, negative, (positive + negative) / 2)


def span_matches(predicted: Sequence[str], truth: Sequence[str]) -> Array:
    """Exact match (0 or 1) and F1 of the words for each span, (N, 2); for intervals over many spans.

    As SQuAD's evaluation: without case, ASCII punctuation and articles. An empty text is "no span":
    right where the truth is empty too.
    """
    _check_rows(np.asarray(predicted), np.asarray(truth))
    pairs = [(_words(one), _words(other)) for one, other in zip(predicted, truth, strict=True)]
    return np.array([(one == other, _token_f1(one, other)) for one, other in pairs], dtype=np.float64)


def _f1(counts: NDArray[np.intp]) -> Array:
    either = counts.sum(axis=0) + counts.sum(axis=1)
    return np.asarray(2 * counts.diagonal() / np.maximum(1, either))


def _words(text: str) -> list[str]:
    plain = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def _token_f1(predicted: list[str], truth: list[str]) -> float:
    if not predicted or not truth:
        return float(predicted == truth)
    shared = (Counter(predicted) & Counter(truth)).total()
    return 2 * shared / (len(predicted) + len(truth))


def _check_rows(predicted: NDArray[Any], truth: NDArray[Any]) -> None:
    """Unequal shapes would be broadcast, and scored, without a word."""
    if predicted.shape != truth.shape or not truth.size:
        raise DataError(f"Predictions are {predicted.shape}, truth {truth.shape}; expected one shape, not empty.")


def _check_labels(labels: Labels, size: int) -> None:
    if labels.min() < 0 or labels.max() >= size:
        raise DataError(f"Labels run from {labels.min()} to {labels.max()}; they lie in [0, {size}).")
