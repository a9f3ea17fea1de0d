from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.protocols import Plugin
from agent.readings import StrategyReading
from agent.testing import a_turn
from agent.turn import Message, Turn
from sem_plugins.labels import ESCONV
from sem_plugins.strategy.plugin import StrategyPlugin, create
from sem_plugins.weights import load_manifest
from tests.contracts.plugin_contract import PluginContract, apart
from tests.sem_plugins.fake_encoder import FakeEncoder

LEVEL = dict.fromkeys(ESCONV.labels, 0.0)


def read(logits: dict[str, float], **calibration: Any) -> StrategyReading:
    encoder = FakeEncoder(strategy=logits, calibrated={"strategy": calibration})
    [reading] = StrategyPlugin(encoder)([a_turn()])
    assert reading is not None
    return reading


def asked(*strategies: str | None) -> Turn:
    """A turn after two replies of these strategies; the words are the same whatever these are."""
    first, second = strategies
    history = (
        Message("seeker", "My sister moved out on Sunday."),
        Message("supporter", "The house must feel different now.", first),
        Message("seeker", "It is so quiet in the evenings."),
        Message("supporter", "Evenings can be long.", second),
    )
    return a_turn("Yes. I leave the radio on.", history=history, index=2)


@pytest.fixture(scope="module")
def shipped() -> StrategyPlugin:
    return create(SimpleNamespace(threads=1))


def test_that_a_reading_is_a_distribution_over_the_strategies_of_esconv_with_its_source(shipped: StrategyPlugin):
    for reading in shipped([a_turn(), asked("question", "reflection"), a_turn("Я не знаю, что делать дальше.")]):
        assert tuple(reading.probabilities) == ESCONV.labels
        assert reading.taxonomy == "esconv-8"
        assert sum(reading.probabilities.values()) == pytest.approx(1)
        assert reading.source == load_manifest().id


def test_that_the_strategies_used_so_far_count_and_not_only_the_words(shipped: StrategyPlugin):
    questions, suggestions, unknown = shipped(
        [asked("question", "question"), asked("suggestions", "suggestions"), asked(None, None)]
    )
    assert apart(questions, suggestions) > 0.01
    assert apart(questions, unknown) > 0.01


def test_that_offsets_of_the_manifest_are_added_to_the_logits():
    offsets = tuple(-2.0 if label == "question" else 0.0 for label in ESCONV.labels)
    found = read(LEVEL | {"question": 1.0}, offsets=offsets).probabilities
    assert found["question"] / found["reflection"] == pytest.approx(np.exp(-1))
    assert max(found, key=found.__getitem__) != "question"


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    plain, flat = (read(LEVEL | {"question": 2.0}, temperature=t).probabilities for t in (1.0, 2.0))
    assert plain["question"] / plain["others"] == pytest.approx(np.exp(2))
    assert flat["question"] / flat["others"] == pytest.approx(np.exp(1))


def test_that_the_dialogue_is_read_with_the_strategies_that_supporters_named():
    encoder = FakeEncoder(strategy=LEVEL)
    turn = asked("question", None)
    StrategyPlugin(encoder)([turn])
    assert [dialogue for dialogue, _ in encoder.seen] == [turn.dialogue]


def test_that_the_encoder_learns_how_far_the_conversation_is_where_its_beginning_was_cut():
    encoder = FakeEncoder(strategy=LEVEL)
    StrategyPlugin(encoder)([a_turn(index=20, history=asked(None, None).history), a_turn()])
    assert [said for _, said in encoder.seen] == [41, 1]


def test_that_a_mash_of_keys_gets_no_reading_and_no_pass():
    encoder = FakeEncoder(strategy=LEVEL)
    assert StrategyPlugin(encoder)([a_turn("asdf qwer zxcv asdf lkjh")]) == [None]
    assert encoder.seen == []


class TestStrategyPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))
