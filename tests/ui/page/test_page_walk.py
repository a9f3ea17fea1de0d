"""The walk through a conversation and the view of a cohort, as markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from agent.decisions import Reply
from agent.readings import RiskReading
from agent.state import Shift
from agent.testing import a_reading, a_turn
from sem_plugins.attribution import Attribution
from tests.ui.page.test_page_markup import HOSTILE, _harmless
from tests.ui.trajectory_parts import CAUSE, MESSAGE, a_conversation, a_state
from ui.cohort import cohort_of
from ui.page.cohort_view import cohort_view
from ui.page.course import NARROW, WIDE, course_picture, course_table
from ui.page.marks import resting_on
from ui.page.opened import Conversation
from ui.page.texts import LANGUAGES, texts_in
from ui.page.walk import about_others, walk, walked_turn
from ui.traced import trajectory_of
from ui.trajectories import as_json, stored

EN = texts_in("en")
TALK = Conversation.of(stored("c", a_conversation()))


def _turns(*changes: dict[str, Any]) -> Conversation:
    turns = [a_turn(id=str(n), index=n, **fields) for n, fields in enumerate(changes)]
    return Conversation.of(stored("c", turns))


def _cells(markup: str) -> list[list[str]]:
    """Rows of what changed."""
    found = re.search(r"<tbody>(.*?)</tbody>", markup, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", found[1]) if found else []
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_that_a_walk_says_where_it_is_and_leads_to_every_turn():
    shown = walk(TALK, EN, shown=1)
    assert EN("trace.at", number=2, of=4) in shown
    for size in ("roomy", "tight"):
        part = re.search(rf'<div class="{size}">(.*?)</div>', shown, re.DOTALL)
        assert part is not None
        hits = re.findall(r'class="hit( now)?" data-first="(\d)" data-last="(\d)"', part[1])
        assert hits == [("", "0", "0"), (" now", "1", "1"), ("", "2", "2"), ("", "3", "3")]
    assert 'data-move="-1" disabled' in walk(TALK, EN)
    assert 'data-move="1" disabled' in walk(TALK, EN, shown=3)
    assert 'data-trace="file"' in walk(TALK, EN, file="t", of=2)
    assert 'data-trace="file"' not in walk(TALK, EN, file="t", of=1)


def test_that_a_long_conversation_leads_to_the_first_turn_of_a_column():
    talk = _turns(*({"state": a_state(0.0, n)} for n in range(500)))
    hits = re.findall(
        r'class="hit( now)?" data-first="(\d+)" data-last="(\d+)"', course_picture(talk.steps, EN, WIDE, shown=499)
    )
    assert len(hits) <= WIDE.most
    assert hits[0][1:] == ("0", "4")
    assert [hit for hit in hits if hit[0]] == [(" now", "495", "499")]


def test_that_a_turn_tells_what_changed_against_the_one_before():
    talk = _turns(
        {"emotion": a_reading("sad"), "state": a_state(-0.4)},
        {"emotion": a_reading("content"), "state": a_state(0.2, 1)},
        {"emotion": a_reading("content"), "state": a_state(0.22, 2)},
    )
    assert EN("trace.is_first") in walked_turn(talk, EN, shown=0)
    assert _cells(walked_turn(talk, EN, shown=1)) == [
        ["Likeliest feeling", "sad", "content", "–"],
        ["Mood", "-0.40", "+0.20", "+0.60"],
    ]
    assert EN("trace.nothing_changed") in walked_turn(talk, EN, shown=2)
    moved = re.findall(r'class="share">(\d+) %.*?\(([+-]\d+)\)', walked_turn(talk, EN, shown=1))
    assert moved[0] == ("70", "+40")


def test_that_a_shift_is_told_with_what_came_before_and_what_brought_it_about():
    worse = walked_turn(TALK, EN, shown=2)
    assert EN("panel.shift_worse") in worse
    assert EN("trace.shift_size", size="0.40") in worse
    assert f'<q dir="auto">{CAUSE}</q>' in worse
    assert EN("trace.shift_after", strategy=EN("strategy.reflection")) in worse
    assert EN("panel.shift_better") in walked_turn(TALK, EN, shown=3)
    assert 'class="shifted' not in walked_turn(TALK, EN, shown=0)


def test_that_risk_is_in_a_walk_only_where_the_page_shows_it():
    turns = [
        a_turn("fine", id="1", risk=RiskReading("none")),
        a_turn(
            "I want to die",
            id="2",
            index=1,
            risk=RiskReading("ideation", kinds=("self-harm",), evidence=((10, 13),)),
        ),
    ]
    talk = Conversation.of(stored("c", turns))
    shown = walk(talk, EN) + walked_turn(talk, EN, shown=1)
    assert "ideation" not in shown
    assert 'class="risk"' not in shown
    shown = walked_turn(talk, EN, shown=1, operator=True)
    assert '<mark class="risk"' in shown
    assert [EN("panel.risk"), EN("step.none"), EN("step.ideation"), "–"] in _cells(shown)


def test_that_the_panel_speaks_of_whoever_wrote():
    for language in LANGUAGES:
        texts = texts_in(language)
        assert {key[7:] for key in texts.said if key.startswith("person.")} <= {
            key[6:] for key in texts.said if key.startswith("panel.")
        }
    assert about_others(EN)("panel.title") == EN("person.title")
    assert EN("panel.emotion") not in walked_turn(_turns({"emotion": a_reading()}), EN, shown=0)


def test_that_words_are_marked_by_how_much_the_reading_rests_on_them():
    turn = a_turn("I am so happy today")
    found = [Attribution(5, 13, "so happy", 2.0), Attribution(14, 19, "today", 0.5)]
    assert resting_on(turn, found) == [("I am ", 0.0), ("so happy", 1.0), (" ", 0.0), ("today", 0.25)]
    assert resting_on(turn, []) == [("I am so happy today", 0.0)]
    talk = Conversation.of(stored("c", [replace(turn, emotion=a_reading())]))
    assert 'data-do="words"' in walked_turn(talk, EN, shown=0)
    assert '--sure: 0.25">today</mark>' in walked_turn(talk, EN, shown=0, rests_on=found)
    assert 'data-do="words"' not in walked_turn(_turns({}), EN, shown=0)


def test_that_a_file_without_words_and_one_without_turns_can_be_walked_through():
    talk = Conversation.of(trajectory_of(as_json(stored("c", a_conversation()))))
    assert talk.title == "c"
    shown = walk(talk, EN) + walked_turn(talk, EN, shown=2)
    assert EN("trace.no_words") in shown
    assert MESSAGE not in shown
    empty = Conversation.of(stored("", []))
    assert EN("trace.untitled") in walk(empty, EN)
    assert EN("trace.no_turns") in walked_turn(empty, EN, shown=3)


def test_that_mood_excitement_and_control_are_drawn_and_told():
    steps = stored("c", a_conversation()).steps
    shown = course_picture(steps, EN, NARROW)
    assert [shown.count(f'<path class="{axis}"') for axis in ("valence", "arousal", "dominance")] == [2, 2, 2]
    table = course_table(steps, EN)
    for axis, value in (("valence", "-0.10"), ("arousal", "+0.10"), ("dominance", "-0.10")):
        assert EN(f"axis.{axis}_key") in table
        assert f'<th scope="col">{EN(f"axis.{axis}")}</th>' in table
        assert f'data-label="{EN(f"axis.{axis}")}">{value}</td>' in table


def test_that_a_cohort_tells_how_many_went_in_and_the_same_in_tables():
    turns = [replace(turn, conversation_id="secret-id") for turn in a_conversation()]
    shown = cohort_view(cohort_of([stored("secret-id", turns)] * 3), EN)
    assert EN("trace.cohort", n=3) in shown
    assert EN("trace.cohort_course_key", n=3) in shown
    assert "<td>+0.40</td><td>+0.40 – +0.40</td><td>3</td>" in shown
    assert f"<td>{EN('trace.of', k=3, n=6)}</td>" in shown
    assert shown.count('role="img"') == 2
    for secret in ("secret-id", CAUSE, "landlord"):
        assert secret not in shown


def test_that_a_cohort_of_nothing_says_so():
    shown = cohort_view(cohort_of([]), EN)
    for key in ("cohort_short", "cohort_unread", "cohort_no_strategies", "cohort_no_moves"):
        assert EN(f"trace.{key}") in shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_that_words_and_names_out_of_files_never_become_markup(text):
    shift = Shift(1, "worse", 0.5, None, text)
    turns = [
        a_turn(
            text, id=text, emotion=a_reading(text), state=a_state(0.2), reply=Reply(text, text), notices=(text,)
        ),
        a_turn(text, id="2", index=1, emotion=a_reading("sad"), state=a_state(-0.5, 1, last_shift=shift)),
    ]
    talk = Conversation.of(stored(text, turns), named=text)
    for markup in (
        walk(talk, EN, file=text),
        walked_turn(talk, EN, shown=0),
        walked_turn(talk, EN, shown=1, rests_on=[Attribution(0, 2, text[:2], 1.0)]),
        cohort_view(cohort_of([stored(text, turns)]), EN, file=text),
    ):
        assert _harmless(markup), markup
        assert "\x1b" not in markup
