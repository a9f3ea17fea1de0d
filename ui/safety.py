"""`heartline safety`: what an operator publishes and looks after."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Safety: yearly report, published protocol.", no_args_is_help=True, rich_markup_mode=None)

Store = Annotated[Path | None, typer.Option(help="File that keeps conversations.")]


@app.command()
def report(
    year: Annotated[int | None, typer.Option(min=1, max=9999, help="Default: this year.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Small numbers and months too: for the operator alone.")
    ] = False,
    store: Store = None,
) -> None:
    """Count referrals, rises of risk, blocked sentences and handoffs of a year. Numbers below 5 read "<5"."""
    from agent.memory_sqlite import SQLiteStore
    from agent.safety.counters import KINDS, make_report
    from agent.settings import load_settings

    opened = SQLiteStore(load_settings(store_path=store).store_path)
    try:
        counts = opened.counts()
    finally:
        opened.close()
    made = make_report(counts, datetime.now(UTC).year if year is None else year, exact=exact)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=1))
        return
    typer.echo(f"{made.year}" + (" (exact: not for others)" if exact else ""))
    for kind in made.counts:
        typer.echo(f"{made.shown(kind):>8}  {kind:<24}  {KINDS.get(kind, '')}".rstrip())
    for month, found in made.months.items():
        typer.echo(f"{month}: " + ", ".join(f"{kind} {number}" for kind, number in found.items()))


@app.command()
def protocol(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write here, e.g. docs/protocol.md; default: print it.")
    ] = None,
) -> None:
    """Print what is done when somebody may be in danger, as a page to publish."""
    from agent.safety.protocol_page import protocol_page

    page = protocol_page()
    if out is None:
        typer.echo(page, nl=False)
        return
    out.write_text(page, encoding="utf-8")
    typer.echo(f"Written: {out}")
