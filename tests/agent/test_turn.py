"""`Turn`: filled once, never changed, compared by what it says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from agent.decisions import (
    Care,
    Handoff,
    Plan,
    Prompt,
    PromptMessage,
    RankedStrategy,
    Reply,
    StageFailure,
    Strategy,
    Timing,
    Verdict,
)
from agent.errors import TurnError
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
from agent.safety.course import RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.second_look import Adjudication, ExemplarReading
from agent.state import EmotionalState
from agent.testing import a_reading, a_turn
from agent.turn import DECISION_FIELDS, GIVEN_FIELDS, READING_FIELDS, Message, Turn, new_turn

QUESTION = Strategy("question", "Question", "Ask.", "Interrogate.", "What happened?", {"exploration": 1.0})

VALUES: dict[str, Any] = {
    "emotion": a_reading(),
    "expression": ExpressionReading("two", {"fear": 0.5, "neutral": 0.5}),
    "affect": Affect(0.1, 0.2, 0.3),
    "cause": CauseReading(),
    "likely_strategies": StrategyReading("one", {"question": 1.0}),
    "risk": RiskReading("none"),
    "felt": FeltReading(0.5, 0.1),
    "undertone": UndertoneReading(),
    "voice": SenseReading("one", {"joy": 1.0}),
    "face": SenseReading("one", {"joy": 1.0}),
    "body": SenseReading("one", {"joy": 1.0}),
    "exemplars": ExemplarReading(),
    "course": RiskCourse(),
    "reliance": Reliance(),
    "sitting": Sitting(),
    "care": Care("one"),
    "handoff": Handoff("asked"),
    "state": EmotionalState(Affect(0.1, 0.2, 0.3), 1, 0.0, None, 0, 0.5),
    "plan": Plan("one", (RankedStrategy("question", 1.0),), QUESTION, "exploration", "It is early.", "fixed"),
    "prompt": Prompt((PromptMessage("system", "Listen."),), "plain", "0" * 64),
    "reply": Reply("What happened?", "scripted"),
}
FAILURE = StageFailure("perceive", "emotion", "PluginError", "It fails on purpose.")
ALLOW, ESCALATE = Verdict("allow", "one"), Verdict("escalate", "two", ("risk reads plan",))


def test_that_the_values_of_this_file_cover_every_field_that_is_filled():
    assert VALUES.keys() == READING_FIELDS | DECISION_FIELDS


@pytest.mark.parametrize("name", VALUES)
def test_that_filling_gives_a_copy_and_leaves_the_turn_as_it_was(name: str):
    turn = a_turn()
    filled = turn.fill(**{name: VALUES[name]})
    assert getattr(filled, name) is VALUES[name]
    assert turn == a_turn()
    unfilled: dict[str, Any] = {name: None}
    assert replace(filled, **unfilled) == turn


def test_that_several_fields_are_filled_at_once():
    assert a_turn().fill(**VALUES) == a_turn(**VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_that_a_field_is_filled_once(name: str):
    filled = a_turn(id="turn-9").fill(**{name: VALUES[name]})
    with pytest.raises(TurnError, match=f"`{name}` of turn 'turn-9' is filled already"):
        filled.fill(**{name: VALUES[name]})


def test_that_a_field_of_several_that_is_filled_already_stops_them_all():
    turn = a_turn().fill(emotion=a_reading("sad"))
    with pytest.raises(TurnError, match="`emotion`"):
        turn.fill(risk=RiskReading("none"), emotion=a_reading("anxious"))
    assert turn.risk is None


def test_that_an_adjudicated_emotion_takes_the_place_of_the_first_one_and_keeps_it():
    before, after = a_reading("sad"), a_reading("anxious")
    turn = a_turn(emotion=before).adjudicated(Adjudication(before, after, "content", True, "llm", "It was surer."))
    assert turn.emotion is after
    assert turn.adjudication is not None
    assert turn.adjudication.before is before
    with pytest.raises(TurnError, match="adjudicated already"):
        turn.adjudicated(turn.adjudication)


@pytest.mark.parametrize("name", [field.name for field in fields(Turn)])
def test_that_an_altered_turn_is_what_dataclasses_would_make_of_it_and_the_first_one_stays_as_it_was(name: str):
    turn, before = a_turn(**VALUES), a_turn(**VALUES)
    other: dict[str, Any] = {name: "x"}
    altered = turn.altered(**other)
    assert altered == replace(turn, **other) != turn
    assert turn == before
    with pytest.raises(FrozenInstanceError):
        setattr(altered, name, None)


def test_that_a_field_that_there_is_not_cannot_be_altered():
    with pytest.raises(TurnError, match="no field 'mood'"):
        a_turn().altered(mood="x", text="y")


def test_that_a_turn_checks_nothing_that_altering_would_pass_by():
    assert not hasattr(Turn, "__post_init__"), "`Turn.altered` has to check the same"


def not_filled_by_stages() -> list[str]:
    return [*sorted({field.name for field in fields(Turn)} - VALUES.keys()), "mood"]


@pytest.mark.parametrize("name", not_filled_by_stages())
def test_that_only_the_fields_of_stages_can_be_filled(name: str):
    with pytest.raises(TurnError, match=f"`{name}` cannot be filled") as caught:
        a_turn().fill(**{name: "x"})
    for choice in VALUES:
        assert choice in str(caught.value)


def test_that_what_is_given_is_never_what_stages_write():
    assert not GIVEN_FIELDS & (READING_FIELDS | DECISION_FIELDS)
    assert {field.name for field in fields(Turn)} >= GIVEN_FIELDS | READING_FIELDS | DECISION_FIELDS


@pytest.mark.parametrize("name", [field.name for field in fields(Turn)])
def test_that_no_field_can_be_assigned(name: str):
    with pytest.raises(FrozenInstanceError):
        setattr(a_turn(), name, None)


def test_that_a_message_can_not_be_changed_either():
    with pytest.raises(FrozenInstanceError):
        Message("seeker", "My tent leaks.").text = "x"  # type: ignore[misc]


def test_that_notes_go_where_they_belong_and_are_appended():
    turn = a_turn().note(ALLOW, Timing("recall", 1.0), FAILURE)
    again = turn.note(Timing("perceive", 2.0), ESCALATE)
    assert (turn.verdicts, turn.failures, turn.timings) == ((ALLOW,), (FAILURE,), (Timing("recall", 1.0),))
    assert again.verdicts == (ALLOW, ESCALATE)
    assert again.failures == (FAILURE,)
    assert [timing.stage for timing in again.timings] == ["recall", "perceive"]
    assert a_turn().note() == a_turn()


@pytest.mark.parametrize(
    ("verdicts", "escalated"),
    [((), False), ((ALLOW,), False), ((ESCALATE,), True), ((ESCALATE, ALLOW), True), ((ALLOW, ESCALATE), True)],
)
def test_that_one_guard_is_enough_to_escalate(verdicts: tuple[Verdict, ...], *, escalated: bool):
    assert a_turn().note(*verdicts).escalated is escalated


HISTORY = (
    Message("seeker", "The tent leaks."),
    Message("supporter", "Since when?", "question"),
    Message("seeker", "Since the storm."),
)


def test_that_span_indices_count_history_first_and_then_the_text():
    turn = a_turn("I am wet because the tent leaks.", history=HISTORY)
    earlier = CausalSpan(0, 4, 14, "tent leaks", 0.6)
    now = CausalSpan(3, 17, 31, "the tent leaks", 0.6)
    assert turn.dialogue == (*HISTORY, Message("seeker", turn.text))
    for span in (earlier, now):
        assert turn.dialogue[span.utterance].text[span.start : span.end] == span.text


def test_that_each_side_can_be_listened_to_alone():
    turn = a_turn("And now?", history=HISTORY)
    assert turn.said_by("seeker") == ("The tent leaks.", "Since the storm.")
    assert turn.said_by("supporter") == ("Since when?",)
    assert a_turn().said_by("seeker") == ()


def test_that_a_new_turn_has_an_id_of_its_own_and_nothing_else():
    one, two = new_turn("The tent leaks."), new_turn("The tent leaks.")
    assert one.id != two.id
    assert one == Turn(one.id, "", 0, "The tent leaks.")
    later = new_turn("Again.", conversation_id="c", index=2, history=HISTORY)
    assert (later.conversation_id, later.index, later.history) == ("c", 2, HISTORY)


def test_that_two_runs_that_say_the_same_are_equal_however_long_they_took():
    quick, slow = (a_turn(**VALUES).note(Timing("plan", milliseconds)) for milliseconds in (0.1, 900.0))
    assert quick == slow
    assert quick != a_turn(**VALUES).note(Timing("track", 0.1))
    assert quick != a_turn(**VALUES | {"emotion": a_reading("sad")}).note(Timing("plan", 0.1))


def test_that_a_reading_that_differs_is_seen():
    assert EmotionReading("two", {"sad": 0.5, "glad": 0.5}) != EmotionReading("two", {"sad": 0.4, "glad": 0.6})
