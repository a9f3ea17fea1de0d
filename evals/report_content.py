"""What stands in a report of results: columns, figures, warnings, notes and charts, whatever file it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import DataError
from evals.report_charts import (
    Calibration,
    Confusion,
    Progress,
    calibration_of,
    confusion_of,
    in_order,
    progress_of,
    true_labels,
)
from evals.result import Result
from evals.signature import differences

__all__ = ["PER_LABEL", "Column", "Report", "report_of"]

PER_LABEL = "f1_"
"""Metrics that begin with it are the F1 of the label that follows."""

_TELLING = ("system", "weights", "data", "limit", "task_version", "heartline", "weights_sha256", "data_sha256")
_ROW = ("id", "group", "truth", "answer")  # of every sample
_HASH = 8  # digits of a hash that tell two columns apart


@dataclass(frozen=True, slots=True)
class Column:
    """One result, or one floor.

    Attributes:
        name: Tells it from the other columns of its kind.
        kind: `result` or `floor`.
        figures: Metric to `value`, `low`, `high`, `n`, `unscored`, as in result files.
    """

    name: str
    kind: str
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says.

    Attributes:
        title: Task, or tasks.
        results: A column for each result, in the order given.
        floors: A column for each floor; one that several results share stands once.
        signature: Name of a field to its values, one per result.
        warnings: Why the results may not stand side by side; empty unless that was forced.
        notes: What a reader must know.
        metrics: Names, in the order of the results, without those of single labels.
        labels: Labels that have an F1 of their own.
        counts: How often each label is true, in the first result that has an F1 of it.
        confusions: By result, where its answers are one label each.
        calibrations: By result, where its answers have probabilities.
        progress: Of support strategies; one for each set of samples.
    """

    title: str
    results: tuple[Column, ...]
    floors: tuple[Column, ...]
    signature: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    metrics: tuple[str, ...]
    labels: tuple[str, ...]
    counts: Counter[str]
    confusions: Mapping[str, Confusion]
    calibrations: Mapping[str, Calibration]
    progress: tuple[Progress, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Results, then floors."""
        return self.results + self.floors

    @property
    def labelled(self) -> tuple[Column, ...]:
        """Results that have an F1 of single labels."""
        return tuple(
            column for column in self.results if any(name.startswith(PER_LABEL) for name in column.figures)
        )

    @property
    def intervals(self) -> bool:
        """Whether an F1 of a single label has an interval."""
        return any(
            "low" in figure
            for column in self.labelled
            for name, figure in column.figures.items()
            if name.startswith(PER_LABEL)
        )

    def n(self, metric: str) -> str:
        """Of how many rows a metric is, e.g. `1,300`; several numbers where the results differ."""
        found = {int(column.figures[metric].get("n", 0)) for column in self.results if metric in column.figures}
        return " / ".join(f"{n:,}" for n in sorted(found, reverse=True))

    def told(self, key: str) -> str:
        """What the signatures say under a name, each value once."""
        return ", ".join(dict.fromkeys(self.signature.get(key, ())))


def report_of(results: Sequence[Result], *, force: bool = False) -> Report:
    """Put results into one report.

    Args:
        results: At least one.
        force: Although their signatures say that they may not stand side by side; the report says so.

    Raises:
        DataError: They may not stand side by side, or one has figures or samples of another form.
    """
    names = _names([result.signature for result in results])
    for name, result in zip(names, results, strict=True):
        _check(name, result)
    reasons = tuple(
        f"{names[0]} beside {name}: {'; '.join(found)}"
        for name, result in zip(names[1:], results[1:], strict=True)
        if (found := differences(results[0].signature, result.signature))
    )
    if reasons and not force:
        raise DataError(
            f"These results cannot stand in one table. {'. '.join(reasons)}. Write a report of each, or put them "
            "side by side nevertheless with `--force`: the report will say so."
        )
    metrics = in_order(str(name) for result in results for name in result.metrics)
    labels = tuple(name.removeprefix(PER_LABEL) for name in metrics if name.startswith(PER_LABEL))
    named = list(zip(names, results, strict=True))
    confusions = {name: confusion_of(result.samples, labels) for name, result in named}
    calibrations = {name: calibration_of(result.samples) for name, result in named}
    return Report(
        title=", ".join(in_order(str(result.task) for result in results)),
        results=tuple(Column(name, "result", result.metrics) for name, result in named),
        floors=_floors(named),
        signature={
            key: tuple(_said(result.signature.get(key)) for result in results)
            for key in in_order(str(key) for result in results for key in result.signature)
        },
        warnings=reasons,
        notes=(*_unscored(named), *in_order(str(note) for result in results for note in result.notes)),
        metrics=tuple(name for name in metrics if not name.startswith(PER_LABEL)),
        labels=labels,
        counts=_counts(results),
        confusions={name: found for name, found in confusions.items() if found},
        calibrations={name: found for name, found in calibrations.items() if found},
        progress=progress_of(named, labels),
    )


def _check(name: str, result: Result) -> None:
    """Result files come from anywhere; a report says what is wrong with one instead of breaking half-way."""
    for of in (result.metrics, *result.floors.values()):
        for metric, figure in of.items():
            wrong = [key for key, number in figure.items() if not isinstance(number, int | float)]
            if wrong or "value" not in figure:
                raise DataError(
                    f"Result {name!r}: {metric!r} has no numbers in {', '.join(wrong) or 'value'}. Run it again."
                )
    for place, row in enumerate(result.samples):
        missing = [key for key in _ROW if key not in row]
        if missing:
            raise DataError(f"Result {name!r}: sample {place} lacks {', '.join(missing)}. Run it again.")


def _counts(results: Sequence[Result]) -> Counter[str]:
    for result in results:
        if any(name.startswith(PER_LABEL) for name in result.metrics):
            return true_labels(result.samples)
    return Counter()


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


def _names(signatures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each run is called: its system, with as much more of its signature as tells the runs apart."""
    names = [_said(signature.get("system")) for signature in signatures]
    for key in _TELLING[1:]:
        if len(set(names)) == len(names):
            return names
        values = [_said(signature.get(key)) for signature in signatures]
        if len(set(values)) > 1:
            words = [value[:_HASH] if key.endswith("sha256") else value for value in values]
            names = [f"{name}, {key.replace('_', ' ')} {word}" for name, word in zip(names, words, strict=True)]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[place] = f"{name} ({seen[name]})"
    return names


def _floors(named: Sequence[tuple[str, Result]]) -> tuple[Column, ...]:
    """Each floor once; where results give one name to several floors, the result is named too."""
    found: list[Column] = []
    for of, result in named:
        for name, figures in result.floors.items():
            same = [column for column in found if column.name == name or column.name.startswith(f"{name}, of ")]
            if any(column.figures == figures for column in same):
                continue
            found.append(Column(f"{name}, of {of}" if same else str(name), "floor", figures))
    return tuple(found)


def _unscored(named: Sequence[tuple[str, Result]]) -> list[str]:
    counts = {name: sum(row["answer"] is None for row in result.samples) for name, result in named}
    return [
        f"{name}: {counts[name]:,} of {len(result.samples):,} unscored, left out of its figures"
        for name, result in named
        if counts[name]
    ]
