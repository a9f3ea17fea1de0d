"""Conversations in one SQLite file that several processes may share.

A turn that `append` returned survives the death of the process (`kill -9`). It survives a loss of power too, as
far as the disk keeps what it was told to flush: `synchronous=FULL` flushes once per turn, some milliseconds beside
a reply that takes seconds. Conversations are private: a new folder gets mode 0700 and a new file 0600, where the
operating system knows modes. The file must lie on a local disk: its log does not work on a network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agent.memory_sql import SQLStore
from agent.setting_types import StorePool
from agent.sqlite_file import SQLiteFile
from agent.store_url import sqlite_path

__all__ = ["SQLiteStore", "create"]


class SQLiteStore(SQLStore):
    """The store in a file.

    What is erased is written over, and the log is emptied once nobody reads in it.

    Args:
        path: The database. It and its folder are made where they are missing.
        lock_seconds: How long to wait while another process writes.
        pool: Connections of this process.
        tenant: Whose conversations.

    Raises:
        StoreError: As `SQLStore`.
    """

    def __init__(
        self, path: Path, *, lock_seconds: float = 10.0, pool: StorePool | None = None, tenant: str = ""
    ) -> None:
        self.path = Path(os.path.realpath(path))
        super().__init__(SQLiteFile(self.path, lock_seconds, pool or StorePool()), tenant=tenant)


def create(settings: Any) -> SQLiteStore:
    """Entry point `sqlite`: the file that a URL in `settings.store` names, else `settings.store_path`."""
    path = sqlite_path(settings.store) or settings.store_path
    return SQLiteStore(path, pool=settings.store_pool, tenant=settings.tenant)
