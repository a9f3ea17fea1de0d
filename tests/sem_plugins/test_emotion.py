from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import EmotionReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.conformal import ConformalRule
from sem_plugins.emotion.plugin import EmotionPlugin, create
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.probability import softmax
from sem_plugins.weights import load_manifest
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.fake_encoder import FakeEncoder

# Each with every label that a careful reader might choose.
CLEAR = (
    ("Our old dog died this morning. I am heartbroken and I miss him so much.", {"sad", "devastated", "lonely"}),
    ("I won first prize in the baking contest and I am so happy!", {"joyful", "proud", "excited", "surprised"}),
    ("I spent my birthday all alone again. Nobody called me.", {"lonely", "sad", "disappointed", "devastated"}),
    ("I heard steps in the dark house at night and I was so scared.", {"afraid", "terrified", "anxious"}),
    ("My neighbour got a brand new sports car and I wish it were mine.", {"jealous"}),
    ("My daughter got her degree today. She worked so hard for it!", {"proud", "joyful", "impressed"}),
    ("The chicken in the fridge was rotten and full of maggots. Gross!", {"disgusted"}),
    ("I lied to my best friend and I feel terrible for what I did to her.", {"guilty", "ashamed"}),
    ("I tripped in front of the whole school and my trousers split.", {"embarrassed", "ashamed"}),
    ("My exam is tomorrow and I am so nervous that I can't sleep.", {"anxious", "apprehensive", "afraid"}),
    ("He scratched my car on purpose and laughed. I could scream!", {"angry", "furious", "annoyed"}),
    ("I found old photos of the summers of my childhood. Those were the days.", {"nostalgic", "sentimental"}),
    ("I studied every chapter and packed my bag. I am ready for the test.", {"prepared", "confident"}),
    ("My friends helped me to move house and I am so thankful for them.", {"grateful", "trusting", "joyful"}),
)

GERMAN = "Ich bin so traurig, weil meine Katze gestorben ist und ich niemanden zum Reden habe."
CODE = "for item in items:\n    print(item.name)\n"
MASH = "asdf qwer zxcv asdf lkjh"

MIXED = {"sad": 3.0, "lonely": 2.0, "devastated": 1.0}


def lac(quantile: float) -> ConformalRule:
    """Members are the labels with a probability of at least 1 - `quantile`."""
    return ConformalRule("lac", quantile, 0.9, 1000)


def read(
    logits: dict[str, float], text: str = "My cat ran away and I miss her.", **calibration: Any
) -> EmotionReading:
    [reading] = EmotionPlugin(FakeEncoder(emotion=logits, calibrated={"emotion": calibration}))([a_turn(text)])
    assert reading is not None
    return reading


@pytest.fixture(scope="module")
def shipped() -> EmotionPlugin:
    return create(SimpleNamespace(threads=1))


def test_that_nearly_every_plain_case_is_read_rightly(shipped: EmotionPlugin):
    readings = shipped([a_turn(text) for text, _ in CLEAR])
    first = [reading.label in acceptable for reading, (_, acceptable) in zip(readings, CLEAR, strict=True)]
    assert sum(first) >= len(CLEAR) - 3


def test_that_a_reading_is_a_distribution_over_the_label_set_with_its_source(shipped: EmotionPlugin):
    for reading in shipped([a_turn(text) for text in ("Hm.", "", "I am so happy!", GERMAN, CODE)]):
        assert tuple(reading.probabilities) == EMPATHETIC_DIALOGUES.labels
        assert sum(reading.probabilities.values()) == pytest.approx(1)
        assert reading.label_set == EMPATHETIC_DIALOGUES.id
        assert reading.source == load_manifest().id


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    plain, flat = (read({"sad": 2.0, "lonely": 0.0}, temperature=t).probabilities for t in (1.0, 2.0))
    assert plain["sad"] / plain["lonely"] == pytest.approx(np.exp(2))
    assert flat["sad"] / flat["lonely"] == pytest.approx(np.exp(1))


def test_that_offsets_of_the_manifest_are_added_to_the_logits():
    offsets = [0.0] * len(EMPATHETIC_DIALOGUES)
    offsets[EMPATHETIC_DIALOGUES.index("lonely")] = 1.5
    found = read({"sad": 2.0, "lonely": 1.0}, offsets=tuple(offsets)).probabilities
    assert found["lonely"] / found["sad"] == pytest.approx(np.exp(0.5))


