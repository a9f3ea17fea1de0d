"""The command line. Commands hold no decisions: they read arguments, build an agent, show what it says.

Heavy imports stay inside the commands, so that `heartline --help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.errors import HeartlineError, InputError
from agent.registry import load, names

__all__ = ["app", "main"]

app = typer.Typer(
    name="heartline",
    help="Conversational agents that understand how a person feels before they answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="The shipped weights.", no_args_is_help=True)
app.add_typer(models_app, name="models")

LLMUrl = Annotated[
    str | None,
    typer.Option("--llm", metavar="URL", help="OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1."),
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder with prepared data sets; default: HEARTLINE_DATA.")
]
Texts = Annotated[bool, typer.Option("--texts", help="Messages and causes too; they stay out otherwise.")]
Redact = Annotated[bool, typer.Option("--redact", help="Leave personal data out of texts.")]
StoreFile = Annotated[Path | None, typer.Option(help="File that keeps conversations.")]
LLMModel = Annotated[str | None, typer.Option("--model", help="Model name; default: the server's first.")]


def main() -> None:
    """Run the command line; errors of ours become one line each and exit status 2."""
    try:
        app(prog_name="heartline")
    except HeartlineError as error:
        for problem in str(error).splitlines():
            typer.echo(f"Error: {problem}", err=True)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        from heartline import __version__

        typer.echo(f"heartline {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def chat(
    llm: LLMUrl = None,
    model: LLMModel = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", "-c", help="Go on with a conversation; `last` is the newest.")
    ] = None,
    store: StoreFile = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing on disk.")] = False,
) -> None:
    """Talk, and see what it understood. Works without an LLM, a key or a network."""
    from agent.build import build_agent
    from agent.parts import warm_meanwhile
    from agent.settings import load_settings
    from ui.chat import Chat
    from ui.http.serve import given_settings

    settings = load_settings(**given_settings(llm=llm, model=model, store=store, ephemeral=ephemeral))
    agent = build_agent(settings)
    ready = warm_meanwhile(agent) if sys.stdin.isatty() else None  # while the person reads and types
    Chat(agent, settings, ready=ready).run(conversation)


@app.command()
def analyze(  # noqa: PLR0917 - typer names them all
    text: Annotated[
        list[str] | None, typer.Argument(help="Messages; without any, standard input is read.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Text file, a message a line; or .jsonl with `text` or `turns`."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here instead of standard output.")] = None,
    top: Annotated[int, typer.Option(min=0, help="Emotions shown per message; 0 shows all.")] = 5,
    why: Annotated[
        str | None, typer.Option(help="Reading whose words are told with their weights, e.g. emotion or risk.")
    ] = None,
    conversations: Annotated[
        Path | None, typer.Option(help="JSON lines with `turns`: follow emotions over each dialogue instead.")
    ] = None,
    texts: Texts = False,
) -> None:
    """Read messages and print what they show, one JSON object a line. Answers nothing, stores nothing."""
    if conversations is None:
        from ui.analyze import analyze as run

        sys.exit(run(text or [], file=file, out=out, top=top, why=why))
    if text or file or why:
        raise InputError("`--conversations` stands alone: leave messages, `--file` and `--why` out.")
    from ui.replay import analyze_conversations

    sys.exit(analyze_conversations(conversations, out=out, texts=texts))


@app.command()
def trace(  # noqa: PLR0917 - typer names them all
    conversation: Annotated[str | None, typer.Argument(help="A conversation's id; `last` is the newest.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All conversations together, without a text.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="JSON lines with `turns`, instead of the store.")
    ] = None,
    wanted: Annotated[str | None, typer.Option("--id", help="One dialogue of the file.")] = None,
    as_json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write all of it as JSON; `-` prints it.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it: a file that ends in .svg or .html.")] = None,
    texts: Texts = False,
    redact: Redact = False,
    store: StoreFile = None,
) -> None:
    """Show how emotions went over a conversation, or over many: a table, JSON, a picture."""
    from agent.settings import load_settings
    from ui.trace import trace as run

    settings = load_settings(store_path=store)
    given: dict[str, Any] = {"every": every, "file": file, "wanted": wanted, "texts": texts, "redact": redact}
    sys.exit(run(conversation, settings, **given, as_json_to=as_json, picture_to=picture))


@app.command()
def export(
    conversation: Annotated[str, typer.Argument(help="A conversation's id; `last` is the newest.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="Write here instead of printing.")] = "-",
    redact: Redact = False,
    store: StoreFile = None,
) -> None:
    """Write everything that is kept of a conversation as JSON."""
    from agent.settings import load_settings
    from ui.erasure import export as run

    run(conversation, load_settings(store_path=store), out=out, redact=redact)


@app.command()
def erase(
    conversation: Annotated[str | None, typer.Argument(help="A conversation's id; `last` is the newest.")] = None,
    older_than: Annotated[
        int | None,
        typer.Option(min=0, max=36_500, metavar="DAYS", help="All that were not used for so long, instead."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: StoreFile = None,
) -> None:
    """Erase a conversation for good, or old ones."""
    from agent.settings import load_settings
    from ui.erasure import erase as run

    confirmed = (lambda _: True) if yes else typer.confirm
    sys.exit(run(conversation, load_settings(store_path=store), older_than=older_than, confirmed=confirmed))


@app.command()
def doctor(
    llm: LLMUrl = None,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Check a server that runs instead, from outside.")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="HEARTLINE_KEY", help="For that server.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check installation, weights, store and LLM. Says what to do where something is broken."""
    from agent.settings import load_settings
    from ui.doctor import examine, show
    from ui.doctor_server import examine_server

    found = examine_server(server, key) if server else examine(load_settings(llm_url=llm))
    sys.exit(show(found, as_json=as_json))


