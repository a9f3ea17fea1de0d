"""What was erased is nowhere: not in a table, not in a file, not in what the process still holds."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.build import build_agent
from agent.decisions import Reply
from agent.errors import StoreError
from agent.loop import Agent
from agent.memory_sqlite import SQLiteStore
from agent.protocols import ConversationStore
from agent.testing import a_turn
from tests.answering_llm import AnsweringLLM
from tests.contracts.store_contract import a_full_turn, recalled_turn, said

SAID, ANSWERED = "wollerbmiW"[::-1], "ybsiuqraT"[::-1]
"""Names that stand in nothing but the messages and the replies of these tests, and in no source as they are."""

MESSAGES = (
    f"My sister {SAID} shouted at me in front of everybody and I cried all night.",
    f"{SAID} called again today. I feel so small, and I can't sleep.",
    f"I'm fine, it's whatever. {SAID} is right, nobody needs me.",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "conversations.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, lock_seconds=0.05)) as store:
        yield store


def files_with(word: str, folder: Path) -> list[str]:
    return [
        file.name for file in sorted(folder.rglob("*")) if file.is_file() and word.encode() in file.read_bytes()
    ]


def tables_with(word: str, path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {"conversations", "turns", "heartline_migrations"} <= set(names)
        return [name for name in names if word in str(database.execute(f"SELECT * FROM {name}").fetchall())]  # noqa: S608


_AT_ONCE = 1_000


def held(*words: str) -> list[str]:
    """Types of objects of this process that hold a longer text with one of the words in it."""
    gc.unfreeze()  # what `tests/conftest.py` put aside is asked too
    gc.collect()
    # By `type`: some objects of torch's warn when they are asked for their class.
    sought = {str: words, bytes: [word.encode() for word in words]}

    def hold(*holders: object) -> bool:
        return any(
            word in each and word != each
            for each in gc.get_referents(*holders)
            if type(each) in sought
            for word in sought[type(each)]
        )

    every = gc.get_objects()
    # Many at once, and one by one only where one of them does: else it takes seconds.
    parts = (every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE))
    found = [type(each).__name__ for part in parts if hold(*part) for each in part if hold(each)]
    gc.freeze()
    return found


async def talked(path: Path) -> Agent:
    """An agent with every part, after a conversation about one person and its answers about another."""
    with AnsweringLLM(says=f"{ANSWERED} says that this hurts. What happened then?") as server:
        agent = build_agent(
            store_path=path, llm_url=server.url, verifier="checks", two_stage="adjudicated", variant="hef+strategy"
        )
        for message in MESSAGES:
            turn = await agent.respond(message, conversation_id="c")
            assert turn.failures == ()
            assert turn.prompt is not None
            assert turn.adjudication is not None
    agent.store.append(a_turn("The bus was late.", id="late", conversation_id="another", reply=said("Again?")))
    return agent


def erased(store: ConversationStore) -> None:
    assert store.erase("c") == len(MESSAGES)


def expired(store: ConversationStore) -> None:
    store.append(a_turn("kept", id="kept", conversation_id="another"))
    assert store.expire(datetime.now(UTC) + timedelta(days=1)) == ("another", "c")


@pytest.mark.parametrize("erase", [erased, expired])
async def test_that_nothing_of_an_erased_conversation_is_in_any_table_or_file(
    path: Path, erase: Callable[[ConversationStore], None], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    agent = await talked(path)
    assert files_with(SAID, path.parent) != []
    assert tables_with(ANSWERED, path) == ["turns"]
    erase(agent.store)
    for word in (SAID, ANSWERED):
        assert tables_with(word, path) == []
        assert files_with(word, path.parent) == []  # the log and its index too, while the store is open
        assert word not in caplog.text
    await agent.aclose()
    assert files_with(SAID, path.parent) + files_with(ANSWERED, path.parent) == []


def test_that_nothing_of_an_erased_conversation_stays_in_the_process(path: Path):
    agent = asyncio.run(talked(path))
    read = agent.store.turns("c")
    assert held(SAID) != []  # so it would be found
    del read
    agent.store.erase("c")
    assert held(SAID, ANSWERED) == []
    asyncio.run(agent.aclose())


@pytest.mark.parametrize("seed", range(6))
def test_that_pages_that_were_split_and_joined_keep_nothing(store: SQLiteStore, path: Path, seed: int):
    rolled = random.Random(seed)
    planted: dict[str, list[str]] = {}
    for number in range(60):
        conversation = rolled.choice("abc") * rolled.choice([1, 40])
        word = f"Word{seed}x{number}x{rolled.getrandbits(40):010x}"
        text, reply = (f"{word} " * rolled.choice([1, 3, 40, 400]) for _ in range(2))
        store.append(recalled_turn(store, text, id=f"id-{word}", conversation_id=conversation, reply=said(reply)))
        planted.setdefault(conversation, []).append(word)
        if number % 12 == 11:
            victim = rolled.choice([*planted])
            store.erase(victim)
            content = b"".join(file.read_bytes() for file in path.parent.iterdir())
            assert [word for word in planted.pop(victim) if word.encode() in content] == []
            assert all(word.encode() in content for words in planted.values() for word in words)


def test_that_every_table_lets_go_of_an_erased_conversation(store: SQLiteStore, path: Path):
    """A new table is erased from as long as it refers to its conversation in this way."""
    store.append(a_full_turn())
    with closing(sqlite3.connect(path)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        # Counts outlive their conversations: nothing of them stands beside a number.
        assert [row[1] for row in database.execute("PRAGMA table_info(counts)")] == [
            "tenant",
            "month",
            "kind",
            "n",
        ]
        # Keys belong to a tenant, and hold nothing of its conversations. A lease has a hash for a name, and ends.
        for name in names - {"conversations", "heartline_migrations", "counts", "api_keys", "leases"}:
            keys = database.execute(f"PRAGMA foreign_key_list({name})").fetchall()
            pairs = [("tenant", "tenant"), ("conversation_id", "id")]
            assert [(key[2], key[3:5], key[6]) for key in keys] == [
                ("conversations", pair, "CASCADE") for pair in pairs
            ], name


READER = """
import sqlite3, sys
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
print(reader.execute("SELECT count(*) FROM turns").fetchone()[0], flush=True)
sys.stdin.readline()
print(reader.execute("SELECT count(*) FROM turns").fetchone()[0], flush=True)
reader.execute("COMMIT")
print(reader.execute("SELECT count(*) FROM turns").fetchone()[0], flush=True)
sys.stdin.readline()
"""


def test_that_another_process_may_read_meanwhile(store: SQLiteStore, path: Path):
    for number in range(3):
        store.append(recalled_turn(store, f"{SAID} {number}", reply=said(ANSWERED)))
    child = subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "3\n"
        assert store.erase("c") == 3
        assert store.conversations() == ()
        child.stdin.write("\n")
        assert (child.stdout.readline(), child.stdout.readline()) == ("3\n", "0\n")  # it saw one state to its end
        # What it read in could not be cut off before it was done. The next turn sees to that.
        store.append(a_turn("later", id="later", conversation_id="another"))
        assert files_with(SAID, path.parent) + files_with(ANSWERED, path.parent) == []
        child.stdin.write("\n")


def test_that_what_cannot_be_erased_is_told_of_and_kept_whole(store: SQLiteStore, path: Path):
    kept = store.append(a_turn(SAID, conversation_id="c", reply=said(ANSWERED)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for erase in (lambda: store.erase("c"), lambda: store.expire(datetime.now(UTC))):
            with pytest.raises(StoreError, match="SQLITE_BUSY") as caught:
                erase()
            assert SAID not in str(caught.value)
    assert store.turns("c") == (kept,)


def test_that_a_clock_that_stepped_back_expires_by_what_was_written(store: SQLiteStore, path: Path):
    store.append(a_turn("one", id="1", conversation_id="old"))
    store.append(a_turn("two", id="2", conversation_id="new"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE conversations SET updated_at = '2020-02-29T12:00:00.000000+00:00' WHERE id = 'old'"
        )
    assert store.expire(datetime(2020, 2, 29, 12, tzinfo=UTC)) == ()
    assert store.expire(datetime(2020, 2, 29, 12, 0, 0, 1, tzinfo=UTC)) == ("old",)
    assert store.conversations() == ("new",)


def test_that_a_turn_with_another_state_of_an_erased_conversation_is_refused(store: SQLiteStore, path: Path):
    first = store.append(a_full_turn(conversation_id="c"))
    late = a_turn(
        "late", id="late", conversation_id="c", index=1, state_before=first.state, reply=Reply("Yes.", "x")
    )
    store.erase("c")
    with pytest.raises(StoreError, match="erased meanwhile"):
        store.append(late)
    assert store.append(replace(late, index=0, state_before=None)).index == 0
