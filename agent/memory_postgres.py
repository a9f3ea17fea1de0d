"""Conversations on a Postgres server that several machines may share.

A turn that `append` returned is committed there: what the server promises of a commit is promised of a turn.
Turns of one conversation queue for the row of their conversation.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from agent.errors import StoreError
from agent.memory_sql import SQLStore
from agent.postgres_server import NEXT_STEPS, PostgresServer
from agent.setting_types import StorePool

__all__ = ["PostgresStore", "create"]


class PostgresStore(SQLStore):
    """The store on a server.

    Args:
        url: As `PostgresServer` takes it.
        pool: Connections of this process.
        tenant: Whose conversations.

    Raises:
        SettingsError: The URL is unusable, or the extra `postgres` is not installed.
        StoreError: As `SQLStore`, or the database is not in UTF-8.
    """

    def __init__(self, url: str, *, pool: StorePool | None = None, tenant: str = "") -> None:
        super().__init__(PostgresServer(url, pool or StorePool()), tenant=tenant)
        encoding = self._read(lambda connection: connection.execute(sa.text("SHOW server_encoding")).scalar_one())
        if encoding != "UTF8":
            self.close()
            raise StoreError(f"Conversation database {self.where!r} is in {encoding}. {NEXT_STEPS['22P05']}")


def create(settings: Any) -> PostgresStore:
    """Entry point `postgresql`: the store at the URL in `settings.store`."""
    return PostgresStore(settings.store, pool=settings.store_pool, tenant=settings.tenant)
