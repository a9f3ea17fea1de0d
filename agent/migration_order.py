"""Migration 10: what several processes that answer one conversation have to know of each other."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["order_and_requests"]


def order_and_requests(connection: Connection) -> None:
    """Make `leases` and `requests`, and have what was not used for long found without reading everything."""
    # The name is a hash. A lease is taken before its conversation begins to exist, so that it refers to none.
    connection.execute(
        text(
            "CREATE TABLE leases (name TEXT PRIMARY KEY NOT NULL, holder TEXT, request TEXT, "
            "since DOUBLE PRECISION NOT NULL, until DOUBLE PRECISION NOT NULL, "
            "next_holder TEXT, next_until DOUBLE PRECISION NOT NULL)"
        )
    )
    of_it = "FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, id) ON DELETE CASCADE"
    connection.execute(
        text(
            "CREATE TABLE requests (tenant TEXT NOT NULL, conversation_id TEXT NOT NULL, key TEXT NOT NULL, "
            f"body TEXT NOT NULL, turn_id TEXT NOT NULL, created_at TEXT NOT NULL, {of_it}, "
            "PRIMARY KEY (tenant, conversation_id, key))"
        )
    )
    connection.execute(text("CREATE INDEX requests_made ON requests (created_at)"))
    connection.execute(text("CREATE INDEX conversations_left ON conversations (tenant, updated_at)"))
