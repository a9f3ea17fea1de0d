"""What only the SQLite store promises: files, modes, speed, and what its errors say.

Processes that write at once or are killed are in `test_memory_sqlite_processes.py`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from agent.errors import StoreError
from agent.memory_sqlite import SQLiteStore, create
from agent.setting_types import StorePool
from agent.settings import load_settings
from agent.state import PersonalCalibration
from agent.testing import a_turn
from agent.turn import Turn
from tests.contracts.safety_store_contract import SafetyStoreContract
from tests.contracts.store_contract import a_full_turn, a_state, recalled_turn, said
from tests.stores import an_empty_store

knows_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")

WORD = "Quillonby"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "conversations.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, lock_seconds=0.05)) as store:
        yield store


class TestSQLiteStore(SafetyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path):
        with closing(an_empty_store(tmp_path / "conversations.db")) as store:
            yield store


@contextmanager
def listening(target: type, name: str, listener: Callable[..., None]) -> Iterator[None]:
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


@contextmanager
def pragma(setting: str) -> Iterator[None]:
    """Every connection that is taken up meanwhile has the setting."""
    with listening(Pool, "checkout", lambda driver, _record, _proxy: driver.execute(f"PRAGMA {setting}")):
        yield


def changed(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql, values)


def asked(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def complaint(work: Callable[[], object], path: Path) -> str:
    """What the `StoreError` says that `work` ends in. It names the file and nothing of the person's."""
    with pytest.raises(StoreError) as caught:
        work()
    told = "".join(traceback.format_exception(caught.value))
    assert WORD not in told
    assert repr(str(path)) in str(caught.value)
    return str(caught.value)


def a_secret_turn(**fields: Any) -> Turn:
    return a_turn(f"I hate {WORD}.", **({"reply": said(f"What did {WORD} do?")} | fields))


def test_that_the_entry_point_opens_the_file_of_the_settings(path: Path):
    with closing(create(load_settings(store_path=path))) as store:
        store.append(a_turn())
    assert path.is_file()


def test_that_what_was_stored_is_there_when_the_file_is_opened_again(path: Path):
    with closing(SQLiteStore(path)) as store:
        first = store.append(recalled_turn(store, "one", reply=said("yes")))
    with closing(SQLiteStore(path)) as store:
        second = store.append(recalled_turn(store, "two"))
        assert store.turns("c") == (first, second)


def test_that_two_stores_on_one_file_see_each_others_turns(path: Path):
    with closing(SQLiteStore(path)) as one, closing(SQLiteStore(path)) as other:
        one.append(recalled_turn(one, "one"))
        other.append(recalled_turn(other, "two"))
        assert one.turns("c") == other.turns("c")
        assert one.recall("c", turns=1).turns == 2


def test_that_a_closed_store_leaves_one_file(path: Path):
    with closing(SQLiteStore(path)) as store:
        store.append(a_turn())
    assert [file.name for file in path.parent.iterdir()] == ["conversations.db"]


@knows_modes
def test_that_a_new_folder_and_its_files_are_for_their_owner_alone(path: Path):
    before = os.umask(0)
    try:
        with closing(SQLiteStore(path)) as store:
            store.append(a_turn())
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {"conversations.db": 0o600, "conversations.db-wal": 0o600, "conversations.db-shm": 0o600}


@knows_modes
def test_that_modes_that_somebody_chose_are_kept(path: Path):
    path.parent.mkdir()
    path.parent.chmod(0o750)
    path.touch()
    path.chmod(0o640)
    with closing(SQLiteStore(path)):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


