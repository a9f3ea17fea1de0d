"""What a score must beat to mean anything: the majority label, and words without order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from sem_plugins.training.examples import Example

__all__ = ["majority", "words_many", "words_one"]

Array = NDArray[np.floating[Any]]


def majority(train: Sequence[Example], size: int, rows: int) -> Array:
    """The share of each label in `train`, for every row alike; (rows, size)."""
    counts = np.bincount([label for example in train for label in example.labels], minlength=size)
    return np.tile(counts / len(train), (rows, 1))


def words_one(train: Sequence[Example], test: Sequence[str]) -> Array:
    """TF-IDF of words and word pairs, logistic regression; probabilities of one label each."""
    model = make_pipeline(_words(), LogisticRegression(C=5.0, max_iter=200))
    model.fit([example.text for example in train], [example.labels[0] for example in train])
    return np.asarray(model.predict_proba(list(test)))


def words_many(train: Sequence[Example], test: Sequence[str], size: int) -> Array:
    """The same with one classifier per label; probabilities of each label on its own."""
    truth = np.zeros((len(train), size), dtype=int)
    for row, example in enumerate(train):
        truth[row, list(example.labels)] = 1
    model = make_pipeline(
        _words(), OneVsRestClassifier(LogisticRegression(C=5.0, max_iter=200, solver="liblinear"))
    )
    model.fit([example.text for example in train], truth)
    return np.asarray(model.predict_proba(list(test)))


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
