"""`heartline exemplars build`: a file of examples out of the user's own dialogues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Examples of other people in a like mood, for the prompt.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Keeps `build` a word of its own: with one command typer would leave it out."""


@app.command()
def build(
    files: Annotated[
        list[Path], typer.Argument(help="Dialogues, one JSON object a line, as `analyze --conversations` reads.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File that gets the examples, e.g. exemplars.npz.")],
    per_dialogue: Annotated[int, typer.Option(min=1, help="Exchanges taken of one dialogue.")] = 2,
    embedder: Annotated[
        str, typer.Option(help="Makes the vectors: `encoder`, or a sentence-transformers model.")
    ] = "encoder",
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
) -> None:
    """Read dialogues and keep exchanges that can serve as examples, with emotion and sentence vector of each."""
    from agent.settings import load_settings
    from sem_plugins.encoder import Encoder
    from sem_plugins.exemplars.build import build as built
    from sem_plugins.exemplars.plugin import embedder_of
    from sem_plugins.weights import SHIPPED, load_manifest
    from ui.dialogues import dialogues

    folder = load_settings(weights=weights).weights or SHIPPED
    embed, embedded_by = embedder_of(embedder, folder)
    found = [(f"{file.name}#{dialogue.name}", dialogue) for file in files for dialogue in dialogues(file)]
    unusable = [f"{name}: {dialogue.problem}" for name, dialogue in found if dialogue.problem]
    said = ((name, [each.message for each in dialogue.said]) for name, dialogue in found if not dialogue.problem)
    made = built(said, Encoder(load_manifest(folder), threads=1), embed, embedded_by, per_dialogue=per_dialogue)
    made.store.save(out)
    for problem in unusable[:5]:
        typer.echo(f"Left out: {problem}", err=True)
    if len(unusable) > 5:  # noqa: PLR2004
        typer.echo(f"Left out: {len(unusable) - 5} further lines that cannot be read.", err=True)
    for reason, number in made.left_out.items():
        typer.echo(f"Left out: {number} exchanges ({reason}).", err=True)
    size = out.stat().st_size / 1e6
    typer.echo(f"{len(made.store.rows)} examples ({size:.1f} MB): {out}")
    named = f"HEARTLINE_EXEMPLARS={out} HEARTLINE_VARIANT=hef+strategy+exemplars"
    typer.echo(f"Use them: {named} heartline chat --llm URL")
