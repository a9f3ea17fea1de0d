"""`heartline data`: which sets there are and which of them are here, whether they are usable, how to get them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evals.data.catalogue import DataSet
    from evals.data.check import Report

__all__ = ["app"]

app = typer.Typer(
    help="Data sets: `heartline data list`, `fetch SET`, `verify`.", no_args_is_help=True, rich_markup_mode=None
)

Data = Annotated[Path | None, typer.Option("--data", help="Folder of prepared sets; default: HEARTLINE_DATA.")]

_UNUSABLE = 2  # exit status


@app.command("list")
def list_sets(data: Data = None) -> None:
    """List the sets, what they are for, on which terms, and what of them is in the data folder."""
    from rich.table import Table

    from agent.settings import load_settings
    from evals.data.catalogue import data_sets
    from sem_plugins.training.cells import page

    folder = load_settings(data=data).data
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("set", "what for", "licence", "here"):
        table.add_column(column, no_wrap=column == "set")
    for data_set in data_sets().values():
        table.add_row(data_set.name, data_set.labels, data_set.licence, _here(folder, data_set))
    page().print(table)
    if folder is None:
        typer.echo("No data folder is named: use `--data DIR` or HEARTLINE_DATA.", err=True)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SET]...", help="Default: all that are here.")
    ] = None,
    data: Data = None,
    shown: Annotated[int, typer.Option(min=0, help="Problems shown per file.")] = 10,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
) -> None:
    """Read every file as the tasks do; exit status 2 where one is unusable."""
    from agent.errors import DataError
    from evals.data.catalogue import data_set, data_sets
    from evals.data.check import check, parts_in
    from sem_plugins.training.sets.records import data_folder

    folder = data_folder(data)
    asked = [data_set(name) for name in names or ()] or list(data_sets().values())
    files = [(one, part) for one in asked for part in parts_in(folder, one)]
    absent = [one.name for one in asked if not parts_in(folder, one)]
    if absent and (names or not files):
        raise DataError(f"No files of {', '.join(absent)} in {str(folder)!r}. {_how_to_get(absent)}")
    trained_on = _trained_on(weights)
    usable = True
    for one, part in files:
        report = check(folder, one, part)
        usable = usable and not report.problems
        _print(report, trained_on, shown)
    if absent:
        typer.echo(f"not here: {', '.join(absent)}")
    if not usable:
        raise typer.Exit(_UNUSABLE)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="SET", help="Name of a set.")],
    *,
    data: Data = None,
    source: Annotated[
        Path | None, typer.Option("--source", help="Folder with the source files, where they were fetched before.")
    ] = None,
    with_test: Annotated[bool, typer.Option("--with-test", help="Write the test part too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
) -> None:
    """Fetch a set from its authors and write what is missing of it; parts that are here stay as they are."""
    from evals.data.catalogue import data_set
    from evals.data.check import check
    from evals.data.download import from_folder, from_network
    from evals.data.fetch import CONVERTERS, instructions, missing_parts
    from evals.data.fetch import fetch as fetch_parts
    from sem_plugins.training.sets.records import data_folder

    chosen = data_set(name)
    typer.echo(
        f"{name}: {chosen.labels}\nlicence: {chosen.licence}, {chosen.licence_url}\ncite: {chosen.citation}"
    )
    if name not in CONVERTERS:
        typer.echo(instructions(chosen))
        raise typer.Exit(_UNUSABLE)
    folder = data_folder(data)
    parts = missing_parts(folder, chosen, with_test=with_test)
    if not parts:
        typer.echo(f"Nothing to fetch: its files are in {str(folder / name)!r}. Delete one to get it anew.")
        return
    for one in chosen.sources_of(frozenset(parts)):
        size = f"{one.bytes / 1e6:,.1f} MB" if one.bytes else "size not on record"
        known = "SHA-256 on record" if one.sha256 else "no SHA-256 on record"
        typer.echo(f"source: {one.url} ({size}, {known})")
    typer.echo(f"writes: {', '.join(f'{name}/{part}.jsonl' for part in parts)}")
    if not yes:
        typer.confirm("Do its terms suit you, and shall it be fetched?", abort=True)
    opener = from_network if source is None else from_folder(source)
    reports = [check(folder, chosen, path.stem) for path in fetch_parts(folder, chosen, parts, opener=opener)]
    trained_on = _trained_on(weights)
    for report in reports:
        _print(report, trained_on, shown=10)
    if any(report.problems for report in reports):
        raise typer.Exit(_UNUSABLE)


def _here(folder: Path | None, data_set: DataSet) -> str:
    from evals.data.check import parts_in

    if folder is None:
        return "-"
    counts = []
    for part in parts_in(folder, data_set):
        with (folder / data_set.name / f"{part}.jsonl").open("rb") as lines:
            counts.append(f"{part} {sum(1 for _ in lines):,}")
    return ", ".join(counts) or "-"


def _trained_on(weights: Path | None) -> Mapping[str, str]:
    from agent.settings import load_settings
    from sem_plugins.weights import SHIPPED, load_manifest

    found: Mapping[str, str] = load_manifest(load_settings(weights=weights).weights or SHIPPED).card["data"]
    return found


def _print(report: Report, trained_on: Mapping[str, str], shown: int) -> None:
    from evals.data.check import origin

    state = f"unusable ({len(report.problems):,} problems)" if report.problems else origin(report, trained_on)
    typer.echo(f"{report.file:36}{report.records:>8,} records  {report.sha256[:12]}  {state}")
    for problem in report.problems[:shown]:
        typer.echo(f"    line {problem.line}: {problem.what}")
    if len(report.problems) > shown:
        typer.echo(f"    and {len(report.problems) - shown:,} more")
    for note in report.notes:
        typer.echo(f"    note: {note}")


def _how_to_get(names: list[str]) -> str:
    if len(names) > 1:
        return "`heartline data list` shows them all, `heartline data fetch SET` gets one."
    return f"Get it: heartline data fetch {names[0]}"
