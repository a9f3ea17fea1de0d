"""What was said a moment ago still holds."""

from __future__ import annotations

import pytest

from agent.guard import CarefulGuard
from agent.readings import RiskReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.risk.plugin import RiskPlugin
from tests.sem_plugins.fake_encoder import YES, FakeEncoder, on_words

CALM = ("I made tea.", "It is raining.", "My sister called.")


def read(text: str, *before: str | Message, risk: dict[str, float] | None = None) -> RiskReading:
    """The reading of a message after others; the encoder finds `risk` in each, nothing by default."""
    history = tuple(said if isinstance(said, Message) else Message("seeker", said) for said in before)
    encoder = FakeEncoder(risk=risk or {}, evidence=on_words(len(history), {}))
    [reading] = RiskPlugin(encoder)([a_turn(text, history=history)])
    return reading


def test_that_a_change_of_subject_does_not_end_the_danger_at_once():
    reading = read("Anyway, the weather is nice.", "I want to die.")
    assert (reading.level, reading.kinds, reading.evidence) == ("ideation", ("self-harm",), ())
    assert reading.source == "rules, said before"
    assert read("Forget it, just a joke.", "I want to die.", "Nothing helps.").level == "ideation"


def test_that_it_holds_for_three_messages():
    assert read("I read a little.", "I want to die.", *CALM[:2]).level == "ideation"
    assert read("I read a little.", "I want to die.", *CALM).level == "none"


def test_that_only_the_persons_own_messages_are_counted():
    replies = [Message("supporter", "Tell me more.", "question")] * 3
    mixed = [message for pair in zip(CALM[:2], replies, strict=False) for message in pair]
    assert read("I read a little.", "I want to die.", *mixed).level == "ideation"


def test_that_the_worst_of_the_last_messages_holds():
    assert read("I made tea.", "I have a plan to end my life.", "I want to die.").level == "plan"


def test_that_something_worse_now_counts_more_than_what_was_said_before():
    reading = read("I have a plan to kill myself.", "I want to die.")
    assert reading.level == "plan"
    assert reading.evidence
    assert reading.source == "rules"


def test_that_what_the_encoder_finds_now_is_raised_to_what_was_said_before():
    reading = read("He will see.", "I have a plan to kill myself.", risk={"others:distress": YES})
    assert (reading.level, set(reading.kinds)) == ("plan", {"self-harm", "harm-to-others"})
    assert reading.probabilities["others:distress"] > 0.9


def test_that_a_worse_finding_of_the_encoder_is_not_lowered_to_what_was_said_before():
    acute = {f"self:{level}": YES for level in ("distress", "ideation", "plan", "acute")}
    assert read("It is done.", "I want to die.", risk=acute).level == "acute"


def test_that_distress_does_not_hold_on():
    assert read("I made tea.", "I feel so hopeless.").level == "none"


def test_that_the_supporters_words_are_no_danger():
    question = Message("supporter", "Are you thinking about killing yourself? Do you say: I want to die?")
    assert read("I made tea.", "Hello.", question).level == "none"


@pytest.mark.parametrize(("before", "action"), [("I want to kill myself.", "escalate"), ("I made tea.", "allow")])
async def test_that_the_guard_asks_for_care_in_the_next_turn_too(before: str, action: str):
    turn = a_turn("Anyway.").fill(risk=read("Anyway.", before))
    assert (await CarefulGuard().screen(turn)).action == action
