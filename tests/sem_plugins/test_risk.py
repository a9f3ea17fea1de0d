from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import DANGER, RiskReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.labels import RISK
from sem_plugins.probability import sigmoid
from sem_plugins.risk.plugin import RiskPlugin, create
from sem_plugins.risk.rules import LADDER, read_rules, without_softened
from tests.contracts.plugin_contract import LONG, PluginContract
from tests.sem_plugins.fake_encoder import NO, YES, FakeEncoder, on_words
from tests.sem_plugins.risk_statements import (
    ACUTE,
    BENIGN,
    DENIED,
    IDEATION,
    PLAN,
    THIRD_PERSON,
    TO_OTHERS,
)

VEILED = "I have sorted my papers, and soon none of you will have to carry me."
"""Danger in words that no rule has."""


def step(level: str) -> int:
    return LADDER.index(level)


@pytest.mark.parametrize(
    ("text", "level"),
    [(text, "acute") for text in ACUTE]
    + [(text, "plan") for text in PLAN]
    + [(text, "ideation") for text in (*IDEATION, *TO_OTHERS)],
)
def test_that_an_explicit_statement_is_read_at_its_level_or_above(text: str, level: str):
    reading = read_rules(text)
    assert step(reading.level) >= step(level)
    assert reading.kinds
    assert reading.source == "rules"
    assert reading.evidence


@pytest.mark.parametrize("text", [*DENIED, *THIRD_PERSON, *BENIGN])
def test_that_denials_idioms_and_other_peoples_pain_stay_below_ideation(text: str):
    assert step(read_rules(text).level) < step("ideation")


@pytest.mark.parametrize("text", BENIGN)
def test_that_everyday_talk_is_not_even_distress(text: str):
    assert read_rules(text).level == "none"


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
    assert read_rules(text).level == "distress"


def test_that_a_denial_does_not_clear_what_is_said_beside_it():
    assert read_rules("I used to say I would never kill myself. But I want to die.").level == "ideation"
    assert read_rules("I want to die. No, I would never kill myself.").level == "ideation"


def test_that_the_highest_level_of_a_message_counts():
    assert read_rules("I feel worthless. I want to die. I just took a whole bottle of pills.").level == "acute"


FAREWELLS = [
    "tell my mum I loved her, always",
    "You won't have to put up with me much longer.",
    "I've given my records to my nephew and written the letters.",
    "they'd get the life insurance",
    "I keep staring at the bottle of pills",
    "everyone will be rid of me",
]
NO_FAREWELLS = [
    "tell my mum I loved her lasagna",
    "you won't have to put up with me at dinner",
    "I gave the teacher a card and wrote the notes for school",
    "we file today and they'd get the insurance money",
    "he told his dad that he loved him",
]


@pytest.mark.parametrize("text", FAREWELLS)
def test_that_words_that_may_be_a_farewell_are_suspected(text: str):
    found = read_rules(text)
    assert (found.level, found.sure) == ("ideation", False)
    beside = read_rules(f"{text} I want to die.")
    assert (beside.level, beside.sure) == ("ideation", True)


@pytest.mark.parametrize("text", NO_FAREWELLS)
def test_that_words_like_them_are_not(text: str):
    assert read_rules(text).level == "none"


@pytest.mark.parametrize("text", TO_OTHERS)
def test_that_danger_to_others_is_named_so(text: str):
    assert read_rules(text).kinds == ("harm-to-others",)


def test_that_both_kinds_are_named_where_both_are_said():
    assert set(read_rules("I want to kill him and then I want to die.").kinds) == {"self-harm", "harm-to-others"}


@pytest.mark.parametrize(
    "apostrophe", ["'", "\N{RIGHT SINGLE QUOTATION MARK}", "\N{MODIFIER LETTER APOSTROPHE}", "`"]
)
def test_that_typographic_apostrophes_change_nothing(apostrophe: str):
    typed = "I don't want to live anymore. I'm going to kill myself tonight."
    assert read_rules(typed.replace("'", apostrophe)) == read_rules(typed)


def test_that_spans_point_at_the_words_and_not_at_the_talk_around_them():
    text = "The weather is fine \N{SMILING FACE WITH OPEN MOUTH} but I don\N{RIGHT SINGLE QUOTATION MARK}t want to live anymore, you know?"
    [(start, end)] = read_rules(text).evidence
    assert text[start:end].startswith("I don")
    assert "live" in text[start:end]
    assert "you know" not in text[start:end]


