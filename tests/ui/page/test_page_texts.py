from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest

import agent
import ui.page
from agent.safety.help_lines import UNKNOWN, load_help_lines
from agent.safety.policies import load_policy, policy_names
from agent.safety.protocol import load_protocol
from agent.safety.steps import Step
from evals.listing import listed
from sem_plugins.language import Kind
from strategies.rules import Known
from ui.page.answering import trouble_of
from ui.page.tabs import TABS
from ui.page.texts import LANGUAGES, OF_DATA, preferred, texts_in

FOLDER = Path(ui.page.__file__).parent


def _named(text: str) -> set[str]:
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def _ours(language: str) -> dict[str, str]:
    """What data do not say themselves."""
    return {key: text for key, text in texts_in(language).said.items() if key.partition(".")[0] not in OF_DATA}


def test_that_every_language_says_the_same_things():
    english = _ours("en")
    for language in LANGUAGES:
        said = _ours(language)
        assert said.keys() == english.keys(), sorted(said.keys() ^ english.keys())
        assert {key: _named(text) for key, text in said.items()} == {key: _named(t) for key, t in english.items()}
        assert all(text.strip() for text in texts_in(language).said.values())


def test_that_other_languages_have_words_for_all_that_data_say_in_english():
    directory = load_help_lines()
    countries = [*directory.countries.values(), directory.country(None)]
    lines = [line for country in countries for line in country.lines]
    worded = {words for line in lines for words in (line.hours, line.note, line.call, line.text) if words}
    asked = {
        "country": set(directory.countries) - {UNKNOWN},
        "place": set(policy_names()),
        "line": {words for words in worded if re.search("[a-z]{2}", words)} | {directory.country(None).words},
        "notice": {
            words
            for policy in map(load_policy, ("default", "eu"))  # those of the states of the USA are their laws'
            for words in (policy.disclosure, policy.reminder, policy.break_prompt)
        },
    }
    for language in set(LANGUAGES) - {"en"}:
        said = texts_in(language).said
        for group, keys in asked.items():
            assert {key.partition(".")[2] for key in said if key.startswith(f"{group}.")} == keys
        assert texts_in(language).given("country", "Nowhere", "XX") == ("Nowhere", "en")


def test_that_whatever_can_be_evaluated_is_told_in_plain_words():
    tasks = listed(None)
    assert len(tasks) > 20
    for language in LANGUAGES:
        said = texts_in(language).said
        assert {f"evaluate_task.{task.name}" for task in tasks} <= said.keys()
        assert {f"evaluate_system.{system}" for task in tasks for system in task.systems} <= said.keys()
        assert language == "en" or {f"evaluate_about.{task.name}" for task in tasks} <= said.keys()


def test_that_times_and_numbers_are_told_as_people_write_them():
    assert [texts_in(language).when(1_777_816_920) for language in ("en", "de")] == [
        "3 May 2026, 14:02 UTC",
        "3.5.2026, 14:02 UTC",
    ]
    assert [texts_in(language).number(-0.204) for language in ("en", "de")] == ["-0.20", "-0,20"]
    assert texts_in("de").number(-0.001) == "+0,00"
    assert texts_in("de").number(12.25, ".1f") == "12,2"
    assert texts_in("de").when(None) == texts_in("de").when(1e40) == ""


def test_that_there_is_a_text_for_every_key_that_is_asked_for():
    asked = set()
    for path in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.jinja")]:
        asked |= set(re.findall(r"""\b(?:t|texts|_texts)\(["']([a-z_.]+\.[a-z_]+)["']""", path.read_text("utf-8")))
        asked |= set(re.findall(r"""Trouble\(["']([a-z_.]+)["']""", path.read_text("utf-8")))
    asked = {key for key in asked if not key.endswith("_")}  # put together where they are asked for
    assert len(asked) > 80
    assert asked <= texts_in("en").said.keys(), sorted(asked - texts_in("en").said.keys())
    assert {f"tab.{tab.id}" for tab in TABS} <= texts_in("en").said.keys()


def test_that_there_is_a_text_for_whatever_a_plan_can_rest_on():
    grounds = {f"ground.{name}" for kind in get_args(Known) for name in get_args(kind)}
    assert {key for key in texts_in("en").said if key.startswith("ground.")} == grounds


def test_that_there_is_a_text_for_whatever_the_protocol_does():
    protocol = load_protocol()
    plans = (*protocol.steps.values(), *protocol.situations.values())
    acts = {act for plan in plans for act in (*plan.first, *plan.later, plan.instead)} - {"ask"}
    acts |= {act for plan in protocol.situations.values() for act in (*plan.where, *plan.helped)} - {"ask"}
    acts |= {"stay", "with_help", "check", "hint", "unread", "nudge", "disclosure", "emergency"}
    said = texts_in("en").said

    assert {f"act.{act}" for act in acts} <= said.keys()
    assert {f"question.{question}" for plan in plans for question in plan.ask} <= said.keys()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.5,de;q=0.7", "de"),
        ("en;q=0.2,de;q=0.1", "en"),
        ("de;q=nonsense,;;;", "en"),
        ("de;q=1.1.1", "en"),
        ("x" * 10_000, "en"),
    ],
    ids=["none", "one", "region", "weights", "little", "nonsense", "no-number", "long"],
)
def test_that_the_language_is_what_the_browser_likes_best(accepted, language):
    assert preferred(accepted) == language
    assert preferred(accepted, "de") == "de"
    assert preferred(accepted, "xx") == language


def test_that_what_went_wrong_never_quotes_what_was_said():
    from agent.errors import StoreError

    trouble = trouble_of(StoreError("secret words"))
    assert "secret" not in texts_in("en")(trouble.key, **dict(trouble.given))


def _reasons_of_verdicts() -> set[str]:
    """What the code gives a `Verdict` as its reason."""
    found: set[str] = set()
    for file in Path(agent.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Verdict" and len(call.args) > 2:
                found |= {each.value for each in ast.walk(call.args[2]) if isinstance(each, ast.Constant)}
    return found


def test_that_every_reason_of_a_verdict_and_every_caveat_has_words_in_every_language():
    levels = {f"the record of risk stands at {level}" for level in get_args(Step) if level != "none"}
    others = {"risk could not be read", "the person tells of danger around them"}
    reasons = _reasons_of_verdicts()

    assert len(reasons) >= 6
    for language in set(LANGUAGES) - {"en"}:
        said = texts_in(language).said
        assert {key.partition(".")[2] for key in said if key.startswith("verdict.")} == reasons | levels | others
        assert {*get_args(Kind)} - {"english", "unreadable"} <= {key.partition(".")[2] for key in said}
