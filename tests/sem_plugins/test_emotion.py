from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.protocols import Plugin
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.emotion.plugin import EmotionPlugin, create, window
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.weights import load_manifest
from tests.contracts.plugin_contract import PluginContract

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


@pytest.fixture(scope="module")
def plugin() -> EmotionPlugin:
    return create()


def seeker(text: str) -> Message:
    return Message("seeker", text)


def supporter(text: str) -> Message:
    return Message("supporter", text)


@pytest.mark.parametrize(("text", "acceptable"), CLEAR)
def test_that_a_plain_case_is_among_the_first_three(plugin: EmotionPlugin, text: str, acceptable: set[str]):
    [reading] = plugin([a_turn(text)])
    assert acceptable & {label for label, _ in reading.top(3)}


def test_that_most_plain_cases_come_first(plugin: EmotionPlugin):
    readings = plugin([a_turn(text) for text, _ in CLEAR])
    right = sum(reading.label in acceptable for reading, (_, acceptable) in zip(readings, CLEAR, strict=True))
    assert right >= len(CLEAR) - 3


def test_that_a_reading_is_a_distribution_over_the_label_set_with_its_source(plugin: EmotionPlugin):
    for reading in plugin([a_turn(text) for text in ("Hm.", "", "I am so happy!", "x" * 10_000)]):
        assert tuple(reading.probabilities) == EMPATHETIC_DIALOGUES.labels
        assert sum(reading.probabilities.values()) == pytest.approx(1)
        assert all(0 <= value <= 1 for value in reading.probabilities.values())
        assert reading.label_set == EMPATHETIC_DIALOGUES.id
        assert reading.source == load_manifest().id


def test_that_a_plain_case_is_read_with_more_certainty_than_small_talk(plugin: EmotionPlugin):
    plain, small = plugin(
        [a_turn("The food was rotten and smelled so disgusting."), a_turn("It is half past ten.")]
    )
    assert plain.certainty > small.certainty + 0.2


class FixedLogits:
    """In the place of an encoder: the same logits for every text."""

    def __init__(self, logits: list[float], *, temperature: float) -> None:
        head = SimpleNamespace(label_set=EMPATHETIC_DIALOGUES, temperature=temperature, smoothing=0.0)
        self.manifest = SimpleNamespace(id="fixed", heads={"emotion": head})
        self.logits = logits

    def forward(self, texts: list[str]) -> dict[str, np.ndarray[Any, Any]]:
        return {"emotion": np.array([self.logits for _ in texts], np.float32)}


def odds(temperature: float) -> float:
    """How many times likelier the first label is than the second, where its logit is 2 more."""
    [reading] = EmotionPlugin(FixedLogits([2.0] + [0.0] * 31, temperature=temperature))([a_turn()])  # type: ignore[arg-type]
    first, second, *_ = reading.probabilities.values()
    return first / second


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    assert odds(1.0) == pytest.approx(np.exp(2))
    assert odds(2.0) == pytest.approx(np.exp(1))


def test_that_huge_logits_do_not_overflow():
    encoder = FixedLogits([5000.0] + [-5000.0] * 31, temperature=0.3)
    [reading] = EmotionPlugin(encoder)([a_turn()])  # type: ignore[arg-type]
    assert reading.label == "afraid"
    assert reading.probabilities["afraid"] == pytest.approx(1)


def test_that_a_short_message_is_read_with_what_the_seeker_said_before():
    history = (
        seeker("My flat was flooded on Monday."),
        supporter("Oh no! What happened?"),
        seeker("A pipe burst."),
    )
    turn = a_turn("Everything is wet.", history=history)
    assert window(turn) == "My flat was flooded on Monday. A pipe burst. Everything is wet."


def test_that_a_long_message_stands_alone():
    long = "one two three four five six seven eight nine ten eleven twelve"
    assert window(a_turn(long, history=(seeker("Before."),))) == long
    assert window(a_turn(long.removesuffix(" twelve"), history=(seeker("Before."),))).startswith("Before. ")


def test_that_no_more_is_taken_from_before_than_is_needed():
    history = (
        seeker("Oldest."),
        seeker("I moved to a new town and I know nobody here at all yet."),
        supporter("And?"),
    )
    assert (
        window(a_turn("Yes.", history=history)) == "I moved to a new town and I know nobody here at all yet. Yes."
    )


def test_that_the_words_of_the_supporter_are_never_read(plugin: EmotionPlugin):
    history = (
        seeker("I lost my cat."),
        supporter("What a wonderful party, congratulations, I am so happy for you!"),
    )
    turn = a_turn("Yes.", history=history)
    without = a_turn("Yes.", history=history[:1])
    assert "party" not in window(turn)
    assert plugin([turn]) == plugin([without])


def test_that_a_message_without_a_past_stands_alone():
    assert window(a_turn("Hm.")) == "Hm."
    assert window(a_turn("Hm.", history=(supporter("Hello, how are you today?"),))) == "Hm."


def test_that_a_short_answer_takes_the_feeling_of_what_came_before(plugin: EmotionPlugin):
    after = a_turn("Since Monday.", history=(seeker("I am so lonely. I have no friends and nobody to talk to."),))
    [reading] = plugin([after])
    assert reading.label == "lonely"


def test_that_the_entry_point_takes_settings():
    assert create(SimpleNamespace(weights=None, threads=0))([]) == []


class TestEmotionPlugin(PluginContract):
    tolerance = 0.1  # int8: see test_encoder.py

    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()
