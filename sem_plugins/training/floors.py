"""What a score must beat to mean anything: the majority label, and words without order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

__all__ = ["majority", "words_many", "words_numbers", "words_one"]

Array = NDArray[np.floating[Any]]


def majority(labels: NDArray[np.intp], size: int, rows: int) -> Array:
    """The share of each label in `labels`, for every row alike; (rows, size)."""
    return np.tile(np.bincount(labels, minlength=size) / len(labels), (rows, 1))


def words_one(texts: Sequence[str], labels: NDArray[np.intp], asked: Sequence[str]) -> Array:
    """TF-IDF of words and word pairs, logistic regression; probabilities of one label each."""
    model = make_pipeline(_words(), LogisticRegression(C=5.0, max_iter=200))
    model.fit(list(texts), labels)
    return np.asarray(model.predict_proba(list(asked)))


def words_many(texts: Sequence[str], labels: NDArray[np.bool_], asked: Sequence[str]) -> Array:
    """The same with one classifier per label; probabilities of each label on its own."""
    model = make_pipeline(
        _words(), OneVsRestClassifier(LogisticRegression(C=5.0, max_iter=200, solver="liblinear"))
    )
    model.fit(list(texts), labels.astype(int))
    return np.asarray(model.predict_proba(list(asked)))


def words_numbers(texts: Sequence[str], values: Array, asked: Sequence[str]) -> Array:
    """The same features with ridge regression; (rows, numbers)."""
    model = make_pipeline(_words(), Ridge(alpha=1.0))
    model.fit(list(texts), values)
    return np.asarray(model.predict(list(asked)))


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
