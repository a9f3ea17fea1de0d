"""What is found out once while turns are read, and forgotten after."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Sequence

import pytest

from agent.batching import Batching
from agent.errors import PluginError
from agent.once import Same, once, remembering
from agent.perception import Perception
from agent.readings import EmotionReading, RiskReading
from agent.testing import a_turn
from agent.turn import Turn


class Words(str):
    """What a person said; unlike plain text it can be looked after."""

    __slots__ = ("__weakref__",)


class Found:
    """What was found, for which words."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @once
    def length(self, words: str, *, twice: bool = False) -> int:
        self.asked.append(words)
        return len(words) * (1 + twice)


def test_that_the_same_is_found_out_once_while_turns_are_read():
    one, other = Found(), Found()
    with remembering():
        assert [one.length(words) for words in ("a", "bc", "a", "bc")] == [1, 2, 1, 2]
        assert (one.length("a", twice=True), one.length("a", twice=True)) == (2, 2)
        assert other.length("a") == 1
    assert (one.asked, other.asked) == (["a", "bc", "a"], ["a"])


def test_that_everything_is_found_out_anew_where_nobody_reads_and_in_the_next_batch():
    found = Found()
    assert found.length("a") + found.length("a") == 2
    for _ in range(2):
        with remembering():
            assert found.length("a") == 1
    assert found.asked == ["a"] * 4


def test_that_no_words_are_held_once_they_were_read():
    words = Words("I am tired.")
    gone = weakref.ref(words)
    with remembering():
        assert Found().length(words) == 11
    del words
    gc.collect()
    assert gone() is None


def test_that_what_fails_is_tried_again():
    tries: list[int] = []

    @once
    def fail() -> None:
        tries.append(1)
        raise PluginError("It fails on purpose.")

    with remembering():
        for _ in range(2):
            with pytest.raises(PluginError):
                fail()
    assert len(tries) == 2


def test_that_another_thread_remembers_nothing_of_it():
    found = Found()
    with remembering():
        found.length("a")
        thread = threading.Thread(target=found.length, args=("a",))
        thread.start()
        thread.join()
    assert found.asked == ["a", "a"]


def test_that_thousands_of_words_are_not_held_together():
    found, held = Found(), []
    with remembering():
        for number in range(2000):
            words = Words(f"{number}")
            held.append(weakref.ref(words))
            found.length(words)
        del words
        found.asked.clear()
        assert sum(each() is not None for each in held) < 500


def test_that_a_dialogue_is_told_apart_by_which_it_is_not_by_what_it_says():
    one, same_words = ["Hello."], ["Hello."]
    assert Same(one) == Same(one) != Same(same_words)
    assert len({Same(one), Same(one), Same(same_words)}) == 2


class Asking:
    """A plugin that finds out the length of the text."""

    reads = frozenset({"text"})

    def __init__(self, found: Found, writes: str) -> None:
        self.name, self.found, self.writes = f"asking-{writes}", found, writes

    def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading | RiskReading]:
        lengths = [self.found.length(turn.text) for turn in turns]
        return [
            EmotionReading(f"{length}", {"sad": 1.0}) if self.writes == "emotion" else RiskReading("none")
            for length in lengths
        ]


async def test_that_the_readers_of_one_message_share_what_they_find():
    found = Found()
    perception = Perception([Asking(found, "emotion"), Asking(found, "risk")], batching=Batching(8))
    for _ in range(2):
        await perception.perceive(a_turn("Hello."))
    assert found.asked == ["Hello."] * 2
    assert all(turn.risk is not None for turn in perception.read([a_turn("One."), a_turn("Two.")]))
    assert found.asked[2:] == ["One.", "Two."]
