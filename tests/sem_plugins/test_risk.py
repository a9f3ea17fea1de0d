from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import RiskLevel, RiskReading
from agent.testing import a_turn
from sem_plugins.risk.plugin import RiskPlugin, create
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.risk_statements import (
    ACUTE,
    BENIGN,
    DENIED,
    IDEATION,
    PLAN,
    THIRD_PERSON,
    TO_OTHERS,
)

LADDER = get_args(RiskLevel)


def read(text: str) -> RiskReading:
    [reading] = RiskPlugin()([a_turn(text)])
    return reading


def step(level: str) -> int:
    return LADDER.index(level)


@pytest.mark.parametrize(
    ("text", "level"),
    [(text, "acute") for text in ACUTE]
    + [(text, "plan") for text in PLAN]
    + [(text, "ideation") for text in (*IDEATION, *TO_OTHERS)],
)
def test_that_an_explicit_statement_is_read_at_its_level_or_above(text: str, level: str):
    reading = read(text)
    assert step(reading.level) >= step(level)
    assert reading.kinds
    assert reading.evidence


@pytest.mark.parametrize("text", [*DENIED, *THIRD_PERSON, *BENIGN])
def test_that_denials_idioms_and_other_peoples_pain_stay_below_ideation(text: str):
    assert step(read(text).level) < step("ideation")


@pytest.mark.parametrize("text", BENIGN)
def test_that_everyday_talk_is_not_even_distress(text: str):
    assert read(text).level == "none"


@pytest.mark.parametrize(
    "text",
    [
        "I would never kill myself.",
        "I am not suicidal",
        "I don't want to die.",
        "I can't go on.",
        "There is no way out",
        "I feel completely worthless",
        "I've given up on life",
        "I want the pain to stop",
        "I can't live like this anymore",
    ],
)
def test_that_a_denial_and_despair_are_noted_as_distress(text: str):
    assert read(text).level == "distress"


def test_that_a_denial_does_not_clear_what_is_said_beside_it():
    assert read("I used to say I would never kill myself. But I want to die.").level == "ideation"
    assert read("I want to die. No, I would never kill myself.").level == "ideation"


def test_that_the_highest_level_of_a_message_counts():
    assert read("I feel worthless. I want to die. I just took a whole bottle of pills.").level == "acute"


@pytest.mark.parametrize("text", TO_OTHERS)
def test_that_danger_to_others_is_named_so(text: str):
    assert read(text).kinds == ("harm-to-others",)


def test_that_both_kinds_are_named_where_both_are_said():
    assert set(read("I want to kill him and then I want to die.").kinds) == {"self-harm", "harm-to-others"}


@pytest.mark.parametrize(
    "apostrophe", ["'", "\N{RIGHT SINGLE QUOTATION MARK}", "\N{MODIFIER LETTER APOSTROPHE}", "`"]
)
def test_that_typographic_apostrophes_change_nothing(apostrophe: str):
    typed = "I don't want to live anymore. I'm going to kill myself tonight."
    assert read(typed.replace("'", apostrophe)) == read(typed)


def test_that_spans_point_at_the_words_and_not_at_the_talk_around_them():
    text = "The weather is fine \N{SMILING FACE WITH OPEN MOUTH} but I don\N{RIGHT SINGLE QUOTATION MARK}t want to live anymore, you know?"
    [(start, end)] = read(text).evidence
    assert text[start:end].startswith("I don")
    assert "live" in text[start:end]
    assert "you know" not in text[start:end]


@pytest.mark.parametrize("text", [*ACUTE, *PLAN, *IDEATION, *TO_OTHERS, *DENIED])
def test_that_spans_lie_inside_the_text_in_order(text: str):
    spans = read(text).evidence
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert list(spans) == sorted(set(spans))


def test_that_every_turn_gets_its_own_reading_in_order():
    readings = create()([a_turn("I want to die."), a_turn("I like tea."), a_turn("I'm gonna end it all")])
    assert [reading.level for reading in readings] == ["ideation", "none", "plan"]
    assert create()([]) == []


def test_that_rules_use_the_words_they_define_and_repeat_nothing_without_end():
    raw = tomllib.loads(files("sem_plugins.risk").joinpath("rules.toml").read_text(encoding="utf-8"))
    patterns = [*raw["idiom"]["patterns"], *raw["words"].values()]
    patterns += [pattern for rule in raw["rule"] for pattern in rule["patterns"]]
    patterns += [pattern for group in raw["softened"].values() for pattern in group]
    used = {name for pattern in patterns for name in re.findall(r"\{([a-z]+)\}", pattern)}
    assert used == set(raw["words"])
    # A group that repeats without end would make the time grow with the square of the text.
    assert not [pattern for pattern in patterns if ")*" in pattern or ")+" in pattern]


FRAGMENTS = (
    "i ", "i'm ", "i am ", "just ", "really ", "so ", "want to ", "going to ", "die ", "kill myself ", "not ",
    "never ", "think of ", "everyone would ", "be better off ", "if i ", "pills ", "a ", "the ", 'she said "', ". ",
    " ", "\n", "x", "suicidal thoughts ", "my friend ", "dying to ", "wish ", "took all ", "tonight ", "'", "",
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6), st.integers(1, 3000))
def test_that_no_repetition_of_rule_words_upsets_the_reading(pieces: list[str], times: int):
    text = ("".join(pieces) * times)[:20_000]
    assert all(text[start:end].strip() for start, end in read(text).evidence)


@given(st.text(max_size=2000))
def test_that_any_text_can_be_read(text: str):
    assert read(text).level in LADDER


def _seekers(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        dialogues = [json.loads(line) for line in lines]
    return [turn["text"] for dialogue in dialogues for turn in dialogue["turns"] if turn["speaker"] == "seeker"]


def _comments(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "texts_of"),
    [("empathetic_dialogues", _seekers), ("esconv", _seekers), ("goemotions", _comments)],
)
def test_that_alarms_are_rare_in_what_people_say_to_supporters(
    data_folder: Callable[[str], Path], name: str, texts_of: Callable[[Path], list[str]]
):
    texts = texts_of(data_folder(name) / "valid.jsonl")
    readings = RiskPlugin()([a_turn(text) for text in texts])
    alarms = sum(step(reading.level) >= step("ideation") for reading in readings)
    # Some of them are right: people do speak of wanting to die there.
    assert alarms / len(texts) <= 0.003


class TestRiskPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()