@pytest.mark.parametrize("text", [*ACUTE, *PLAN, *IDEATION, *TO_OTHERS, *DENIED])
def test_that_spans_lie_inside_the_text_in_order(text: str):
    spans = read_rules(text).evidence
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert list(spans) == sorted(set(spans))


def test_that_rules_use_the_words_they_define_and_repeat_nothing_without_end():
    raw = tomllib.loads(files("sem_plugins.risk").joinpath("rules.toml").read_text(encoding="utf-8"))
    patterns = [*raw["idiom"]["patterns"], *raw["regret"]["patterns"], *raw["words"].values()]
    patterns += [pattern for rule in raw["rule"] for pattern in rule["patterns"]]
    patterns += [pattern for group in raw["softened"].values() for pattern in group]
    used = {name for pattern in patterns for name in re.findall(r"\{([a-z]+)\}", pattern)}
    assert used == set(raw["words"])
    # A group that repeats without end would make the time grow with the square of the text.
    assert not [pattern for pattern in patterns if ")*" in pattern or ")+" in pattern]


@pytest.mark.parametrize(
    "text",
    [
        "I had the rope over the beam at noon.",
        "i put the belt round my neck and took it off again",
        "I held the gun to my head",
    ],
)
def test_that_what_was_prepared_is_a_plan(text: str):
    assert read_rules(text).level == "plan"


@pytest.mark.parametrize(
    "text",
    [
        "He has saved enough pills to last him.",
        "My sister wrote a suicide note.",
        "They tied the rope on the beam",
    ],
)
def test_that_what_somebody_else_prepared_is_no_plan_of_theirs(text: str):
    assert read_rules(text).level in {"none", "distress", "ideation"}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("I don't want to die, I just want a day in bed.", "I just want a day in bed"),
        ("I'm not suicidal. The rent is due.", "The rent is due"),
        ("I don't want to die, I just want the pain to stop.", None),
        ("I'm not going to kill myself tonight.", None),
        ("I don't really want to kill myself", None),
        ("I don't want to die. I don't want to be here.", None),
        ("I want to kill myself", None),
        ("The rent is due.", None),
    ],
)
def test_that_only_a_plain_denial_is_left_out_of_what_is_read_again(text: str, rest: str | None):
    assert without_softened(text, read_rules(text)) == rest


@pytest.mark.parametrize(
    "text",
    [
        "I want to die \U0001f602 the whole class saw it",
        "I want to kill myself lmao",
        "killed myself again in the second level",
        "I'm going to murder my boss",
        "I will kill my brother, that was my cake",
    ],
)
def test_that_what_is_laughed_at_or_hardly_ever_meant_is_asked_about_before_it_is_believed(text: str):
    reading = create().judge(text)
    assert reading.level in DANGER
    assert not reading.sure


@pytest.mark.parametrize(
    "text",
    [
        "I nearly killed myself last night",
        "I'm going to stab my boss",
        "I want to die haha",
        "I took all my pills lmao",
    ],
)
def test_that_other_words_for_it_are_believed(text: str):
    assert create().judge(text).sure


def test_that_what_a_denial_alone_makes_alarming_is_distress():
    plugin = create()
    assert (
        plugin.judge("I don't want to die, I just want to lie in a dark room until Thursday.").level == "distress"
    )
    assert (
        plugin.judge("I'm not suicidal, but I keep staring at the pills and I wrote the letters.").level in DANGER
    )


@pytest.mark.parametrize(
    "text",
    [
        "I wish I'd kept my mouth shut",
        "I wish I\u2019d said nothing, we work together too",
        "I wish the ground would swallow me up",
        "I wish I'd stayed home",
        "Not like that. I mean I want her suffering to end.",
    ],
)
def test_that_to_wish_something_otherwise_is_no_danger(text: str):
    assert create().judge(text).level == "distress"


@pytest.mark.parametrize(
    "text",
    [
        "I wish I'd kept it to myself. I want to die.",
        "I wish I'd gone through with it",
        "I wish I'd taken more of the pills",
        "I wish I'd never been born",
        "I want to end his suffering myself",
        "I wish I'd never told anyone, now I just want it all to end tonight",
    ],
)
def test_that_danger_beside_a_wish_stays_danger(text: str):
    assert create().judge(text).level in DANGER


