"""`heartline eval`: run a task, read its replies, compare two runs, report, list the tasks.

Others script against its words and files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from evals.safety.command import safety

if TYPE_CHECKING:
    from evals.task import Task

__all__ = ["app"]


class _TaskOrCommand(TyperGroup):
    """`heartline eval TASK` is short for `heartline eval run TASK`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_TaskOrCommand,
    help="Evaluate: `heartline eval TASK --split valid`; `heartline eval tasks` lists them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Data = Annotated[Path | None, typer.Option("--data", help="Folder of prepared sets; default: HEARTLINE_DATA.")]


@app.command()
def run(  # noqa: PLR0917 - typer names them all
    task: Annotated[str, typer.Argument(help="Name of a task.")],
    split: Annotated[str, typer.Option(help="Reads DATA/<set>/<split>.jsonl.")] = "valid",
    data: Data = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="Who answers (may be given again); default: all of the task, its first for --out."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first samples.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
    llm: Annotated[
        str | None, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server, for systems with an LLM.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Its model; default: the server's first.")] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Replies asked for at once.")] = 8,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps replies: a run that was stopped goes on where it was.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File that gets the result as JSON.")] = None,
    progress: Annotated[str, typer.Option(help="How far it is: `bar`, or lines of `json` on stderr.")] = "bar",
) -> None:
    """Run a task and print its figures, with 95% intervals and floors."""
    from agent.registry import load
    from agent.settings import load_settings
    from evals.listing import check_extra
    from evals.result import write_result
    from evals.run import EncoderKit, evaluate, folder_of
    from evals.table import print_results
    from sem_plugins.training.counted import errors_named, say_as

    say_as(progress)
    with errors_named():
        chosen: Task = load("tasks", task)()
        check_extra(chosen)
        folder = folder_of(chosen, data)
        settings = load_settings(weights=weights, llm_url=llm, llm_model=model)
        kit = EncoderKit(settings, cache=cache, parallel=parallel)
        results = evaluate(chosen, folder, split, kit=kit, systems=system or chosen.systems, limit=limit)
        print_results(results)
        if out is not None:
            write_result(out, results[0])
            typer.echo(f"Result of {results[0].signature['system']}: {out}", err=True)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Result file to compare with.")],
    second: Annotated[Path, typer.Argument(help="Result file that may be better.")],
    data: Data = None,
    force: Annotated[bool, typer.Option("--force", help="Although their signatures differ.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Put two runs of one task side by side: paired intervals and a permutation test over dialogues."""
    import json
    from dataclasses import asdict

    from agent.registry import load
    from evals.compare import compare as differences_of
    from evals.result import read_result
    from evals.run import folder_of
    from evals.table import print_differences
    from sem_plugins.training.counted import errors_named, say_as

    say_as("json" if as_json else "bar")
    with errors_named():
        one, other = read_result(first), read_result(second)
        task: Task = load("tasks", one.task)()
        samples = task.samples(folder_of(task, data), str(one.signature["split"]))
        found = differences_of(task, one, other, samples=samples, force=force)
    if as_json:
        typer.echo(json.dumps([asdict(each) | {"difference": each.value} for each in found]))
    else:
        print_differences(one, other, found)


@app.command("read-replies")
def read_replies(
    run: Annotated[Path, typer.Argument(help="Result file of a task with replies.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File that gets the result with the new figures.")],
    data: Data = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights that read; default: the shipped ones.")
    ] = None,
) -> None:
    """Read the replies of a run with the encoder: empathy, positive emotion, coherence, BERTScore, Extrema."""
    from agent.registry import load
    from evals.read_replies import read_replies as read
    from evals.result import read_result, write_result
    from evals.table import print_results
    from sem_plugins.training.sets.records import data_folder
    from sem_plugins.weights import SHIPPED, load_manifest

    result = read_result(run)
    task: Task = load("tasks", result.task)()
    found = read(task, result, data_folder(data), manifest=load_manifest(weights or SHIPPED))
    print_results([found])
    write_result(out, found)
    typer.echo(f"Result of {found.signature['system']}, read: {out}", err=True)


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Result files of one task, a column each.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .html, .md, .tex, .csv or .json.")],
    force: Annotated[bool, typer.Option("--force", help="Although their signatures differ.")] = False,
) -> None:
    """Write a report of one or several runs: figures with intervals and floors, and charts on the HTML page."""
    from evals.report import checked_suffix, write_report
    from evals.result import read_result

    checked_suffix(out)
    write_report(out, [read_result(path) for path in results], force=force)
    typer.echo(f"Report of {len(results)} result{'s' * (len(results) != 1)}: {out}", err=True)


@app.command()
def curve(
    of: Annotated[
        str,
        typer.Option(
            help="counterweights; blend (the reading's share); foresight; sequences (when a plan goes on)."
        ),
    ] = "counterweights",
    split: Annotated[str, typer.Option(help="Reads DATA/esconv/<split>.jsonl.")] = "valid",
    data: Data = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first samples.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
) -> None:
    """Print what a planner's setting does to its figures on ESConv."""
    from agent.errors import SettingsError
    from agent.settings import load_settings
    from evals.curve import Curve, draw
    from evals.run import EncoderKit
    from evals.table import print_curve
    from sem_plugins.training.sets.records import data_folder

    folder = data_folder(data)
    if of not in list(Curve):
        raise SettingsError(f"No curve of {of!r}. There are: {', '.join(Curve)}.")
    kit = EncoderKit(load_settings(weights=weights))
    print_curve(Curve(of), draw(Curve(of), folder, split, kit=kit, limit=limit))


@app.command()
def hef(  # noqa: PLR0917 - typer names them all
    data: Data = None,
    split: Annotated[str, typer.Option(help="Reads DATA/<set>/<split>.jsonl.")] = "valid",
    task: Annotated[
        list[str] | None, typer.Option(help="emotion, cause or reply (may be given again); default: all.")
    ] = None,
    arm: Annotated[
        list[str] | None, typer.Option(help="Only these arms, and the LLM alone; default: all of a task.")
    ] = None,
    stimulus: Annotated[
        list[str] | None, typer.Option(help="An emotional stimulus: an arm of the replies more (docs/prompts.md).")
    ] = None,
    exemplars: Annotated[
        Path | None, typer.Option(help="File of examples, built from train (`heartline exemplars build`).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first samples of each task.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
    llm: Annotated[str | None, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Its model; default: the server's first.")] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Answers asked for at once.")] = 8,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps answers: a run that was stopped goes on where it was.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder that gets a result file per arm.")
    ] = None,
) -> None:
    """Measure what HEF's parts add to an LLM: arms by tasks, compared with the LLM alone, with what each costs."""
    import time

    from agent.settings import load_settings
    from evals.hef.grid import TASKS, print_grid, run_grid
    from evals.run import EncoderKit
    from sem_plugins.training.sets.records import data_folder

    folder = data_folder(data)
    settings = load_settings(weights=weights, llm_url=llm, llm_model=model, exemplars=exemplars)
    started = time.perf_counter()
    rows = run_grid(
        folder,
        split,
        make_kit=lambda: EncoderKit(settings, cache=cache, parallel=parallel),
        tasks=task or tuple(TASKS),
        systems=arm or (),
        stimuli=stimulus or (),
        limit=limit,
        out=out,
    )
    print_grid(rows, seconds=time.perf_counter() - started)


app.command()(safety)


@app.command()
def tasks(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the parts that are there.")] = False,
) -> None:
    """List the tasks, who can answer each, and the file it reads."""
    import json
    from dataclasses import asdict

    from agent.settings import load_settings
    from evals.listing import listed

    found = listed(load_settings(data=data).data)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        reads = f"{one.data}/<split>.jsonl" if one.data else f"its own {', '.join(one.parts)}"
        about = one.problem or f"{reads}; {', '.join(one.systems)}: {one.about}"
        typer.echo(f"{one.name:36}{about}")
