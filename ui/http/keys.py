"""`heartline keys`: who may use the server. Heavy imports stay inside: `heartline --help` answers at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.errors import SettingsError

if TYPE_CHECKING:
    from agent.api_keys import ApiKeys

__all__ = ["app"]

app = typer.Typer(
    help="Make, list and revoke keys of the HTTP server.", no_args_is_help=True, rich_markup_mode=None
)

StoreFile = Annotated[Path | None, typer.Option(help="File that keeps conversations.")]


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="Whose conversations it opens.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    store: StoreFile = None,
) -> None:
    """Make a key and print it, this once."""
    with _keys(store) as keys:
        secret, key = keys.create(tenant, name=name)
    typer.echo(secret)
    typer.echo(f"Key {key.id} of tenant {key.tenant!r}. It is not shown again.", err=True)


@app.command("list")
def listed(store: StoreFile = None) -> None:
    """Show every key: id, tenant, name, and the days on which it was made, last used and revoked."""
    with _keys(store) as keys:
        known = keys.known()
    for key in known:
        used = "never used" if key.last_used is None else f"last used {key.last_used}"
        ended = "" if key.revoked is None else f"\trevoked {key.revoked:%Y-%m-%d}"
        typer.echo(f"{key.id}\t{key.tenant}\t{key.name or '-'}\tmade {key.created:%Y-%m-%d}\t{used}{ended}")
    if not known:
        typer.echo("There are no keys: whoever reaches the server may use it.", err=True)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")], store: StoreFile = None) -> None:
    """Have a key open nothing any more, from the next request on."""
    with _keys(store) as keys:
        key = keys.revoke(key_id)
    typer.echo(f"Key {key.id} of tenant {key.tenant!r} opens nothing any more.")


@contextmanager
def _keys(path: Path | None) -> Iterator[ApiKeys]:
    from agent.settings import load_settings
    from agent.store_url import open_store

    with closing(open_store(load_settings(store_path=path))) as store:
        keys: ApiKeys | None = getattr(store, "api_keys", None)
        if keys is None:
            raise SettingsError(f"The store {store.name!r} keeps no keys. Take `sqlite` or Postgres.")
        yield keys
