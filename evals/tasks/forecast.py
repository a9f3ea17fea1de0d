"""What tasks share that forecast the emotion of an utterance before it is said.

Truth: `{"emotion": "joy", "before": ["anger", "joy"], "speakers": [0, 1, 0], "table": 0.31}`: the label, those
of the utterances before it, who speaks (the last number: who speaks next), and the probability that the
first-order table gives to the label; that one is absent where there is no train to count it on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError, SettingsError
from agent.readings import LabelSet
from evals.task import Answers, Kit, Measures, Sample, scored
from evals.tasks.one_label import as_answer, measured
from sem_plugins.tracker.dynamics import PARTS, Dynamics, dynamics, softmax
from sem_plugins.training import figures
from sem_plugins.training.chains import chains
from sem_plugins.training.intervals import Measure

__all__ = ["ABLATIONS", "LEAST", "Forecast", "Table", "forecast", "last_label"]

Array = NDArray[np.float64]

ABLATIONS = tuple(f"told-without-{part}" for part in sorted(PARTS))
"""Systems that are told the labels, less one part of the dynamics each."""

LEAST = 1e-4
"""No probability counts as less: files hold four digits, and one sure mistake shall not cost more than -9.2."""

_PRIOR = 7  # utterances' worth of the shares, for rows of the table that were hardly seen


@dataclass(frozen=True, slots=True)
class Table:
    """What was counted on train.

    Attributes:
        shares: Of the labels, (K,).
        after: Distribution of the label given the last one, (K, K); rows are the last ones.
        same: How often the label was the last one, in [0, 1].
    """

    shares: Array
    after: Array
    same: float

    @classmethod
    def of(cls, labels: LabelSet, samples: Sequence[Sample]) -> Table:
        """Counted on samples.

        Raises:
            DataError: There are none.
        """
        if not samples:
            raise DataError("Train holds no utterance that another one comes before; nothing can be counted.")
        pairs = [(labels.index(last_label(sample)), labels.index(sample.truth["emotion"])) for sample in samples]
        counts = np.zeros((len(labels), len(labels)))
        np.add.at(counts, tuple(np.array(pairs).T), 1)
        shares = counts.sum(axis=0) / counts.sum()
        after = (counts + _PRIOR * shares) / (counts.sum(axis=1, keepdims=True) + _PRIOR)
        return cls(shares, after, float(counts.trace() / counts.sum()))


class Forecast(ABC):
    """A task that forecasts one of a set of labels.

    Attributes:
        labels: The set.
        learned_on: Name of the dynamics that forecast (`tracker.dynamics`); empty for those of the set.
    """

    name = ""
    data = ""
    systems: tuple[str, ...] = ("told", *ABLATIONS)
    version = 1
    labels: LabelSet
    learned_on = ""

    def __init__(self) -> None:
        self._tables: dict[Path, Table] = {}

    @abstractmethod
    def untabled(self, folder: Path, split: str) -> list[Sample]:
        """The samples, their truth without `table`."""

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: as the module says."""
        found = self.untabled(folder, split)
        try:
            table = self._table(folder)
        except DataError:  # the floors say what is wrong with train
            return found
        return [replace(one, truth={**one.truth, "table": self._by(table, one)}) for one in found]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """`told`: the shipped dynamics, given the true labels of what was said before; the others: less a part.

        Raises:
            SettingsError: There is no such system.
        """
        if system not in {"told", *ABLATIONS}:
            raise SettingsError(f"No system {system!r}. Systems: {', '.join(self.systems)}.")
        without = frozenset({system.removeprefix("told-without-")} - {"told"})
        sure = np.eye(len(self.labels))
        rows = [sure[[self.labels.index(label) for label in sample.truth["before"]]] for sample in samples]
        return self.forecasts(samples, rows, without=without)

    def forecasts(
        self,
        samples: Sequence[Sample],
        rows: Sequence[Array],
        *,
        inputs: Literal["told", "read"] = "told",
        without: frozenset[str] = frozenset(),
    ) -> Answers:
        """What the dynamics say.

        Args:
            samples: At least their `speakers` are looked at.
            rows: Per sample the distributions of the utterances before, (utterances, K).
            inputs: Whether those are true labels or readings.
            without: Parts of the dynamics that are left out.
        """
        model = dynamics(self.learned_on or self.labels.id, inputs=inputs)
        return [
            as_answer(self.labels, forecast(model, row, sample.truth["speakers"], without=without))
            for sample, row in zip(samples, rows, strict=True)
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Accuracy, macro-F1, `ece`, and how good the probabilities are.

        `log_likelihood`: mean natural logarithm of the probability of the true label, which counts as `LEAST`
        at least; a guess without probabilities counts as sure. `brier`: the squared errors of all labels'
        probabilities, summed, in [0, 2], lower is better. `balanced_macro_f1`: macro-F1 where the label is the one
        whose probability stands out most, against the root of its mean over all samples, since the likeliest label
        is `neutral` more often than not. `gain_over_table`: log-likelihood less that of the
        transition table, utterance by utterance, so that an interval above zero says that the strongest floor
        is beaten.
        """
        kept, given = scored(samples, answers)
        table = np.array([sample.truth.get("table", np.nan) for sample in kept])

        def count(rows: Array, truth: NDArray[np.intp], groups: NDArray[np.str_]) -> Measures:
            usual = figures.one_of(rows, truth, groups, names=self.labels.labels)
            shares = rows / rows.sum(axis=1, keepdims=True)
            logs = np.log(np.maximum(shares[np.arange(len(truth)), truth], LEAST))
            errors = ((shares - np.eye(shares.shape[1])[truth]) ** 2).sum(axis=1)
            outstanding = (shares / np.sqrt(np.maximum(shares.mean(axis=0), LEAST))).argmax(axis=1)
            balanced = figures.one_of(
                np.eye(shares.shape[1])[outstanding], truth, groups, names=self.labels.labels
            )
            return {
                "accuracy": usual["accuracy"],
                "macro_f1": usual["macro_f1"],
                "balanced_macro_f1": balanced["macro_f1"],
                "log_likelihood": Measure(np.mean, groups, (logs,)),
                "brier": Measure(np.mean, groups, (errors,)),
                "gain_over_table": Measure(_gain, groups, (logs - np.log(np.maximum(table, LEAST)),)),
            }

        emotions = [replace(sample, truth=sample.truth["emotion"]) for sample in kept]
        return measured(self.labels, emotions, given, count=count)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """`same as their last`: the label of what the speaker said last, or else of what anybody did, as
        probable as it was right on train, and the rest even; `marginal`: the shares of train; `transition
        table`: how often each label followed that last one in train. All are given true labels.
        """
        table = partial(self._table, folder)

        def same() -> Answers:
            rest = (1 - table().same) / (len(self.labels) - 1)
            rows = np.full((len(self.labels), len(self.labels)), rest)
            np.fill_diagonal(rows, table().same)
            return [
                {**(as_answer(self.labels, row) or {}), "label": last} for row, last in self._lasts(rows, samples)
            ]

        return {
            "same as their last": same,
            "marginal": lambda: [as_answer(self.labels, table().shares)] * len(samples),
            "transition table": lambda: [
                as_answer(self.labels, row) for row, _ in self._lasts(table().after, samples)
            ],
        }

    def _table(self, folder: Path) -> Table:
        """Counted on train once; samples and floors both ask for it.

        Raises:
            DataError: It cannot be read, or holds nothing to count.
        """
        if folder not in self._tables:
            self._tables[folder] = Table.of(self.labels, self.untabled(folder, "train"))
        return self._tables[folder]

    def _lasts(self, rows: Array, samples: Sequence[Sample]) -> list[tuple[Array, str]]:
        """For each sample the row of the last label, and that label."""
        lasts = [last_label(sample) for sample in samples]
        return [(rows[self.labels.index(last)], last) for last in lasts]

    def _by(self, table: Table, sample: Sample) -> float:
        place = self.labels.index(last_label(sample)), self.labels.index(sample.truth["emotion"])
        return round(float(table.after[place]), 4)


def last_label(sample: Sample) -> str:
    """Of what the next speaker said last; of what anybody did where they have not spoken."""
    *spoken, following = sample.truth["speakers"]
    before: list[str] = sample.truth["before"]
    own = [label for label, speaker in zip(before, spoken, strict=True) if speaker == following]
    return (own or before)[-1]


def forecast(
    model: Dynamics, rows: Array, speakers: Sequence[int], *, without: frozenset[str] = frozenset()
) -> Array:
    """What a model of dynamics says of the next utterance, (K,).

    Args:
        model: Over K labels.
        rows: Distributions of the utterances so far, oldest first, (N, K); at least one.
        speakers: Who said them, and who speaks next, N + 1 numbers.
        without: Parts that are left out, of `PARTS`.
    """
    unsaid = np.zeros((1, rows.shape[1]))
    before = chains([speakers], np.concatenate([rows, unsaid])).before(-1)
    return softmax(model.logits(*before, without=without))


def _gain(differences: Array) -> float:
    if np.isnan(differences).any():
        raise DataError("the table is counted on train, which cannot be read")
    return float(differences.mean())
