"""The migrations that make keys, and give them an end, rights and limits of their own."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["api_keys", "key_terms"]

_BEFORE = "chat,erase,feedback,handoff,read,tasks"
"""What every key could do before there were rights: keys that were made then keep it."""


def api_keys(connection: Connection) -> None:
    """Make `api_keys`."""
    connection.execute(
        text(
            "CREATE TABLE api_keys (id TEXT PRIMARY KEY NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, "
            "hash TEXT NOT NULL UNIQUE, created TEXT NOT NULL, last_used TEXT, revoked TEXT)"
        )
    )


def key_terms(connection: Connection) -> None:
    """Add what a key may do, how often, and until when."""
    for column in (
        f"rights TEXT NOT NULL DEFAULT '{_BEFORE}'",
        "expires TEXT",
        "per_minute INTEGER",
        "concurrent INTEGER",
    ):
        connection.execute(text(f"ALTER TABLE api_keys ADD COLUMN {column}"))
