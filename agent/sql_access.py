"""What every part of an SQL store stands on: a database, a tenant, and transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from agent.errors import StoreError, UnknownConversationError
from agent.sql_database import Database, transaction
from agent.sql_tables import CONVERSATIONS, Key
from agent.tenants import checked_tenant

__all__ = ["SQLAccess"]

ResultT = TypeVar("ResultT")


class SQLAccess:
    """Reads and writes the rows of one tenant.

    Args:
        database: Where.
        tenant: Whose conversations.
    """

    def __init__(self, database: Database, *, tenant: str = "") -> None:
        self.name, self.tenant = database.name, checked_tenant(tenant)
        self._database = database
        self._is_view = self._closed = False

    @property
    def where(self) -> str:
        """Where conversations are kept, for people: a path, or a host and a database, and no password."""
        return self._database.where

    def _key(self, conversation_id: str) -> Key:
        return Key(self.tenant, conversation_id)

    def _lock(self, connection: sa.Connection, key: Key) -> None:
        """On Postgres: nobody appends to a conversation until the transaction ends. It must exist."""
        row = sa.select(CONVERSATIONS.c.id).where(key.rows(CONVERSATIONS)).with_for_update()
        if connection.execute(row).one_or_none() is None:
            raise self._unknown(key.id)

    def _read(self, work: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Do something in a transaction that sees one state of the database."""
        self._check_open()
        return transaction(self._database, work)

    def _write(self, work: Callable[[sa.Connection], ResultT]) -> ResultT:
        """Do something in a transaction that writes; from its beginning where it met another one."""
        self._check_open()
        return transaction(self._database, work, writing=True)

    def _check_open(self) -> None:
        if self._closed or self._database.closed:
            raise StoreError(f"The store {self.where!r} is closed. Open it again.")

    def _unknown(self, conversation_id: str) -> UnknownConversationError:
        return UnknownConversationError(
            f"No conversation {conversation_id!r} in {self.where!r}. `conversations()` lists those it has."
        )