@app.command()
def train(  # noqa: PLR0917 - typer names them all
    data: DataFolder = None,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, weights, card.")] = Path("runs/joint"),
    base: Annotated[
        Path | None, typer.Option(help="Folder of all-MiniLM-L6-v2; default: fetched and verified.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with values of the recipe, e.g. `epochs = 2`.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: as the shipped weights.")] = None,
    seed: Annotated[int | None, typer.Option(help="Default: as the shipped weights.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Train this stream alone (may be given again): one model per task.")
    ] = None,
) -> None:
    """Train the shipped encoder again, export it, write its card. Resumes by itself. Needs the `train` extra."""
    from ui.training import train as run

    run(data, out, base=base, config=config, epochs=epochs, seed=seed, only=only or [])


@models_app.command("check")
def models_check(
    data: DataFolder = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that gets the card written anew.")] = None,
) -> None:
    """Measure the weights on the valid parts: figures, intervals, floors, aims. Needs the `train` extra."""
    from sem_plugins.training.sets.records import data_folder
    from ui.models import check

    sys.exit(check(data_folder(data), weights=weights, out=out))


@models_app.command("dynamics")
def models_dynamics(
    data: DataFolder = None,
    out: Annotated[Path, typer.Option(help="Folder that gets the numbers and keeps what was read.")] = Path(
        "runs/dynamics"
    ),
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights that read; default: the shipped ones.")
    ] = None,
) -> None:
    """Learn again how emotions move from turn to turn: the numbers of the tracker. Needs the `train` extra."""
    from sem_plugins.training.sets.records import data_folder
    from ui.training import learn_dynamics

    learn_dynamics(data_folder(data), out, weights=weights)


@models_app.command("recogniser")
def models_recogniser(
    data: DataFolder = None,
    out: Annotated[Path, typer.Option(help="Folder that gets the numbers and keeps what was read.")] = Path(
        "runs/recogniser"
    ),
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights that read; default: the shipped ones.")
    ] = None,
) -> None:
    """Learn again which strategy an utterance follows: for the verifier `checks`. Needs the `train` extra."""
    from sem_plugins.training.sets.records import data_folder
    from ui.training import learn_recogniser

    learn_recogniser(data_folder(data), out, weights=weights)


@models_app.command("risk")
def models_risk(
    data: DataFolder = None,
    out: Annotated[Path, typer.Option(help="Folder that gets the network and its numbers.")] = Path("runs/risk"),
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights that read; default: the shipped ones.")
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="Take this network as it is, and learn the phrases alone: two minutes.")
    ] = None,
) -> None:
    """Train the branch for risk again: over an hour. Resumes by itself. Needs the `train` extra."""
    from sem_plugins.training.sets.records import data_folder
    from ui.training import learn_risk

    learn_risk(data_folder(data), out, weights=weights, network=network)


def _add_registered() -> None:
    """Commands of packages that are no face of ours, e.g. `eval`: they enter by name (`heartline.commands`)."""
    for name in names("commands"):
        try:
            app.add_typer(load("commands", name), name=name)
        except HeartlineError as error:  # the other commands go on
            typer.echo(f"Left out: {error}", err=True)


_add_registered()

if __name__ == "__main__":
    main()
