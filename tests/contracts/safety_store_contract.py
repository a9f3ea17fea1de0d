"""What our own stores keep beside conversations, for the sake of safety."""

from __future__ import annotations

import re

import pytest

from agent.decisions import Care, Objection
from agent.errors import StoreError
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.course import RiskChange, RiskCourse
from tests.contracts.store_contract import StoreContract, recalled_turn, said

__all__ = ["SafetyStoreContract"]


class SafetyStoreContract(StoreContract):
    """Inherit, and give the fixture `store`."""

    def test_that_what_happens_in_a_turn_is_counted_once_and_stays_counted_when_it_is_erased(
        self, store: SQLiteStore | InMemoryStore
    ):
        assert store.counts() == {}
        rise = RiskCourse("plan", peak="plan", changes=(RiskChange(0, "self", "none", "plan", "said"),))
        care = Care("protocol-1", ("acknowledge", "lines"), "I hear you.")
        first = recalled_turn(store, "one", course=rise, care=care, reply=said("I hear you."))
        store.append(first)
        store.append(first)
        store.append(recalled_turn(store, "two", course=rise, objections=(Objection("guard: method", "No."),)))
        expected = {"conversations": 1, "turns": 2, "rise.self.plan": 1, "referral.lines": 1, "blocked.method": 1}
        ((month, found),) = store.counts().items()
        assert found == expected
        assert re.fullmatch(r"\d{4}-\d{2}", month)
        store.erase("c")
        assert store.counts() == {month: expected}

    def test_that_a_closed_store_counts_nothing(self, store: SQLiteStore | InMemoryStore):
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.counts()
