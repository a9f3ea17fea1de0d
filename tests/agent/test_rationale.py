"""The rationale: what was noticed, how it was taken, what was drawn from it."""

from __future__ import annotations

from agent.decisions import Verdict
from agent.rationale import Conclusion, Interpretation, rationale_of
from agent.readings import CausalSpan, CauseReading, RiskReading, UndertoneReading
from agent.record import pack
from agent.second_look import Adjudication
from agent.testing import a_reading, a_turn
from agent.turn import Message
from tests.contracts.store_contract import a_full_turn, a_plan

TEXT = "It's fine. The boiler broke again."
BROKE = CausalSpan(1, 11, 33, "The boiler broke again", 0.8)
EARLIER = CausalSpan(0, 0, 7, "My rent", 0.4)


def test_that_every_word_that_was_noticed_stands_where_it_says():
    turn = a_turn(
        TEXT,
        history=(Message("seeker", "My rent went up."),),
        cause=CauseReading((BROKE, EARLIER)),
        undertone=UndertoneReading(masked=0.6, evidence=((0, 9),)),
        risk=RiskReading("distress", evidence=((0, 4),)),
    )
    noticed = rationale_of(turn).observations
    assert [(one.kind, one.text) for one in noticed] == [
        ("cause", "The boiler broke again"), ("cause", "My rent"), ("undertone", "It's fine"), ("risk", "It's"),
    ]  # fmt: skip
    for one in noticed:
        assert turn.dialogue[one.utterance].text[one.start : one.end] == one.text
    assert [one.probability for one in noticed] == [0.8, 0.4, 0.6, None]


def test_that_a_message_without_risk_has_no_observation_of_it():
    assert not rationale_of(a_turn(TEXT, risk=RiskReading("none", evidence=((0, 4),)))).observations


def test_that_the_interpretation_names_the_emotion_its_reader_and_the_surest_cause():
    turn = a_turn(TEXT, emotion=a_reading("sad", 0.8), cause=CauseReading((EARLIER, BROKE)))
    found = rationale_of(turn).interpretation
    assert found.emotions == (("sad", 0.8), ("content", 0.19999999999999996))
    assert (found.cause, found.read_by) == ("The boiler broke again", "sem")
    before, after = a_reading("sad"), a_reading("anxious")
    adjudicated = a_turn(TEXT, emotion=before).adjudicated(
        Adjudication(before, after, "content", False, "llm", "It was surer.")
    )
    assert rationale_of(adjudicated).interpretation.read_by == "llm"


def test_that_what_was_not_read_is_left_out_and_not_guessed():
    found = rationale_of(a_turn(TEXT))
    assert found.observations == ()
    assert found.interpretation == Interpretation()
    assert found.conclusion == Conclusion()


def test_that_the_conclusion_is_the_plan_or_the_careful_reply():
    plan = a_plan()
    turn = a_turn(TEXT, plan=plan)
    assert rationale_of(turn).conclusion == Conclusion(("reflection", "question"), plan.reason)
    careful = rationale_of(turn.note(Verdict("escalate", "careful", ("risk reads plan",)))).conclusion
    assert careful == Conclusion(reason="risk reads plan", careful=True)


def test_that_it_becomes_json():
    packed = pack(rationale_of(a_full_turn()))
    assert packed["conclusion"]["tone"] == "content"
    assert packed["interpretation"]["read_by"] == "llm"
