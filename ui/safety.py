"""`heartline safety`: what an operator publishes and looks after."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.memory_sql import SQLStore

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
    from agent.safety.counters import KINDS, make_report

    with _opened(store) as opened:
        counts = opened.counts()
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


@app.command()
def handoffs(
    newest: Annotated[int | None, typer.Option(min=1, help="So many, the newest; default: all.")] = None,
    store: Store = None,
) -> None:
    """List the packets for a person: what became of each, and no word of anybody."""
    with _opened(store) as opened:
        for each in opened.handoffs(newest=newest):
            problem = f"  ({each.problem})" if each.problem else ""
            created = each.created.isoformat(timespec="seconds")
            typer.echo(f"{created}  {each.state:<6}  {each.reason:<8}  {each.conversation_id}{problem}")


@app.command()
def deliver(
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, with so many seconds between rounds; default: one round.")
    ] = None,
    store: Store = None,
) -> None:
    """Send the packets that are due to `handoff_url`."""
    from agent.errors import SettingsError
    from agent.safety.delivery import Delivered
    from agent.safety.delivery import deliver as one_round
    from agent.safety.webhook import Webhook
    from agent.settings import load_settings

    async def round_to(sink: Webhook) -> Delivered:
        async with sink:
            return await one_round(opened, sink, datetime.now(UTC))

    sink = Webhook.from_settings(load_settings(store_path=store))
    with _opened(store) as opened:
        while True:
            done = asyncio.run(round_to(sink))
            typer.echo(f"sent {done.sent}, to be tried again {done.waiting}, given up {done.failed}")
            if every is None:
                return
            time.sleep(every)
            try:
                sink = Webhook.from_settings(load_settings(store_path=store))
            except SettingsError as error:  # somebody is at it: packets go where they went before
                typer.echo(f"Settings that cannot be used were left aside: {error}", err=True)


@app.command()
def hold(
    conversation: Annotated[str, typer.Argument(help="Its id.")],
    by: Annotated[str, typer.Option(help="Who takes it over.")],
    store: Store = None,
) -> None:
    """Take a conversation over: the agent keeps what is written, and answers nothing of its own."""
    with _opened(store) as opened:
        opened.hold(conversation, by=by)
    typer.echo(f"{conversation} is held by {by}. Whoever writes there is told with their next message.")


@app.command()
def say(
    conversation: Annotated[str, typer.Argument(help="Its id.")],
    by: Annotated[str, typer.Option(help="Who took it over.")],
    words: Annotated[str, typer.Argument(help="What is said; - reads it, so that no shell remembers it.")] = "-",
    store: Store = None,
) -> None:
    """Say something in a conversation that was taken over: it is seen where it was begun."""
    said = sys.stdin.read().strip() if words == "-" else words
    with _opened(store) as opened:
        opened.say(conversation, said, by=by)
    typer.echo(f"Said in {conversation}.")


@app.command()
def release(
    conversation: Annotated[str, typer.Argument(help="Its id.")],
    store: Store = None,
) -> None:
    """Give a conversation back to the agent."""
    with _opened(store) as opened:
        opened.release(conversation)
    typer.echo(f"{conversation} is given back. Whoever writes there is told with their next message.")


@contextmanager
def _opened(store: Path | None) -> Iterator[SQLStore]:
    from agent.settings import load_settings
    from agent.store_url import open_store

    opened = open_store(load_settings(store_path=store))
    try:
        yield opened
    finally:
        opened.close()
