"""Conversations of a tenant, listed out of an SQL database."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from agent.sql_tables import CONVERSATIONS, Key
from agent.sql_turns import last_used_first

__all__ = ["LastUse", "conversations_in", "last_use_of"]

_LAST = "\U0010ffff"


class LastUse(NamedTuple):
    """The place of a conversation among those of its tenant."""

    number: int
    id: str


def last_use_of(connection: sa.Connection, key: Key) -> LastUse | None:
    """Where a conversation stands; None where there is none."""
    row = connection.execute(sa.select(CONVERSATIONS.c.last_used).where(key.rows(CONVERSATIONS))).one_or_none()
    return None if row is None else LastUse(row.last_used, key.id)


def conversations_in(
    connection: sa.Connection, tenant: str, beginning: str, *, limit: int | None, after: LastUse | None
) -> tuple[str, ...]:
    """Their ids, the one last used first.

    Args:
        connection: In a transaction.
        tenant: Whose.
        beginning: What the ids begin with. Other conversations are not looked at, however many there are: SQLite
            searches the key, and so does Postgres in a database whose order is that of `C`.
        limit: So many at most; None: all. Without a beginning no others are read.
        after: Those that were last used before this one was; None: from the first.
    """
    used = CONVERSATIONS.c.last_used
    listed = last_used_first(tenant).limit(limit)
    if after is not None:
        # Not as one comparison of two columns: SQLite would read all that were used later, too.
        listed = listed.where(used <= after.number, sa.or_(used < after.number, CONVERSATIONS.c.id > after.id))
    if beginning:
        # By an expression: an index over `last_used` would give the order, and have all conversations read for it.
        listed = listed.where(_begins(connection, beginning)).order_by(None)
        listed = listed.order_by(-used, CONVERSATIONS.c.id)
    return tuple(connection.execute(listed).scalars())


def _begins(connection: sa.Connection, beginning: str) -> sa.ColumnElement[bool]:
    name = CONVERSATIONS.c.id
    if connection.dialect.name == "sqlite":  # its LIKE does not tell capitals from small letters
        return sa.and_(name >= beginning, name < beginning + _LAST)
    return name.startswith(beginning, autoescape=True)
