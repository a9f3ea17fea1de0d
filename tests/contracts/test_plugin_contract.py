"""The contract for plugins has teeth: each kind of broken plugin fails it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from agent.readings import Affect, CausalSpan, CauseReading, EmotionReading, RiskReading, UndertoneReading
from agent.turn import READING_TYPES, Turn
from tests.contracts.plugin_contract import PluginContract, apart


def point(text: str) -> Affect:
    """A point that depends on the text alone."""
    return Affect(0.0, min(len(text), 10_000) / 10_000, 0.0)


class Scripted:
    """A plugin that does whatever the test wants."""

    name = "scripted"
    reads = frozenset({"text"})

    def __init__(self, read: Callable[[Sequence[Turn]], Any], *, writes: str = "affect") -> None:
        self._read = read
        self.writes = writes

    def __call__(self, turns: Sequence[Turn]) -> Any:
        return self._read(turns)


def sound(turns: Sequence[Turn]) -> list[Affect]:
    return [point(turn.text) for turn in turns]


def forgetful(turns: Sequence[Turn]) -> list[Affect]:
    return sound(turns)[1:] if len(turns) > 1 else sound(turns)


def sorted_by_length(turns: Sequence[Turn]) -> list[Affect]:
    return sorted(sound(turns), key=lambda reading: reading.arousal)


def normalised_over_the_batch(turns: Sequence[Turn]) -> list[Affect]:
    longest = max((len(turn.text) for turn in turns), default=1)
    return [Affect(0.0, len(turn.text) / longest, 0.0) for turn in turns]


def of_another_type(turns: Sequence[Turn]) -> list[EmotionReading]:
    return [EmotionReading("one", {"calm": 1.0}) for _ in turns]


def afraid_of_surrogates(turns: Sequence[Turn]) -> list[Affect]:
    return [point(turn.text.encode("utf-8").decode("utf-8")) for turn in turns]


def afraid_of_nothing_to_do(turns: Sequence[Turn]) -> list[Affect]:
    assert len(turns[0].text) > 0
    return sound(turns)


def beyond_the_end(turns: Sequence[Turn]) -> list[RiskReading]:
    return [RiskReading("distress", evidence=((0, len(turn.text) + 1),)) for turn in turns]


def before_the_beginning(turns: Sequence[Turn]) -> list[UndertoneReading]:
    return [UndertoneReading(0.5, evidence=((-1, 1),)) for _ in turns]


def of_the_wrong_utterance(turns: Sequence[Turn]) -> list[CauseReading]:
    return [CauseReading((CausalSpan(0, 0, 1, turn.text[0], 0.5),)) for turn in turns]


def counting() -> Callable[[Sequence[Turn]], list[Affect]]:
    calls = itertools.count(1)
    return lambda turns: [Affect(0.0, 1 / next(calls), 0.0) for _ in turns]


def bound_to_its_thread() -> Callable[[Sequence[Turn]], list[Affect]]:
    home = threading.get_ident()
    return lambda turns: sound(turns) if threading.get_ident() == home else [Affect(0.0, 0.0, 0.0) for _ in turns]


def mute(turns: Sequence[Turn]) -> list[None]:
    return [None for _ in turns]


BROKEN = [
    (Scripted(forgetful), "every_turn_gets_one_reading_of_the_right_type"),
    (Scripted(mute), "every_turn_gets_one_reading_of_the_right_type"),
    (Scripted(of_another_type), "every_turn_gets_one_reading_of_the_right_type"),
    (Scripted(sorted_by_length), "readings_come_in_the_order_of_the_turns"),
    (Scripted(normalised_over_the_batch), "a_batch_reads_what_single_turns_read"),
    (Scripted(counting()), "the_same_turns_give_the_same_readings"),
    (Scripted(bound_to_its_thread()), "threads_may_share_it"),
    (Scripted(afraid_of_nothing_to_do), "an_empty_batch_gives_nothing"),
    (Scripted(beyond_the_end, writes="risk"), "spans_lie_in_the_words_that_were_said"),
    (Scripted(before_the_beginning, writes="undertone"), "spans_lie_in_the_words_that_were_said"),
    (Scripted(of_the_wrong_utterance, writes="cause"), "spans_lie_in_the_words_that_were_said"),
    (Scripted(sound, writes="state"), "it_says_what_it_is_what_it_reads_and_what_it_writes"),
]


@pytest.mark.parametrize(("plugin", "promise"), BROKEN, ids=[promise for _, promise in BROKEN])
def test_that_a_plugin_that_breaks_a_promise_fails_the_contract(plugin: Scripted, promise: str):
    check = getattr(PluginContract(), f"test_that_{promise}")
    with pytest.raises((AssertionError, IndexError)):
        check(plugin)


def test_that_a_plugin_that_chokes_on_an_odd_text_fails_the_contract():
    with pytest.raises(UnicodeEncodeError):
        PluginContract().test_that_an_odd_text_is_read_like_any_other(
            Scripted(afraid_of_surrogates), "broken \ud83d emoji"
        )


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        (Affect(0.1, 0.2, 0.3), Affect(0.1, 0.2, 0.3), 0.0),
        (Affect(0.0, 0.0, 0.0), Affect(0.0, 0.25, 0.0), 0.25),
        (None, None, 0.0),
        (None, Affect(0.0, 0.0, 0.0), float("inf")),
        (RiskReading("none"), RiskReading("distress"), float("inf")),
        (EmotionReading("a", {"x": 0.5, "y": 0.5}), EmotionReading("a", {"x": 0.75, "y": 0.25}), 0.25),
        (EmotionReading("a", {"x": 1.0}), EmotionReading("a", {"y": 1.0}), float("inf")),
        (CauseReading(), CauseReading((CausalSpan(0, 0, 1, "a", 0.5),)), float("inf")),
    ],
)
def test_that_the_distance_of_two_readings_is_that_of_their_numbers(one: Any, other: Any, distance: float):
    assert apart(one, other) == distance


def test_that_a_plugin_may_read_any_reading_of_another():
    given = {name: type(reading) for name, reading in PluginContract.given.items()}
    assert given == dict(READING_TYPES)


def only_letters(turns: Sequence[Turn]) -> list[Affect | None]:
    return [point(turn.text) if turn.text.isascii() and turn.text[0].isalpha() else None for turn in turns]


class TestSoundPlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Scripted:
        return Scripted(sound)


class TestPluginThatCannotReadEverything(PluginContract):
    @pytest.fixture
    def plugin(self) -> Scripted:
        return Scripted(only_letters)
