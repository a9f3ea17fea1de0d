"""What tasks share in which one of several labels holds: truth `"sad"`, answers `{"label", "probabilities"}`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.readings import LabelSet
from evals.task import Answer, Answers, Measures, Sample
from sem_plugins.training import figures
from sem_plugins.training.intervals import Measure

__all__ = ["always", "as_answer", "labels_of", "measured"]

_DIGITS = 4  # of probabilities in result files


def as_answer(labels: LabelSet, row: NDArray[np.floating[Any]]) -> Answer:
    """A distribution, (labels,), as an answer."""
    probabilities = dict(zip(labels.labels, np.round(row, _DIGITS).tolist(), strict=True))
    return {"label": labels.labels[int(np.argmax(row))], "probabilities": probabilities}


def _as_rows(
    labels: LabelSet, samples: Sequence[Sample], answers: Sequence[Mapping[str, Any]]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.str_]]:
    """Probabilities (N, labels), true labels (N,) and groups (N,).

    The label of an answer is its likeliest one, whatever rounding left of its probability; an answer
    without probabilities counts as sure. For invalid answers (label None) there is a column behind the labels, so
    that they are wrong and no label's.

    Raises:
        DataError: An answer's label is none of the set.
    """
    invalid = any(answer["label"] is None for answer in answers)
    rows = np.zeros((len(answers), len(labels) + invalid))
    for row, (sample, answer) in enumerate(zip(samples, answers, strict=True)):
        if answer["label"] is None:
            rows[row, -1] = 1
            continue
        if answer["label"] not in labels.labels:
            choices = ", ".join(labels.labels)
            raise DataError(f"Sample {sample.id!r}: {answer['label']!r} is no label. Labels: {choices}.")
        for label, probability in answer.get("probabilities", {}).items():
            rows[row, labels.index(label)] = probability
        chosen = labels.index(answer["label"])
        rows[row, chosen] = max(rows[row].max() + 1e-9, rows[row, chosen])
    truth = np.array([labels.index(sample.truth) for sample in samples], np.intp)
    return rows, truth, np.array([sample.group for sample in samples])


def measured(
    labels: LabelSet,
    samples: Sequence[Sample],
    answers: Sequence[Mapping[str, Any]],
    *,
    count: Callable[[NDArray[np.float64], NDArray[np.intp], NDArray[np.str_]], Measures],
) -> Measures:
    """What `count` makes of the answers, and `ece`; where they have no probabilities, neither that nor any `top`.
    Of an LLM's answers also how many were `invalid`.
    """
    rows, truth, groups = _as_rows(labels, samples, answers)
    found = count(rows, truth, groups)
    if answers and all("prompt" in answer for answer in answers):
        wrong_form = np.array([answer["label"] is None for answer in answers])
        found["invalid"] = Measure(np.mean, groups, (wrong_form,))
    if all("probabilities" in answer for answer in answers):
        return found | figures.calibration_error(rows.clip(0, 1), truth, groups)
    return {name: measure for name, measure in found.items() if not name.startswith("top")}


def always(label: str, samples: Sequence[Sample]) -> Answers:
    """The same label for every sample."""
    return [{"label": label}] * len(samples)


def labels_of(samples: Sequence[Sample]) -> Counter[str]:
    """How often each true label occurs."""
    return Counter(sample.truth for sample in samples)
