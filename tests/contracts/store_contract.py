"""What every `ConversationStore` must do, ours and a stranger's.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            store = MyStore(tmp_path / "conversations")
            yield store
            store.close()

The fixture gives an empty store. Each test asks for a fresh one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent.decisions import (
    Care,
    Contact,
    Ground,
    Handoff,
    Objection,
    Plan,
    Prompt,
    PromptMessage,
    RankedStrategy,
    Reply,
    StageFailure,
    Strategy,
    Timing,
    TokenUsage,
    Verdict,
)
from agent.errors import StoreError, UnknownConversationError
from agent.options import Options
from agent.protocols import ConversationStore, Recalled
from agent.readings import (
    Affect,
    CausalSpan,
    CauseReading,
    EmotionReading,
    ExpressionReading,
    FeltReading,
    RiskReading,
    SenseReading,
    StrategyReading,
    UndertoneReading,
)
from agent.safety.course import RiskChange, RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.safety.situations import Around
from agent.second_look import Adjudication, Exemplar, ExemplarReading
from agent.state import EmotionalState, OwnAffect, PersonalCalibration, Shift
from agent.testing import a_turn
from agent.turn import Message, Turn, without_profile

__all__ = [
    "StoreContract",
    "a_course",
    "a_full_turn",
    "a_plan",
    "a_reliance",
    "a_sitting",
    "a_state",
    "recalled_turn",
]


def a_state(valence: float = -0.4) -> EmotionalState:
    """An emotional state with every field filled."""
    shift = Shift(0, "worse", 0.75, CausalSpan(0, 2, 11, "lost keys", 0.8), "question")
    return EmotionalState(
        affect=Affect(valence, 0.25, -0.125),
        turns=2,
        trend=-0.5,
        last_shift=shift,
        turns_since_shift=1,
        confidence=0.625,
        covariance=((0.25, 0.0, 0.0), (0.0, 0.5, 0.125), (0.0, 0.125, 0.5)),
        label_set="test-2",
        emotions={"anxious": 0.75, "content": 0.25},
        climate={"anxious": 0.375, "content": 0.625},
        expected={"anxious": 0.5, "content": 0.5},
        forecast={"question": {"anxious": 0.625, "content": 0.375}},
        lift={"question": 0.125},
        own=OwnAffect(Affect(0.125, -0.25, 0.25), "content", "calm"),
        personal=PersonalCalibration(2, {"anxious": -0.5}, 1.25, literal=True),
        trust={"voice": 0.5},
        pressure=(0.5, 0.25),
        pressure_from=(-0.5, 0.125),
        last_turn=1,
        at=1_790_000_000.5,
    )


def a_course(denials: int = 1) -> RiskCourse:
    """A record of risk with every field filled."""
    change = RiskChange(0, "self", "none", "plan", "said", ((0, 1),))
    kept = {
        "quiet": 2,
        "others_quiet": 3,
        "stood": 1,
        "others_stood": 2,
        "fresh": True,
        "unread": True,
        "denials": denials,
        "softer": True,
    }
    around = Around("violence", child=True, now=True, fresh=False, helped=True, quiet=2, turns=5, done=("lines",))
    did = {"asked": "plan", "done": ("acknowledge", "ask.plan"), "lines": ("line-1",), "changes": (change,)}
    did |= {"around": around, "suspected": True, "others_suspected": True}
    return RiskCourse("plan", "distress", "acute", "ideation", **kept, **did)  # type: ignore[arg-type]


def a_reliance(today: int = 3) -> Reliance:
    """A state of reliance with every field filled."""
    at = 1_790_000_000.5
    return Reliance((20716, 20717), today, 120, at, at + 60, 2, 1, shut_out=True, nudged=True)


def a_sitting(allowance: float = 58.5) -> Sitting:
    """A sitting with every field filled."""
    began = 1_790_000_000.5
    return Sitting(began, began + 120, began + 60, told=True, allowance=allowance)


def a_plan(strategy_id: str = "reflection") -> Plan:
    """A plan that chose `strategy_id`."""
    stages = {"exploration": 1.0, "comforting": 0.5, "action": 0.0}
    chosen = Strategy(strategy_id, "A way", "Say it back.", "Do not judge.", "It sounds hard.", stages)
    ranked = (RankedStrategy(strategy_id, 0.75), RankedStrategy("question", 0.25))
    after = Strategy("question", "Another way", "Ask.", "asking twice", "What now?", {"action": 1.0})
    return Plan(
        "test-2",
        ranked,
        chosen,
        "comforting",
        "It comes next.",
        "contract",
        (after,),
        "It is slow",
        by_request=True,
        grounds=(Ground("likeliest", (strategy_id, after.id)),),
    )


def a_full_turn(**fields: Any) -> Turn:
    """A turn with every field filled, as the loop hands it over at the start of a conversation."""
    filled: dict[str, Any] = {
        "emotion": EmotionReading(
            "test-2", {"anxious": 0.7, "content": 0.3}, "reader-1", ("anxious",), "other language"
        ),
        "expression": ExpressionReading(
            "test-3", {"fear": 0.9, "joy": 0.1, "neutral": 0.2}, ("fear",), "reader-2"
        ),
        "affect": Affect(-0.5, 0.5, -0.25),
        "cause": CauseReading((CausalSpan(0, 2, 11, "lost keys", 0.8),), "reader-3", {"no-context": 0.9}),
        "likely_strategies": StrategyReading("test-2", {"reflection": 0.6, "question": 0.4}, "reader-4"),
        "risk": RiskReading(
            "plan", ("overwhelm",), ((0, 1), (2, 11)), "reader-5", {"self:distress": 0.8}, "distress", sure=False
        ),
        "course": a_course(),
        "care": Care("protocol-1", ("acknowledge", "ask.plan"), "I hear you.", "Be slow."),
        "handoff": Handoff("plan", True),
        "reliance": a_reliance(),
        "sitting": a_sitting(),
        "notices": ("This is an AI.", "Take a break."),
        "contact": Contact("Amy", True, "sent"),
        "felt": FeltReading(0.6, 0.2, "reader-6"),
        "undertone": UndertoneReading(0.4, 0.3, ((2, 6),), "reader-7"),
        "at": 1_790_000_000.5,
        "options": Options("hef", "inline", "effort", 0.2, 60, minor=True, strategy="reflection"),
        "context_tokens": 4096,
        "exemplars": ExemplarReading((Exemplar("The bus left.", "Oh no.", {"anxious": 0.5}, 0.75),), "store-1"),
        "adjudication": Adjudication(
            EmotionReading("test-2", {"anxious": 0.4, "content": 0.6}, "reader-1", ("content",), "short"),
            EmotionReading("test-2", {"anxious": 0.7, "content": 0.3}, "model-1", ("anxious",), "short"),
            "anxious",
            True,
            "llm",
            "It was surer.",
            {"anxious": 0.75, "content": 0.25},
            "model-1",
        ),
        "voice": SenseReading("test-2", {"anxious": 0.7, "content": 0.3}, 0.25, "sensor-1"),
        "face": SenseReading("test-2", {"anxious": 0.6, "content": 0.4}, 0.75, "sensor-2"),
        "body": SenseReading("test-2", {"anxious": 0.5, "content": 0.5}, 0.625, "sensor-3"),
        "state": a_state(),
        "plan": a_plan(),
        "prompt": Prompt(
            (PromptMessage("system", "Be kind."), PromptMessage("user", "I lost keys.")), "v1", "ab", 3
        ),
        "reply": Reply("That is a lot at once.", "model-1", "length", TokenUsage(120, 8), "model-0"),
        "objections": (Objection("plan", "Ask."),),
        "verdicts": (Verdict("allow", "careful", ("nothing seen",)),),
        "failures": (StageFailure("perceive", "slow", "TimeoutError", "It took too long."),),
        "timings": (Timing("recall", 1.5), Timing("perceive", 12.25)),
    }
    return a_turn("I lost keys.", **(filled | fields))


def recalled_turn(store: ConversationStore, text: str, *, turns: int = 24, **fields: Any) -> Turn:
    """A turn as the loop makes it: it goes on from what the store recalls. Its id is its text."""
    given: dict[str, Any] = {"id": text, "conversation_id": "c"} | fields
    recalled = store.recall(given["conversation_id"], turns=turns)
    context = {"index": recalled.turns, "history": recalled.messages, "state_before": recalled.state}
    context |= {"course_before": recalled.course, "reliance_before": recalled.reliance}
    context |= {"sitting_before": recalled.sitting}
    return a_turn(text, **(context | given))


def said(text: str) -> Reply:
    """A reply."""
    return Reply(text, speaker="contract")


def learned_in(turns: Sequence[Turn]) -> Iterator[bool]:
    """For each state in the turns, whether something was learned about the person in it."""
    states = (state for turn in turns for state in (turn.state, turn.state_before) if state is not None)
    return (state.personal != PersonalCalibration() for state in states)


def a_moment_later() -> datetime:
    """A time after everything that was done so far, and not after what comes next."""
    start = datetime.now(UTC)
    while (now := datetime.now(UTC)) <= start:  # a microsecond
        pass
    return now


class StoreContract:
    """Inherit, and give the fixture `store`."""

    @pytest.fixture
    def store(self) -> Iterator[ConversationStore]:
        raise NotImplementedError

    def test_that_it_has_a_name(self, store: ConversationStore):
        assert store.name

    def test_that_an_empty_store_recalls_nothing(self, store: ConversationStore):
        assert store.recall("never seen", turns=24) == Recalled()
        assert store.conversations() == ()

    def test_that_turns_of_an_unknown_conversation_are_an_error_that_names_it(self, store: ConversationStore):
        with pytest.raises(UnknownConversationError, match="never seen"):
            store.turns("never seen")

    def test_that_recalling_makes_no_conversation(self, store: ConversationStore):
        store.recall("only asked for", turns=24)
        assert store.conversations() == ()

    def test_that_turns_get_places_in_order(self, store: ConversationStore):
        places = [store.append(recalled_turn(store, text)).index for text in ("one", "two", "three")]
        assert places == [0, 1, 2]

    def test_that_a_turn_that_was_overtaken_moves_up(self, store: ConversationStore):
        slow, quick = recalled_turn(store, "slow"), recalled_turn(store, "quick")
        assert store.append(quick) == quick
        assert store.append(slow) == replace(slow, index=1)
        assert [turn.text for turn in store.turns("c")] == ["quick", "slow"]

    def test_that_what_was_said_is_recalled_oldest_first(self, store: ConversationStore):
        store.append(recalled_turn(store, "I failed.", plan=a_plan("question"), reply=said("At what?")))
        store.append(recalled_turn(store, "At everything."))
        assert store.recall("c", turns=24).messages == (
            Message("seeker", "I failed."),
            Message("supporter", "At what?", "question"),
            Message("seeker", "At everything."),
        )

    def test_that_only_the_newest_turns_are_recalled_and_all_are_counted(self, store: ConversationStore):
        for number in range(5):
            store.append(recalled_turn(store, f"s{number}", reply=said(f"r{number}")))
        recalled = store.recall("c", turns=2)
        assert [message.text for message in recalled.messages] == ["s3", "r3", "s4", "r4"]
        assert recalled.turns == 5

    def test_that_recalling_no_turns_still_gives_state_and_count(self, store: ConversationStore):
        store.append(recalled_turn(store, "one", state=a_state(0.5)))
        assert store.recall("c", turns=0) == Recalled((), a_state(0.5), 1)

    def test_that_a_negative_number_of_turns_is_refused(self, store: ConversationStore):
        with pytest.raises(StoreError, match="-1"):
            store.recall("c", turns=-1)

    def test_that_the_state_after_the_last_turn_is_recalled(self, store: ConversationStore):
        store.append(recalled_turn(store, "one", state=a_state(0.5)))
        store.append(recalled_turn(store, "two", state=a_state(-0.5)))
        assert store.recall("c", turns=1).state == a_state(-0.5)

    def test_that_a_turn_whose_state_was_not_read_leaves_the_state_as_it_was(self, store: ConversationStore):
        store.append(recalled_turn(store, "one", state=a_state(0.5)))
        store.append(recalled_turn(store, "two"))
        store.append(recalled_turn(store, "three"))
        assert store.recall("c", turns=1).state == a_state(0.5)
        assert [turn.state_before for turn in store.turns("c")] == [None, a_state(0.5), a_state(0.5)]

    def test_that_a_turn_without_a_reply_is_kept_without_one(self, store: ConversationStore):
        store.append(recalled_turn(store, "is anybody there"))
        assert store.turns("c")[0].reply is None
        assert store.recall("c", turns=24).messages == (Message("seeker", "is anybody there"),)

    def test_that_a_reply_that_was_broken_off_is_kept_as_far_as_it_came(self, store: ConversationStore):
        broken = Reply("That sounds", "contract", finish_reason="interrupted")
        store.append(recalled_turn(store, "one", reply=broken))
        assert store.turns("c")[0].reply == broken
        assert store.recall("c", turns=24).messages[1].text == "That sounds"

    def test_that_the_careful_reply_names_no_strategy(self, store: ConversationStore):
        careful = (Verdict("escalate", "contract"),)
        store.append(recalled_turn(store, "one", plan=a_plan(), reply=said("Please call."), verdicts=careful))
        assert store.recall("c", turns=24).messages[1].strategy is None

    def test_that_every_field_comes_back(self, store: ConversationStore):
        turn = a_full_turn()
        store.append(turn)
        (stored,) = store.turns(turn.conversation_id)
        assert stored == turn
        # Not compared by `==`, since no two runs take the same time:
        assert [timing.milliseconds for timing in stored.timings] == [1.5, 12.25]

    @pytest.mark.parametrize("remembered", [0, 1, 2, 24])
    def test_that_turns_come_back_with_the_history_that_they_saw(self, store: ConversationStore, remembered: int):
        seen = [
            store.append(
                recalled_turn(store, f"s{number}", turns=remembered, state=a_state(number / 10), reply=reply)
            )
            for number, reply in enumerate([said("r0"), None, said("r2"), said("r3"), None])
        ]
        assert store.turns("c") == tuple(seen)

    def test_that_a_turn_that_was_overtaken_keeps_the_history_that_it_saw(self, store: ConversationStore):
        first = store.append(recalled_turn(store, "first", state=a_state(0.5), reply=said("yes")))
        slow = recalled_turn(store, "slow", state=a_state(0.25), reply=said("no"))
        quick = store.append(recalled_turn(store, "quick", state=a_state(0.75), reply=said("well")))
        slow = store.append(slow)
        last = store.append(recalled_turn(store, "last"))
        assert store.turns("c") == (first, quick, slow, last)

    def test_that_a_part_of_a_conversation_is_told_as_all_of_it_is(self, store: ConversationStore):
        for number in range(4):
            slow = recalled_turn(store, f"slow {number}", turns=number, state=a_state(number / 20))
            store.append(
                recalled_turn(store, f"quick {number}", turns=2, state=a_state(number / 10), reply=said("r"))
            )
            store.append(slow)  # overtaken by the one before it
        every = store.turns("c")
        assert len(every) == 8
        for limit in (None, 1, 3):
            for before in (None, 0, 1, 4, 5, 99):
                part = every[:before]
                assert store.turns("c", limit=limit, before=before) == part[-(limit or 0) :], (limit, before)
        with pytest.raises(UnknownConversationError, match="never seen"):
            store.turns("never seen", limit=1, before=0)
        with pytest.raises(StoreError, match="0"):
            store.turns("c", limit=0)

    @pytest.mark.parametrize("place", [0, 1, 2, 7])
    def test_that_a_history_from_elsewhere_comes_back_too(self, store: ConversationStore, place: int):
        store.append(recalled_turn(store, "one", reply=said("yes"), state=a_state()))
        store.append(recalled_turn(store, "two", reply=said("no"), state=a_state()))
        elsewhere = (Message("seeker", "before all this"), Message("supporter", "go on", "question"))
        turn = a_turn(
            "three", id="three", conversation_id="c", index=place, history=elsewhere, state_before=a_state(1)
        )
        stored = store.append(turn)
        assert stored == replace(turn, index=2)
        assert store.turns("c")[2] == stored

    def test_that_the_same_turn_again_is_stored_once(self, store: ConversationStore):
        store.append(recalled_turn(store, "one"))
        turn = recalled_turn(store, "two", reply=said("yes"), state=a_state())
        first = store.append(turn)
        store.append(recalled_turn(store, "three"))
        assert store.append(turn) == first
        assert [turn.text for turn in store.turns("c")] == ["one", "two", "three"]

    @pytest.mark.parametrize(
        "other", [{"text": "another"}, {"reply": said("another")}, {"conversation_id": "another"}], ids=str
    )
    def test_that_another_turn_under_the_same_id_is_refused(self, store: ConversationStore, other: dict[str, Any]):
        turn = recalled_turn(store, "Quillon hurt me.", id="same", reply=said("yes"))
        store.append(turn)
        with pytest.raises(StoreError, match="same") as caught:
            store.append(replace(turn, **other))
        assert store.turns("c") == (turn,)
        assert store.conversations() == ("c",)
        assert "Quillon" not in "".join(traceback.format_exception(caught.value))

    def test_that_a_forgotten_profile_is_in_no_state_of_its_conversation(self, store: ConversationStore):
        store.append(
            recalled_turn(store, "one", reply=said("yes"), state=a_state(0.5), prompt=a_full_turn().prompt)
        )
        store.append(recalled_turn(store, "two"))
        elsewhere = a_turn(
            "three", id="three", conversation_id="c", index=7, state_before=a_state(-1), state=a_state()
        )
        store.append(elsewhere)
        before, other = (
            store.turns("c"),
            store.append(recalled_turn(store, "other", conversation_id="o", state=a_state())),
        )
        store.forget_profile("c")
        assert store.recall("c", turns=24).state == replace(a_state(), personal=PersonalCalibration())
        assert store.turns("c") == tuple(without_profile(turn) for turn in before)
        assert not any(learned_in(store.turns("c")))
        assert store.turns("o") == (other,)
        assert store.recall("o", turns=24).state == a_state()

    def test_that_a_conversation_goes_on_after_its_profile_was_forgotten(self, store: ConversationStore):
        store.append(recalled_turn(store, "one", state=a_state(0.5)))
        store.forget_profile("c")
        store.forget_profile("c")
        store.append(recalled_turn(store, "two"))
        assert [turn.text for turn in store.turns("c")] == ["one", "two"]
        assert not any(learned_in(store.turns("c")))

    def test_that_a_profile_of_an_unknown_conversation_is_an_error_that_names_it(self, store: ConversationStore):
        with pytest.raises(UnknownConversationError, match="never seen"):
            store.forget_profile("never seen")

    def test_that_an_erased_conversation_is_gone_and_the_others_stay(self, store: ConversationStore):
        for text in ("one", "two", "three"):
            store.append(recalled_turn(store, text, reply=said("yes"), state=a_state()))
        other = store.append(recalled_turn(store, "other", conversation_id="o", state=a_state()))
        assert store.erase("c") == 3
        assert store.recall("c", turns=24) == Recalled()
        assert store.conversations() == ("o",)
        assert store.turns("o") == (other,)
        for ask in (store.turns, store.erase, store.forget_profile):
            with pytest.raises(UnknownConversationError, match="'c'"):
                ask("c")

    def test_that_erasing_an_unknown_conversation_is_an_error_that_names_it(self, store: ConversationStore):
        kept = store.append(recalled_turn(store, "one"))
        with pytest.raises(UnknownConversationError, match="never seen"):
            store.erase("never seen")
        assert store.turns("c") == (kept,)

    def test_that_a_turn_after_erasing_begins_anew(self, store: ConversationStore):
        first = recalled_turn(store, "one", reply=said("yes"), state=a_state())
        store.append(first)
        store.append(recalled_turn(store, "two"))
        store.erase("c")
        assert store.append(replace(first, reply=said("no"))).index == 0  # its id is free again, too
        again = store.append(recalled_turn(store, "again"))
        assert (again.index, [message.text for message in again.history]) == (1, ["one", "no"])

    def test_that_a_turn_in_the_making_does_not_bring_back_what_was_erased(self, store: ConversationStore):
        store.append(recalled_turn(store, "Quillon hurt me.", reply=said("How?")))
        late = recalled_turn(store, "Again and again.", reply=said("For how long?"))
        store.erase("c")
        with pytest.raises(StoreError, match="erased meanwhile") as caught:
            store.append(late)
        assert store.conversations() == ()
        assert "Quillon" not in "".join(traceback.format_exception(caught.value))

    def test_that_what_was_not_used_since_a_time_expires(self, store: ConversationStore):
        for name in ("old", "older", "used again", "old"):
            store.append(recalled_turn(store, f"{name} {len(store.conversations())}", conversation_id=name))
        limit = a_moment_later()
        for name in ("used again", "new"):
            store.append(recalled_turn(store, f"{name} once more", conversation_id=name))
        assert store.expire(limit - timedelta(days=1)) == ()
        assert store.expire(limit.astimezone(timezone(timedelta(hours=9)))) == ("old", "older")
        assert store.conversations() == ("new", "used again")
        assert len(store.turns("used again")) == 2
        assert store.expire(limit) == ()
        with pytest.raises(UnknownConversationError):
            store.turns("old")

    @pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=-9))], ids=["none", "after the last year"])
    def test_that_a_time_that_cannot_be_placed_erases_nothing(
        self, store: ConversationStore, zone: timezone | None
    ):
        kept = store.append(recalled_turn(store, "one"))
        with pytest.raises(StoreError, match="`before` is 9999-"):
            store.expire(datetime(9999, 12, 31, 23, tzinfo=zone))
        assert store.turns("c") == (kept,)

    def test_that_the_conversation_last_used_comes_first(self, store: ConversationStore):
        for number, name in enumerate("abcab"):
            store.append(recalled_turn(store, f"{number}", conversation_id=name))
        assert store.conversations() == ("b", "a", "c")

    def test_that_those_whose_id_begins_with_a_text_are_listed_alone(self, store: ConversationStore):
        for number, name in enumerate(("a-1", "A-2", "a-", "b-1", "a_3", "a%4", "a-\U0010fffe", "a-1")):
            store.append(recalled_turn(store, f"{number}", conversation_id=name))
        assert store.conversations(beginning="a-") == ("a-1", "a-\U0010fffe", "a-")
        assert store.conversations(beginning="a%") == ("a%4",)
        assert store.conversations(beginning="a_") == ("a_3",)
        assert store.conversations(beginning="c") == ()
        assert len(store.conversations(beginning="")) == 7

    def test_that_conversations_are_listed_in_parts(self, store: ConversationStore):
        for number, name in enumerate(("a-1", "b-1", "a-2", "a-3", "b-2", "b-1")):
            store.append(recalled_turn(store, f"{number}", conversation_id=name))
        listed = ("b-1", "b-2", "a-3", "a-2", "a-1")
        assert store.conversations(limit=99) == store.conversations() == listed
        assert store.conversations(limit=2) == listed[:2]
        assert store.conversations(limit=2, after="b-2") == listed[2:4]
        assert store.conversations(after="a-2") == listed[4:]
        assert store.conversations(limit=1, after="a-1") == ()
        assert store.conversations(beginning="a-", limit=2, after="b-2") == ("a-3", "a-2")
        for unknown in ("never seen", "a-", ""):
            with pytest.raises(UnknownConversationError):
                store.conversations(after=unknown)
        for wrong in (0, -1):
            with pytest.raises(StoreError, match="1 or more"):
                store.conversations(limit=wrong)

    def test_that_conversations_do_not_mix(self, store: ConversationStore):
        mine = store.append(recalled_turn(store, "mine", conversation_id="m", state=a_state(0.5)))
        yours = store.append(recalled_turn(store, "yours", conversation_id="y", state=a_state(-0.5)))
        assert (mine.index, yours.index) == (0, 0)
        assert store.turns("m") == (mine,)
        assert store.recall("y", turns=24) == Recalled((Message("seeker", "yours"),), a_state(-0.5), 1)

    @pytest.mark.parametrize(
        "text",
        [
            "Robert'); DROP TABLE turns;--",
            "100 % :sure ?1 {x}",
            "a\n\tb\\n",
            "\N{FACE WITH COWBOY HAT}\u200d\u0301",
            "مرحبا 你好",
        ],
    )
    def test_that_any_text_comes_back_unaltered(self, store: ConversationStore, text: str):
        store.append(recalled_turn(store, text, id=text, conversation_id=text, reply=said(text)))
        assert [message.text for message in store.recall(text, turns=1).messages] == [text, text]
        assert store.turns(text)[0].text == text
        assert store.conversations() == (text,)

    def test_that_threads_lose_nothing_to_each_other(self, store: ConversationStore):
        with ThreadPoolExecutor(4) as threads:
            stored = list(threads.map(lambda number: store.append(recalled_turn(store, f"{number}")), range(40)))
        assert sorted(turn.index for turn in stored) == list(range(40))
        assert sorted(stored, key=lambda turn: turn.index) == list(store.turns("c"))

    def test_that_erasing_disturbs_no_thread_that_talks(self, store: ConversationStore):
        def talk(number: int) -> int:
            for place in range(10):
                store.append(recalled_turn(store, f"{number} {place}", conversation_id=f"{number}"))
            return store.erase(f"{number}") if number % 2 else len(store.turns(f"{number}"))

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(talk, range(8))) == [10] * 8
        assert sorted(store.conversations()) == ["0", "2", "4", "6"]

    def test_that_closing_twice_is_allowed(self, store: ConversationStore):
        store.close()
        store.close()

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.recall("c", turns=1),
            lambda store: store.append(a_turn()),
            lambda store: store.turns("c"),
            lambda store: store.conversations(),
            lambda store: store.forget_profile("c"),
            lambda store: store.erase("c"),
            lambda store: store.expire(datetime.now(UTC)),
        ],
        ids=["recall", "append", "turns", "conversations", "forget_profile", "erase", "expire"],
    )
    def test_that_a_closed_store_says_so(
        self, store: ConversationStore, use: Callable[[ConversationStore], object]
    ):
        store.close()
        with pytest.raises(StoreError, match="closed"):
            use(store)