def test_that_the_label_smoothing_of_the_manifest_is_undone():
    logits = dict.fromkeys(EMPATHETIC_DIALOGUES.labels, 0.0) | {"sad": 4.0}
    found = read(logits, smoothing=0.1)
    expected = softmax(np.array([[logits[label] for label in EMPATHETIC_DIALOGUES.labels]]), 1.0, 0.1)[0]
    assert found.probabilities["sad"] == pytest.approx(expected[EMPATHETIC_DIALOGUES.index("sad")])
    assert found.probabilities["sad"] > read(logits).probabilities["sad"]


def test_that_huge_logits_do_not_overflow():
    reading = read(dict.fromkeys(EMPATHETIC_DIALOGUES.labels, -5000.0) | {"afraid": 5000.0}, temperature=0.3)
    assert reading.probabilities["afraid"] == pytest.approx(1)


def test_that_primary_emotions_are_the_members_of_the_conformal_set_with_the_likeliest_first():
    reading = read(MIXED, conformal=lac(0.8))  # 0.66, 0.24 and 0.09, of which two are at least 0.2
    assert reading.primary == ("sad", "lonely")
    assert read(MIXED, conformal=lac(0.95)).primary == ("sad", "lonely", "devastated")


def test_that_there_is_a_primary_emotion_however_strict_the_rule_and_flat_the_distribution():
    flat = dict.fromkeys(EMPATHETIC_DIALOGUES.labels, 0.0)
    assert len(read(flat, conformal=lac(0.0)).primary) == 1
    assert read(MIXED, conformal=lac(0.0)).primary == ("sad",)


def test_that_without_a_rule_no_emotion_is_called_primary():
    assert read(MIXED).primary == ()


@given(
    st.lists(st.integers(-15, 15), min_size=32, max_size=32),
    st.floats(0, 1),
    st.sampled_from(["Hm.", GERMAN, CODE]),
)
def test_that_primary_emotions_never_skip_a_likelier_one(logits: list[int], quantile: float, text: str):
    named = dict(zip(EMPATHETIC_DIALOGUES.labels, logits, strict=True))
    primary = read(named, text, conformal=lac(quantile)).primary
    best = sorted(logits, reverse=True)[: len(primary)]
    assert [named[label] for label in primary] == best


@pytest.mark.parametrize(("text", "caveat"), [(GERMAN, "other language"), (CODE, "code")])
def test_that_what_is_not_english_is_read_flatter_and_with_a_caveat(text: str, caveat: str):
    reading, english = read(MIXED, text), read(MIXED)
    assert reading.caveat == caveat
    assert english.caveat == ""
    assert reading.certainty < 0.01
    assert english.certainty > 0.3


def test_that_an_untrusted_reading_keeps_the_order_of_its_emotions():
    assert [label for label, _ in read(MIXED, GERMAN).top(3)] == ["sad", "lonely", "devastated"]


def test_that_less_trust_does_not_narrow_the_primary_emotions():
    assert read(MIXED, GERMAN, conformal=lac(0.8)).primary == ("sad", "lonely")


def test_that_a_mash_of_keys_gets_no_reading_and_no_pass():
    encoder = FakeEncoder(emotion=MIXED)
    assert EmotionPlugin(encoder)([a_turn(MASH)]) == [None]
    assert encoder.seen == []


def test_that_the_message_is_read_after_everything_that_was_said_before():
    encoder = FakeEncoder(emotion=MIXED)
    history = (Message("seeker", "A pipe burst."), Message("supporter", "Oh no!", "reflection"))
    EmotionPlugin(encoder)([a_turn("Everything is wet.", history=history)])
    assert [dialogue for dialogue, _ in encoder.seen] == [(*history, Message("seeker", "Everything is wet."))]


def test_that_a_short_answer_takes_the_feeling_of_what_came_before(shipped: EmotionPlugin):
    before = Message("seeker", "I am so lonely. I have no friends and nobody to talk to.")
    after, alone = shipped([a_turn("Since Monday.", history=(before,)), a_turn("Since Monday.")])
    assert after.probabilities["lonely"] > alone.probabilities["lonely"] + 0.1


class TestEmotionPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))