FRAGMENTS = (
    "i ", "i'm ", "i am ", "just ", "really ", "so ", "want to ", "going to ", "die ", "kill myself ", "not ",
    "never ", "think of ", "everyone would ", "be better off ", "if i ", "pills ", "a ", "the ", 'she said "', ". ",
    " ", "\n", "x", "suicidal thoughts ", "my friend ", "dying to ", "wish ", "took all ", "tonight ", "'", "",
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6), st.integers(1, 3000))
def test_that_no_repetition_of_rule_words_upsets_the_reading(pieces: list[str], times: int):
    text = ("".join(pieces) * times)[:20_000]
    assert all(text[start:end].strip() for start, end in read_rules(text).evidence)


@given(st.text(max_size=2000))
def test_that_any_text_can_be_read_by_rule(text: str):
    assert read_rules(text).level in LADDER


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
def test_that_alarms_of_the_rules_are_rare_in_what_people_say_to_supporters(
    data_folder: Callable[[str], Path], name: str, texts_of: Callable[[Path], list[str]]
):
    texts = texts_of(data_folder(name) / "valid.jsonl")
    alarms = sum(step(read_rules(text).level) >= step("ideation") for text in texts)
    # Some of them are right: people do speak of wanting to die there.
    assert alarms / len(texts) <= 0.003


# Of the plugin


def ladder(whom: str, *logits: float) -> dict[str, float]:
    """Logits of the steps above `none`, lowest first; `NO` for those left out."""
    return {f"{whom}:{level}": logit for level, logit in zip(LADDER[1:], logits, strict=False)}


def read(
    text: str,
    risk: Mapping[str, float],
    evidence: str | None = None,
    *,
    history: tuple[Message, ...] = (),
    calibrated: Mapping[str, Mapping[str, Any]] | None = None,
) -> RiskReading:
    """What the plugin says where the encoder gives these logits and finds this phrase."""
    words = on_words(0, {"evidence": evidence} if evidence else {})  # the message is read alone
    encoder = FakeEncoder(risk=risk, evidence=words, calibrated=calibrated)
    [reading] = RiskPlugin(encoder)([a_turn(text, history=history)])
    return reading


def shown(text: str, reading: RiskReading) -> list[str]:
    return [text[start:end] for start, end in reading.evidence]


def test_that_the_encoder_alone_can_raise_the_level():
    assert read_rules(VEILED).level == "none"
    reading = read(VEILED, ladder("self", YES, YES, YES), "carry me")
    assert (reading.level, reading.kinds, reading.source) == ("plan", ("self-harm",), "fake-1")
    assert shown(VEILED, reading) == ["carry me"]


def test_that_the_rules_alone_can_raise_the_level():
    text = "It is late. I want to die."
    reading = read(text, {})
    assert (reading.level, reading.kinds, reading.source) == ("ideation", ("self-harm",), "rules")
    assert shown(text, reading)[0] == "I want to die"


@pytest.mark.parametrize(("logits", "level"), [((YES, YES), "plan"), ((YES, YES, YES, YES), "acute")])
def test_that_the_higher_of_rules_and_encoder_holds(logits: tuple[float, ...], level: str):
    assert read_rules("I have a plan to end my life.").level == "plan"
    assert read("I have a plan to end my life.", ladder("self", *logits)).level == level


@pytest.mark.parametrize("logits", [(YES, YES), (YES, YES, YES)], ids=["as high", "higher"])
def test_that_words_of_danger_are_shown_whether_rules_or_encoder_found_them(logits: tuple[float, ...]):
    text = "I want to die. Nobody would have to carry me."
    reading = read(text, ladder("self", *logits), "carry me")
    assert shown(text, reading)[0] == "I want to die"
    assert shown(text, reading)[-1] == "carry me"
    assert reading.source == "rules and fake-1"


def test_that_words_of_mere_distress_are_not_shown_beside_those_of_danger():
    text = "I feel completely worthless. Nobody would have to carry me."
    assert read_rules(text).level == "distress"
    assert shown(text, read(text, ladder("self", YES, YES), "carry me")) == ["carry me"]
    assert shown(text, read(text, {})) == ["I feel completely worthless"]


def test_that_a_piece_of_a_word_is_shown_as_the_word():
    text = "The unfathomableness has won."
    assert shown(text, read(text, ladder("self", YES, YES), "un")) == ["unfathomableness"]


def test_that_the_encoder_shows_words_of_danger_only():
    assert read(VEILED, ladder("self", YES), "carry me").evidence == ()


