"""SQLite files with all tables and no rows, copied: making the tables takes seven eighths of what opening one does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.memory_sqlite import SQLiteStore

__all__ = ["an_empty_store"]


def an_empty_store(path: Path) -> SQLiteStore:
    """A store on a new file. Tests of how a file is made, and of migrations, do without."""
    path.write_bytes(_empty())
    path.chmod(0o600)
    return SQLiteStore(path)


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "talks.db"
        SQLiteStore(path).close()
        assert [each.name for each in path.parent.iterdir()] == [path.name]  # nothing of it is in a log
        return path.read_bytes()
