"""The migration that gives keys an end, rights and limits of their own."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["key_terms"]

_BEFORE = "chat,erase,feedback,handoff,read,tasks"
"""What every key could do before there were rights: keys that were made then keep it."""


def key_terms(connection: Connection) -> None:
    """Add what a key may do, how often, and until when."""
    for column in (
        f"rights TEXT NOT NULL DEFAULT '{_BEFORE}'",
        "expires TEXT",
        "per_minute INTEGER",
        "concurrent INTEGER",
    ):
        connection.execute(text(f"ALTER TABLE api_keys ADD COLUMN {column}"))
