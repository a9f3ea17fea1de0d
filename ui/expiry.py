"""`heartline expire`, for cron or a systemd timer. Heavy imports stay inside: `--help` answers at once."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import InputError

__all__ = ["app"]

app = typer.Typer(
    help="Erase for good what was not used for long.", invoke_without_command=True, rich_markup_mode=None
)


@app.callback()
def expire(
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only this one's conversations (may be given again).")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="Days without use, instead of those of the settings.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    store: Annotated[Path | None, typer.Option(help="File that keeps conversations.")] = None,
) -> None:
    """Erase for good what was not used for as long as the settings say (`retention_days`, `retention`).

    Without a terminal it asks nothing. Exit status 0: done, 1: some tenant's could not be erased, 2: nothing was.
    """
    from agent.retention import days_of, expire_each, kept_days
    from agent.settings import load_settings
    from agent.store_url import open_store
    from agent.tenants import checked_tenant

    settings = load_settings(store_path=store)
    only = [checked_tenant(name) for name in tenant or ()]
    if days is not None and not only:
        raise InputError("`--days` needs `--tenant`: say whose. `--tenant ''` is whoever names no tenant.")
    if days is None and settings.retention_days is None and not settings.retention.tenants:
        raise InputError(
            "Nothing says how long conversations are kept. Set `retention_days` or `retention` (docs/storage.md), "
            "or give `--tenant` and `--days`."
        )
    failed = False
    with closing(open_store(settings)) as opened:
        if days is not None:
            named = dict.fromkeys(only, days)
        elif only:
            found = {name: days_of(name, settings) for name in only}
            named = {name: number for name, number in found.items() if number is not None}
            for name in found.keys() - named.keys():
                typer.echo(f"Tenant {name!r}: kept, as no setting says how long.")
        else:
            named = kept_days(opened, settings)
        for done in expire_each(opened, named, datetime.now(UTC), dry_run=dry_run):
            whose = f"Tenant {done.tenant!r}" if done.tenant else "Without a tenant"
            if done.conversations is None:
                failed = True
                typer.echo(f"{whose}: failed. {done.problem}", err=True)
                continue
            what = "would be erased" if dry_run else "erased"
            number = f"{done.conversations:,} conversation{'' if done.conversations == 1 else 's'}"
            typer.echo(f"{whose}: {number} {what}, not used for {done.days} days.")
    sys.exit(1 if failed else 0)
