from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from agent.decisions import (
    Ground,
    Plan,
    Prompt,
    PromptMessage,
    RankedStrategy,
    Reply,
    StageFailure,
    Timing,
    Verdict,
)
from agent.feedback import Feedback
from agent.options import Options
from agent.readings import CausalSpan, CauseReading, RiskReading, UndertoneReading
from agent.safety.course import RiskCourse
from agent.safety.help_lines import load_help_lines
from agent.safety.policies import load_policy
from agent.testing import a_reading, a_turn
from strategies.taxonomy import esconv
from ui.page.answering import Moment
from ui.page.help_lines import help_region
from ui.page.marks import marked
from ui.page.markup import filled
from ui.page.texts import LANGUAGES, texts_in
from ui.page.transcript import coming, greeting, transcript
from ui.page.understanding import understanding

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></form><svg/onload=alert(1)>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} `x`",
    "<a href='javascript:alert(1)'>x</a>",
    "\x1b[31m\u202e<b>&amp;",
)
EN, POLICY, GB = texts_in("en"), load_policy("default"), load_help_lines().country("GB")


class _Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _harmless(markup: str) -> bool:
    tags = _Tags(markup).found
    return all(
        tag not in {"script", "img", "iframe", "object", "b", "style", "link"}
        and not any(name.startswith("on") for name in attributes)
        and not (attributes.get("href") or "").startswith("javascript:")
        for tag, attributes in tags
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("language", LANGUAGES)
def test_that_words_of_people_and_llms_never_become_markup(text, language):
    texts = texts_in(language)
    turn = a_turn(
        text,
        reply=Reply(text, speaker=text),
        notices=(text,),
        cause=CauseReading((CausalSpan(0, 0, 3, text[:3], 0.7),)),
        prompt=Prompt((PromptMessage("user", text),), "t", "0" * 64),
        failures=(StageFailure("generate", text, text, text),),
        emotion=a_reading(text),
        risk=RiskReading("ideation", evidence=((0, 2),)),
    )
    said = {turn.id: Feedback(turn.id, -1, text)}
    turns = [turn, replace(turn, id="other")]
    for markup in (
        transcript(turns, texts, policy=POLICY, country=GB, feedback=said),
        understanding(turns, texts, operator=True),
        coming(Moment(said=text, notices=(text,)), texts, POLICY, text=text),
        filled(
            "list", texts, current="", entries=[{"id": text, "title": text, "turns": 1, "when": "", "kept": True}]
        ),
        filled("trouble", texts, words=text),
    ):
        assert _harmless(markup), markup
        assert "\x1b" not in markup
        assert "\u202e" not in markup


def test_that_the_message_is_marked_where_the_readings_say_so():
    turn = a_turn(
        "I am fine, it was my exam.",
        cause=CauseReading((CausalSpan(0, 18, 25, "my exam", 0.9), CausalSpan(3, 0, 1, "x", 0.5))),
        undertone=UndertoneReading(0.6, 0.0, ((0, 9),)),
        risk=RiskReading("distress", evidence=((5, 20),)),
    )
    assert [(words, kind) for words, kind, _ in marked(turn)] == [
        ("I am fine", "undertone"),
        (", it was ", ""),
        ("my exam", "cause"),
        (".", ""),
    ]
    assert "".join(words for words, _, _ in marked(turn, operator=True)) == turn.text
    assert ("fine", "risk") in [(words, kind) for words, kind, _ in marked(turn, operator=True)]


def test_that_spans_beyond_the_message_do_no_harm():
    turn = a_turn("short", undertone=UndertoneReading(0.6, 0.0, ((2, 400),)))
    assert "".join(words for words, _, _ in marked(turn)) == "short"


def test_that_risk_is_shown_to_operators_alone():
    turn = a_turn("I want to die", risk=RiskReading("ideation", kinds=("self-harm",), evidence=((10, 13),)))
    for shown in (understanding([turn], EN), understanding([turn, turn], EN)):
        assert "ideation" not in shown
        assert EN("panel.risk") not in shown
        assert 'class="risk"' not in shown
    shown = understanding([turn], EN, operator=True)
    assert f"<dd>{EN('step.ideation')}, {EN('danger.self-harm')}</dd>" in shown
    assert '<mark class="risk"' in shown


def test_that_the_primary_set_is_marked_and_the_prompt_shown_to_the_letter():
    words = "You are\n  {{ careful }}"
    reading = replace(a_reading("lonely", 0.6), primary=("lonely",))
    turn = a_turn(emotion=reading, prompt=Prompt((PromptMessage("system", words),), "t", "0" * 64))
    shown = understanding([turn], EN)
    assert re.search(r'class="bar fam-\w+ primary"><span class="word">lonely', shown)
    assert words in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_every_part_of_the_panel_says_what_it_is_and_an_empty_one_what_will_be_there(language):
    texts = texts_in(language)
    shown = understanding([a_turn(emotion=a_reading("lonely"), plan=_planned())], texts)
    summaries = [
        tag["aria-label"] for name, tag in _Tags(shown).found if name == "summary" and "aria-label" in tag
    ]
    parts = ("emotion", "message", "plan", "behind")
    assert summaries == [f"{texts('explain.what')}: {texts(f'panel.{part}')}" for part in parts]
    for part in parts:
        assert texts(f"explain.{part}") in shown
    empty = understanding([], texts)
    for part in ("emotion", "message", "plan", "state"):
        assert texts(f"awaits.{part}") in empty


def test_that_help_lines_can_be_dialled_and_need_no_server():
    tags = _Tags(help_region(GB, EN)).found
    assert ("details", {"class": "help", "id": "help"}) in tags
    assert [a["href"] for tag, a in tags if tag == "a"][:2] == ["tel:999", "tel:112"]
    assert GB.words in help_region(GB, EN)


def test_that_help_lines_speak_the_language_of_the_page_and_words_of_another_directory_stay():
    de = texts_in("de")
    shown = help_region(GB, de)
    assert "ruf jetzt 999 oder 112 an" in shown
    assert "SHOUT an 85258" in shown
    assert 'lang="de">rund um die Uhr, jeden Tag</span>' in shown
    assert GB.words not in shown
    shown = help_region(replace(GB, words="Dial 999, whatever the hour."), de)
    assert '<p class="words" lang="en">Dial 999, whatever the hour.</p>' in shown


def test_that_an_unknown_country_has_words_and_a_way_on():
    shown = help_region(load_help_lines().country(None), EN)
    assert "findahelpline.com" in shown
    assert EN("help.no_country") in shown


def test_that_the_greeting_says_that_this_is_an_ai_as_the_policy_asks():
    policy = load_policy("us-ny")
    shown = greeting(EN, policy)
    assert policy.disclosure in shown
    assert 'class="notice bold large framed"' in shown


def test_that_a_turn_without_a_reply_can_be_tried_again_and_an_old_one_cannot():
    silent = a_turn("hello")
    shown = transcript([silent, a_turn("well", reply=Reply("Yes.", "offline"))], EN, policy=POLICY, country=GB)
    assert 'data-do="again"' not in shown
    assert 'data-do="again"' in transcript([silent], EN, policy=POLICY, country=GB)


def _planned(**plan: Any) -> Plan:
    ranked = (RankedStrategy("question", 0.6), RankedStrategy("affirmation", 0.3), RankedStrategy("others", 0.1))
    return Plan("esconv-8", ranked, esconv()["question"], "exploration", "It is early.", "rules", **plan)


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_why_it_answered_so_is_told_in_the_language_of_the_page_where_it_knows_the_words(language):
    texts = texts_in(language)
    grounds = (Ground("exploration"), Ground("likeliest", ("question", "affirmation")))
    likeliest = {"first": texts("strategy.question"), "second": texts("strategy.affirmation")}
    shown = unescape(understanding([a_turn(plan=_planned(grounds=grounds))], texts))
    assert f"{texts('ground.exploration')} {texts('ground.likeliest', **likeliest)}" in shown
    assert "It is early." not in shown
    for unknown in ((), (*grounds, Ground("of_a_stranger"))):
        shown = understanding([a_turn(plan=_planned(grounds=unknown))], texts)
        assert texts("panel.reason_by") in unescape(shown)
        assert '<span lang="en">It is early.</span>' in shown
        assert texts("ground.exploration") not in shown


def test_that_other_ways_are_told_with_their_shares_and_what_each_step_took():
    timings = (Timing("perceive", 12.3), Timing("generate", 36.9))
    shown = unescape(understanding([a_turn(plan=_planned(), timings=timings)], EN))
    others = shown.partition(EN("panel.others"))[2].partition("</ul>")[0]
    told = re.findall(r'class="word">([^<]+)<.*?class="share">([^<]+)<', others)
    assert told == [(EN("strategy.affirmation"), "30 %"), (EN("strategy.others"), "10 %")]
    assert EN("panel.timings", ms=49) in shown
    steps = re.findall(r'class="word">([^<]+)<.*?class="share">([0-9.]+) ms<', shown)
    assert steps == [(EN("pass.perceive"), "12.3"), (EN("pass.generate"), "36.9")]


def _ways(shown: str) -> list[str | None]:
    return [attributes["data-strategy"] for tag, attributes in _Tags(shown).found if "data-strategy" in attributes]


def test_that_the_last_reply_can_be_asked_for_another_way_unless_safety_decides():
    turn = a_turn("hello", plan=_planned(), reply=Reply("Yes?", "offline"))
    later = replace(turn, id="turn-2")
    shown = transcript([turn, later], EN, policy=POLICY, country=GB)
    assert _ways(shown) == ["affirmation", "others"]
    assert EN("strategy.affirmation") in shown
    for safe in (
        replace(later, verdicts=(Verdict("escalate", "guard"),)),
        replace(later, course=RiskCourse(level="ideation", peak="ideation")),
        replace(later, plan=None),
        replace(later, reply=None),
    ):
        assert _ways(transcript([turn, safe], EN, policy=POLICY, country=GB)) == []


def test_that_the_panel_says_when_the_visitor_chose_and_when_safety_came_first():
    wish = Options(strategy="question")
    chosen = understanding([a_turn(options=wish, plan=_planned(by_request=True))], EN)
    assert EN("panel.chosen_by_you") in chosen
    assert "It is early." not in chosen
    first = EN("panel.not_as_chosen", strategy=EN("strategy.question"))
    danger = {"options": wish, "plan": _planned(), "risk": RiskReading("ideation")}
    for verdicts in ((), (Verdict("escalate", "guard"),)):
        shown = understanding([a_turn(verdicts=verdicts, **danger)], EN)
        assert first in shown
        assert EN("panel.chosen_by_you") not in shown
    assert EN("panel.chosen_by_you") not in understanding([a_turn(plan=_planned())], EN)