def test_that_words_are_shown_from_the_threshold_of_the_manifest_on():
    strict = {"thresholds": (0.999,)}  # YES is 0.998
    assert read(VEILED, ladder("self", YES, YES), "carry me", calibrated={"evidence": strict}).evidence == ()


def test_that_a_step_is_not_reached_without_those_below_it():
    assert read(VEILED, ladder("self", YES, NO, YES, YES)).level == "distress"
    assert read(VEILED, ladder("self", NO, YES, YES, YES)).level == "none"


@given(st.lists(st.floats(-9, 9), min_size=8, max_size=8))
def test_that_no_step_is_likelier_than_the_one_below_it(logits: list[float]):
    probabilities = read(VEILED, dict(zip(RISK.labels, logits, strict=True))).probabilities
    assert tuple(probabilities) == RISK.labels
    for whom in ("self", "others"):
        steps = [probabilities[f"{whom}:{level}"] for level in LADDER[1:]]
        assert steps == sorted(steps, reverse=True)


def test_that_each_step_has_the_threshold_of_the_manifest():
    unsure = ladder("self", 0.0, -1.0, -1.0, -2.0)  # 0.5, 0.27, 0.27, 0.12
    levels = {
        (0.5, 0.5, 0.5, 0.5): "distress",
        (0.6, 0.3, 0.3, 0.2): "none",
        (0.6, 0.2, 0.3, 0.2): "ideation",  # the step below it does not pass, and is no reason for calm
        (0.5, 0.25, 0.5, 0.2): "ideation",
        (0.5, 0.25, 0.25, 0.5): "plan",
        (0.5, 0.25, 0.25, 0.1): "acute",
    }
    for thresholds, level in levels.items():
        assert read(VEILED, unsure, calibrated={"risk": {"thresholds": (*thresholds, *[0.5] * 4)}}).level == level


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    reading = read(VEILED, ladder("self", 3.0), calibrated={"risk": {"temperature": 2.0}})
    assert reading.probabilities["self:distress"] == pytest.approx(sigmoid(np.array(1.5)).item())


def test_that_danger_to_others_has_a_ladder_of_its_own():
    reading = read("He will see what happens.", ladder("others", YES, YES, YES), "He will see")
    assert (reading.level, reading.kinds) == ("plan", ("harm-to-others",))
    assert reading.evidence == ((0, 11),)


def test_that_a_step_of_one_ladder_does_not_stand_on_those_of_the_other():
    mixed = ladder("self", YES) | ladder("others", NO, YES, YES)
    assert read(VEILED, mixed).level == "distress"


def test_that_both_kinds_are_named_where_rules_find_one_and_the_encoder_the_other():
    reading = read("I want to die.", ladder("others", YES, YES))
    assert set(reading.kinds) == {"self-harm", "harm-to-others"}


def test_that_everyday_talk_stays_none_where_the_encoder_finds_nothing():
    plugin = RiskPlugin(FakeEncoder(risk={}, evidence=on_words(0, {})))
    readings = plugin([a_turn(text) for text in BENIGN])
    assert {(reading.level, reading.kinds, reading.evidence) for reading in readings} == {("none", (), ())}


def test_that_spans_are_of_the_message_itself_also_after_others_and_at_the_end_of_a_long_one():
    history = (Message("seeker", "Hello there."), Message("supporter", "How are you?", "question"))
    for text in (VEILED, LONG + VEILED):
        reading = read(text, ladder("self", YES, YES), "carry me", history=history)
        assert shown(text, reading) == ["carry me"]


def test_that_what_no_other_plugin_can_read_is_still_screened():
    assert read("asdf qwer zxcv asdf lkjh", ladder("self", YES, YES)).level == "ideation"
    assert read("Я больше не хочу жить.", ladder("self", YES, YES)).level == "ideation"


def test_that_every_turn_gets_its_own_reading_in_order():
    plugin = RiskPlugin(FakeEncoder(risk={}, evidence=on_words(0, {})))
    readings = plugin([a_turn("I want to die."), a_turn("I like tea."), a_turn("I'm gonna end it all")])
    assert [reading.level for reading in readings] == ["ideation", "none", "plan"]


class TestRiskPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("it would be so easy to just step out in front of the train", "ideation"),
        ("How easy it would be to kill myself.", "ideation"),
        ("It is easy to walk into a car park and lose your way.", "none"),
    ],
)
def test_that_how_easy_it_would_be_is_heard(text: str, level: str):
    assert read_rules(text).level == level
