"""`heartline models check`: measure the weights again, beside their floors, their aims and their card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer
from rich.table import Table

from agent.extras import needs_extra
from agent.settings import load_settings

__all__ = ["check", "table"]

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]


def check(data: Path, *, weights: Path | None = None, out: Path | None = None) -> int:
    """Print every figure of the weights on the valid parts, with intervals, floors and aims.

    Args:
        data: Folder with the prepared data sets.
        weights: Folder of weights; None takes what the settings name, else the shipped ones.
        out: Folder that gets the card written anew; None writes nothing.

    Returns:
        Exit status: 1 where a figure is not the card's, else 0. A missed aim is no failure: the
        card says it.

    Raises:
        SettingsError: The `train` extra, whose scikit-learn computes the floors, is not installed.
    """
    with needs_extra("train", "Measuring"):
        from sem_plugins.training.card import as_dicts, render_card
        from sem_plugins.training.measure.reading import ValidParts
        from sem_plugins.training.measure.tasks import figures_of, floors_of
    from sem_plugins.weights import SHIPPED, load_manifest

    manifest = load_manifest(load_settings(weights=weights).weights or SHIPPED)
    parts = ValidParts(data, manifest)
    scores = {task: as_dicts(figures) for task, figures in figures_of(parts, manifest).items()}
    floors = {
        task: {floor: as_dicts(figures) for floor, figures in found.items()}
        for task, found in floors_of(parts).items()
    }
    table(scores, floors)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "CARD.md").write_text(render_card(manifest), encoding="utf-8")
        typer.echo(f"Card: {out / 'CARD.md'}")
    differing = _differing(scores, manifest.card.get("scores", {}))
    for line in differing:
        typer.echo(f"Not as the card says: {line}", err=True)
    if not differing:
        typer.echo(f"Every figure is that of the card of {manifest.id}.")
    return int(bool(differing))


def table(scores: Scores, floors: Mapping[str, Scores]) -> None:
    """Print task, metric, figure with interval, floors, aim, and what others published."""
    from sem_plugins.training.card import told
    from sem_plugins.training.cells import page as page_
    from sem_plugins.training.cells import shown
    from sem_plugins.training.measure.tasks import TASKS

    for task in TASKS:
        if task.name not in scores:  # of heads that were not trained
            continue
        page = Table(title=task.name, title_justify="left", box=None, padding=(0, 2, 0, 0))
        named = list(floors.get(task.name, {}))
        for column in ("metric", "figure (95%)", *(f"floor: {name}" for name in named), "aim"):
            page.add_column(column, no_wrap=column == "metric")
        for metric, estimate in scores[task.name].items():
            floor = [shown(floors[task.name][name].get(metric), metric) for name in named]
            aim = task.aims.get(metric)
            page.add_row(metric, shown(estimate, metric), *floor, told(aim, metric, estimate) if aim else "")
        console = page_()
        console.print(page)
        if task.published:
            console.print(f"published, on test: {task.published}", style="dim")
        console.print()


def _differing(found: Scores, stated: Scores) -> list[str]:
    from sem_plugins.training.intervals import rounding

    out = []
    for task, figures in found.items():
        for metric, estimate in figures.items():
            said = stated.get(task, {}).get(metric)
            if said is None:
                out.append(f"{task} {metric} is {estimate['value']:.4f}, and not on the card")
            elif abs(said["value"] - estimate["value"]) > rounding(metric, said):
                out.append(f"{task} {metric} is {estimate['value']:.4f}, the card says {said['value']:.4f}")
    return out
