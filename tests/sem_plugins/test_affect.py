from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import Affect
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.affect.plugin import AffectPlugin, circumplex, create
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.language import trust
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.fake_encoder import FakeEncoder

ENGLISH = "My cat ran away and I miss her."
GERMAN = "Ich bin so traurig, weil meine Katze gestorben ist und ich niemanden zum Reden habe."
MUDDLED = "I am so tired heute, weil der Hund nicht will and the cat auch nicht."


def read(valence: float, arousal: float, dominance: float, *, text: str = ENGLISH) -> Affect:
    [reading] = AffectPlugin(FakeEncoder(affect=(valence, arousal, dominance)))([a_turn(text)])
    assert reading is not None
    return reading


@pytest.fixture(scope="module")
def shipped() -> AffectPlugin:
    return create(SimpleNamespace(threads=1))


@pytest.mark.parametrize("label", [*EMPATHETIC_DIALOGUES.labels, *GO_EMOTIONS.labels])
def test_that_every_label_has_a_place_inside_the_bounds(label: str):
    assert all(-1 <= value <= 1 for value in circumplex()[label])


def test_that_no_place_is_left_over():
    assert set(circumplex()) == {*EMPATHETIC_DIALOGUES.labels, *GO_EMOTIONS.labels}


@pytest.mark.parametrize(
    ("more", "less"),
    [("terrified", "afraid"), ("furious", "angry"), ("angry", "annoyed"), ("excited", "content")],
)
def test_that_the_stronger_of_two_neighbours_is_more_aroused(more: str, less: str):
    assert circumplex()[more][1] > circumplex()[less][1]


def test_that_three_standard_deviations_of_the_ratings_fill_the_scale():
    assert read(0.53, 0.39, 0.32).point == pytest.approx([1, 1, 1], abs=1e-6)
    assert read(-0.53 / 2, 0.39 / 4, 0.0).point == pytest.approx([-0.5, 0.25, 0], abs=1e-6)


@given(*[st.floats(-50, 50, width=32)] * 3, st.sampled_from([ENGLISH, GERMAN, ""]))
def test_that_any_outputs_become_a_point_inside_the_bounds(
    valence: float, arousal: float, dominance: float, text: str
):
    point = read(valence, arousal, dominance, text=text).point
    assert np.abs(point).max() <= 1
    assert (point * [valence, arousal, dominance] >= 0).all()


def test_that_the_less_a_text_is_trusted_the_nearer_it_lies_to_the_middle():
    full, less, none = (read(-0.2, 0.1, -0.1, text=text) for text in (ENGLISH, MUDDLED, GERMAN))
    assert 0.05 < trust(MUDDLED) < 0.95
    assert less.point == pytest.approx(full.point * trust(MUDDLED))
    assert none.point == pytest.approx([0, 0, 0], abs=0.01)


def test_that_a_mash_of_keys_gets_no_reading_and_no_pass():
    encoder = FakeEncoder(affect=(0.1, 0.1, 0.1))
    assert AffectPlugin(encoder)([a_turn("asdf qwer zxcv asdf lkjh")]) == [None]
    assert encoder.seen == []


def test_that_the_message_is_read_after_everything_that_was_said_before():
    encoder = FakeEncoder(affect=(0.1, 0.1, 0.1))
    history = (Message("seeker", "I hate you!"), Message("supporter", "What happened?", "question"))
    AffectPlugin(encoder)([a_turn("Nothing.", history=history)])
    assert [dialogue for dialogue, _ in encoder.seen] == [(*history, Message("seeker", "Nothing."))]


def test_that_delight_is_read_as_more_pleasant_than_despair(shipped: AffectPlugin):
    delight, despair = shipped(
        [a_turn("What a wonderful day, I am so happy!"), a_turn("I feel awful, everything hurts.")]
    )
    assert delight.valence > despair.valence + 0.5


class TestAffectPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))


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
