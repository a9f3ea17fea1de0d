"""Results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from evals.compare import Difference
from evals.curve import METRICS, Curve, Point
from evals.result import Result, as_json
from sem_plugins.training.cells import page, shown

__all__ = ["print_curve", "print_differences", "print_results"]

_SURE = 0.05  # a p below it is marked
_WITHOUT = {Curve.counterweights: "as shipped", Curve.sequences: "one strategy"}


def print_results(results: Sequence[Result]) -> None:
    """Runs of one task on the same samples, one column each, with the floors beside."""
    first = results[0]
    signature = first.signature
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("metric", no_wrap=True)
    for result in results:
        table.add_column(str(result.signature["system"]))
    for name in first.floors:
        table.add_column(f"floor: {name}")
    for metric in dict.fromkeys(name for result in results for name in result.metrics):
        table.add_row(
            metric,
            *(shown(result.metrics.get(metric), metric) for result in results),
            *(shown(floor.get(metric), metric) for floor in first.floors.values()),
        )
    console = page()
    console.print(f"{first.task}, {signature['data']}, n = {signature['n']:,}, {signature['weights']}")
    console.print(table)
    for result in results:
        unscored = max((int(figure["unscored"]) for figure in result.metrics.values()), default=0)
        if unscored:
            console.print(f"{result.signature['system']}: {unscored:,} unscored, left out of its figures")
    for note in dict.fromkeys(note for result in results for note in result.notes):
        console.print(f"note: {note}")


def print_differences(first: Result, second: Result, found: Sequence[Difference]) -> None:
    """Second less first, with 95% interval and the p of exchanging dialogues."""
    names = [f"{result.signature['system']} ({result.signature['weights']})" for result in (first, second)]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("metric", "first", "second", "difference (95%)", "p"):
        table.add_column(column, no_wrap=True)
    for one in found:
        difference = {"value": one.value, "low": one.low, "high": one.high}
        table.add_row(
            one.metric,
            shown({"value": one.first}, one.metric),
            shown({"value": one.second}, one.metric),
            shown(difference, one.metric),
            f"{one.p:.3f}{' *' if one.p < _SURE else ''}",
        )
    console = page()
    console.print(f"{first.task}: {names[1]} less {names[0]}")
    console.print(table)


def print_curve(of: Curve, points: Sequence[Point]) -> None:
    """A row for each setting."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in (of, *METRICS[of]):
        table.add_column(column, no_wrap=True)
    for point in points:
        figures = as_json(point.figures, 0)
        setting = _WITHOUT[of] if point.setting is None else str(point.setting)
        table.add_row(setting, *(shown(figures.get(name), name) for name in METRICS[of]))
    page().print(table)
