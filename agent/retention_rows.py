"""Rows of an SQL database that were kept long enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.migrations import as_kept
from agent.sql_tables import CONVERSATIONS
from agent.sql_turns import erase, last_used_first

__all__ = ["due_in", "expire_in_parts"]

_PART = 20
"""Conversations that are erased in one transaction: others wait for as long as that takes."""

_LONGEST_REST = 1.0


def expire_in_parts(
    write: Callable[[Callable[[sa.Connection], Any]], Any],
    tenant: str,
    before: datetime,
    erased: Callable[[], None],
) -> tuple[str, ...]:
    """Erase what a tenant did not use since a time, the oldest first.

    After each part as much time is left to others as it took: on SQLite they would otherwise hardly come to write.

    Args:
        write: Does something in a transaction of its own.
        tenant: Whose.
        before: In UTC.
        erased: Called once at the end where something was erased, also where an error ends it.

    Returns:
        Ids of the conversations, the one last used first.

    Raises:
        StoreError: It could not be written. What was erased by then is gone.
    """
    gone: list[str] = []
    try:
        while True:
            began = time.perf_counter()
            part = write(lambda connection: _erase_oldest(connection, tenant, before))
            if not part:
                break
            gone.extend(part)
            time.sleep(min(_LONGEST_REST, time.perf_counter() - began))
    finally:
        if gone:
            erased()
    return tuple(reversed(gone))


def due_in(connection: sa.Connection, tenant: str, before: datetime) -> tuple[str, ...]:
    """Ids of what `expire_in_parts` would erase, the one last used first."""
    return tuple(connection.execute(last_used_first(tenant).where(_unused_since(before))).scalars())


def _erase_oldest(connection: sa.Connection, tenant: str, before: datetime) -> tuple[str, ...]:
    """Their ids, the one last used last."""
    old = _unused_since(before)
    oldest = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.tenant == tenant, old)
    ids = connection.execute(oldest.order_by(CONVERSATIONS.c.last_used).limit(_PART)).scalars().all()
    # Of those, whichever were not used meanwhile.
    still = sa.and_(old, CONVERSATIONS.c.id.in_(ids))
    return tuple(reversed(erase(connection, tenant, still))) if ids else ()


def _unused_since(before: datetime) -> sa.ColumnElement[bool]:
    return CONVERSATIONS.c.updated_at < as_kept(before)
