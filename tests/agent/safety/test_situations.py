"""Danger around the person: what is found, what is not, and how long it stands."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.record import pack, unpack
from agent.safety.course import RiskCourse
from agent.safety.situations import SITUATIONS, Around, asks_where_to_turn, read_situation, stands, tells_of_help
from tests.agent.safety.situation_examples import (
    BODY,
    CHILDREN,
    MEDICAL,
    NO_SITUATION,
    SOMEONE_ELSE,
    SOMEONE_ELSE_NOW,
    VIOLENCE,
    VIOLENCE_NOW,
    VOICES,
)

FOUND = (
    *((text, "violence", True) for text in VIOLENCE_NOW),
    *((text, "violence", False) for text in VIOLENCE),
    *((text, "someone_else", True) for text in SOMEONE_ELSE_NOW),
    *((text, "someone_else", False) for text in SOMEONE_ELSE),
    *((text, "medical", True) for text in MEDICAL),
    *((text, "body", True) for text in BODY),
    *((text, "voices", False) for text in VOICES),
)
DENIALS = ("just kidding", "never mind", "no", "he didn't mean it", "it was nothing", "forget it, I'm fine now")
QUIET = ("The bus was late.", "What is for dinner?", *DENIALS)


def test_that_there_are_enough_examples():
    assert len(FOUND) >= 60
    assert len(NO_SITUATION) >= 120


def test_that_danger_around_the_person_is_found():
    read = [(text, kind, now, read_situation(text)) for text, kind, now in FOUND]
    wrong = [
        (text, found) for text, kind, now, found in read if found is None or (found.kind, found.now) != (kind, now)
    ]

    assert wrong == []


def test_that_idioms_games_stories_and_the_past_are_none():
    assert [text for text in NO_SITUATION if read_situation(text) is not None] == []


def test_that_a_child_is_known_by_their_words():
    assert [text for text in CHILDREN if not (found := read_situation(text)) or not found.child] == []
    assert not read_situation("My husband hits me when he drinks.").child  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "kind", "now"), FOUND[::7])
def test_that_case_and_curly_quotes_do_not_matter(text: str, kind: str, now: object):
    found = read_situation(text.upper().replace("'", "\N{RIGHT SINGLE QUOTATION MARK}"))

    assert found is not None
    assert (found.kind, found.now) == (kind, now)


def test_that_what_happens_now_and_a_failing_body_come_first():
    both = "My brother talks about suicide. He just overdosed and won't wake up."
    assert read_situation(both).kind == "medical"  # type: ignore[union-attr]
    both = "My friend is suicidal. My dad is hitting my mom right now."
    assert read_situation(both).kind == "violence"  # type: ignore[union-attr]


def test_that_a_sign_is_found_at_either_end_of_a_long_message():
    filling = "We painted the kitchen green. " * 1000

    assert read_situation(f"{filling} My husband hits me.") is not None
    assert read_situation(f"My husband hits me. {filling}") is not None


@settings(max_examples=150)
@given(st.text(max_size=300))
def test_that_any_text_is_read_without_an_error(text: str):
    found = read_situation(text)

    assert found is None or found.kind in SITUATIONS
    assert {asks_where_to_turn(text), tells_of_help(text)} <= {True, False}


@pytest.mark.parametrize(
    "piece",
    ["my ", "he ", "my friend ", "he has just really ", "she says he says ", "my mom's boyfriend is ", "("],
)
def test_that_hostile_input_takes_time_in_proportion(piece: str):
    read_situation("warm")
    began = time.process_time()
    read_situation(piece * 20_000)

    assert time.process_time() - began < 1.0  # measured: some 0.002


# --- how long it stands -----------------------------------------------------------------------------


def after(*texts: str) -> Around | None:
    around = None
    for text in texts:
        around = stands(around, text)
    return around


@settings(max_examples=80)
@given(
    st.sampled_from([text for text, _, _ in FOUND]),
    st.lists(st.sampled_from(QUIET) | st.text(max_size=20), max_size=30),
)
def test_that_nothing_which_is_said_takes_it_back(told: str, texts: list[str]):
    course = [stands(None, told)]
    for text in texts:
        course.append(stands(course[-1], text))

    assert all(around is not None for around in course)
    for one, two in pairwise(course):
        assert one is not None
        assert two is not None
        assert two.fresh or two.quiet == min(one.quiet + 1, 99)
        assert not (one.now and not two.now) or two.quiet > 3  # it lasts some messages before it counts as over
        assert two.fresh or two.kind == one.kind


@pytest.mark.parametrize("denial", DENIALS)
def test_that_a_denial_is_a_quiet_message_and_no_more(denial: str):
    assert after("My husband hits me.", denial) == after("My husband hits me.", "The bus was late.")


def test_that_not_being_safe_from_them_makes_it_pressing():
    told = after("My husband hits me.")

    assert stands(told, "no, he's here", unsafe=True).now  # type: ignore[union-attr]
    assert not stands(told, "yes", unsafe=False).now  # type: ignore[union-attr]
    assert stands(None, "no", unsafe=True) is None


def test_that_whoever_is_violent_and_comes_near_makes_it_pressing():
    for text in ("He's coming up the stairs", "hes back now", "I hear him in the hall", "she is outside"):
        assert stands(after("My husband hits me."), text).now  # type: ignore[union-attr]
        assert stands(None, text) is None
        assert not stands(after("My friend is suicidal."), text).now  # type: ignore[union-attr]
    assert not stands(after("My husband hits me."), "he's at work until five").now  # type: ignore[union-attr]


def test_that_what_becomes_pressing_begins_anew():
    told = after("My husband hits me.", "ok")
    assert told is not None
    told = Around(**{**{name: getattr(told, name) for name in told.__slots__}, "done": ("lines",)})

    assert stands(told, "he hit me again and he's outside the door") == Around("violence", now=True)
    assert stands(told, "My husband hits me.").done == ("lines",)  # type: ignore[union-attr]


HELP = """
    police are going there now / the ambulance is here / I called 911 / they found her, she's alive
    / My neighbour called the police / texted them / he's in the hospital / I'm at my sister's / paramedics are with him
    / she is safe, she's with her mother / I'm on the phone with 999 / the cops arrived
"""
NO_HELP = """
    what do I do / nobody is coming / if i call he hears me / she doesn't answer / he's outside / the bus was late
    / should I call the police? / I can't call anyone
"""


def test_that_help_on_its_way_is_known():
    assert [text for text in HELP.split("/") if not tells_of_help(text.strip())] == []
    assert [text for text in NO_HELP.split("/") if tells_of_help(text.strip())] == []


def test_that_asking_where_to_turn_is_known():
    asks = (
        "so who do i call if she says it again / Who would I even talk to about it? / where can I go / is there a number"
        " / who can help us, the school? / where do I report this / how do I get help to her"
    )
    assert [text for text in asks.split("/") if not asks_where_to_turn(text.strip())] == []
    others = "I called my mum / where were you / who told you that / I went to the shop / how do I bake bread"
    assert [text for text in others.split("/") if asks_where_to_turn(text.strip())] == []


def test_that_it_is_kept_with_the_record():
    course = RiskCourse(
        around=Around("violence", child=True, now=True, helped=True, quiet=2, turns=5, done=("lines",))
    )

    assert unpack(RiskCourse, pack(course, at="course"), at="course") == course
    old: dict[str, Any] = {name: value for name, value in pack(course, at="course").items() if name != "around"}
    assert unpack(RiskCourse, old, at="course").around is None
