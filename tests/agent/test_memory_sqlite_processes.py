"""The SQLite store among processes: several at once, killed ones, and ones that may not or cannot write."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

import agent
from agent.memory_sqlite import SQLiteStore
from agent.migrations import MIGRATIONS
from tests.forked import Forked, forked

ROOT = Path(agent.__file__).parents[1]

WORD = "Quillonby"

HEAD = """
import sys
import warnings
from pathlib import Path
from agent.errors import StoreError
from agent.memory_sqlite import SQLiteStore
from agent.testing import a_turn

warnings.simplefilter("error")
path, name = Path(sys.argv[1]), sys.argv[2]

def turn(number):
    return a_turn(f"Quillonby {name} {number}", id=f"{name}-{number}", conversation_id="shared")

def wait_for_start():
    print("ready", flush=True)
    sys.stdin.readline()
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")


@contextmanager
def process(script: str, path: Path, name: str = "child") -> Iterator[Forked]:
    """A Python process that runs the script; it is gone afterwards."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = forked(HEAD + script, path, name, cwd=ROOT, env=os.environ, **pipes, text=True)
    with child:
        try:
            yield child
        finally:
            child.kill()


def started_together(script: str, path: Path, *, processes: int, starts: int = 1) -> list[str]:
    """What each of several processes printed that were let go at the same moment, `starts` times."""
    with ExitStack() as stack:
        children = [stack.enter_context(process(script, path, f"p{i}")) for i in range(processes)]
        for _ in range(starts):
            for child in children:
                assert line_of(child) == "ready"
            for child in children:
                assert child.stdin is not None
                child.stdin.write("\n")
                child.stdin.flush()
        return [child.communicate(timeout=60)[0] for child in children]


def line_of(child: Forked) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        broken_links = database.execute("PRAGMA foreign_key_check").fetchall()
        return not broken_links and database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_that_two_processes_on_one_conversation_lose_nothing(tmp_path: Path):
    path = tmp_path / "conversations.db"
    script = """
store = SQLiteStore(path)
wait_for_start()
for number in range(50):
    print(store.append(turn(number)).index)
store.close()
"""
    places = [[int(line) for line in out.split()] for out in started_together(script, path, processes=2)]
    assert sorted(places[0] + places[1]) == list(range(100))
    with closing(SQLiteStore(path)) as store:
        turns = store.turns("shared")
    assert [turn.index for turn in turns] == list(range(100))
    for name, own in zip(("p0", "p1"), places, strict=True):
        assert [turns[place].id for place in own] == [f"{name}-{number}" for number in range(50)]
    assert is_sound(path)


def test_that_processes_that_make_the_database_at_once_all_succeed(tmp_path: Path):
    script = """
places = []
for attempt in range(20):
    wait_for_start()
    store = SQLiteStore(path / f"{attempt}" / "conversations.db")
    places.append(store.append(turn(attempt)).index)
    store.close()
print(*places)
"""
    places = [out.split() for out in started_together(script, tmp_path, processes=4, starts=20)]
    assert [sorted(at_once) for at_once in zip(*places, strict=True)] == [["0", "1", "2", "3"]] * 20
    for path in tmp_path.rglob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            known = [(number,) for number in range(1, len(MIGRATIONS) + 1)]
            assert database.execute("SELECT number FROM heartline_migrations").fetchall() == known


def test_that_every_turn_acknowledged_before_a_kill_is_there(tmp_path: Path):
    path = tmp_path / "conversations.db"
    script = """
store = SQLiteStore(path)
number = 0
while True:
    print(store.append(turn(number)).id, flush=True)
    number += 1
"""
    with process(script, path) as child:
        acknowledged = [line_of(child) for _ in range(25)]
        child.send_signal(signal.SIGKILL)
        acknowledged += child.communicate(timeout=60)[0].split()
    assert child.returncode == -signal.SIGKILL
    with closing(SQLiteStore(path)) as store:
        turns = store.turns("shared")
        # One more may have been stored and not yet acknowledged.
        assert [turn.id for turn in turns][: len(acknowledged)] == acknowledged
        assert len(turns) - len(acknowledged) in (0, 1)
        assert [turn.index for turn in turns] == list(range(len(turns)))
    assert is_sound(path)


def test_that_a_file_that_cannot_grow_loses_the_new_turn_only(tmp_path: Path):
    path = tmp_path / "conversations.db"
    script = """
import resource
store = SQLiteStore(path)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
number = 0
try:
    while True:
        store.append(turn(number))
        number += 1
except StoreError as error:
    print(number)
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(store.append(turn(number)).index)
store.close()
"""
    with process(script, path) as child:
        stored, told, again = child.communicate(timeout=60)[0].splitlines()
    assert int(stored) > 0
    assert repr(str(path)) in told
    assert "Make room" in told
    assert WORD not in told
    assert again == stored
    with closing(SQLiteStore(path)) as store:
        assert [turn.id for turn in store.turns("shared")] == [f"child-{i}" for i in range(int(stored) + 1)]
    assert is_sound(path)


WITHOUT_RIGHTS = """
import os
import tempfile
with tempfile.TemporaryDirectory() as folder:
    SQLiteStore(Path(folder) / "first.db").close()  # imports everything while it may
if os.geteuid() == 0:
    os.setuid(65534)  # nobody: rights do not bind root
try:
    SQLiteStore(path)
except StoreError as error:
    print(error)
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is for its user alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_that_a_folder_that_may_not_be_written_to_is_told_of(public_folder: Path):
    path = public_folder / "new" / "conversations.db"
    public_folder.chmod(0o555)
    with process(WITHOUT_RIGHTS, path) as child:
        told = child.communicate(timeout=60)[0]
    assert told.startswith(f"Conversation database {str(path)!r} cannot be made: Permission denied")
    assert "HEARTLINE_STORE_PATH" in told


def test_that_a_file_that_may_not_be_written_to_is_told_of_at_once(public_folder: Path):
    path = public_folder / "conversations.db"
    SQLiteStore(path).close()
    path.chmod(0o444)
    public_folder.chmod(0o777)
    with process(WITHOUT_RIGHTS, path) as child:
        told = child.communicate(timeout=60)[0]
    assert repr(str(path)) in told
    assert "may not be written to" in told


def test_that_a_folder_that_takes_no_log_is_told_of(public_folder: Path):
    path = public_folder / "conversations.db"
    SQLiteStore(path).close()
    path.chmod(0o666)
    public_folder.chmod(0o555)
    with process(WITHOUT_RIGHTS, path) as child:
        told = child.communicate(timeout=60)[0]
    assert repr(str(path)) in told
    assert "SQLITE_CANTOPEN" in told or "SQLITE_READONLY" in told
