from __future__ import annotations

import pytest

from agent.memory import InMemoryStore, create, said_in
from agent.testing import a_turn
from agent.turn import Message
from tests.contracts.safety_store_contract import SafetyStoreContract
from tests.contracts.store_contract import a_full_turn


class TestInMemoryStore(SafetyStoreContract):
    @pytest.fixture
    def store(self):
        store = InMemoryStore()
        yield store
        store.close()


def test_that_the_entry_point_needs_no_settings():
    assert create().conversations() == ()
    assert create(object()).name == "memory"


def test_that_two_stores_share_nothing():
    one, other = InMemoryStore(), InMemoryStore()
    one.append(a_turn())
    assert other.conversations() == ()


def test_that_turns_given_out_do_not_change_when_another_is_appended():
    store = InMemoryStore()
    store.append(a_turn(id="1"))
    given = store.turns("conversation-1")
    store.append(a_turn(id="2"))
    assert len(given) == 1


def test_that_a_turn_says_the_seekers_message_and_the_reply_with_its_strategy():
    assert said_in(a_full_turn()) == (
        Message("seeker", "I lost keys."),
        Message("supporter", "That is a lot at once.", "reflection"),
    )
