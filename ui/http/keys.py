"""`heartline keys`: who may use the server. Heavy imports stay inside: `heartline --help` answers at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.errors import InputError, SettingsError

if TYPE_CHECKING:
    from agent.api_keys import ApiKey, ApiKeys

__all__ = ["app"]

app = typer.Typer(
    help="Make, list and revoke keys of the HTTP server.", no_args_is_help=True, rich_markup_mode=None
)

_DAYS = re.compile(r"([0-9]{1,5})d")

StoreFile = Annotated[Path | None, typer.Option(help="File that keeps conversations.")]


@app.command()
def create(  # noqa: PLR0917 - typer names them all
    tenant: Annotated[str, typer.Option(help="Whose conversations it opens.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    right: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do (may be given again): chat, erase, feedback, handoff, metrics, read, tasks. "
            "Default: chat, feedback and read."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="When it ends: in so many days (90d), or as a day of UTC begins (2027-01-31)."
        ),
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Most requests a minute; default: the setting `key_limits`.")
    ] = None,
    concurrent: Annotated[
        int | None, typer.Option(min=1, help="Most requests at once; default: the setting `key_limits`.")
    ] = None,
    store: StoreFile = None,
) -> None:
    """Make a key and print it, this once."""
    from agent.api_keys import USUAL_RIGHTS

    ends = None if expires is None else _end(expires, now=datetime.now(UTC))
    with _keys(store) as keys:
        secret, key = keys.create(
            tenant,
            name=name,
            rights=right or USUAL_RIGHTS,
            expires=ends,
            per_minute=per_minute,
            concurrent=concurrent,
        )
    typer.echo(secret)
    end = "" if key.expires is None else f", until {key.expires:%Y-%m-%d}"
    may = f"may {', '.join(key.rights)}{end}"
    typer.echo(f"Key {key.id} of tenant {key.tenant!r} {may}. It is not shown again.", err=True)


@app.command("list")
def listed(store: StoreFile = None) -> None:
    """Show every key: id, tenant, name, the days of making and of last use, rights, limits, and its end."""
    with _keys(store) as keys:
        known = keys.known()
    for key in known:
        used = "never used" if key.last_used is None else f"last used {key.last_used}"
        more = "".join(f"\t{each}" for each in _terms(key, now=datetime.now(UTC)))
        typer.echo(f"{key.id}\t{key.tenant}\t{key.name or '-'}\tmade {key.created:%Y-%m-%d}\t{used}{more}")
    if not known:
        typer.echo("There are no keys: whoever reaches the server may use it.", err=True)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")], store: StoreFile = None) -> None:
    """Have a key open nothing any more, from the next request on."""
    with _keys(store) as keys:
        key = keys.revoke(key_id)
    typer.echo(f"Key {key.id} of tenant {key.tenant!r} opens nothing any more.")


def _terms(key: ApiKey, *, now: datetime) -> Iterator[str]:
    """What a key may do, how often, and when it ends or ended."""
    yield ",".join(key.rights)
    if key.per_minute is not None:
        yield f"{key.per_minute:,} a minute"
    if key.concurrent is not None:
        yield f"{key.concurrent:,} at once"
    if key.expires is not None:
        yield f"{'expired' if key.expired(now) else 'expires'} {key.expires:%Y-%m-%d}"
    if key.revoked is not None:
        yield f"revoked {key.revoked:%Y-%m-%d}"


def _end(text: str, *, now: datetime) -> datetime:
    """When a key ends, as it is given on the command line.

    Raises:
        InputError: It is no number of days and no day.
    """
    try:
        if (days := _DAYS.fullmatch(text)) is not None:
            return now + timedelta(days=int(days.group(1)))
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(
            f"`--expires` is {text[:64]!r}. Name a number of days, e.g. 90d, or a day, e.g. 2027-01-31."
        ) from None


@contextmanager
def _keys(path: Path | None) -> Iterator[ApiKeys]:
    from agent.settings import load_settings
    from agent.store_url import open_store

    with closing(open_store(load_settings(store_path=path))) as store:
        keys: ApiKeys | None = getattr(store, "api_keys", None)
        if keys is None:
            raise SettingsError(f"The store {store.name!r} keeps no keys. Take `sqlite` or Postgres.")
        yield keys
