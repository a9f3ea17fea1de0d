from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import Affect, EmotionReading, ExpressionReading
from agent.testing import a_turn
from agent.turn import Turn
from sem_plugins.affect.plugin import AffectPlugin, circumplex, create
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from tests.contracts.plugin_contract import PluginContract


def felt(emotions: Mapping[str, float], *, neutral: float = 0.0) -> Turn:
    """A turn with this emotion reading, and words that are so neutral."""
    return a_turn(
        emotion=EmotionReading("any", emotions),
        expression=ExpressionReading("any", {"neutral": neutral}),
    )


def read(emotions: Mapping[str, float], *, neutral: float = 0.0) -> Affect:
    [reading] = AffectPlugin()([felt(emotions, neutral=neutral)])
    assert reading is not None
    return reading


@pytest.mark.parametrize("label", [*EMPATHETIC_DIALOGUES.labels, *GO_EMOTIONS.labels])
def test_that_every_label_has_a_place_inside_the_bounds(label: str):
    assert all(-1 <= value <= 1 for value in circumplex()[label])


def test_that_no_place_is_left_over():
    assert set(circumplex()) == {*EMPATHETIC_DIALOGUES.labels, *GO_EMOTIONS.labels}


def test_that_a_certain_emotion_lies_at_its_own_place():
    assert tuple(read({"joyful": 1.0}).point) == circumplex()["joyful"]
    assert read({"neutral": 1.0}) == Affect(0, 0, 0)


def test_that_joy_is_pleasant_and_sadness_is_not():
    assert read({"joyful": 1.0}).valence > 0 > read({"sad": 1.0}).valence


def test_that_fury_is_awake_and_contentment_is_calm():
    assert read({"furious": 1.0}).arousal > 0 > read({"content": 1.0}).arousal


def test_that_confidence_is_in_control_and_terror_is_not():
    assert read({"confident": 1.0}).dominance > 0 > read({"terrified": 1.0}).dominance


@pytest.mark.parametrize(
    ("more", "less"),
    [("terrified", "afraid"), ("furious", "angry"), ("angry", "annoyed"), ("excited", "content")],
)
def test_that_the_stronger_of_two_neighbours_is_more_aroused(more: str, less: str):
    assert read({more: 1.0}).arousal > read({less: 1.0}).arousal


def test_that_mixed_emotions_lie_between_their_places():
    mixed = read({"joyful": 0.5, "sad": 0.5})
    assert mixed.point == pytest.approx((read({"joyful": 1.0}).point + read({"sad": 1.0}).point) / 2)
    assert read({"joyful": 0.8, "sad": 0.2}).valence > mixed.valence


def test_that_neutral_words_draw_to_the_middle():
    full, half, none = (read({"furious": 1.0}, neutral=share) for share in (0.0, 0.5, 1.0))
    assert half.point == pytest.approx(full.point / 2)
    assert none == Affect(0, 0, 0)


def test_that_unknown_emotions_give_no_reading():
    assert AffectPlugin()([felt({"saudade": 0.7, "hygge": 0.3})]) == [None]
    assert AffectPlugin()([felt({"saudade": 0.6, "sad": 0.4})]) == [None]


def test_that_a_few_unknown_emotions_are_left_out_of_the_mean():
    assert read({"saudade": 0.4, "sad": 0.6}).point == pytest.approx(read({"sad": 1.0}).point)


def test_that_without_its_readings_it_cannot_tell():
    turn = a_turn()
    emotion, expression = EmotionReading("any", {"sad": 1.0}), ExpressionReading("any", {"neutral": 0.1})
    assert create()([turn, turn.fill(emotion=emotion), turn.fill(expression=expression)]) == [None, None, None]


@given(st.lists(st.floats(0.001, 1), min_size=32, max_size=32), st.floats(0, 1))
def test_that_any_distribution_stays_inside_the_bounds(weights: list[float], neutral: float):
    shares = np.array(weights) / sum(weights)
    reading = read(dict(zip(EMPATHETIC_DIALOGUES.labels, shares.tolist(), strict=True)), neutral=neutral)
    assert np.abs(reading.point).max() <= 1


class TestAffectPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()


@pytest.mark.data
def test_that_places_agree_with_what_people_said_of_the_words(data_folder: Callable[[str], Path]):
    ratings: dict[str, list[list[float]]] = defaultdict(list)
    with (data_folder("lexica") / "glasgow_norms.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            word = re.sub(r"\s*\(.*\)", "", row["word"])  # senses of a word are averaged
            ratings[word].append([row[scale] for scale in ("valence", "arousal", "dominance")])
    words = sorted(set(circumplex()) & set(ratings))
    assert len(words) >= 35
    ours = np.array([circumplex()[word] for word in words])
    theirs = np.array([np.mean(ratings[word], axis=0) for word in words])
    valence, arousal, dominance = (np.corrcoef(ours[:, scale], theirs[:, scale])[0, 1] for scale in range(3))
    assert valence >= 0.95
    # Raters of single words call fear and anger hardly more arousing than joy; the circumplex does.
    assert arousal >= 0.6
    assert dominance >= 0.85
