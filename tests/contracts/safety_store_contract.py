"""What our own stores keep beside conversations, for the sake of safety."""

from __future__ import annotations

import re
import threading

import pytest

from agent.decisions import Care, Contact, Objection
from agent.errors import HeldError, InputError, RequestReusedError, StoreError, UnknownConversationError
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.repeats import Request
from agent.safety.course import RiskChange, RiskCourse
from agent.turn import Message
from tests.contracts.store_contract import StoreContract, a_reliance, a_sitting, recalled_turn, said

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

    def test_that_how_much_somebody_leans_on_it_is_recalled_and_comes_back_with_each_turn(
        self, store: SQLiteStore | InMemoryStore
    ):
        store.append(recalled_turn(store, "one", reliance=a_reliance(1)))
        store.append(recalled_turn(store, "two"))
        store.append(recalled_turn(store, "three", reliance=a_reliance(2)))
        assert store.recall("c", turns=1).reliance == a_reliance(2)
        befores = [turn.reliance_before for turn in store.turns("c")]
        assert befores == [None, a_reliance(1), a_reliance(1)]

    def test_that_a_sitting_is_recalled_and_comes_back_with_each_turn(self, store: SQLiteStore | InMemoryStore):
        store.append(recalled_turn(store, "one", sitting=a_sitting(3), notices=("This is an AI.",)))
        store.append(recalled_turn(store, "two"))
        store.append(recalled_turn(store, "three", sitting=a_sitting(2)))
        assert store.recall("c", turns=1).sitting == a_sitting(2)
        turns = store.turns("c")
        assert [turn.sitting_before for turn in turns] == [None, a_sitting(3), a_sitting(3)]
        assert [turn.notices for turn in turns] == [("This is an AI.",), (), ()]
        store.erase("c")
        assert store.recall("c", turns=1).sitting is None

    def test_that_nobody_holds_a_conversation_until_somebody_takes_it_over(
        self, store: SQLiteStore | InMemoryStore
    ):
        store.append(recalled_turn(store, "one"))
        assert store.held_by("c") is None
        assert store.held_by("never seen") is None
        store.hold("c", by=" Amy ")
        assert store.held_by("c") == "Amy"
        assert store.recall("c", turns=1).contact == Contact("Amy", untold=True)
        store.release("c")
        assert store.held_by("c") is None
        assert store.recall("c", turns=1).contact is None  # it was never told, so nothing is left to tell
        store.release("c")

    def test_that_what_was_told_is_kept_with_the_turn_that_told_it(self, store: SQLiteStore | InMemoryStore):
        store.append(recalled_turn(store, "one"))
        store.hold("c", by="Amy")
        store.append(recalled_turn(store, "two", care=Care("takeover", ("taken_over",), "x"), reply=said("x")))
        assert store.recall("c", turns=1).contact == Contact("Amy")
        store.hold("c", by="Ben")
        assert store.recall("c", turns=1).contact == Contact("Ben")
        store.release("c")
        assert store.recall("c", turns=1).contact == Contact(untold=True)
        store.append(recalled_turn(store, "three", care=Care("takeover", ("given_back",), "x"), reply=said("x")))
        assert store.recall("c", turns=1).contact is None

    def test_that_a_hold_is_erased_with_its_conversation(self, store: SQLiteStore | InMemoryStore):
        store.append(recalled_turn(store, "one"))
        store.hold("c", by="Amy")
        store.erase("c")
        assert store.held_by("c") is None
        assert store.append(recalled_turn(store, "again")).contact is None

    def test_that_only_a_conversation_that_exists_is_held_by_somebody_with_a_name(
        self, store: SQLiteStore | InMemoryStore
    ):
        for use in (lambda: store.hold("never seen", by="Amy"), lambda: store.release("never seen")):
            with pytest.raises(UnknownConversationError, match="never seen"):
                use()
        store.append(recalled_turn(store, "one"))
        for nobody in ("", "  ", "x" * 201, "a\x1bb"):
            with pytest.raises(InputError, match="`by`"):
                store.hold("c", by=nobody)
        assert store.held_by("c") is None

    def test_that_what_people_do_is_kept_in_order_beside_the_turns(self, store: SQLiteStore | InMemoryStore):
        assert store.human_acts("never seen") == ()
        store.append(recalled_turn(store, "one"))
        assert store.human_acts("c") == ()
        store.hold("c", by=" Amy ")
        store.hold("c", by="Amy")  # it is hers
        store.say("c", " Hello, I am with you. ", by="Amy")
        store.append(recalled_turn(store, "two"))
        store.hold("c", by="Ben")
        store.release("c")
        store.release("c")
        acts = store.human_acts("c")
        assert [(act.by, act.did, act.turns, act.words) for act in acts] == [
            ("Amy", "took_over", 1, None),
            ("Amy", "said", 1, "Hello, I am with you."),
            ("Ben", "took_over", 2, None),
            ("Ben", "gave_back", 2, None),
        ]
        assert all(act.at is not None and act.at.tzinfo is not None for act in acts)
        store.erase("c")
        assert store.human_acts("c") == ()
        store.append(recalled_turn(store, "again"))
        assert store.human_acts("c") == ()

    def test_that_what_people_say_is_recalled_where_it_was_said_and_comes_back_with_each_turn(
        self, store: SQLiteStore | InMemoryStore
    ):
        one, kept, two, three = (Message("seeker", text) for text in ("one", "kept", "two", "three"))
        hello, there, bye = (Message("supporter", text, human=True) for text in ("Hello.", "Still there?", "Bye."))
        store.append(recalled_turn(store, "one"))
        store.hold("c", by="Amy")
        late = recalled_turn(store, "late")  # made before she said anything, stored after it
        store.say("c", "Hello.", by="Amy")
        store.say("c", "Still there?", by="Amy")
        store.append(recalled_turn(store, "kept", reply=said("x")))
        store.say("c", "Bye.", by="Amy")
        store.release("c")
        x = Message("supporter", "x")
        assert store.recall("c", turns=24).messages == (one, hello, there, kept, x, bye)
        assert store.recall("c", turns=1).messages == (kept, x, bye)
        assert store.recall("c", turns=0).messages == ()
        store.append(recalled_turn(store, "two", turns=1))
        store.append(late)
        store.append(recalled_turn(store, "three"))
        assert [turn.history for turn in store.turns("c")] == [
            (),
            (one, hello, there),
            (kept, x, bye),
            (one,),
            (one, hello, there, kept, x, bye, two, Message("seeker", "late")),
        ]
        every = store.turns("c")
        parts = [store.turns("c", limit=2, before=end) for end in range(1, 6)]
        assert parts == [every[max(0, end - 2) : end] for end in range(1, 6)]
        assert store.recall("c", turns=1).messages == (three,)
        store.append(recalled_turn(store, "elsewhere", conversation_id="d"))
        assert store.recall("d", turns=24).messages == (Message("seeker", "elsewhere"),)

    def test_that_nobody_acts_over_the_head_of_who_holds_a_conversation(self, store: SQLiteStore | InMemoryStore):
        store.append(recalled_turn(store, "one"))
        with pytest.raises(HeldError, match="Nobody") as nobody:
            store.say("c", "Hello.", by="Amy")
        assert nobody.value.held_by is None
        store.hold("c", by="Amy", unless_held=True)
        store.hold("c", by="Amy", unless_held=True)
        for over_her_head in (
            lambda: store.hold("c", by="Ben", unless_held=True),
            lambda: store.say("c", "Hello.", by="Ben"),
            lambda: store.release("c", by="Ben"),
        ):
            with pytest.raises(HeldError, match="'Amy'") as held:
                over_her_head()
            assert held.value.held_by == "Amy"
        assert [act.did for act in store.human_acts("c")] == ["took_over"]
        store.release("c", by="Amy")
        assert store.held_by("c") is None

    def test_that_of_people_who_take_the_same_conversation_at_once_one_has_it(
        self, store: SQLiteStore | InMemoryStore
    ):
        store.append(recalled_turn(store, "one"))
        told: list[str | None] = []

        def take(name: str) -> None:
            try:
                store.hold("c", by=name, unless_held=True)
            except HeldError as error:
                told.append(error.held_by)

        threads = [threading.Thread(target=take, args=(name,)) for name in ("Amy", "Ben", "Cem")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == [store.held_by("c")] * 2

    def test_that_only_words_of_some_length_are_said(self, store: SQLiteStore | InMemoryStore):
        store.append(recalled_turn(store, "one"))
        store.hold("c", by="Amy")
        for words in ("", "  \x00 ", "secret " * 600):
            with pytest.raises(InputError, match="4,000 characters") as refused:
                store.say("c", words, by="Amy")
            assert "secret" not in str(refused.value)
        with pytest.raises(UnknownConversationError, match="never seen"):
            store.say("never seen", "Hello.", by="Amy")
        assert [act.did for act in store.human_acts("c")] == ["took_over"]

    def test_that_words_that_come_twice_under_a_key_are_said_once_whoever_is_first(
        self, store: SQLiteStore | InMemoryStore
    ):
        turn = recalled_turn(store, "one")
        asked = Request.named("k", b"Hello.")
        store.append(turn, request=asked)
        store.hold("c", by="Amy")
        done: list[bool] = []

        def say() -> None:
            done.append(store.say("c", "Hello.", by="Amy", request=asked))

        threads = [threading.Thread(target=say) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(done) == [False, False, True]
        with pytest.raises(RequestReusedError):
            store.say("c", "Bye.", by="Amy", request=Request.named("k", b"Bye."))
        with pytest.raises(HeldError):
            store.say("c", "Hello.", by="Ben", request=Request.named("l", b"Hello."))
        assert store.say("c", "Hello.", by="Amy", request=Request.named("l", b"Hello."))
        assert [act.words for act in store.human_acts("c")] == [None, "Hello.", "Hello."]
        assert (answered := store.answered("c", asked.key)) is not None
        assert answered.turn.id == turn.id

    def test_that_a_closed_store_counts_nothing(self, store: SQLiteStore | InMemoryStore):
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.counts()
