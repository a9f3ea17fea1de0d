from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from agent.protocols import Plugin
from agent.readings import ExpressionReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.expression.plugin import ExpressionPlugin, create
from sem_plugins.labels import GO_EMOTIONS
from sem_plugins.weights import load_manifest
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.fake_encoder import FakeEncoder

# Each with every label that a careful reader might choose.
CLEAR = (
    ("Thank you so much for your help!", {"gratitude"}),
    ("I love this song so much.", {"love", "admiration"}),
    ("That is hilarious, I laughed until I cried.", {"amusement"}),
    ("I'm so sorry, please forgive me.", {"remorse"}),
    ("I am scared of the dark.", {"fear"}),
    ("This is disgusting, I feel sick.", {"disgust"}),
    ("What do you mean? I don't understand any of this.", {"confusion", "curiosity"}),
    ("I hate you! You ruined everything!", {"anger", "annoyance"}),
    ("I miss her, I have been crying all day.", {"sadness", "grief"}),
    ("Wow, I did not expect that at all!", {"surprise"}),
    ("I hope everything will be better tomorrow.", {"optimism", "desire"}),
    ("You did a great job, that is amazing!", {"admiration"}),
    ("The meeting is at ten in the second room.", {"neutral"}),
)


def thresholds(default: float, **others: float) -> tuple[float, ...]:
    """One per label of GoEmotions."""
    return tuple(others.get(label, default) for label in GO_EMOTIONS.labels)


def read(logits: dict[str, float], **calibration: object) -> ExpressionReading:
    encoder = FakeEncoder(expression=logits, calibrated={"expression": calibration})
    [reading] = ExpressionPlugin(encoder)([a_turn()])
    assert reading is not None
    return reading


@pytest.fixture(scope="module")
def shipped() -> ExpressionPlugin:
    return create(SimpleNamespace(threads=1))


def test_that_nearly_all_plain_words_are_read_as_what_they_show(shipped: ExpressionPlugin):
    readings = shipped([a_turn(text) for text, _ in CLEAR])
    first = [
        max(reading.probabilities, key=reading.probabilities.__getitem__) in acceptable
        for reading, (_, acceptable) in zip(readings, CLEAR, strict=True)
    ]
    assert sum(first) >= len(CLEAR) - 2


def test_that_small_talk_is_more_neutral_than_an_outcry(shipped: ExpressionPlugin):
    small, outcry = shipped([a_turn("The bus leaves at noon."), a_turn("I hate you! You ruined everything!")])
    assert small.neutrality > outcry.neutrality + 0.3


def test_that_every_label_gets_a_probability_of_its_own_and_the_reading_its_source(shipped: ExpressionPlugin):
    [reading] = shipped([a_turn("Thanks, that was funny and I love it!")])
    assert tuple(reading.probabilities) == GO_EMOTIONS.labels
    assert reading.label_set == GO_EMOTIONS.id
    assert reading.source == load_manifest().id
    assert sum(value > 0.3 for value in reading.probabilities.values()) >= 2


def test_that_a_label_is_present_from_its_own_threshold_on_and_the_likeliest_comes_first():
    reading = read(
        {"admiration": 0.0, "amusement": 3.0, "anger": -0.1, "neutral": 2.0},  # 0.5, 0.95, 0.48, 0.88
        thresholds=thresholds(0.5, neutral=0.9),
    )
    assert reading.present == ("amusement", "admiration")


def test_that_a_low_threshold_lets_an_unlikely_label_in():
    assert read({"grief": -2.0}, thresholds=thresholds(0.5, grief=0.1)).present == ("grief",)
    assert read({"grief": -2.0}, thresholds=thresholds(0.5, grief=0.2)).present == ()


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    assert read({"neutral": 3.0}).neutrality == pytest.approx(1 / (1 + np.exp(-3)))
    assert read({"neutral": 3.0}, temperature=3.0).neutrality == pytest.approx(1 / (1 + np.exp(-1)))


def test_that_a_mash_of_keys_gets_no_reading_and_no_pass():
    encoder = FakeEncoder(expression={"joy": 3.0})
    assert ExpressionPlugin(encoder)([a_turn("asdf qwer zxcv asdf lkjh")]) == [None]
    assert encoder.seen == []


def test_that_the_message_is_read_after_everything_that_was_said_before():
    encoder = FakeEncoder(expression={"joy": 3.0})
    history = (Message("seeker", "I hate you!"), Message("supporter", "What happened?", "question"))
    ExpressionPlugin(encoder)([a_turn("The bus leaves at noon.", history=history)])
    assert [dialogue for dialogue, _ in encoder.seen] == [(*history, Message("seeker", "The bus leaves at noon."))]


class TestExpressionPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))
