"""When a person is called, and that nothing untrue is said about it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.decisions import Contact, Handoff
from agent.readings import RiskReading
from agent.safety.calling import asks_for_person
from agent.safety.course import RiskChange, RiskCourse
from agent.safety.disclosure import asks_whether_ai
from agent.safety.guard import ProtocolGuard
from agent.testing import a_turn
from agent.turn import Turn

ASKS = [
    "Can I talk to a human?",
    "can i talk to a human",
    "could I please speak to a real person",
    "I want to speak with a real person.",
    "I'd rather talk to somebody real.",
    "i wanna talk to an actual human being",
    "I need to talk to a person now",
    "Let me talk to a person, please.",
    "Is it possible to chat with a human here?",
    "how can I get through to an agent?",
    "Put me through to an operator",
    "please connect me with a counsellor",
    "Hand me over to a human.",
    "transfer me to a representative!",
    "I want a human.",
    "give me a real person please",
    "Is there a human I can talk to?",
    "is there anyone real I could speak with?",
    "Can a human take over?",
    "could a real person call me?",
    "Human please",
    "agent, please!",
    "I’d like to talk to someone human instead.",
    "This isn't helping. Can't I just talk to a person?",
    "I would prefer to speak to a human about this.",
    "Can I please be connected to a human?",
]
DOES_NOT = [
    "Are you a human?",
    "Am I talking to a person?",
    "I can't talk to people.",
    "I want to talk to my mother.",
    "I need to speak with the person who hurt me.",
    "I talked to a real person yesterday and it helped.",
    "I want to be a better person.",
    "I need people who understand me.",
    "My boss said I'm not a people person.",
    "I want a person to love.",
    "He is a travel agent.",
    "Can people change?",
    "I don't want to talk to a human, I like it here.",
    'She asked me "can I talk to a human?"',
    "I work for human resources.",
    "Being human is hard.",
    "I want to help people.",
    "",
]


@pytest.mark.parametrize("text", ASKS)
def test_that_asking_for_a_person_is_heard(text: str):
    assert asks_for_person(text)


@pytest.mark.parametrize("text", DOES_NOT)
def test_that_other_talk_of_people_is_no_wish_for_one(text: str):
    assert not asks_for_person(text)


@pytest.mark.parametrize("text", ["Are you a real person?", "is this a human or a bot?"])
def test_that_to_ask_whether_it_is_a_person_is_another_question(text: str):
    assert asks_whether_ai(text)
    assert not asks_for_person(text)


def test_that_a_huge_message_is_read_at_its_ends():
    assert asks_for_person("blah " * 100_000 + "Can I talk to a human?")


def screened(at: Any, text: str = "Can I talk to a human?", **fields: Any) -> Turn:
    turn = a_turn(text, **({"risk": RiskReading("none")} | fields))
    return ProtocolGuard("GB", handoff_at=at).screen(turn)


def words(turn: Turn) -> str:
    assert turn.escalated
    assert turn.care is not None
    return turn.care.words


def test_that_nobody_is_called_where_it_is_off_and_that_is_said():
    turn = screened("never")
    assert turn.handoff is None
    assert "nobody was notified" in words(turn)
    assert turn.care is not None
    assert "no_handoff" in turn.care.acts


@pytest.mark.parametrize(
    ("before", "queues", "says"),
    [
        (None, True, "Nobody has answered yet"),
        (Contact(), True, "Nobody has answered yet"),
        (Contact(handoff="queued"), False, "hasn't arrived yet"),
        (Contact(handoff="sent"), True, "arrived with the people"),
        (Contact(handoff="failed"), True, "did not reach them"),
    ],
)
def test_that_who_asks_is_told_what_became_of_it(before: Contact | None, queues: Any, says: str):
    turn = screened("acute", contact=before)
    assert turn.handoff == (Handoff("asked", consent=True) if queues else None)
    assert says in words(turn)
    assert not re.search(r"(has|have|was|were) (been )?notified|will answer (soon|shortly|in)", words(turn))


@pytest.mark.parametrize(
    ("level", "at", "reason"),
    [
        ("ideation", "ideation", "ideation"),
        ("ideation", "plan", None),
        ("plan", "plan", "plan"),
        ("plan", "ideation", "plan"),
        ("acute", "plan", "acute"),
        ("acute", "never", None),
        ("distress", "ideation", None),
    ],
)
def test_that_a_person_is_called_when_the_record_rises_to_the_step(level: Any, at: Any, reason: Any):
    turn = screened(at, "It is too much for me.", risk=RiskReading(level))
    assert turn.handoff == (None if reason is None else Handoff(reason))
    told = turn.care is not None and "letting the people who run this service know" in turn.care.words
    assert told == (reason is not None)


def test_that_the_question_of_the_protocol_stays_last():
    turn = screened("plan", "I have it all prepared.", risk=RiskReading("plan"))
    assert words(turn).endswith("?")


def test_that_a_record_that_only_stays_high_calls_nobody_again():
    change = RiskChange(0, "self", "none", "plan", "said")
    before = RiskCourse("plan", peak="plan", changes=(change,))
    turn = screened(
        "plan", "I still have it all prepared.", risk=RiskReading("plan"), index=1, course_before=before
    )
    assert turn.handoff is None


def test_that_danger_to_others_calls_somebody_too():
    turn = screened("plan", "He will pay for it.", risk=RiskReading("plan", ("violence",), others="plan"))
    assert turn.handoff == Handoff("plan")


def test_that_who_asks_in_danger_gets_the_protocol_as_well():
    turn = screened("plan", "I have a plan. Can I talk to a human?", risk=RiskReading("plan"))
    assert turn.handoff == Handoff("plan", consent=True)
    assert turn.care is not None
    assert "lines" in turn.care.acts
    assert "Nobody has answered yet" in words(turn)
