from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.protocols import Plugin
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.expression.plugin import ExpressionPlugin, create
from sem_plugins.labels import GO_EMOTIONS
from sem_plugins.weights import load_manifest
from tests.contracts.plugin_contract import PluginContract

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


@pytest.fixture(scope="module")
def plugin() -> ExpressionPlugin:
    return create()


@pytest.mark.parametrize(("text", "acceptable"), CLEAR)
def test_that_plain_words_are_read_as_what_they_show(plugin: ExpressionPlugin, text: str, acceptable: set[str]):
    [reading] = plugin([a_turn(text)])
    assert set(reading.present) & acceptable
    assert max(reading.probabilities, key=reading.probabilities.__getitem__) in acceptable


def test_that_small_talk_is_more_neutral_than_an_outcry(plugin: ExpressionPlugin):
    small, outcry = plugin([a_turn("The bus leaves at noon."), a_turn("I hate you! You ruined everything!")])
    assert small.neutrality > 0.5 > outcry.neutrality


def test_that_each_label_holds_on_its_own(plugin: ExpressionPlugin):
    readings = plugin([a_turn(text) for text in ("", "Thanks, that was funny and I love it!", "x" * 10_000)])
    for reading in readings:
        assert tuple(reading.probabilities) == GO_EMOTIONS.labels
        assert all(0 <= value <= 1 for value in reading.probabilities.values())
        assert reading.source == load_manifest().id
    assert len(readings[1].present) >= 2


def test_that_the_past_is_not_read(plugin: ExpressionPlugin):
    turn = a_turn("The bus leaves at noon.", history=(Message("seeker", "I hate you!"),))
    assert plugin([turn]) == plugin([a_turn("The bus leaves at noon.")])


class FixedLogits:
    """In the place of an encoder: the same logits for every text."""

    def __init__(self, logits: list[float], *, temperature: float = 1.0) -> None:
        thresholds = (0.5,) * 27 + (0.9,)
        head = SimpleNamespace(label_set=GO_EMOTIONS, temperature=temperature, thresholds=thresholds)
        self.manifest = SimpleNamespace(id="fixed", heads={"expression": head})
        self.logits = logits

    def forward(self, texts: list[str]) -> dict[str, np.ndarray[Any, Any]]:
        return {"expression": np.array([self.logits for _ in texts], np.float32)}


def test_that_a_label_is_present_from_its_own_threshold_on_and_the_likeliest_comes_first():
    encoder = FixedLogits([0.0, 3.0, -0.1] + [-9.0] * 24 + [2.0])  # 0.5, 0.95, 0.48, …, 0.88
    [reading] = ExpressionPlugin(encoder)([a_turn()])  # type: ignore[arg-type]
    assert reading.present == ("amusement", "admiration")
    assert reading.probabilities["amusement"] == pytest.approx(1 / (1 + np.exp(-3)))


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    [reading] = ExpressionPlugin(FixedLogits([3.0] * 28, temperature=3.0))([a_turn()])  # type: ignore[arg-type]
    assert reading.neutrality == pytest.approx(1 / (1 + np.exp(-1)))


class TestExpressionPlugin(PluginContract):
    tolerance = 0.1  # int8: see test_encoder.py

    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()
