"""Plugins over turns: one that fails loses its own readings, and no turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from agent.decisions import StageFailure
from agent.errors import PluginError
from agent.perception import Perception, failure_of
from agent.protocols import Plugin
from agent.readings import Affect, CauseReading, EmotionReading, RiskReading
from agent.testing import BrokenPlugin, FixedPlugin, a_reading, a_turn
from agent.turn import Turn

NAME = "Quillonby"
PATIENT = 60.0  # seconds; for tests in which nothing may be late


class Reads:
    """A plugin made of a function over the turns."""

    def __init__(
        self, writes: str, read: Callable[[Sequence[Turn]], Any], *, reads: Sequence[str] = ("text",)
    ) -> None:
        self.name = f"reads-{writes}"
        self.reads = frozenset(reads)
        self.writes = writes
        self._read = read
        self.batches: list[int] = []

    def __call__(self, turns: Sequence[Turn]) -> Any:
        self.batches.append(len(turns))
        return self._read(turns)


def by_text(turns: Sequence[Turn]) -> list[EmotionReading]:
    return [EmotionReading(turn.text, {"sad": 1.0}) for turn in turns]


def numbered(*texts: str) -> list[Turn]:
    return [a_turn(text, id=f"turn-{place}") for place, text in enumerate(texts)]


def test_that_every_turn_is_filled_by_every_plugin_in_one_batch_each():
    emotion = Reads("emotion", by_text)
    risk = FixedPlugin("risk", RiskReading("none"))
    turns = numbered("one", "two", "three")
    read = Perception([emotion, risk]).read(turns)
    assert read == [turn.fill(emotion=by_text([turn])[0], risk=RiskReading("none")) for turn in turns]
    assert emotion.batches == [3]


def test_that_no_turns_need_no_reading():
    emotion = Reads("emotion", by_text)
    assert Perception([emotion]).read([]) == []
    assert emotion.batches == []


def test_that_no_plugins_leave_the_turns_as_they_are():
    assert Perception([]).read([a_turn()]) == [a_turn()]
    assert Perception([]).writes == frozenset()


def test_that_perception_says_what_it_writes():
    assert Perception([Reads("emotion", by_text), FixedPlugin("risk", None)]).writes == {"emotion", "risk"}


def test_that_a_plugin_sees_the_readings_it_asked_for():
    affect = Reads("affect", certainties, reads=["emotion"])
    [turn] = Perception([affect, Reads("emotion", by_text)]).read([a_turn()])
    assert turn.affect == Affect(1, 0, 0)


def certainties(turns: Sequence[Turn]) -> list[Affect]:
    return [Affect(turn.emotion.certainty, 0, 0) for turn in turns if turn.emotion]


def test_that_one_bad_text_in_a_batch_loses_only_itself():
    plugin = Reads("emotion", lambda turns: [refuse_nought(turn) for turn in turns])
    turns = numbered("9", "0", "4", "0", "2")
    read = Perception([plugin]).read(turns)
    assert [turn.emotion is not None for turn in read] == [True, False, True, False, True]
    assert [len(turn.failures) for turn in read] == [0, 1, 0, 1, 0]
    assert read[1].failures == (StageFailure("perceive", "reads-emotion", "ZeroDivisionError"),)
    assert [turn.id for turn in read] == [turn.id for turn in turns]
    assert [turn.emotion.label_set for turn in read if turn.emotion] == ["9", "4", "2"]


def refuse_nought(turn: Turn) -> EmotionReading:
    return EmotionReading(turn.text, {"sad": 1 / int(turn.text) * int(turn.text)})


def test_that_one_broken_plugin_leaves_the_others_alone():
    broken = BrokenPlugin("emotion")
    [turn] = Perception([broken, FixedPlugin("risk", RiskReading("none"))]).read([a_turn()])
    assert turn.risk == RiskReading("none")
    assert turn.emotion is None
    assert turn.failures == (StageFailure("perceive", "broken-emotion", "PluginError", str(broken.error)),)


def test_that_a_double_that_breaks_on_a_word_breaks_on_nothing_else():
    plugin = BrokenPlugin("emotion", on="tent")
    read = Perception([plugin]).read(numbered("my tent", "my bed"))
    assert [len(turn.failures) for turn in read] == [1, 0]


def test_that_none_means_that_it_cannot_tell_and_is_no_failure():
    plugin = Reads("emotion", lambda turns: [None if turn.text == "…" else a_reading() for turn in turns])
    unclear, clear = Perception([plugin]).read(numbered("…", "I am sad."))
    assert (unclear.emotion, unclear.failures) == (None, ())
    assert clear.emotion == a_reading()


@pytest.mark.parametrize("reading", ["sad", {"sad": 1.0}, Affect(0, 0, 0), 0.5, Exception("x")], ids=repr)
def test_that_a_reading_of_another_type_is_refused_by_name(reading: Any):
    [turn] = Perception([Reads("emotion", lambda turns: [reading])]).read([a_turn()])
    assert turn.emotion is None
    [failure] = turn.failures
    assert (failure.part, failure.error) == ("reads-emotion", "PluginError")
    assert failure.message == (
        f"Plugin 'reads-emotion' gave a {type(reading).__name__} for `emotion`; it takes EmotionReading."
    )


def test_that_one_reading_of_another_type_in_a_batch_loses_only_itself():
    plugin = Reads("emotion", lambda turns: ["sad" if turn.text == "0" else a_reading() for turn in turns])
    read = Perception([plugin]).read(numbered("1", "0", "2"))
    assert [turn.emotion is None for turn in read] == [False, True, False]
    assert [turn.failures == () for turn in read] == [True, False, True]


@pytest.mark.parametrize("given", [0, 1, 3])
def test_that_a_wrong_count_never_gives_a_turn_the_reading_of_another(given: int):
    plugin = Reads("emotion", lambda turns: [a_reading()] * given if len(turns) == 2 else by_text(turns))
    read = Perception([plugin]).read(numbered("one", "two"))
    assert [turn.emotion.label_set for turn in read if turn.emotion] == ["one", "two"]
    assert plugin.batches == [2, 1, 1]


@pytest.mark.parametrize("given", [0, 2])
def test_that_a_wrong_count_for_one_turn_is_told(given: int):
    [turn] = Perception([Reads("emotion", lambda turns: [a_reading()] * given)]).read([a_turn()])
    assert turn.emotion is None
    assert turn.failures[0].message == f"Plugin 'reads-emotion' gave {given} readings for 1 turns."


@pytest.mark.parametrize("nonsense", [None, 7, pytest.param(object(), id="object")], ids=repr)
def test_that_what_is_no_list_is_a_failure(nonsense: Any):
    [turn] = Perception([Reads("emotion", lambda turns: nonsense)]).read([a_turn()])
    assert [failure.error for failure in turn.failures] == ["TypeError"]


def test_that_those_who_wait_for_a_failed_reading_are_skipped_and_say_so():
    affect = FixedPlugin("affect", Affect(0, 0, 0), reads=["emotion", "expression"])
    cause = FixedPlugin("cause", CauseReading(), reads=["text", "affect"])
    plugins: list[Plugin] = [cause, affect, BrokenPlugin("emotion"), FixedPlugin("expression", None)]
    [turn] = Perception(plugins).read([a_turn()])
    assert [(failure.part, failure.error, failure.message) for failure in turn.failures[1:]] == [
        ("fixed-affect", "Skipped", "skipped: no reading of emotion, expression"),
        ("fixed-cause", "Skipped", "skipped: no reading of affect"),
    ]
    assert affect.seen == cause.seen == []


def test_that_of_a_batch_only_the_turns_that_lack_a_reading_are_skipped():
    affect = FixedPlugin("affect", Affect(0, 0, 0), reads=["emotion"])
    read = Perception([BrokenPlugin("risk"), affect, Reads("emotion", only_short)]).read(
        numbered("a long message", "short")
    )
    assert [turn.affect for turn in read] == [None, Affect(0, 0, 0)]
    assert [turn.text for turn in affect.seen] == ["short"]


def only_short(turns: Sequence[Turn]) -> list[EmotionReading | None]:
    return [a_reading() if len(turn.text) < 6 else None for turn in turns]


def test_that_the_first_turn_of_a_conversation_lacks_nothing():
    plugin = FixedPlugin("emotion", a_reading(), reads=["text", "history", "state_before"])
    [turn] = Perception([plugin]).read([a_turn()])
    assert turn.emotion == a_reading()


def test_that_the_message_of_a_stranger_s_exception_is_not_kept():
    plugin = Reads("emotion", lambda turns: quote(turns[0]))
    [turn] = Perception([plugin]).read([a_turn(f"My dog {NAME} died.")])
    assert turn.failures == (StageFailure("perceive", "reads-emotion", "ValueError", ""),)


def quote(turn: Turn) -> None:
    raise ValueError(f"cannot read {turn.text!r}")


def test_that_the_message_of_our_own_is():
    assert failure_of("plan", "rules", PluginError("It fails on purpose.")) == StageFailure(
        "plan", "rules", "PluginError", "It fails on purpose."
    )


async def test_that_one_turn_is_perceived_as_it_would_be_in_a_batch():
    perception = Perception([Reads("emotion", by_text), BrokenPlugin("risk")], seconds=PATIENT)
    assert [await perception.perceive(a_turn())] == perception.read([a_turn()])


async def test_that_nobody_waits_for_another_person_s_message_to_be_read():
    free = threading.Event()

    def read(turns: Sequence[Turn]) -> list[EmotionReading]:
        if turns[0].text == "quick":
            free.set()
        assert free.wait(PATIENT)
        return by_text(turns)

    perception = Perception([Reads("emotion", read)], seconds=PATIENT)
    slow, quick = await asyncio.gather(*(perception.perceive(a_turn(text)) for text in ("slow", "quick")))
    assert (slow.failures, quick.failures) == ((), ())


async def test_that_what_was_read_when_the_time_was_up_is_kept_and_the_rest_is_told():
    gate = threading.Event()

    def stuck(turns: Sequence[Turn]) -> list[EmotionReading]:
        gate.wait(PATIENT)
        return by_text(turns)

    plugins: list[Plugin] = [
        FixedPlugin("risk", RiskReading("plan")),
        Reads("emotion", stuck),
        FixedPlugin("affect", Affect(0, 0, 0), reads=["emotion"]),
    ]
    try:
        turn = await Perception(plugins, seconds=1.5).perceive(a_turn())
    finally:
        gate.set()
    assert turn.risk == RiskReading("plan")
    assert (turn.emotion, turn.affect) == (None, None)
    assert turn.failures == (
        StageFailure("perceive", "reads-emotion", "TimeoutError"),
        StageFailure("perceive", "fixed-affect", "TimeoutError"),
    )


async def test_that_a_plugin_that_comes_too_late_changes_nothing_and_those_after_it_are_not_asked():
    gate = threading.Event()
    threads: list[threading.Thread] = []
    asked: list[Turn] = []

    def late(turns: Sequence[Turn]) -> list[EmotionReading]:
        threads.append(threading.current_thread())
        gate.wait(PATIENT)
        return by_text(turns)

    def last(turns: Sequence[Turn]) -> list[RiskReading]:
        asked.extend(turns)
        return [RiskReading("none")]

    plugins = [Reads("emotion", late), Reads("risk", last, reads=["emotion"])]
    try:
        turn = await Perception(plugins, seconds=0.5).perceive(a_turn())
    finally:
        gate.set()
    await asyncio.to_thread(threads[0].join, PATIENT)
    assert (turn.emotion, turn.risk, len(turn.failures), asked) == (None, None, 2, [])


async def test_that_a_plugin_that_raises_a_timeout_of_its_own_is_the_only_one_that_fails():
    late = BrokenPlugin("emotion", error=TimeoutError("no answer"))
    plugins: list[Plugin] = [late, FixedPlugin("risk", RiskReading("none"))]
    turn = await Perception(plugins, seconds=PATIENT).perceive(a_turn())
    assert turn.risk == RiskReading("none")
    assert turn.failures == (StageFailure("perceive", "broken-emotion", "TimeoutError"),)
