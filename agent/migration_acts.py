"""The migrations for what people do in conversations that they take over, and for who waits for them."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["handoffs_by_age", "human_acts"]


def human_acts(connection: Connection) -> None:
    """Make `human_acts`."""
    of_it = "FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, id) ON DELETE CASCADE"
    connection.execute(
        text(
            "CREATE TABLE human_acts (tenant TEXT NOT NULL, conversation_id TEXT NOT NULL, "
            "number INTEGER NOT NULL, name TEXT NOT NULL, did TEXT NOT NULL, turns INTEGER NOT NULL, "
            "words TEXT, created_at TEXT NOT NULL, "
            f"{of_it}, PRIMARY KEY (tenant, conversation_id, number))"
        )
    )


def handoffs_by_age(connection: Connection) -> None:
    """Have the newest packets found without reading all of them."""
    connection.execute(text("CREATE INDEX handoffs_made ON handoffs (tenant, created, id)"))
