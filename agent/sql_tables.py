"""The tables of an SQL database that several modules read, and which conversation a row belongs to."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["ACTS", "CONVERSATIONS", "HANDOFFS", "HOLDS", "TURNS", "Key", "insert_into", "named_rows", "new_row"]

CONVERSATIONS = sa.table(
    "conversations", *map(sa.column, ("tenant", "id", "created_at", "updated_at", "last_used"))
)
TURNS = sa.table(
    "turns",
    *map(sa.column, ("tenant", "conversation_id")),
    *map(sa.column, ("position", "turn_id", "created_at", "seeker_text", "supporter_text")),
    *map(sa.column, ("strategy", "state", "history_length", "record", "course", "reliance", "sitting")),
)
HOLDS = sa.table("holds", *map(sa.column, ("tenant", "conversation_id", "held_by", "untold")))
HANDOFFS = sa.table(
    "handoffs",
    sa.column("tenant"),
    *map(sa.column, ("id", "conversation_id", "position", "created", "reason", "consent")),
    *map(sa.column, ("state", "attempts", "next_try", "problem")),
)
ACTS = sa.table(
    "human_acts",
    *map(sa.column, ("tenant", "conversation_id", "number", "name", "did", "turns", "words", "created_at")),
)


class Key(NamedTuple):
    """Which conversation: the tenant that it belongs to (`""` where there is but one), and its id."""

    tenant: str
    id: str

    def rows(self, table: sa.TableClause) -> sa.ColumnElement[bool]:
        """The condition for its rows in a table."""
        named = table.c.id if table is CONVERSATIONS else table.c.conversation_id
        return sa.and_(table.c.tenant == self.tenant, named == self.id)


def named_rows(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for the rows of the conversation that the parameters `tenant` and `id` name.

    For statements that are made once: to make one anew for each turn takes as long as to run it.
    """
    return sa.and_(
        table.c.tenant == sa.bindparam("tenant"), table.c.conversation_id == sa.bindparam("id")
    ).self_group()


def new_row(connection: sa.Connection, table: sa.TableClause) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what is done where the row is there: each engine has its own."""
    return insert_into(connection.dialect.name, table)


def insert_into(engine: str, table: sa.TableClause) -> sqlite.Insert | postgresql.Insert:
    """As `new_row`, for an engine by its name."""
    return postgresql.insert(table) if engine == "postgresql" else sqlite.insert(table)
