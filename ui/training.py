"""`heartline train`, and numbers learned beside the weights (`heartline models …`): from arguments to runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agent.errors import SettingsError
from agent.extras import needs_extra
from sem_plugins.training.sets.records import data_folder
from ui.models import table

if TYPE_CHECKING:
    from sem_plugins.training.intervals import Estimate
    from sem_plugins.training.loop import Recipe

__all__ = ["learn_dynamics", "learn_recogniser", "learn_risk", "train"]


def train(
    data: Path | None,
    out: Path,
    *,
    base: Path | None,
    config: Path | None,
    epochs: int | None,
    seed: int | None,
    only: list[str],
) -> None:
    """Train, and tell where the weights lie.

    Raises:
        SettingsError: The `train` extra is not installed, or the config or `only` is unusable.
        DataError: No data folder is named.
    """
    folder = data_folder(data)
    with needs_extra("train", "Training"):
        from sem_plugins.training.loop import Recipe
        from sem_plugins.training.run import run
    given = {"epochs": epochs, "seed": seed}
    recipe = replace(_recipe(Recipe(), config), **{name: v for name, v in given.items() if v is not None})
    manifest = run(folder, out, base=base, recipe=recipe, only=only, say=typer.echo)
    table(manifest.card["scores"], manifest.card["floors"])
    typer.echo(f"Weights and card: {manifest.folder}. Use them with HEARTLINE_WEIGHTS={manifest.folder}")


def learn_dynamics(data: Path, out: Path, *, weights: Path | None) -> None:
    """Learn the tracker's numbers, and tell where they lie.

    Raises:
        SettingsError: The `train` extra is not installed.
        DataError: A data set is missing or malformed.
    """
    with needs_extra("train", "Learning"):
        from sem_plugins.training.follow import Reader, learn
        from sem_plugins.training.follow_check import support_figures
    from sem_plugins.ontology import MELD
    from sem_plugins.weights import SHIPPED, load_manifest

    reader = Reader(load_manifest(weights or SHIPPED), out)
    file = learn(data, out, reader)
    typer.echo(f"Numbers of the tracker: {file}. The shipped ones lie in sem_plugins/tracker/parameters.json.")
    typer.echo("Seekers of ESConv valid, by the shipped numbers; nats a message, 95% intervals over dialogues:")
    for name, measure in support_figures(data, reader, MELD).items():
        found = measure.estimate()
        typer.echo(f"  {name:46} {found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}), n = {found.n:,}")


def learn_recogniser(data: Path, out: Path, *, weights: Path | None) -> None:
    """Learn to tell strategies from utterances, and tell where the numbers lie and what they are worth.

    Raises:
        SettingsError: The `train` extra is not installed.
        DataError: A data set is missing or malformed.
    """
    with needs_extra("train", "Learning"):
        from sem_plugins.training.recogniser import learn
    from sem_plugins.weights import SHIPPED, load_manifest

    file, figures = learn(data, out, load_manifest(weights or SHIPPED))
    place = "sem_plugins/verify" if weights is None else "the folder of the weights"
    typer.echo(f"Recogniser: {file}. The verifier looks for it in {place}.")
    typer.echo("Openings of supporters of ESConv valid, 95% intervals over dialogues:")
    _tell({f"{who:12} {name}": figure for who, found in figures.items() for name, figure in found.items()})


def learn_risk(data: Path, out: Path, *, weights: Path | None, network: Path | None) -> None:
    """Train the branch for risk, and tell where its files lie and what it is worth.

    Raises:
        SettingsError: The `train` extra is not installed.
        DataError: A data set is missing or malformed.
    """
    with needs_extra("train", "Learning"):
        from sem_plugins.training.risk_branch import learn
    from sem_plugins.weights import SHIPPED, load_manifest

    folder = weights or SHIPPED
    file, figures = learn(data, out, load_manifest(folder), network=network, say=typer.echo)
    names = "risk.int8.onnx, risk.phrases.npy"
    typer.echo(f"Branch: {names} and {file}. The plugin `risk` looks for all three in {folder}.")
    typer.echo("Held-out statements per family, and everyday messages that were not learned from, 95% intervals:")
    _tell(figures)


def _tell(figures: Mapping[str, Estimate]) -> None:
    for name, figure in figures.items():
        interval = f"({figure.low:.3f} to {figure.high:.3f})"
        typer.echo(f"  {name:39} {figure.value:.3f} {interval}, n = {figure.n:,}")


def _recipe(recipe: Recipe, config: Path | None) -> Recipe:
    """The recipe with what a TOML file says, e.g. `epochs = 2`."""
    if config is None:
        return recipe
    try:
        given: dict[str, Any] = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"Config {str(config)!r} cannot be read ({error.strerror}).") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"Config {str(config)!r} is not valid TOML: {error}.") from error
    types = {field.name: type(getattr(recipe, field.name)) for field in fields(recipe)}
    for name, value in given.items():
        if name not in types:
            raise SettingsError(f"Config {str(config)!r}: no `{name}` in a recipe. There are: {', '.join(types)}.")
        if isinstance(value, bool) or not isinstance(value, types[name] if types[name] is int else (int, float)):
            raise SettingsError(f"Config {str(config)!r}: `{name}` is {value!r}; expected {types[name].__name__}.")
    return replace(recipe, **given)
