"""Conversations of a tenant, listed out of an SQL database."""

from __future__ import annotations

import sqlalchemy as sa

from agent.sql_tables import CONVERSATIONS
from agent.sql_turns import last_used_first

__all__ = ["conversations_in"]

_LAST = "\U0010ffff"


def conversations_in(connection: sa.Connection, tenant: str, beginning: str) -> tuple[str, ...]:
    """Their ids, the one last used first.

    Args:
        connection: In a transaction.
        tenant: Whose.
        beginning: What the ids begin with. Other conversations are not looked at, however many there are: SQLite
            searches the key, and so does Postgres in a database whose order is that of `C`.
    """
    listed = last_used_first(tenant)
    if beginning:
        # By an expression: an index over `last_used` would give the order, and have all conversations read for it.
        listed = listed.where(_begins(connection, beginning)).order_by(None)
        listed = listed.order_by(-CONVERSATIONS.c.last_used, CONVERSATIONS.c.id)
    return tuple(connection.execute(listed).scalars())


def _begins(connection: sa.Connection, beginning: str) -> sa.ColumnElement[bool]:
    name = CONVERSATIONS.c.id
    if connection.dialect.name == "sqlite":  # its LIKE does not tell capitals from small letters
        return sa.and_(name >= beginning, name < beginning + _LAST)
    return name.startswith(beginning, autoescape=True)
