from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.errors import ReadingError
from agent.testing import a_turn
from agent.turn import Message, Turn
from sem_plugins.labels import OF_HEADS
from sem_plugins.weights import Head, Kind, Manifest, load_manifest
from sem_plugins.why import READINGS, Explainer, explainer
from tests.contracts.plugin_contract import LONG, ODD

KINDS: Mapping[str, Kind] = {
    "emotion": "softmax",
    "expression": "sigmoid",
    "affect": "regression",
    "felt": "regression",
    "risk": "sigmoid",
    "strategy": "softmax",
    "empathy": "levels",
}

HISTORY = (Message("seeker", "We had a heron."), Message("supporter", "In the garden?", "question"))


class PlantedEncoder:
    """Reads words: each output is a base plus what is planted for the words that the last message holds.

    Heads are calibrated with a temperature of 2. It refuses what an `Encoder` cannot be asked.

    Args:
        base: Head to place to number, whatever is said.
        planted: Word to head to place to number.
    """

    def __init__(
        self,
        planted: Mapping[str, Mapping[str, Mapping[int, float]]],
        base: Mapping[str, Mapping[int, float]] | None = None,
    ) -> None:
        heads = {name: Head(OF_HEADS[name], kind, temperature=2.0) for name, kind in KINDS.items()}
        self.manifest = Manifest("planted-1", Path(), "", "", {}, 160, heads, {})
        self.planted = planted
        self.base = base or {}
        self.asked: list[tuple[Message, ...]] = []

    def read(self, messages: Sequence[Message], *, said: int | None = None) -> Any:
        assert messages, "an encoder reads at least one message"
        self.asked.append(tuple(messages))
        outputs = {name: np.zeros(head.size, np.float32) for name, head in self.manifest.heads.items()}
        present = [given for word, given in self.planted.items() if word in messages[-1].text]
        for given in (self.base, *present):
            for name, places in given.items():
                for place, number in places.items():
                    outputs[name][place] += number
        return SimpleNamespace(outputs=outputs)

    def read_turn(self, turn: Turn) -> Any:
        return self.read(turn.dialogue)


def place_of(head: str, label: str) -> int:
    return OF_HEADS[head].index(label)


def weights(encoder: PlantedEncoder, text: str, reading: str) -> dict[str, float]:
    """Word to weight."""
    found = Explainer(encoder)(a_turn(text), reading)
    assert all(text[word.start : word.end] == word.text for word in found)
    return {word.text: word.weight for word in found}


def reply_weights(encoder: PlantedEncoder, reply: str, mechanism: str) -> dict[str, float]:
    return {word.text: word.weight for word in Explainer(encoder).reply("I lost it.", reply, mechanism)}


@pytest.mark.parametrize(
    ("reading", "label", "planted", "weight"),
    [
        ("emotion", "lonely", 3.0, 1.5),
        ("expression", "grief", 3.0, 1.5),
        ("strategy", "suggestions", 3.0, 1.5),
        ("affect", "valence", -0.75, -0.75),
        ("felt", "distress", 0.25, 0.25),
        ("risk", "self:ideation", 3.0, 1.5),
        ("risk", "others:ideation", 3.0, 1.5),
    ],
)
def test_that_the_word_that_a_reading_rests_on_gets_all_the_weight(
    reading: str, label: str, planted: float, weight: float
):
    encoder = PlantedEncoder({"heron": {reading: {place_of(reading, label): planted}}})
    assert weights(encoder, "The heron came back.", reading) == pytest.approx(
        {"The": 0, "heron": weight, "came": 0, "back": 0}, abs=1e-6
    )


def test_that_the_emotion_is_what_is_asked_for_where_nothing_is_said():
    encoder = PlantedEncoder({"heron": {"emotion": {3: 3.0}, "affect": {0: 1.0}}})
    turn = a_turn("The heron.")
    assert Explainer(encoder)(turn) == Explainer(encoder)(turn, "emotion")


@pytest.mark.parametrize("reading", ["emotion", "expression", "strategy"])
def test_that_weights_are_of_the_label_of_the_whole_message_also_where_another_wins_without_a_word(reading: str):
    encoder = PlantedEncoder({"heron": {reading: {5: 5.0}}}, base={reading: {2: 4.0, 5: 1.0}})
    assert encoder.manifest.heads[reading].temperature == 2
    others = len(OF_HEADS[reading]) - 2

    def log_odds(logit: float) -> float:
        against = math.exp(4 / 2) + others if reading != "expression" else 1.0
        return logit / 2 - math.log(against)

    found = weights(encoder, "The heron came.", reading)
    assert found["heron"] == pytest.approx(log_odds(6.0) - log_odds(1.0), abs=1e-5)
    assert found["heron"] == pytest.approx(2.5, abs=1e-5)


