from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import FeltReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.felt.plugin import FeltPlugin, create
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.fake_encoder import FakeEncoder

ENGLISH = "The river took the whole street and nobody came to help them."
NOT_ENGLISH = {
    "German": "Ich bin so traurig, weil meine Katze gestorben ist und ich niemanden zum Reden habe.",
    "Russian": "Я не знаю, что делать дальше.",
    "code": "for item in items:\n    print(item.name)\n",
    "a mash of keys": "asdf qwer zxcv asdf lkjh",
}


def read(distress: float, concern: float, *, text: str = ENGLISH) -> FeltReading:
    [reading] = FeltPlugin(FakeEncoder(felt=(distress, concern)))([a_turn(text)])
    assert reading is not None
    return reading


def test_that_the_two_numbers_are_distress_and_concern_and_name_their_source():
    reading = read(0.75, 0.25)
    assert (reading.distress, reading.concern, reading.source) == (0.75, 0.25, "fake-1")


@given(st.floats(-50, 50, width=32), st.floats(-50, 50, width=32))
def test_that_numbers_beyond_the_scale_end_at_its_ends(distress: float, concern: float):
    reading = read(distress, concern)
    assert reading.distress == pytest.approx(min(1, max(0, distress)))
    assert reading.concern == pytest.approx(min(1, max(0, concern)))


@pytest.mark.parametrize("text", NOT_ENGLISH.values(), ids=NOT_ENGLISH.keys())
def test_that_what_is_not_english_gets_no_reading_and_no_pass(text: str):
    encoder = FakeEncoder(felt=(0.5, 0.5))
    assert FeltPlugin(encoder)([a_turn(text)]) == [None]
    assert encoder.seen == []


@pytest.mark.parametrize("text", ["", "Fine.", "\N{BROKEN HEART}", "Maren"])
def test_that_what_is_too_short_to_tell_is_read(text: str):
    assert read(0.5, 0.5, text=text) == FeltReading(0.5, 0.5, "fake-1")


def test_that_each_turn_is_judged_on_its_own_and_in_order():
    plugin = FeltPlugin(FakeEncoder(felt=(0.5, 0.5)))
    readings = plugin([a_turn(ENGLISH), a_turn(NOT_ENGLISH["German"]), a_turn("Fine.")])
    assert [reading is None for reading in readings] == [False, True, False]


def test_that_the_message_is_read_after_everything_that_was_said_before():
    encoder = FakeEncoder(felt=(0.5, 0.5))
    history = (Message("seeker", "Did you see the news?"), Message("supporter", "What moved you?", "question"))
    FeltPlugin(encoder)([a_turn(ENGLISH, history=history)])
    assert [dialogue for dialogue, _ in encoder.seen] == [(*history, Message("seeker", ENGLISH))]


class TestFeltPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))
