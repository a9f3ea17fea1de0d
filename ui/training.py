"""`heartline train`: from arguments to a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from agent.errors import DataError, SettingsError
from agent.settings import load_settings

__all__ = ["train_emotion"]


def train_emotion(
    data: Path | None, out: Path, *, base: Path | None, epochs: int | None, seed: int | None
) -> None:
    """Train, and tell where the weights lie.

    Raises:
        SettingsError: The `train` extra is not installed.
        DataError: No data folder is named.
    """
    folder = load_settings(data=data).data
    if folder is None:
        raise DataError(
            "No data folder. Name one with `--data DIR` or HEARTLINE_DATA; docs/data.md says what it holds."
        )
    try:
        from sem_plugins.training.emotion import run
        from sem_plugins.training.loop import Recipe
    except ImportError as error:
        raise SettingsError(
            f"Training needs {error.name!r}, which is not installed. Run: pip install 'heartline[train]'"
        ) from error
    changes = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    manifest = run(folder, out, base=base, recipe=replace(Recipe(), **changes), say=typer.echo)
    for name, scores in manifest.card["scores"].items():
        shown = ", ".join(f"{metric} {score['value']:.3f}" for metric, score in scores.items())
        typer.echo(f"{name}: {shown}")
    typer.echo(f"Weights and card: {manifest.folder}. Use them with HEARTLINE_WEIGHTS={manifest.folder}")
