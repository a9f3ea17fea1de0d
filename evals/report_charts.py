"""What the charts of a report show, counted from the samples of a result: who is taken for whom, how sure, when.

Samples come from files that strangers may have written: a chart is left out where they have another form.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.result import Result

__all__ = [
    "PARTS",
    "Bin",
    "Calibration",
    "Confusion",
    "Progress",
    "calibration_of",
    "confusion_of",
    "in_order",
    "progress_of",
    "true_labels",
]

PARTS = 6
"""Parts of a dialogue."""

_STRATEGIES = "esconv/next-strategy"
_BINS = 10
_SHADES = 6
_MOST_LABELS = 64  # more than that no page can show as a table

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which label was said where which one holds.

    Attributes:
        labels: Of rows and columns.
        counts: (labels, labels), rows true, columns predicted.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def shade(self, row: int, column: int) -> int:
        """0 for nothing, 1 to 6 for a cell's share of its row."""
        return -(-self.counts[row][column] * _SHADES // max(1, sum(self.counts[row])))

    def said(self, column: int) -> int:
        """How often a label was predicted."""
        return sum(row[column] for row in self.counts)

    def commonest(self, most: int = 5) -> list[tuple[str, str, int]]:
        """True label, predicted label and count of the largest confusions."""
        found = [
            (true, said, self.counts[row][column])
            for row, true in enumerate(self.labels)
            for column, said in enumerate(self.labels)
            if row != column and self.counts[row][column]
        ]
        return sorted(found, key=lambda one: -one[2])[:most]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like probability.

    Attributes:
        place: 0 to 9, tenths of the probability.
        probability: Their mean.
        share: How many of them were right, in [0, 1].
        count: How many there are.
    """

    place: int
    probability: float
    share: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether probabilities hold what they promise.

    Attributes:
        bins: Without empty ones.
        of_each: Whether each item of an answer has a probability of its own, instead of one for the
            likeliest label.
    """

    bins: tuple[Bin, ...]
    of_each: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How often each strategy is taken in each of six equal parts of the supporter's turns.

    Attributes:
        labels: Strategies.
        series: `data` and each result to shares, (labels, 6); a part without turns has zeros.
        counts: (6,), turns of the data.
    """

    labels: tuple[str, ...]
    series: Mapping[str, tuple[tuple[float, ...], ...]]
    counts: tuple[int, ...]

    @property
    def top(self) -> float:
        """The end of the axis: the largest share, up to the next tenth."""
        largest = max(share for rows in self.series.values() for row in rows for share in row)
        return max(1, -(-round(largest * 1000) // 100)) / 10


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, where it came first."""
    return tuple(dict.fromkeys(names))


def true_labels(rows: Rows) -> Counter[str]:
    """How often each label holds; empty where the truth is no label and no list of labels."""
    counts: Counter[str] = Counter()
    for row in rows:
        held = [row["truth"]] if isinstance(row["truth"], str) else row["truth"]
        if isinstance(held, list):
            counts.update(label for label in held if isinstance(label, str))
    return counts


def confusion_of(rows: Rows, order: Sequence[str] = ()) -> Confusion | None:
    """Counts of true and predicted labels.

    Args:
        rows: Samples of a result; those without an answer are left out.
        order: Labels that come first; the others follow by name.

    Returns:
        None where not every answer is one label, or there are more than 64.
    """
    pairs = _pairs(rows)
    if not pairs:
        return None
    counted = Counter(pairs)
    there = {label for pair in counted for label in pair}
    labels = in_order([*order, *sorted(there)])
    if len(labels) > _MOST_LABELS:
        return None
    return Confusion(labels, tuple(tuple(counted[true, said] for said in labels) for true in labels))


def calibration_of(rows: Rows) -> Calibration | None:
    """Probabilities in ten bins of equal width; None where the answers have none.

    Answers with a probability for each label are judged by their likeliest one; of a list of probabilities
    beside a list of truths each counts by itself.
    """
    answers = [row for row in rows if row["answer"] is not None]
    if not all(isinstance(row["answer"], Mapping) and row["answer"].get("probabilities") for row in answers):
        return None
    of_each = all(
        isinstance(row["truth"], list) and isinstance(row["answer"]["probabilities"], list) for row in answers
    )
    found: list[tuple[float, bool]] = []
    if of_each:
        for row in answers:
            found += zip(row["answer"]["probabilities"], map(bool, row["truth"]), strict=False)
    elif _pairs(rows) and all(isinstance(row["answer"]["probabilities"], Mapping) for row in answers):
        found = [
            (max(row["answer"]["probabilities"].values()), row["answer"]["label"] == row["truth"])
            for row in answers
        ]
    bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, right in found:
        bins[min(max(int(probability * _BINS), 0), _BINS - 1)].append((probability, right))
    if not bins:
        return None
    made = [
        Bin(place, sum(p for p, _ in held) / len(held), sum(right for _, right in held) / len(held), len(held))
        for place, held in sorted(bins.items())
    ]
    return Calibration(tuple(made), of_each)


def progress_of(named: Sequence[tuple[str, Result]], order: Sequence[str] = ()) -> tuple[Progress, ...]:
    """Shares of strategies over the dialogue, after a figure of Liu et al. (2021), who place utterances among all.

    Result files hold the supporter's turns alone, in the order of the dialogue: the middle of turn k of K lies
    at (k - 1/2) / K.

    Args:
        named: Results with their names; those of other tasks are left out.
        order: Labels that come first.

    Returns:
        One for each set of samples.
    """
    by_truth: defaultdict[tuple[Any, ...], list[tuple[str, Result]]] = defaultdict(list)
    for name, result in named:
        if result.task == _STRATEGIES and _pairs(result.samples):
            truth = tuple((row["id"], row["truth"]) for row in result.samples)
            by_truth[truth].append((name, result))
    return tuple(_progress(alike, order) for alike in by_truth.values())


def _progress(named: Sequence[tuple[str, Result]], order: Sequence[str]) -> Progress:
    first = named[0][1].samples
    parts = _parts(first)
    data = [(part, row["truth"]) for part, row in zip(parts, first, strict=True)]
    said = {
        name: [
            (part, row["answer"]["label"])
            for part, row in zip(parts, result.samples, strict=True)
            if row["answer"] is not None
        ]
        for name, result in named
    }
    found = {label for turns in (data, *said.values()) for _, label in turns}
    labels = in_order([*order, *sorted(found)])
    sizes = Counter(parts)
    # A result may be called `data`; two columns of a table may bear one name, two keys may not.
    series = {"data": _shares(data, labels)}
    series |= {f"{name} (result)" if name == "data" else name: _shares(of, labels) for name, of in said.items()}
    return Progress(labels, series, tuple(sizes[part] for part in range(PARTS)))


def _parts(rows: Rows) -> list[int]:
    """The part of its dialogue in which each sample lies."""
    lengths = Counter(row["group"] for row in rows)
    before: Counter[Any] = Counter()
    parts = []
    for row in rows:
        parts.append((2 * before[row["group"]] + 1) * PARTS // (2 * lengths[row["group"]]))
        before[row["group"]] += 1
    return parts


def _shares(turns: Sequence[tuple[int, str]], labels: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    sizes = Counter(part for part, _ in turns)
    counted = Counter(turns)
    return tuple(
        tuple(counted[part, label] / sizes[part] if sizes[part] else 0.0 for part in range(PARTS))
        for label in labels
    )


def _pairs(rows: Rows) -> list[tuple[str, str]]:
    """True and predicted labels of the samples that have an answer; none where an answer is anything else."""
    pairs = []
    for row in rows:
        answer = row["answer"]
        if answer is None:
            continue
        if not isinstance(answer, Mapping) or not isinstance(answer.get("label"), str):
            return []
        if not isinstance(row["truth"], str):
            return []
        pairs.append((row["truth"], answer["label"]))
    return pairs
