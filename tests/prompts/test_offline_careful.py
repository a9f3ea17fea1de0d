"""Where somebody may be in danger: fixed careful lines, nothing else."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from agent.decisions import Plan, RankedStrategy, Strategy, Verdict
from agent.readings import EmotionReading, RiskReading
from agent.testing import a_turn
from agent.turn import Message
from prompts.offline.phrases import load_phrases
from prompts.offline.responder import create

RESPONDER = create()
PHRASES = load_phrases()
CAREFUL = {name: phrases for name, phrases in PHRASES.lists.items() if name.startswith("careful.")}
ESCALATED = (Verdict("escalate", "careful", ("risk reads ideation",)),)
UNREAD = (Verdict("escalate", "careful", ("risk could not be read",)),)
TOLD = "I can't do this any longer."

FORBIDDEN = (
    # shaming, minimising, false comfort
    r"\bselfish\b|\bcoward|\bweak\b|\bashamed\b|\bsin\b|\bcommit\w*\b|\bdrama|\battention.seek|\bsilly\b|\boverreact",
    r"\bcheer up\b|\bcalm down\b|\bdon't worry\b|\bnot that bad\b|\bget over\b|\bothers have it\b|\bat least\b|\bit will pass\b",
    r"\bjust (think|relax|try)\b|\beverything (will|is going to) be\b|\bi promise\b",
    # ending the conversation
    r"\bgoodbye\b|\bbye\b|\btake care\b|\bi can't (help|talk)\b|\bwe have to stop\b|\bcan't continue\b",
    # methods
    r"\b(pills?|overdos\w*|rope|hang\w*|gun|knife|knives|razor|blade|bridge|jump\w*|poison|drown\w*|cut|bleed\w*|medication)\b",
    # leading towards "no", diagnosis, numbers
    r"\byou('re| are) not (thinking|going to|planning)\b|\byou aren't\b|\byou don't want\b|\byou wouldn't\b",
    r"\bdepress\w*|\bdisorder|\bdiagnos\w*|\bmentally ill|\d",
)


def a_careful_turn(text=TOLD, *, level="ideation", history=(), index=0, verdicts=ESCALATED, **fields: object):
    risk = None if level is None else RiskReading(level)
    return a_turn(text, risk=risk, history=history, index=index, verdicts=verdicts, **fields)


def lists_in(reply):
    """Names of the careful lists whose phrases make up the reply; the rest of it is nothing."""
    found, rest = [], reply
    for name, phrases in CAREFUL.items():
        for phrase in phrases:
            if phrase in rest:
                found.append(name.removeprefix("careful."))
                rest = rest.replace(phrase, "")
    assert rest.strip() == ""
    return found


def conversation(*messages: tuple):
    """Replies to `(text, level, verdicts)` in a row."""
    history, replies = (), []
    for index, (text, level, verdicts) in enumerate(messages):
        turn = a_careful_turn(text, level=level, history=history, index=index, verdicts=verdicts)
        replies.append(RESPONDER.respond(turn))
        history = (*history, Message("seeker", text), Message("supporter", replies[-1]))
    return replies


def test_that_no_careful_line_holds_a_forbidden_word():
    lines = [line for lines in CAREFUL.values() for line in lines]
    found = [(pattern, line) for pattern in FORBIDDEN for line in lines if re.search(pattern, line.lower())]

    assert found == []


def test_that_every_line_that_points_to_help_names_a_professional_and_a_person_near():
    near = r"\b(someone|somebody|friend|person|people|relative|neighbour|trust|near|close)\b"
    professional = r"\b(crisis line|emergency (number|services)|doctor)\b"
    for name in ("ideation.support", "watch.support", "urgent.act"):
        for line in PHRASES[f"careful.{name}"]:
            assert re.search(professional, line.lower()), line
            assert re.search(near, line.lower()), line


def test_that_every_urgent_line_asks_for_the_emergency_number_company_and_distance():
    for line in PHRASES["careful.urgent.act"]:
        text = line.lower()
        assert "emergency" in text
        assert re.search(r"\b(someone|somebody|person|people|alone|neighbour)\b", text)
        assert re.search(r"\b(distance|away|out of reach|leave|nothing near)\b", text)


def test_that_every_ideation_line_takes_it_seriously():
    for line in PHRASES["careful.ideation.acknowledge"]:
        assert re.search(r"\bserious(ly)?\b|lightly", line)


@pytest.mark.parametrize(
    ("level", "lists"),
    [
        ("ideation", ["ideation.acknowledge", "ideation.support", "ask.thoughts"]),
        ("plan", ["urgent.acknowledge", "urgent.act", "ask.company"]),
        ("acute", ["urgent.acknowledge", "urgent.act", "ask.company"]),
    ],
)
def test_that_danger_gets_only_the_lines_for_it(level, lists):
    assert lists_in(RESPONDER.respond(a_careful_turn(level=level))) == lists


@pytest.mark.parametrize("level", ["ideation", "plan", "acute"])
def test_that_danger_is_seen_without_a_guard(level):
    assert lists_in(RESPONDER.respond(a_careful_turn(level=level, verdicts=())))


@pytest.mark.parametrize("level", ["none", "distress"])
def test_that_no_danger_leaves_the_reply_free(level):
    reply = RESPONDER.respond(a_careful_turn("My landlord sold the house.", level=level, verdicts=()))

    assert "your landlord sold the house" in reply.lower()


def test_that_neither_plan_nor_good_news_nor_goodbye_changes_the_careful_reply():
    chosen = Strategy("suggestions", "", "", "", "", {})
    plan = Plan("esconv-8", (RankedStrategy("suggestions", 1.0),), chosen, "action", "", "testing")
    emotion = EmotionReading("two", {"joyful": 0.9, "sad": 0.1})

    for text in ("What should I do?", "bye", "thank you", "are you human?"):
        assert lists_in(RESPONDER.respond(a_careful_turn(text, plan=plan, emotion=emotion)))


def test_that_nothing_the_person_wrote_is_given_back():
    reply = RESPONDER.respond(a_careful_turn("I lost the orchard and I can't go on."))

    assert "orchard" not in reply


def test_that_unread_risk_gets_a_gentle_check():
    reply = RESPONDER.respond(a_careful_turn("hello", level=None, verdicts=UNREAD))

    assert lists_in(reply) == ["unread.check", "unread.open"]
    assert reply.count("?") == 1


def test_that_unread_risk_is_not_asked_about_in_every_reply():
    replies = conversation(*[("It was a long day.", None, UNREAD)] * 8)

    asked = [reply.startswith(PHRASES["careful.unread.check"]) for reply in replies]
    assert asked == [True, False, False, False, True, False, False, False]


@pytest.mark.parametrize("answer", ["no", "not really", "I don't feel safe", "idk"])
def test_that_not_being_safe_is_urgent(answer):
    replies = conversation(("hello", None, UNREAD), (answer, None, UNREAD))

    assert "urgent.act" in lists_in(replies[1])


@pytest.mark.parametrize("answer", ["yes", "I'm safe, thanks", "not great but safe", "no worries, I'm fine"])
def test_that_being_safe_is_not_urgent(answer):
    replies = conversation(("hello", None, UNREAD), (answer, None, UNREAD))

    assert "urgent.act" not in lists_in(replies[1])


@pytest.mark.parametrize("answer", ["yes", "sometimes", "I don't know", "maybe", "i guess"])
def test_that_a_yes_to_the_question_about_suicide_is_understood_without_a_reading(answer):
    replies = conversation((TOLD, "ideation", ESCALATED), (answer, "none", ()))

    assert lists_in(replies[0])[-1] == "ask.thoughts"
    assert lists_in(replies[1]) == ["ideation.acknowledge", "ideation.support", "ask.plan"]


def test_that_a_yes_to_the_question_about_a_plan_is_urgent():
    replies = conversation((TOLD, "ideation", ESCALATED), ("yes", "none", ()), ("yes", "none", ()))

    assert "urgent.act" in lists_in(replies[2])


def test_that_a_no_is_heard_and_the_matter_is_still_kept_in_mind():
    replies = conversation(
        (TOLD, "ideation", ESCALATED),
        ("no, nothing like that", "none", ()),
        ("yes", "none", ()),
        ("The rain stopped.", "none", ()),
    )

    assert lists_in(replies[1])[0] == "watch.acknowledge"
    assert not any(line in reply for reply in replies[2:] for lines in CAREFUL.values() for line in lines)


def test_that_urging_goes_on_until_help_is_there():
    replies = conversation(
        (TOLD, "acute", ESCALATED), ("I can't", "none", ()), ("my sister is coming over now", "none", ())
    )

    assert "urgent.act" in lists_in(replies[1])
    assert lists_in(replies[2])[0] == "watch.acknowledge"


def test_that_a_guard_who_remembers_gets_a_watchful_reply():
    replies = conversation(
        (TOLD, "ideation", ESCALATED), ("no", "none", ESCALATED), ("The rain stopped.", "none", ESCALATED)
    )

    assert lists_in(replies[2])[0] == "watch.acknowledge"


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself",
        "i wanna die",
        "they'd be better off without me",
        "I keep hurting myself",
        "I don't want to live",
    ],
)
def test_that_plain_words_of_suicide_need_no_reader(text):
    assert lists_in(RESPONDER.respond(a_turn(text)))


@pytest.mark.parametrize(
    "text", ["this queue is killing me", "I could have died of embarrassment", "my phone died"]
)
def test_that_figures_of_speech_are_no_danger(text):
    reply = RESPONDER.respond(a_turn(text))

    assert not any(line in reply for lines in CAREFUL.values() for line in lines)


def test_that_whoever_said_it_plainly_is_not_asked_whether_it_is_so():
    assert lists_in(RESPONDER.respond(a_careful_turn("I want to end my life")))[-1] == "ask.plan"


@pytest.mark.parametrize("level", ["ideation", "plan", "acute", "none", None])
@pytest.mark.parametrize("window", [None, 24])
def test_that_nothing_is_repeated_in_a_row_nor_a_whole_reply_in_sixty_turns(level, window):
    history, replies = (), []
    for index in range(60):
        seen = history if window is None else history[-2 * window :]
        turn = a_careful_turn("It is too much.", level=level, history=seen, index=index)
        replies.append(RESPONDER.respond(turn))
        history = (*history, Message("seeker", "It is too much."), Message("supporter", replies[-1]))

    lines = [line for lines in CAREFUL.values() for line in lines]
    for first, second in pairwise(replies):
        assert not [line for line in lines if line in first and line in second]
    assert len(set(replies)) == 60
    assert all(reply.count("?") == 1 and len(reply.split()) <= 90 for reply in replies)
