"""The metrics by name, and all of them over a finished run.

A `RowMetric` has rows, one for each reply, and a figure over any selection of them: an interval draws rows
again, whole dialogues at a time. A `CorpusMetric` has a figure alone.

Example:
    >>> found = measures(
    ...     ["That sounds hard.", None, ""],
    ...     ["That sounds so hard.", "What happened?", "I see."],
    ...     dialogues=["a", "a", "b"],
    ...     metrics={"distinct_1": METRICS["distinct_1"]},
    ... )["distinct_1"]
    >>> found.value(), len(found.groups)
    (1.0, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from agent.errors import DataError
from evals.text import bleu, cider, distinct, meteor, rouge
from evals.text.replies import References, Replies, Scores, check_pairs
from sem_plugins.training.intervals import Measure, mean_scored

__all__ = ["METRICS", "WITHOUT_REFERENCES", "CorpusMetric", "Metric", "RowMetric", "measures"]

_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMetric:
    """A metric with rows that can be drawn again.

    Attributes:
        rows: From replies and references, (N,) scores or (N, k) counts; NaN where the reply is None.
        figure: Over rows; those of NaN are left out. The mean, where rows are scores.
        best: The figure's upper bound.
        signature: Settings and versions, for the table.
    """

    rows: Callable[[Replies, References], Scores]
    signature: Callable[[], str]
    best: float = 1.0
    figure: Callable[[Scores], float] = mean_scored


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMetric:
    """A metric of the run as a whole.

    Attributes:
        figure: From replies and references; replies that are None are left out.
        best: Its upper bound.
        signature: Settings and versions, for the table.
    """

    figure: Callable[[Replies, References], float]
    signature: Callable[[], str]
    best: float = 1.0


Metric = RowMetric | CorpusMetric


def measures(
    replies: Replies,
    references: References,
    *,
    dialogues: Sequence[str] | Sequence[int],
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Measure]:
    """Each metric over the run, by name, as what its figure and its interval are computed from.

    What is a percentage becomes a share. A `CorpusMetric` has no interval.

    Args:
        replies: N texts; None for a turn that got no reply, which is unscored. An empty text scores 0.
        references: N texts.
        dialogues: The dialogue of each turn, (N,).
        metrics: Which ones; all of `METRICS` if not given.

    Raises:
        DataError: Lengths differ, a reference is blank, or there is nothing to score.
    """
    check_pairs(replies, references)
    scored = np.array([reply is not None for reply in replies])
    if len(dialogues) != len(replies):
        raise DataError(f"{len(dialogues)} dialogues for {len(replies)} replies; name the dialogue of each reply.")
    of_scored = np.asarray(dialogues)[scored]
    texts = tuple(np.array(side, object)[scored] for side in (replies, references))
    rows_by: dict[Callable[[Replies, References], Scores], Scores] = {}  # the four of BLEU share theirs
    out = {}
    for name, metric in (METRICS if metrics is None else metrics).items():
        if isinstance(metric, CorpusMetric):
            out[name] = Measure(metric.figure, of_scored, texts, 0, metric.signature())
            continue
        if metric.rows not in rows_by:
            rows_by[metric.rows] = metric.rows(replies, references)[scored]
        out[name] = Measure(_share(metric), of_scored, (rows_by[metric.rows],), version=metric.signature())
    return out


def _share(metric: RowMetric) -> Callable[[Scores], float]:
    if metric.best != _PERCENT:
        return metric.figure
    return lambda rows: metric.figure(rows) / _PERCENT


def _bleu(order: int) -> RowMetric:
    return RowMetric(
        rows=bleu.ngram_counts,
        figure=partial(bleu.corpus_bleu, order=order),
        best=100.0,
        signature=partial(bleu.signature, order, effective_order=False),
    )


def _distinct(n: int) -> CorpusMetric:
    return CorpusMetric(
        figure=lambda replies, _references: distinct.distinct(replies, n=n),
        signature=partial(distinct.signature, n, over="run"),
    )


METRICS: Mapping[str, Metric] = {
    "bleu_1": _bleu(1),
    "bleu_2": _bleu(2),
    "bleu_3": _bleu(3),
    "bleu_4": _bleu(4),
    "sentence_bleu_2": RowMetric(
        rows=bleu.sentence_bleu, best=100.0, signature=partial(bleu.signature, 2, effective_order=True)
    ),
    "rouge_l": RowMetric(rows=rouge.rouge_l, signature=rouge.signature),
    "meteor_exact_stem": RowMetric(rows=meteor.meteor_exact_stem, signature=meteor.signature),
    "cider": RowMetric(rows=cider.cider, best=10.0, signature=cider.signature),
    "distinct_1": _distinct(1),
    "distinct_2": _distinct(2),
    "distinct_3": _distinct(3),
    "distinct_1_per_reply": RowMetric(
        rows=lambda replies, _references: distinct.distinct_1_per_reply(replies),
        signature=partial(distinct.signature, 1, over="reply"),
    ),
}

WITHOUT_REFERENCES: Mapping[str, Metric] = {
    name: METRICS[name] for name in ("distinct_1", "distinct_2", "distinct_3", "distinct_1_per_reply")
}
"""Those that look at replies alone."""
