"""A turn in words: what is said of readings, of their absence, of danger and of failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.decisions import (
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
from agent.readings import Affect, CausalSpan, CauseReading, EmotionReading, ExpressionReading, RiskReading
from agent.safety.course import RiskCourse
from agent.state import EmotionalState, OwnAffect, PersonalCalibration, Shift
from agent.testing import a_reading, a_turn
from agent.turn import Turn
from ui.explain import notice, one_line, profile, speaker, whole

TEXT = "I lost my keys and I am late."
QUESTION = Strategy("question", "Question", "Ask.", "asking twice", "What now?", {"exploration": 1.0})
PLAN = Plan(
    "test-1",
    (RankedStrategy("question", 0.6), RankedStrategy("affirmation", 0.3), RankedStrategy("others", 0.1)),
    QUESTION,
    "exploration",
    "It is early, so ask.",
    "tests",
)
STATE = EmotionalState(Affect(-0.4, 0.2, 0.1), 3, -0.12, Shift(2, "worse", 0.4), 1, 0.7)


def everything(**changes: Any) -> Turn:
    fields: dict[str, Any] = {
        "emotion": a_reading("anxious", 0.7),
        "expression": ExpressionReading("test-2", {"fear": 0.8, "neutral": 0.1}, ("fear",)),
        "affect": Affect(-0.5, 0.3, -0.2),
        "cause": CauseReading((CausalSpan(0, 2, 14, TEXT[2:14], 0.9),)),
        "risk": RiskReading("none"),
        "state": STATE,
        "plan": PLAN,
        "prompt": Prompt((PromptMessage("system", "Be kind."),), "sections-1", "ab" * 32, dropped=2),
        "reply": Reply("Where did you see them last?", "tiny", usage=TokenUsage(120, 9)),
        "verdicts": (Verdict("allow", "careful"),),
        "timings": (Timing("perceive", 12.34), Timing("generate", 100.0)),
    }
    return a_turn(TEXT, **(fields | changes))


def test_that_nothing_is_said_of_a_turn_that_was_not_read():
    assert one_line(a_turn()) == ""
    assert whole(a_turn()) == []
    assert speaker(a_turn()) == "nobody"


def test_that_one_line_holds_feeling_cause_valence_and_strategy():
    assert one_line(everything()) == (
        "anxious 70%, content 30% · because “lost my keys” · valence -0.40 ↘ · Question (exploration)"
    )


def test_that_the_whole_follows_the_turn_from_reading_to_reply():
    assert whole(everything()) == [
        ("Noticed", "“lost my keys” (cause, 90%)"),
        ("Taken as", "anxious 70%, content 30%, because of “lost my keys” (certainty 0.12)"),
        ("Therefore", "question"),
        ("Emotion", "anxious 70%, content 30%"),
        ("The words show", "fear 80%"),
        ("This message", "valence -0.50, arousal +0.30, dominance -0.20"),
        ("Over the turns", "valence -0.40 (change -0.12), confidence 0.70, last shift 1 turn ago, for the worse"),
        ("Strategy", "Question (exploration). It is early, so ask."),
        ("Next in line", "affirmation 30%, others 10%"),
        ("Prompt", "template sections-1, abababababab; messages: 1, older ones left out: 2"),
        ("Said by", "tiny (120 tokens in, 9 out)"),
        ("Time", "112 ms: perceive 12.3, generate 100.0"),
    ]


def test_that_drafts_and_sentences_that_were_set_aside_are_told_apart():
    objections = (Objection("plan", "Ask."), Objection("guard: method", "Leave it out."))
    told = "a draft (plan): Ask.; a sentence (guard: method): Leave it out."
    assert dict(whole(everything(objections=objections)))["Set aside"] == told


@pytest.mark.parametrize("held", ["hold", "verify"])
def test_that_the_time_in_which_words_were_held_back_is_counted_once(held: str):
    timings = (Timing("perceive", 12.34), Timing(held, 40.0), Timing("generate", 100.0))
    told = f"112 ms: perceive 12.3, {held} 40.0, generate 100.0"
    assert dict(whole(everything(timings=timings)))["Time"] == told


def test_that_where_the_request_named_the_strategy_the_planners_own_is_next_in_line():
    reason = "The person asked for Affirmation."
    plan = replace(
        PLAN, chosen=replace(QUESTION, id="affirmation", name="Affirmation"), reason=reason, by_request=True
    )
    shown = dict(whole(everything(plan=plan)))
    assert shown["Strategy"] == f"Affirmation (exploration). {reason}"
    assert shown["Next in line"] == "question 60%, others 10%"


def test_that_a_filtered_state_tells_how_sure_it_is_what_is_next_and_what_the_agent_feels():
    state = replace(
        STATE,
        covariance=((0.04, 0.0, 0.0), (0.0, 0.04, 0.0), (0.0, 0.0, 0.04)),
        label_set="meld-7",
        emotions={"sadness": 0.6, "fear": 0.3, "neutral": 0.1},
        expected={"neutral": 0.5, "sadness": 0.3, "fear": 0.2},
        own=OwnAffect(Affect(0.1, 0.0, 0.1), "sadness", "calm"),
    )
    told = dict(whole(everything(state=state)))
    assert told["Over the turns"] == (
        "valence -0.40 ± 0.20 (change -0.12), confidence 0.70, last shift 1 turn ago, for the worse; "
        "sadness 60%, fear 30%, neutral 10%"
    )
    assert told["Next, probably"] == "neutral 50%, sadness 30%, fear 20%"
    assert told["The agent feels"] == "sadness (calm)"


def test_that_what_follows_in_the_same_reply_is_named_in_its_order():
    after = replace(QUESTION, id="affirmation", name="Affirmation")
    turn = a_turn(TEXT, plan=replace(PLAN, then=(after, QUESTION)))
    assert one_line(turn) == "Question, then Affirmation, then Question (exploration)"
    assert dict(whole(turn))["Strategy"] == f"{one_line(turn)}. It is early, so ask."


@pytest.mark.parametrize(
    ("trend", "arrow"), [(0.2, "↗"), (-0.2, "↘"), (0.04, "→"), (-0.04, "→")], ids=["up", "down", "still", "steady"]
)
def test_that_an_arrow_shows_where_valence_goes(trend: float, arrow: str):
    state = EmotionalState(Affect(0.1, 0.0, 0.0), 2, trend, None, 2, 0.5)
    assert one_line(a_turn(state=state)) == f"valence +0.10 {arrow}"


def test_that_a_flat_reading_is_called_a_guess():
    flat = EmotionReading("test-6", dict.fromkeys(("sad", "angry", "afraid", "proud", "calm", "lonely"), 1 / 6))
    assert one_line(a_turn(emotion=flat)) == "hard to tell: sad 17%, angry 17%"


def test_that_neutral_words_and_no_likely_emotion_are_called_unclear():
    unsure = EmotionReading("test-3", {"sad": 0.4, "angry": 0.3, "calm": 0.3})
    neutral = ExpressionReading("test-2", {"neutral": 0.8, "fear": 0.1}, ("neutral",))
    assert one_line(a_turn(emotion=unsure, expression=neutral)) == "no clear emotion"
    assert one_line(a_turn(emotion=a_reading("sad", 0.9), expression=neutral)).startswith("sad 90%")


def test_that_a_long_cause_is_cut_and_its_breaks_of_lines_are_gone():
    text = "my landlord\n\nsold the house to somebody who wants to tear it down in spring"
    cause = CauseReading((CausalSpan(0, 0, len(text), text, 0.9),))
    line = one_line(a_turn(text, cause=cause))
    assert line == "because “my landlord sold the house to somebody who wants …”"


def test_that_a_reader_that_cannot_tell_the_cause_says_so_in_the_whole_only():
    assert one_line(a_turn(cause=CauseReading())) == ""
    assert ("Cause", "cannot tell") in whole(a_turn(cause=CauseReading()))


def test_that_a_turn_that_calls_for_care_shows_danger_and_not_the_plan_that_was_not_followed():
    turn = everything(
        risk=RiskReading("ideation", ("self-harm",), ((2, 14),)),
        verdicts=(Verdict("escalate", "careful", ("risk reads ideation",)),),
    )
    assert one_line(turn).endswith(" · a careful reply")
    told = dict(whole(turn))
    assert told["Risk"] == "ideation (“lost my keys”)"
    assert told["Guard"] == "escalate: risk reads ideation"
    assert told["Strategy"] == "a careful reply, which follows no plan"
    assert "Next in line" not in told
    assert "Question" not in one_line(turn)


def test_that_danger_without_words_that_show_it_has_no_empty_brackets():
    assert ("Risk", "distress") in whole(a_turn(risk=RiskReading("distress")))


def test_that_what_failed_is_told_with_part_and_reason():
    turn = a_turn(
        failures=(
            StageFailure("perceive", "emotion", "ValueError"),
            StageFailure("generate", "openai", "E", "Gone."),
        ),
        reply=Reply("I hear you.", "offline", stood_in_for="openai"),
    )
    assert whole(turn) == [
        ("Said by", "the offline responder, standing in for the LLM"),
        ("Went wrong", "perceive/emotion: ValueError; generate/openai: E (Gone.)"),
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "tiny"),
        ("interrupted", "tiny, interrupted"),
        ("length", "tiny, cut off at its longest (`llm_max_tokens`)"),
    ],
)
def test_that_the_speaker_is_named_with_what_cut_it_short(reason: str, expected: str):
    assert speaker(a_turn(reply=Reply("Hm.", "tiny", finish_reason=reason))) == expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (StageFailure("generate", "openai", "LLMUnreachableError", "The server is gone."), "The server is gone."),
        (StageFailure("generate", "openai", "KeyError"), "the LLM failed: KeyError."),
        (
            StageFailure("remember", "sqlite", "StoreError", "Disk full."),
            "This turn could not be kept. Disk full.",
        ),
        (StageFailure("perceive", "emotion", "KeyError"), "perceive/emotion failed: KeyError."),
    ],
    ids=["LLM with its reason", "LLM without", "store", "reader"],
)
def test_that_a_notice_says_what_it_means_for_the_person(failure: StageFailure, expected: str):
    assert notice(failure) == expected


def test_that_nothing_learned_is_told_as_such():
    assert profile(PersonalCalibration()).startswith("Nothing was learned about how to read you")


def test_that_a_profile_is_told_in_sentences():
    once = profile(PersonalCalibration(1, {"fear": -0.5}, 1.1))
    assert once.startswith(
        "You set a reading right once. Believed less readily since: fear. Your messages are read"
    )
    often = profile(PersonalCalibration(3, {"fear": -1.0, "anger": -0.5, "joy": 0.5}, 1.0, literal=True))
    assert "right 3 times. Believed less readily since: anger, fear. Believed more readily since: joy." in often
    assert "you are asked what you feel" in often
    assert "certainty" not in often
    assert "as they stand" not in once
    assert once.endswith("`/profile forget` erases all of this.")
    assert often.endswith("`/profile forget` erases all of this.")


def test_that_the_record_of_risk_is_told_where_the_message_shows_none():
    told = dict(whole(a_turn("no", risk=RiskReading("none"), course=RiskCourse("ideation", peak="plan"))))
    assert told["Record of risk"] == "ideation, over the conversation"
    assert "Risk" not in told
    assert "Record of risk" not in dict(whole(a_turn("no", course=RiskCourse())))
