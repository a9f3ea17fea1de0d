"""Feedback on replies: the same of every store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.errors import InputError, StoreError, UnknownConversationError
from agent.feedback import LONGEST_REASON, Feedback
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.redacting_store import RedactingStore
from agent.testing import a_turn
from ui.erasure import export


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redacting"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made: Any
    if request.param == "memory":
        made = InMemoryStore()
    elif request.param == "postgresql":
        made = PostgresStore(request.getfixturevalue("postgres_url"))
    else:
        made = SQLiteStore(tmp_path / "c.db")
    made = RedactingStore(made) if request.param == "redacting" else made
    for conversation, turn in (("a", "1"), ("a", "2"), ("b", "3")):
        made.append(a_turn(id=turn, conversation_id=conversation))
    yield made
    made.close()


def test_that_what_was_said_is_kept_in_order_with_its_time(store: Any):
    store.rate("a", Feedback("2", 1, "It helped."))
    store.rate("a", Feedback("1", -1))
    store.rate("b", Feedback("3", 0))
    first, second = store.feedback("a")
    assert (first.turn_id, first.rating, first.reason) == ("2", 1, "It helped.")
    assert (second.turn_id, second.rating, second.reason) == ("1", -1, None)
    assert datetime.now(UTC) - first.at < timedelta(minutes=1)


def test_that_a_later_word_takes_the_place_of_an_earlier_one(store: Any):
    store.rate("a", Feedback("1", -1, "Cold."))
    store.rate("a", Feedback("1", 1, " \x00"))
    (said,) = store.feedback("a")
    assert (said.rating, said.reason) == (1, None)


@pytest.mark.parametrize(("conversation", "turn"), [("a", "3"), ("a", "9"), ("none", "1")])
def test_that_a_turn_that_is_not_there_cannot_be_rated(store: Any, conversation: str, turn: str):
    with pytest.raises(UnknownConversationError) as error:
        store.rate(conversation, Feedback(turn, 1, "Quillonby"))
    assert "Quillonby" not in str(error.value)
    assert store.feedback(conversation) == ()


@pytest.mark.parametrize("said", [Feedback("1", 2), Feedback("1", 1, "x" * (LONGEST_REASON + 1))])  # type: ignore[arg-type]
def test_that_a_rating_is_one_of_three_and_a_reason_is_short(store: Any, said: Feedback):
    with pytest.raises(InputError):
        store.rate("a", said)
    assert store.feedback("a") == ()


def test_that_it_is_erased_with_its_conversation_and_with_no_other(store: Any):
    store.rate("a", Feedback("1", 1))
    store.rate("b", Feedback("3", 1))
    store.erase("a")
    assert store.feedback("a") == ()
    assert len(store.feedback("b")) == 1


def test_that_nothing_of_an_erased_reason_stays_in_the_file(tmp_path: Path):
    store = SQLiteStore(tmp_path / "c.db")
    store.append(a_turn(id="1", conversation_id="a"))
    store.rate("a", Feedback("1", -1, "Quillonby was cold"))
    store.erase("a")
    store.close()
    assert not [file for file in tmp_path.iterdir() if b"Quillonby" in file.read_bytes()]


def test_that_a_store_without_personal_data_keeps_none_in_a_reason():
    kept = InMemoryStore()
    store = RedactingStore(kept)
    store.append(a_turn(id="1", conversation_id="a"))
    store.rate("a", Feedback("1", -1, "Write to ada@example.org."))
    assert [said.reason for said in kept.feedback("a")] == ["Write to [email]."]


def test_that_a_store_without_feedback_is_named():
    bare: Any = SimpleNamespace(name="bare")
    with pytest.raises(StoreError, match="'bare' keeps no feedback"):
        RedactingStore(bare).rate("a", Feedback("1", 1))


@pytest.mark.parametrize(("redact", "reason"), [(False, "Write to ada@example.org."), (True, "Write to [email].")])
def test_that_an_export_holds_it(tmp_path: Path, *, redact: bool, reason: str):
    from agent.settings import load_settings

    store = SQLiteStore(tmp_path / "c.db")
    store.append(a_turn(id="1", conversation_id="a"))
    store.rate("a", Feedback("1", -1, "Write to ada@example.org."))
    store.close()
    settings = load_settings(store_path=tmp_path / "c.db")
    export("a", settings, out=str(tmp_path / "out.json"), redact=redact)
    (said,) = json.loads((tmp_path / "out.json").read_text())["feedback"]
    assert (said["turn"], said["rating"], said["reason"]) == ("1", -1, reason)
