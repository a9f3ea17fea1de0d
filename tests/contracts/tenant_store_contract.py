"""What a store must do that keeps tenants apart: inherit, and give the fixture `store`, as for `StoreContract`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.decisions import Contact, Handoff
from agent.errors import InputError, StoreError, UnknownConversationError
from agent.feedback import Feedback
from agent.protocols import Recalled
from agent.safety.course import RiskChange, RiskCourse
from agent.testing import a_turn
from tests.contracts.store_contract import a_state, recalled_turn, said

__all__ = ["TenantStoreContract"]

SOON = datetime.now(UTC) + timedelta(days=1)


class TenantStoreContract:
    """Inherit, and give the fixture `store`: an empty one of nobody in particular."""

    @pytest.fixture
    def store(self) -> Iterator[Any]:
        raise NotImplementedError

    def test_that_the_same_id_in_two_tenants_is_two_conversations(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        turns = {
            each.tenant: each.append(
                recalled_turn(each, "hello", reply=said(f"to {each.tenant}"), state=a_state())
            )
            for each in (store, acme, other)
        }
        for each in (store, acme, other):
            assert each.turns("c") == (turns[each.tenant],)
            assert each.recall("c", turns=9).messages[1].text == f"to {each.tenant}"
            assert each.conversations() == each.conversations(beginning="c") == ("c",)
        assert store.tenants() == ("", "acme", "other")

    @pytest.mark.parametrize(
        "use",
        [
            lambda store, name: store.turns(name),
            lambda store, name: store.erase(name),
            lambda store, name: store.forget_profile(name),
            lambda store, name: store.hold(name, by="Amy"),
            lambda store, name: store.release(name),
            lambda store, name: store.held_by(name),
            lambda store, name: store.say(name, "Hello.", by="Ben"),
            lambda store, name: store.human_acts(name),
            lambda store, name: store.recall(name, turns=9),
            lambda store, name: store.rate(name, Feedback("hello", 1)),
            lambda store, name: store.feedback(name),
        ],
        ids=[
            *("turns", "erase", "forget_profile", "hold", "release", "held_by", "say", "human_acts", "recall"),
            *("rate", "feedback"),
        ],
    )
    def test_that_anothers_conversation_is_like_one_that_does_not_exist(
        self, store: Any, use: Callable[[Any, str], object]
    ):
        acme = store.for_tenant("acme")
        kept = acme.append(recalled_turn(acme, "hello", conversation_id="secret", state=a_state()))
        acme.hold("secret", by="Ben")
        acme.rate("secret", Feedback("hello", -1))

        def told(name: str) -> str:
            try:
                return repr(use(store.for_tenant("other"), name))
            except UnknownConversationError as error:
                return str(error)

        assert told("secret") == told("no such").replace("no such", "secret")
        assert acme.turns("secret") == (kept,)
        assert acme.held_by("secret") == "Ben"
        assert [said.rating for said in acme.feedback("secret")] == [-1]

    def test_that_feedback_stays_within_a_tenant(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        for each, rating in ((acme, 1), (other, -1)):
            each.append(recalled_turn(each, "hello", id="same"))
            each.rate("c", Feedback("same", rating))
        acme.erase("c")
        assert acme.feedback("c") == store.feedback("c") == ()
        assert [said.rating for said in other.feedback("c")] == [-1]

    def test_that_a_turns_id_tells_nothing_of_another_tenant(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        acme.append(recalled_turn(acme, "one", id="same"))
        assert other.append(recalled_turn(other, "two", id="same")).index == 0

    def test_that_erasing_expiring_and_counting_stay_within_a_tenant(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        for each in (acme, other):
            for name in ("a", "b"):
                each.append(recalled_turn(each, f"{name} {each.tenant}", conversation_id=name))
        other.append(recalled_turn(other, "once more", conversation_id="a"))
        assert acme.erase("a") == 1
        assert acme.expire(SOON) == ("b",)
        assert (acme.conversations(), other.conversations()) == ((), ("a", "b"))
        ((_, counted),), ((_, counted_there),) = acme.counts().items(), other.counts().items()
        assert (counted["turns"], counted_there["turns"]) == (2, 3)
        assert store.counts() == {}
        assert store.tenants() == ("other",)

    def test_that_closing_a_view_closes_nothing_else_and_closing_the_store_closes_all(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        acme.close()
        with pytest.raises(StoreError, match="closed"):
            acme.recall("c", turns=1)
        assert other.recall("c", turns=1) == Recalled()
        assert store.for_tenant("acme").append(a_turn("hello")).index == 0
        store.close()
        for use in (lambda: other.recall("c", turns=1), store.tenants, lambda: acme.append(a_turn())):
            with pytest.raises(StoreError, match="closed"):
                use()

    @pytest.mark.parametrize(
        "name", ["a b", "-a", "é", "x" * 65, "a\n", "a\x00", "'; DROP TABLE turns;--", "../x"]
    )
    def test_that_a_name_that_is_none_is_refused(self, store: Any, name: str):
        with pytest.raises(InputError, match="64 letters"):
            store.for_tenant(name)

    def test_that_nobody_in_particular_is_a_tenant_too(self, store: Any):
        store.append(a_turn("hello", conversation_id="c"))
        assert store.for_tenant("acme").for_tenant("").conversations() == ("c",)


class TenantOutboxContract(TenantStoreContract):
    """For stores that queue packets too."""

    def test_that_packets_are_claimed_and_settled_within_a_tenant(self, store: Any):
        acme, other = store.for_tenant("acme"), store.for_tenant("other")
        for each in (acme, other):
            each.append(recalled_turn(each, "help", id="same", handoff=Handoff("plan", True)))
        now = datetime.now(UTC)
        assert store.claim(now, until=SOON) is None
        claimed = acme.claim(now, until=SOON)
        assert (claimed.id, claimed.consent) == ("same", True)
        acme.settle("same", "sent", next_try=SOON)
        assert acme.recall("c", turns=1).contact == Contact(handoff="sent")
        assert other.recall("c", turns=1).contact == Contact(handoff="queued")
        assert [each.state for each in (*acme.handoffs(), *other.handoffs())] == ["sent", "queued"]
        assert store.handoffs() == ()

    def test_that_the_newest_conversations_that_a_person_was_called_for_are_told_with_how_they_stand(
        self, store: Any
    ):
        acme = store.for_tenant("acme")

        def call(named: str, turn: str, level: Any) -> None:
            rise = RiskCourse(level, peak=level, changes=(RiskChange(0, "self", "none", level, "said"),))
            acme.append(
                recalled_turn(acme, turn, conversation_id=named, course=rise, handoff=Handoff("plan", False))
            )

        def stand(newest: int) -> list[tuple[Any, ...]]:
            return [
                (each.conversation_id, each.packet.id, each.state, each.level, each.held_by)
                for each in acme.called(newest=newest)
            ]

        assert stand(5) == []
        assert acme.called_in("never seen") is None
        acme.append(recalled_turn(acme, "nobody called", conversation_id="quiet"))
        assert acme.called_in("quiet") is None
        for named in ("a", "b", "c"):
            call(named, f"{named}1", "ideation")
        call("a", "a2", "acute")
        acme.append(recalled_turn(acme, "later", conversation_id="b"))
        acme.hold("b", by="Amy")
        acme.hold("c", by="Ben")
        acme.release("c")
        assert stand(5) == [
            ("a", "a2", "waiting", "acute", None),
            ("c", "c1", "given_back", "ideation", None),
            ("b", "b1", "held", "ideation", "Amy"),
        ]
        assert stand(2) == stand(5)[:2]
        (taken,) = acme.human_acts("b")
        assert [each.held_since for each in acme.called(newest=5)] == [None, None, taken.at]
        acme.hold("b", by="Amy")  # it was hers: nothing was done
        assert acme.called_in("b").held_since == taken.at
        packets = {named: acme.handoffs(named) for named in ("a", "b", "c")}
        assert [each.id for each in packets["a"]] == ["a1", "a2"]
        assert acme.called_in("a").since == packets["a"][0].created  # nobody has come yet
        assert acme.called_in("a").packet == packets["a"][1]
        assert acme.called_in("c").since == packets["c"][0].created
        call("c", "c2", "plan")
        again = acme.called_in("c")
        assert (again.state, again.since, again.step) == ("waiting", again.packet.created, "plan")
        assert acme.called(newest=1) == (again,)
        assert store.called(newest=5) == store.handoffs("a") == ()
        assert store.called_in("a") is None
        acme.erase("c")
        assert (acme.called_in("c"), acme.handoffs("c")) == (None, ())

    def test_that_packets_are_listed_from_the_newest_and_of_one_conversation(self, store: Any):
        for n, named in enumerate("abab"):
            store.append(recalled_turn(store, f"{n}", conversation_id=named, handoff=Handoff("plan")))
        assert [each.id for each in store.handoffs()] == ["0", "1", "2", "3"]
        assert [each.id for each in store.handoffs(newest=2)] == ["2", "3"]
        assert [each.id for each in store.handoffs("a")] == ["0", "2"]
        assert [each.id for each in store.handoffs("a", newest=1)] == ["2"]
        assert store.handoffs("other") == ()
