"""What was said a moment ago still holds."""

from __future__ import annotations

from agent.guard import CarefulGuard
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.risk.plugin import RiskPlugin


def _level(text: str, *before: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    history = tuple(Message("seeker", said) for said in before)
    (reading,) = RiskPlugin()([a_turn(text, history=history)])
    return reading.level, reading.evidence


def test_that_a_change_of_subject_does_not_end_the_danger_at_once():
    assert _level("Anyway, the weather is nice.", "I want to die.") == ("ideation", ())
    assert _level("Forget it, just a joke.", "I want to die.", "Nothing helps.") == ("ideation", ())


def test_that_it_holds_for_three_messages():
    calm = ("I made tea.", "It is raining.", "My sister called.")
    assert _level("I read a little.", "I want to die.", *calm[:2])[0] == "ideation"
    assert _level("I read a little.", "I want to die.", *calm)[0] == "none"


def test_that_something_worse_now_counts_more_than_what_was_said_before():
    level, evidence = _level("I have a plan to kill myself.", "I want to die.")
    assert level == "plan"
    assert evidence


def test_that_distress_does_not_hold_on():
    assert _level("I made tea.", "I feel so hopeless.")[0] == "none"


def test_that_the_supporters_words_are_no_danger():
    history = (Message("seeker", "Hello."), Message("supporter", "Are you thinking about killing yourself?"))
    (reading,) = RiskPlugin()([a_turn("I made tea.", history=history)])
    assert reading.level == "none"


async def test_that_the_guard_asks_for_care_in_the_next_turn_too():
    turn = a_turn("Anyway.", history=(Message("seeker", "I want to kill myself."),))
    (reading,) = RiskPlugin()([turn])
    assert (await CarefulGuard().screen(turn.fill(risk=reading))).action == "escalate"