@knows_modes
def test_that_a_link_to_a_file_that_is_missing_makes_a_private_one(path: Path, tmp_path: Path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with closing(SQLiteStore(link)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_that_times_are_kept_in_utc(store: SQLiteStore, path: Path):
    store.append(a_turn())
    times = asked(path, "SELECT t.created_at, c.created_at, c.updated_at FROM turns t, conversations c")[0]
    for time in map(datetime.fromisoformat, times):
        assert time.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


def test_that_every_connection_flushes_each_turn_and_minds_foreign_keys(store: SQLiteStore):
    seen: list[Any] = []

    def look(driver: sqlite3.Connection, _record: object, _proxy: object) -> None:
        names = ("journal_mode", "synchronous", "foreign_keys")
        seen.append([driver.execute(f"PRAGMA {name}").fetchone()[0] for name in names])

    with listening(Pool, "checkout", look):
        store.append(a_turn())
    assert seen == [["wal", 2, 1]]  # 2 is FULL


def test_that_records_do_not_grow_with_the_conversation(store: SQLiteStore, path: Path):
    for number in range(100, 140):
        store.append(recalled_turn(store, f"message {number}", reply=said("yes")))
    ((shortest, longest),) = asked(path, "SELECT min(length(record)), max(length(record)) FROM turns")
    assert longest - shortest <= 1  # the digits of `index`


def test_that_a_turn_that_was_overtaken_does_not_store_its_history_either(store: SQLiteStore, path: Path):
    store.append(recalled_turn(store, "first", reply=said("yes")))
    slow = recalled_turn(store, "slow")
    store.append(recalled_turn(store, "quick"))
    store.append(slow)
    assert asked(path, "SELECT history_length FROM turns ORDER BY position") == [(0,), (2,), (2,)]


def longer(path: Path, turns: int) -> None:
    """Copy the first turn until the conversation has `turns` turns."""
    changed(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
        "INSERT INTO turns SELECT tenant, conversation_id, i, 'turn ' || i, created_at, seeker_text, "
        "supporter_text, strategy, state, history_length, course, reliance, sitting, record "
        "FROM turns, n WHERE position = 0",
        turns,
    )


def test_that_recalling_and_appending_to_a_long_conversation_scan_nothing(store: SQLiteStore, path: Path):
    store.append(a_full_turn(conversation_id="c"))
    longer(path, 2000)
    asked_for: list[tuple[str, Any]] = []

    def look(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        asked_for.append((sql, values))

    with listening(Engine, "before_cursor_execute", look):
        assert store.recall("c", turns=24).turns == 2000
        assert len(store.recall("c", turns=24).messages) == 48
        store.append(recalled_turn(store, "two thousand and one"))
    with closing(sqlite3.connect(path)) as database:
        plans = [
            step[3]
            for sql, values in asked_for
            if not sql.startswith("BEGIN")
            for step in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert (
        "SEARCH turns USING INDEX sqlite_autoindex_turns_1 (tenant=? AND conversation_id=? AND position<?)"
        in plans
    )
    assert [step for step in plans if "SCAN turns" in step or "SCAN conv" in step or "TEMP" in step] == []


def test_that_recalling_costs_the_same_however_long_the_conversation(store: SQLiteStore, path: Path):
    def steps() -> int:
        counted = [0]

        def count() -> int:
            counted[0] += 1
            return 0

        def install(driver: sqlite3.Connection, _record: object, _proxy: object) -> None:
            driver.set_progress_handler(count, 1)

        with listening(Pool, "checkout", install):
            store.recall("c", turns=24)
        return counted[0]

    store.append(a_full_turn(conversation_id="c"))
    longer(path, 50)
    short = steps()
    changed(path, "DELETE FROM turns WHERE position > 0")
    longer(path, 2000)
    assert steps() == short > 0


def test_that_a_forgotten_profile_is_left_nowhere_in_the_files(store: SQLiteStore, path: Path):
    learned = PersonalCalibration(3, {WORD: -1.5}, 1.25, literal=True)
    for number in range(30):  # over several pages, and more than once in the log
        state = replace(a_state(), personal=learned)
        store.append(recalled_turn(store, f"message {number}", state=state, reply=said("yes")))
    elsewhere = a_turn(
        "late", id="late", conversation_id="c", index=77, state_before=replace(a_state(), personal=learned)
    )
    store.append(elsewhere)
    assert any(WORD.encode() in file.read_bytes() for file in path.parent.iterdir())
    store.forget_profile("c")
    assert [file.name for file in path.parent.iterdir() if WORD.encode() in file.read_bytes()] == []
    assert store.recall("c", turns=1).turns == 31
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]


def test_that_forgetting_waits_for_no_reader_for_ever(store: SQLiteStore, path: Path):
    store.append(recalled_turn(store, "one", state=a_state()))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turns").fetchall()
        store.forget_profile("c")
        assert store.recall("c", turns=1).state == replace(a_state(), personal=PersonalCalibration())


def test_that_what_cannot_be_forgotten_is_told_of_and_kept_whole(store: SQLiteStore, path: Path):
    kept = store.append(a_secret_turn(state=a_state()))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "(SQLITE_BUSY)" in complaint(lambda: store.forget_profile(kept.conversation_id), path)
    assert store.turns(kept.conversation_id) == (kept,)


def test_that_recalling_does_not_wait_for_a_writer(store: SQLiteStore, path: Path):
    store.append(recalled_turn(store, "one"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.recall("c", turns=24).turns == 1
        assert len(store.turns("c")) == 1


def test_that_opening_waits_for_a_reader_of_a_file_without_a_log(path: Path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("PRAGMA user_version=1")  # gives the file content, and so something to lock
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM sqlite_master").fetchall()
        release = threading.Timer(0.1, reader.rollback)
        release.start()
        with closing(SQLiteStore(path, lock_seconds=30)) as store:
            store.append(a_turn())
        release.join()


def test_that_opening_gives_up_on_a_reader_that_stays(path: Path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("PRAGMA user_version=1")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM sqlite_master").fetchall()
        assert "(SQLITE_BUSY)" in complaint(lambda: SQLiteStore(path, lock_seconds=0.05), path)


def test_that_a_lock_that_lasts_is_told_of_and_the_turn_can_be_tried_again(store: SQLiteStore, path: Path):
    turn = a_secret_turn()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "(SQLITE_BUSY). Another process is writing." in complaint(lambda: store.append(turn), path)
    assert store.conversations() == ()
    assert store.append(turn) == turn


def test_that_a_full_disk_is_told_of_and_nothing_is_half_written(store: SQLiteStore, path: Path):
    kept = store.append(a_secret_turn(id="kept"))
    large = a_secret_turn(id="large", reply=said(WORD * 100_000))
    with pragma("max_page_count=1"):  # no more pages than there are
        assert "(SQLITE_FULL). The disk is full." in complaint(lambda: store.append(large), path)
        assert store.turns(kept.conversation_id) == (kept,)
    with pragma("max_page_count=100000"):
        assert store.append(large).index == 1
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]


def test_that_a_database_that_became_read_only_is_told_of(store: SQLiteStore, path: Path):
    kept = store.append(a_secret_turn(id="kept"))
    with pragma("query_only=1"):
        told = complaint(lambda: store.append(a_secret_turn(id="new")), path)
        assert "(SQLITE_READONLY). It may not be written to." in told
        assert store.turns(kept.conversation_id) == (kept,)


def test_that_a_pool_that_is_exhausted_is_told_of(path: Path):
    with closing(SQLiteStore(path, pool=StorePool(size=1, wait=0.05))) as store:
        with store._database.engine.connect():
            told = complaint(lambda: store.append(a_secret_turn()), path)
        assert "All 1 connections were in use for 0.05 s" in told
        assert store.append(a_secret_turn()).index == 0


def test_that_a_folder_is_refused(tmp_path: Path):
    assert "cannot be made" in complaint(lambda: SQLiteStore(tmp_path), tmp_path)


def test_that_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "conversations.db"
    assert f"({str(path.parent)!r})" in complaint(lambda: SQLiteStore(path), path)


def test_that_a_file_of_another_kind_is_refused_and_left_alone(path: Path):
    path.parent.mkdir()
    path.write_text(f"Dear diary, {WORD} called. " * 100)
    before = path.read_bytes()
    assert "is no SQLite database" in complaint(lambda: SQLiteStore(path), path)
    assert path.read_bytes() == before


def test_that_a_damaged_file_is_told_of(path: Path):
    with closing(SQLiteStore(path)) as store:
        for number in range(50):
            store.append(a_secret_turn(id=f"{number}"))
    content = bytearray(path.read_bytes())
    for page in range(0, len(content), 4096):
        if WORD.encode() in content[page : page + 4096]:
            content[page : page + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with closing(SQLiteStore(path)) as store:
        assert "(SQLITE_CORRUPT). It may be damaged. Restore a copy" in complaint(
            lambda: store.turns("conversation-1"), path
        )


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [
        ('"text":', '"test":'),
        ('{"schema":', '["schema":'),
        ('"index":1', '"index":99'),
        ('"finish_reason":"stop"', '"finish_reason":null'),
        ('"text":', '"text":' + "[" * 100_000),
        ('"index":1', '"index":' + "9" * 5000),
        ('"at":null', '"at":' + "9" * 400),
    ],
)
def test_that_a_damaged_turn_is_named(store: SQLiteStore, path: Path, whole: str, damaged: str):
    for name in ("one", "two", "three"):
        store.append(recalled_turn(store, f"{WORD} {name}", reply=said(f"{WORD}?")))
    changed(path, "UPDATE turns SET record = replace(record, ?, ?) WHERE position = 1", whole, damaged)
    told = complaint(lambda: store.turns("c"), path)
    assert "Turn 1 of conversation 'c'" in told
    assert "Restore a copy" in told
    assert store.recall("c", turns=24).turns == 3  # the conversation can go on


def test_that_a_damaged_state_is_told_of(store: SQLiteStore, path: Path):
    store.append(a_full_turn())
    changed(path, "UPDATE turns SET state = ?", f'{{"{WORD}": 1}}')
    assert "Turn 0 of conversation" in complaint(lambda: store.recall("conversation-1", turns=1), path)


@pytest.mark.parametrize(
    "damaged", ["[" * 100_000, "9" * 5000, '{"began": ' + "9" * 400 + "}", '{"latest": true}']
)
def test_that_a_damaged_sitting_is_told_of(store: SQLiteStore, path: Path, damaged: str):
    store.append(a_full_turn())
    changed(path, "UPDATE turns SET sitting = ?", damaged)
    assert "Turn 0 of conversation" in complaint(lambda: store.recall("conversation-1", turns=1), path)


def test_that_text_that_is_no_unicode_is_not_shown(store: SQLiteStore, path: Path):
    store.append(a_secret_turn())
    changed(path, "UPDATE turns SET seeker_text = CAST(? AS TEXT)", WORD.encode() + b"\xff")
    assert "Restore a copy" in complaint(lambda: store.recall("conversation-1", turns=1), path)


def test_that_a_lone_surrogate_is_refused_and_nothing_is_stored(store: SQLiteStore, path: Path):
    with pytest.raises(StoreError, match="lone surrogate") as caught:
        store.append(a_secret_turn(reply=said(f"{WORD} \ud83d")))
    assert WORD not in "".join(traceback.format_exception(caught.value))
    assert store.conversations() == ()