def test_that_a_word_that_speaks_against_a_reading_has_a_negative_weight():
    encoder = PlantedEncoder({"not": {"emotion": {4: -2.0}}}, base={"emotion": {4: 9.0}})
    found = weights(encoder, "I am not alone.", "emotion")
    assert found == pytest.approx({"I": 0, "am": 0, "not": -1.0, "alone": 0}, abs=1e-5)


def test_that_risk_is_explained_by_the_ladder_that_is_reached_more_surely():
    selves, others = place_of("risk", "self:ideation"), place_of("risk", "others:ideation")
    encoder = PlantedEncoder({"die": {"risk": {selves: 1.0}}, "him": {"risk": {others: 4.0}}})
    found = weights(encoder, "Let him die.", "risk")
    assert found == pytest.approx({"Let": 0, "him": 2.0, "die": 0}, abs=1e-6)


@pytest.mark.parametrize("reading", ["emotion", "expression", "strategy", "risk"])
def test_that_weights_are_finite_where_the_encoder_is_dead_certain(reading: str):
    sure = {reading: {0: 900.0, 1: -900.0}}
    found = weights(PlantedEncoder({"heron": sure}, base={reading: {2: 800.0}}), "The heron came.", reading)
    assert all(math.isfinite(weight) for weight in found.values())


def test_that_what_was_said_before_stays_as_it_was():
    encoder = PlantedEncoder({"heron": {"emotion": {3: 3.0}}})
    turn = a_turn("It is gone.", history=HISTORY, index=1)
    found = Explainer(encoder)(turn)
    assert [word.weight for word in found] == [0, 0, 0]  # the heron of the history is not of this message
    assert {messages[:-1] for messages in encoder.asked} == {HISTORY}
    assert [messages[-1].text for messages in encoder.asked[-3:]] == ["is gone.", "It gone.", "It is."]


def test_that_asking_leaves_the_turn_as_it_was():
    turn = a_turn("It is gone.", history=HISTORY, index=1)
    before = repr(turn)
    Explainer(PlantedEncoder({}))(turn, "risk")
    assert repr(turn) == before


def test_that_a_long_message_takes_no_more_than_sixty_five_passes():
    encoder = PlantedEncoder({"coffee": {"emotion": {3: 3.0}}})
    assert len(Explainer(encoder)(a_turn(LONG))) <= 64
    assert len(set(encoder.asked)) <= 65


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_that_words_of_an_odd_text_index_it_and_weigh_nothing_where_nothing_is_planted(text: str):
    assert set(weights(PlantedEncoder({}), text, "emotion").values()) <= {0.0}


@pytest.mark.parametrize("text", ["", "?!", " \u200b"])
def test_that_a_message_without_words_has_none_to_show(text: str):
    assert Explainer(PlantedEncoder({}))(a_turn(text)) == ()


@pytest.mark.parametrize("reading", ["cause", "undertone", "mood", ""])
def test_that_an_unknown_reading_is_answered_with_the_choices(reading: str):
    with pytest.raises(ReadingError) as error:
        Explainer(PlantedEncoder({}))(a_turn(), reading)
    assert repr(reading) in str(error.value)
    assert all(choice in str(error.value) for choice in READINGS)


@pytest.mark.parametrize("mechanism", OF_HEADS["empathy"].labels)
def test_that_a_reply_is_explained_by_the_level_of_one_mechanism(mechanism: str):
    place = place_of("empathy", mechanism)
    others = {other: 5.0 for other in range(9) if other // 3 != place}
    encoder = PlantedEncoder({"sorry": {"empathy": {3 * place + 2: 4.0}}, "so": {"empathy": others}})
    found = reply_weights(encoder, "I am so sorry.", mechanism)
    share = math.exp(4 / 2)  # of level 2; the levels 0 and 1 have 1 each
    assert found == pytest.approx({"I": 0, "am": 0, "so": 0, "sorry": (1 + 2 * share) / (2 + share) - 1}, abs=1e-6)


def test_that_a_reply_is_read_after_the_message_that_it_answers():
    encoder = PlantedEncoder({})
    Explainer(encoder).reply("I lost it.", "Oh no.", "explorations")
    said = Message("seeker", "I lost it.")
    assert encoder.asked == [(said, Message("supporter", text)) for text in ("Oh no.", "no.", "Oh.")]


def test_that_an_unknown_mechanism_is_answered_with_the_choices():
    with pytest.raises(ReadingError, match="emotional_reactions, interpretations, explorations"):
        Explainer(PlantedEncoder({})).reply("I lost it.", "Oh no.", "warmth")


def test_that_the_shipped_encoder_can_explain_each_of_its_readings():
    assert set(READINGS) <= set(load_manifest().heads)
    explain = explainer(SimpleNamespace(weights=None, threads=1))
    turn = a_turn("I miss my dog.", history=HISTORY, index=1)
    for reading in READINGS:
        found = explain(turn, reading)
        assert [word.text for word in found] == ["I", "miss", "my", "dog"]
        assert any(word.weight for word in found)
    assert [word.text for word in explain.reply("I lost it.", "Oh no.", "explorations")] == ["Oh", "no"]
