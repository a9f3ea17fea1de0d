"""The setting `store`: the name of a store, or a URL whose scheme names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from agent.errors import SettingsError
from agent.registry import make
from agent.settings import Settings

__all__ = ["open_store", "sqlite_path"]

_ALIASES = {"postgres": "postgresql"}


def _is_url(store: str) -> bool:
    """Whether the setting is a URL, e.g. `"postgresql://host/database"`, rather than a name."""
    return "://" in store


def open_store(settings: Settings) -> Any:
    """The store that the settings name, with the conversations of the tenant that they name.

    Args:
        settings: With `store`, `store_path`, `store_pool` and `tenant`.

    Raises:
        SettingsError: No store has this name, the URL is unusable, or the store keeps no tenants apart. A URL is
            in no error: it may hold a password.
        StoreError: It cannot be opened.
    """
    scheme = settings.store.partition("://")[0].partition("+")[0] if _is_url(settings.store) else settings.store
    store = make("stores", _ALIASES.get(scheme, scheme), settings)
    if getattr(store, "tenant", "") != settings.tenant:
        store.close()
        raise SettingsError(
            f"`tenant` is {settings.tenant!r}, and the store {scheme!r} keeps no tenants apart. Take `sqlite`, "
            "`memory` or Postgres, or leave `tenant` out."
        )
    return store


def sqlite_path(store: str) -> Path | None:
    """The file that a URL names; None where the setting is no URL of SQLite.

    Args:
        store: E.g. `"sqlite:///talks.db"` (in the working folder) or `"sqlite:////srv/talks.db"`.

    Raises:
        SettingsError: It names no file.
    """
    scheme, mark, rest = store.partition("://")
    if not mark or scheme.partition("+")[0] != "sqlite":
        return None
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or path in {"", ":memory:"}:
        raise SettingsError(
            "`store` (HEARTLINE_STORE) begins with `sqlite:` and names no file. Write sqlite:///talks.db for one "
            "in the working folder, sqlite:////srv/talks.db for another; `memory` keeps nothing."
        )
    return Path(path)
