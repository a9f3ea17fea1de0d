"""The redacting store can do whatever the store behind it can, and nothing that is said passes it unredacted."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.build import build_agent
from agent.decisions import Handoff
from agent.feedback import Feedback
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.safety import redacting_store
from agent.safety.redacting_store import RedactingStore
from tests.contracts.safety_store_contract import SafetyStoreContract
from tests.contracts.store_contract import recalled_turn


class TestRedactingMemory(SafetyStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[RedactingStore]:
        with closing(RedactingStore(InMemoryStore())) as store:
            yield store


def surface(kind: type) -> set[str]:
    """Public names of a store: methods, properties, and what its `__init__` sets."""
    names = {name for part in kind.__mro__ for name in vars(part)}
    for part in kind.__mro__:
        code = getattr(vars(part).get("__init__"), "__code__", None)
        names |= set(code.co_names) if code is not None else set()
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("kind", [InMemoryStore, SQLiteStore, PostgresStore])
def test_that_nothing_a_store_can_do_is_missing(kind: type):
    methods = {name for name, value in inspect.getmembers(kind) if not name.startswith("_")}
    own = {name for name in vars(RedactingStore) if not name.startswith("_")}
    known = own | redacting_store._AS_IT_IS | {"name"}
    assert methods - known == set()


def test_that_it_names_nothing_that_no_store_has():
    have = surface(InMemoryStore) | surface(SQLStore) | surface(SQLiteStore)
    assert have >= redacting_store._AS_IT_IS


def test_that_what_takes_words_is_written_out_and_does_not_merely_pass():
    """A text that a new method takes would reach the store as it was said."""
    takes_words = {"append", "rate", "say"}
    assert takes_words <= set(vars(RedactingStore))
    assert not takes_words & redacting_store._AS_IT_IS


def test_that_what_the_other_store_cannot_do_it_cannot_either():
    class Bare:
        name = "bare"

    store = RedactingStore(Bare())  # type: ignore[arg-type]
    for name in ("hold", "say", "handoffs", "leases", "claim", "due", "tenant"):
        assert not hasattr(store, name)


def test_that_people_can_be_called_through_it(tmp_path: Path):
    with closing(RedactingStore(SQLiteStore(tmp_path / "talks.db"))) as store:
        acme = store.for_tenant("acme")
        acme.append(recalled_turn(acme, "My number is 0171 4969 123.", id="one", handoff=Handoff("plan", True)))
        acme.hold("c", by="Amy")
        acme.rate("c", Feedback("one", 1, "Write to ada@example.org."))
        assert acme.held_by("c") == "Amy"
        acme.say("c", "Hello Ada, write to amy@example.org or call 116 123.", by="Amy")
        assert acme.human_acts("c")[-1].words == "Hello Ada, write to [email] or call 116 123."
        assert [each.id for each in acme.handoffs()] == ["one"]
        assert acme.feedback("c")[0].reason == "Write to [email]."
        now = datetime.now(UTC)
        claimed = acme.claim(now, until=now + timedelta(minutes=1))
        assert claimed is not None
        acme.settle("one", "sent", next_try=now)
        assert acme.due(now + timedelta(days=1)) == ("c",)
        assert (acme.tenant, acme.counts() != {}) == ("acme", True)


def test_that_an_agent_that_keeps_no_personal_data_can_call_a_person(tmp_path: Path):
    agent = build_agent(store_path=tmp_path / "c.db", redact_store=True, handoff_at="plan", plugins=["risk"])
    agent.store.close()
