"""Migration 7: every row belongs to a tenant.

A key cannot be changed in SQLite, so that each table is made anew beside the old one, filled, and put in its
place: the same statements on both engines. What was there belongs to the tenant `""`.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

__all__ = ["tenants"]

_OF_CONVERSATION = (
    "FOREIGN KEY (tenant, conversation_id) REFERENCES new_conversations (tenant, id) ON DELETE CASCADE"
)
_CONVERSATION = f"tenant TEXT NOT NULL, conversation_id TEXT NOT NULL, {{columns}}, {_OF_CONVERSATION}"

_TABLES: dict[str, str] = {
    "conversations": (
        "tenant TEXT NOT NULL, id TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, "
        "last_used INTEGER NOT NULL, PRIMARY KEY (tenant, id)"
    ),
    # `record` last: reading the columns before it does not touch its overflow pages.
    "turns": _CONVERSATION.format(
        columns="position INTEGER NOT NULL, turn_id TEXT NOT NULL, created_at TEXT NOT NULL, "
        "seeker_text TEXT NOT NULL, supporter_text TEXT, strategy TEXT, state TEXT, history_length INTEGER, "
        "course TEXT, reliance TEXT, sitting TEXT, record TEXT NOT NULL, "
        "PRIMARY KEY (tenant, conversation_id, position), UNIQUE (tenant, turn_id)"
    ),
    "holds": _CONVERSATION.format(
        columns="held_by TEXT, untold INTEGER NOT NULL, PRIMARY KEY (tenant, conversation_id)"
    ),
    "handoffs": _CONVERSATION.format(
        columns="id TEXT NOT NULL, position INTEGER NOT NULL, created TEXT NOT NULL, reason TEXT NOT NULL, "
        "consent INTEGER, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_try TEXT NOT NULL, problem TEXT, "
        "PRIMARY KEY (tenant, id)"
    ),
    "counts": (
        "tenant TEXT NOT NULL, month TEXT NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL, "
        "PRIMARY KEY (tenant, month, kind)"
    ),
}
"""Those that refer to a conversation after it."""

_INDEXES = (
    "conversations_used ON conversations (tenant, last_used)",
    "handoffs_of ON handoffs (tenant, conversation_id, position)",
    "handoffs_due ON handoffs (tenant, state, next_try)",
)


def tenants(connection: Connection) -> None:
    """Make the tables of schema 7 out of those of schema 6."""
    sqlite = connection.dialect.name == "sqlite"
    for name, columns in _TABLES.items():
        # Without row ids: they would tell the order in which things were first counted.
        without = " WITHOUT ROWID" if name == "counts" and sqlite else ""
        connection.execute(text(f"CREATE TABLE new_{name} ({columns}){without}"))
        kept = ", ".join(column["name"] for column in inspect(connection).get_columns(name))
        copied = f"INSERT INTO new_{name} (tenant, {kept}) SELECT '', {kept} FROM {name}"  # noqa: S608 - our own names
        connection.execute(text(copied))
    # Conversations last: where one goes, what refers to it goes too.
    for name in reversed(_TABLES):
        connection.execute(text(f"DROP TABLE {name}"))
    for name in _TABLES:
        connection.execute(text(f"ALTER TABLE new_{name} RENAME TO {name}"))
    for index in _INDEXES:
        connection.execute(text(f"CREATE INDEX {index}"))
