"""`heartline train`: train, export, calibrate, measure what is shipped, and write its card."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers import Tokenizer

from agent.errors import SettingsError
from sem_plugins.training.apart import apart
from sem_plugins.training.base import base_weights
from sem_plugins.training.card import as_dicts, with_card, write_card, write_manifest
from sem_plugins.training.export import export
from sem_plugins.training.heads import HEADS
from sem_plugins.training.loop import Recipe, train
from sem_plugins.training.measure.calibrate import calibrated_heads, plain_heads
from sem_plugins.training.measure.reading import ValidParts
from sem_plugins.training.measure.tasks import figures_of
from sem_plugins.training.network import ForkedEncoder, initial
from sem_plugins.training.streams import FIRST, Teacher, class_weights, streams
from sem_plugins.training.teacher import NetworkTeacher
from sem_plugins.weights import MODEL, TOKENIZER, Manifest, load_manifest
from sem_plugins.window import WindowMaker

__all__ = ["run", "ship"]

Say = Callable[[str], None]


def run(
    data: Path,
    out: Path,
    *,
    base: Path | None = None,
    recipe: Recipe | None = None,
    only: Collection[str] = (),
    say: Say = print,
) -> Manifest:
    """Train in three stages, and write weights, manifest and card to `out`/weights.

    First the emotion heads from all of their data; then all heads together, with the first network as
    the start and as the teacher of what it knows; then once more from there, taught by both. A run
    that was stopped goes on where it was: each stage has a checkpoint in `out`.

    Args:
        data: Folder with the prepared data sets.
        out: Folder of the run.
        base: Folder of the base encoder; None fetches it.
        recipe: Hyper-parameters of the second and third stage; None takes the shipped ones.
        only: Names of streams to train alone, from the base encoder and in one stage: one model per
            task, to compare with, or one for another domain (`training.apart`). Empty trains all.
        say: Gets a line about each step.

    Raises:
        DataError: Data is missing or malformed.
        WeightsError: The base encoder cannot be had.
        SettingsError: `only` names a stream that does not exist.
    """
    recipe = recipe or Recipe()
    folder = base_weights(base, cache=out / "base")
    tokenizer = folder / TOKENIZER
    maker = WindowMaker(Tokenizer.from_file(str(tokenizer)), recipe.max_tokens)
    every = streams(data, seed=recipe.seed)
    choosable = [*every, *apart(data)]
    unknown = sorted(set(only) - {stream.name for stream in choosable})
    if unknown:
        choices = ", ".join(stream.name for stream in choosable)
        raise SettingsError(f"No stream is called {', '.join(unknown)}. Streams: {choices}.")
    weights = class_weights(data)

    def fresh(dropout: float = recipe.dropout) -> ForkedEncoder:
        return ForkedEncoder(folder, dropout=dropout, head_dropout=recipe.head_dropout)

    if only:
        chosen = [stream for stream in choosable if stream.name in only]
        say(f"one stage: {', '.join(stream.name for stream in chosen)}")
        network = train(fresh(), chosen, maker, recipe, checkpoint=out / "checkpoint.pt", class_weights=weights)
        heads = {head for stream in chosen for head in stream.heads}
        return _try_out(network, data, out / "weights", tokenizer=tokenizer, recipe=recipe, heads=heads, say=say)
    first_recipe = dataclasses.replace(recipe, epochs=4, encoder_rate=1.2e-4, averaging=0.999)
    say("first stage: emotion and expression")
    first = train(
        fresh(),
        [stream for stream in every if stream.name in FIRST],
        maker,
        first_recipe,
        checkpoint=out / "first" / "checkpoint.pt",
    )
    say("second stage: everything, taught by the first")
    network = fresh()
    initial(network, first.state_dict())
    network.branches["dialogue"].load_state_dict(first.branches["message"].state_dict())
    teachers: dict[str, Teacher] = dict.fromkeys(FIRST, NetworkTeacher([first], maker))
    taught = streams(data, seed=recipe.seed, teachers=teachers)
    second = train(
        network, taught, maker, recipe, checkpoint=out / "second" / "checkpoint.pt", class_weights=weights
    )
    say("third stage: everything once more, taught by both")
    network = fresh()
    initial(network, second.state_dict())
    teachers = dict.fromkeys(FIRST, NetworkTeacher([first, second], maker))
    teachers["strategy"] = teachers["risk"] = NetworkTeacher([second], maker)
    taught = streams(data, seed=recipe.seed + 1, teachers=teachers)
    network = train(network, taught, maker, recipe, checkpoint=out / "checkpoint.pt", class_weights=weights)
    torch.save(network.state_dict(), out / "network.pt")
    return ship(network, data, out / "weights", tokenizer=tokenizer, recipe=recipe, say=say)


def ship(
    network: ForkedEncoder,
    data: Path,
    folder: Path,
    *,
    tokenizer: Path,
    recipe: Recipe,
    remark: str = "",
    say: Say,
) -> Manifest:
    """Export a trained network, calibrate and measure the export, and write manifest and card.

    The same network in 32-bit floats is measured beside it: the card says what eight bits cost.

    Args:
        network: Stays as it is.
        data: Folder with the prepared data sets.
        folder: Gets model, tokenizer, manifest and card.
        tokenizer: File to ship beside the model.
        recipe: For the card.
        remark: For the card.
        say: Gets a line about each step.
    """
    with TemporaryDirectory() as floats:
        say("measuring it in 32-bit floats")
        parts = _exported(network, data, Path(floats), tokenizer=tokenizer, recipe=recipe, quantized=False)
        in_floats = figures_of(parts, load_manifest(Path(floats)))
    say("exported in eight bits; calibrating and measuring that")
    parts = _exported(network, data, folder, tokenizer=tokenizer, recipe=recipe, quantized=True)
    return write_card(
        folder, parts, recipe=dataclasses.asdict(recipe), in_floats=in_floats, remark=remark, say=say
    )


def _try_out(
    network: ForkedEncoder,
    data: Path,
    folder: Path,
    *,
    tokenizer: Path,
    recipe: Recipe,
    heads: Collection[str],
    say: Say,
) -> Manifest:
    """Export a network of which some heads were trained, and measure those; there is no card and no floor."""
    say(f"exported; measuring what is read by {', '.join(sorted(heads))}")
    parts = _exported(network, data, folder, tokenizer=tokenizer, recipe=recipe, quantized=True, heads=heads)
    figures = figures_of(parts, load_manifest(folder), heads=heads)
    card = {
        "recipe": dataclasses.asdict(recipe),
        "scores": {task: as_dicts(found) for task, found in figures.items()},
        "floors": {},
    }
    return with_card(folder, card)


def _exported(
    network: ForkedEncoder,
    data: Path,
    folder: Path,
    *,
    tokenizer: Path,
    recipe: Recipe,
    quantized: bool,
    heads: Collection[str] = frozenset(HEADS),
) -> ValidParts:
    """Write model, tokenizer and a calibrated manifest without a card; the valid parts, read with them."""
    folder.mkdir(parents=True, exist_ok=True)
    export(network, folder / MODEL, quantized=quantized)
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    write_manifest(folder, max_tokens=recipe.max_tokens, heads=plain_heads(), card={})
    parts = ValidParts(data, load_manifest(folder))
    calibrated = calibrated_heads(parts, heads=heads)
    write_manifest(folder, max_tokens=recipe.max_tokens, heads=calibrated, card={})
    return parts
