"""Measures of predictions against the truth, one function per kind of task.

Rows are examples; `groups` says which dialogue each belongs to (`training.intervals`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.training import calibration, scores
from sem_plugins.training.intervals import Measure

__all__ = [
    "Measures",
    "calibration_error",
    "correlations",
    "f1_of_each",
    "levels_of_users",
    "mechanisms",
    "one_of",
    "pairs",
    "several",
    "spans",
    "strategies",
]

Array = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]
Groups = NDArray[Any]
Measures = dict[str, Measure]

_TOP = 3
_LEVELS = 3  # of a mechanism of empathy
_FEWER, _FEWEST = 300, 200  # draws for what takes long


def one_of(probabilities: Array, truth: Rows, groups: Groups, *, names: Sequence[str] = ()) -> Measures:
    """Accuracy, `top3`, `top5` and macro-F1 where one label holds.

    Args:
        probabilities: (N, labels), or with columns behind for what is no label and always wrong.
        truth: (N,), index of the true label.
        groups: (N,).
        names: Of the labels, where columns stand behind them.
    """
    predicted, size = probabilities.argmax(axis=1), probabilities.shape[1]
    labels = len(names) or None
    return {
        "accuracy": Measure(np.mean, groups, (predicted == truth,)),
        **{f"top{k}": Measure(np.mean, groups, (scores.in_top(probabilities, truth, k),)) for k in (3, 5)},
        "macro_f1": Measure(lambda p, t: scores.macro_f1(p, t, size, labels=labels), groups, (predicted, truth)),
    }


def strategies(probabilities: Array, truth: Rows, groups: Groups, *, names: Sequence[str] = ()) -> Measures:
    """Of one strategy a turn: accuracy, macro- and weighted F1, preference bias, `top3`.

    Arguments as `one_of`; `names` of the labels, where columns stand behind them or errors shall name them.
    """
    predicted, size = probabilities.argmax(axis=1), probabilities.shape[1]
    labels = len(names) or None

    def bias(p: Rows, t: Rows) -> float:
        return scores.preference_bias(scores.confusion(p, t, size)[:labels, :labels], names)

    return {
        "accuracy": Measure(np.mean, groups, (predicted == truth,)),
        "macro_f1": Measure(lambda p, t: scores.macro_f1(p, t, size, labels=labels), groups, (predicted, truth)),
        "weighted_f1": Measure(lambda p, t: scores.weighted_f1(p, t, size), groups, (predicted, truth)),
        "preference_bias": Measure(bias, groups, (predicted, truth), _FEWER),
        "top3": Measure(np.mean, groups, (scores.in_top(probabilities, truth, _TOP),)),
    }


def several(predicted: NDArray[np.bool_], truth: NDArray[np.bool_], groups: Groups) -> Measures:
    """Mean F1 over labels of which several may hold, both (N, labels)."""

    def mean_f1(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return float(calibration.f1_per_label(p, t).mean())

    return {"macro_f1": Measure(mean_f1, groups, (predicted, truth), _FEWER)}


def calibration_error(probabilities: Array, truth: Rows, groups: Groups) -> Measures:
    """`ece` of the likeliest label."""
    return {"ece": Measure(calibration.expected_calibration_error, groups, (probabilities, truth), _FEWEST)}


def f1_of_each(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_], groups: Groups, names: Sequence[str], *, draws: int = 0
) -> Measures:
    """F1 of each label, both (N, labels); without an interval where there are no draws."""

    def one(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return float(calibration.f1_per_label(p[:, None], t[:, None])[0])

    return {
        f"f1_{name}": Measure(one, groups, (predicted[:, place], truth[:, place]), draws)
        for place, name in enumerate(names)
    }


def correlations(predicted: Array, truth: Array, groups: Groups, names: Sequence[str]) -> Measures:
    """Pearson's r and mean absolute error of each column of (N, numbers)."""
    figures = {}
    for place, name in enumerate(names):
        columns = predicted[:, place], truth[:, place]
        figures[f"{name}_r"] = Measure(scores.pearson, groups, columns)
        figures[f"{name}_mae"] = Measure(scores.mean_absolute_error, groups, columns)
    return figures


def pairs(predicted: NDArray[np.bool_], truth: NDArray[np.bool_], groups: Groups) -> Measures:
    """`positive_f1` and `macro_f1` of pairs of which each holds or not, (N,)."""

    def positive(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return scores.entailment(p.astype(float), t, 0.5).positive

    def macro(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return scores.entailment(p.astype(float), t, 0.5).macro

    return {
        "positive_f1": Measure(positive, groups, (predicted, truth)),
        "macro_f1": Measure(macro, groups, (predicted, truth)),
    }


def spans(predicted: Sequence[str], truth: Sequence[str], groups: Sequence[str]) -> Measures:
    """Exact match and F1 of words between two texts, as SQuAD counts them."""
    matches = scores.span_matches(predicted, truth)
    return {
        "exact_match": Measure(np.mean, np.array(groups), (matches[:, 0],)),
        "token_f1": Measure(np.mean, np.array(groups), (matches[:, 1],)),
    }


def mechanisms(predicted: Rows, truth: Rows, groups: Groups, names: Sequence[str]) -> Measures:
    """Macro-F1 over three levels, and accuracy, of each column of (N, mechanisms)."""
    figures = {}
    for place, name in enumerate(names):
        columns = predicted[:, place], truth[:, place]
        figures[f"{name}_macro_f1"] = Measure(lambda p, t: scores.macro_f1(p, t, _LEVELS), groups, columns)
        figures[f"{name}_accuracy"] = Measure(lambda p, t: float((p == t).mean()), groups, columns)
    return figures


def levels_of_users(predicted: Rows, truth: Rows, *, danger: int) -> Measures:
    """Of users at levels from 0, both (N,): quadratic kappa, mean distance, recall from level `danger` on, and the
    share of those at 0 that are taken to be there.
    """
    users = np.arange(len(truth))
    alarmed, endangered, supportive = predicted >= danger, truth >= danger, truth == 0
    return {
        "level_kappa": Measure(lambda p, t: scores.ordinal(p, t).kappa, users, (predicted, truth)),
        "level_mae": Measure(scores.mean_absolute_error, users, (predicted, truth)),
        "ideation_recall": Measure(np.mean, users[endangered], (alarmed[endangered],)),
        "supportive_alarms": Measure(np.mean, users[supportive], (alarmed[supportive],)),
    }
