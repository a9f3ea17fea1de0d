"""Turns read together: who comes meanwhile shares the next batch, and nobody is held up by somebody else's text."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.batching import Batching, cores
from agent.decisions import StageFailure
from agent.errors import SettingsError
from agent.perception import Perception
from agent.readings import EmotionReading
from agent.testing import BrokenPlugin, a_turn
from agent.threads import Threads
from agent.turn import Turn

TOGETHER = Batching(8)
PATIENT = 60.0  # seconds; for tests in which nothing may be late


class Counting:
    """Reads, and knows which texts came together. It waits at `"first"` and at `"stuck"` until told to go on."""

    name = "counting"
    reads = frozenset({"text"})
    writes = "emotion"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Event()
        self.gates = {"first": threading.Event(), "stuck": threading.Event()}

    def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading]:
        texts = [turn.text for turn in turns]
        self.batches.append(texts)
        self.entered.set()
        for text in texts:
            if text in self.gates:
                assert self.gates[text].wait(PATIENT)
        return [EmotionReading(text, {"sad": 1.0}) for text in texts]

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


@pytest.fixture
def plugin() -> Iterator[Counting]:
    counting = Counting()
    yield counting
    for gate in counting.gates.values():
        gate.set()


async def read_behind_first(
    perception: Perception,
    plugin: Counting,
    *texts: str,
    meanwhile: Callable[[list[asyncio.Task[Turn]]], None] = len,
) -> list[Turn | BaseException]:
    """The turns of texts that came while the first one was read."""
    first = asyncio.create_task(perception.perceive(a_turn("first")))
    await asyncio.to_thread(plugin.entered.wait, PATIENT)
    others = [asyncio.create_task(perception.perceive(a_turn(text))) for text in texts]
    await asyncio.sleep(0)  # now they wait
    meanwhile(others)
    if cancelled := [task for task in others if task.cancelling()]:
        await asyncio.wait(cancelled)  # or the next batch may begin before they have said that they are gone
    plugin.gates["first"].set()
    assert was_read(await first)
    return await asyncio.gather(*others, return_exceptions=True)


def was_read(turn: Turn | BaseException) -> bool:
    """Whether it got its own reading."""
    return isinstance(turn, Turn) and turn.emotion is not None and turn.emotion.label_set == turn.text


async def test_that_a_turn_that_comes_alone_is_read_at_once_and_alone(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=TOGETHER)
    for text in ("one", "two", "three"):
        assert was_read(await perception.perceive(a_turn(text)))
    assert plugin.batches == [["one"], ["two"], ["three"]]


async def test_that_turns_that_come_while_one_is_read_are_the_next_batch(plugin: Counting):
    turns = await read_behind_first(Perception([plugin], seconds=PATIENT, batching=TOGETHER), plugin, *"abcde")
    assert all(map(was_read, turns))
    assert plugin.batches == [["first"], [*"abcde"]]


async def test_that_a_batch_holds_no_more_than_it_may(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=Batching(most=2))
    turns = await read_behind_first(perception, plugin, *"abcde")
    assert all(map(was_read, turns))
    assert sorted(plugin.sizes) == [1, 1, 2, 2]


async def test_that_a_batch_of_one_reads_each_turn_by_itself(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=Batching(most=1))
    assert all(map(was_read, await read_behind_first(perception, plugin, *"abc")))
    assert plugin.sizes == [1, 1, 1, 1]


async def test_that_as_many_batches_run_at_once_as_may(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=Batching(8, side_by_side=2))
    stuck = asyncio.create_task(perception.perceive(a_turn("stuck")))
    await asyncio.to_thread(plugin.entered.wait, PATIENT)
    assert was_read(await perception.perceive(a_turn("quick")))
    plugin.gates["stuck"].set()
    assert was_read(await stuck)


async def test_that_a_plugin_that_hangs_holds_up_nobody_who_comes_later(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=TOGETHER)
    stuck = asyncio.create_task(perception.perceive(a_turn("stuck")))
    await asyncio.to_thread(plugin.entered.wait, PATIENT)
    later = await asyncio.gather(*(perception.perceive(a_turn(text)) for text in "abc"))
    assert all(map(was_read, later))
    assert not stuck.done()
    plugin.gates["stuck"].set()
    assert was_read(await stuck)


async def test_that_those_read_with_one_that_hangs_are_read_again_alone(plugin: Counting):
    perception = Perception([plugin], seconds=2.0, batching=TOGETHER)
    before, stuck, after = await read_behind_first(perception, plugin, "before", "stuck", "after")
    assert was_read(before)
    assert was_read(after)
    assert isinstance(stuck, Turn)
    assert stuck.failures == (StageFailure("perceive", "counting", "TimeoutError"),)
    assert ["before", "stuck", "after"] in plugin.batches


async def test_that_a_turn_that_fails_in_a_batch_loses_its_own_reading_alone(plugin: Counting):
    broken = BrokenPlugin("risk", on="b")
    turns = await read_behind_first(
        Perception([plugin, broken], seconds=PATIENT, batching=TOGETHER), plugin, *"abc"
    )
    assert all(map(was_read, turns))
    assert [len(turn.failures) for turn in turns if isinstance(turn, Turn)] == [0, 1, 0]


async def test_that_a_turn_that_nobody_waits_for_any_more_is_not_read(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=TOGETHER)
    a, b, c = await read_behind_first(perception, plugin, *"abc", meanwhile=lambda tasks: tasks[1].cancel())
    assert was_read(a)
    assert isinstance(b, asyncio.CancelledError)
    assert was_read(c)
    assert plugin.batches == [["first"], ["a", "c"]]


class Unheard(BaseException):
    """Nothing that a plugin may raise."""


class Raising:
    """Raises it on a word."""

    name = "raising"
    reads = frozenset({"text"})
    writes = "emotion"

    def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading]:
        if turns[0].text == "end":
            raise Unheard
        return [EmotionReading(turn.text, {"sad": 1.0}) for turn in turns]


async def test_that_what_no_plugin_may_raise_is_raised_where_the_turn_is_waited_for_and_ends_nothing_else():
    perception = Perception([Raising()], seconds=PATIENT, batching=TOGETHER)
    with pytest.raises(Unheard):
        await perception.perceive(a_turn("end"))
    assert was_read(await perception.perceive(a_turn("next")))


def test_that_turns_of_several_event_loops_are_read(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=TOGETHER)
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda text: asyncio.run(perception.perceive(a_turn(text))), "abcdefgh"))
    assert all(map(was_read, turns))


def test_that_a_loop_may_close_while_its_turn_is_read_and_the_next_one_finds_all_well(plugin: Counting):
    perception = Perception([plugin], seconds=PATIENT, batching=TOGETHER)

    async def leave() -> None:
        task = asyncio.create_task(perception.perceive(a_turn("stuck")))
        await asyncio.to_thread(plugin.entered.wait, PATIENT)
        task.cancel()

    asyncio.run(leave())
    assert was_read(asyncio.run(perception.perceive(a_turn("next"))))
    plugin.gates["stuck"].set()
    assert was_read(asyncio.run(perception.perceive(a_turn("last"))))


async def test_that_no_thread_is_left_where_there_is_nothing_to_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agent.batching.start", Threads(idle=0.0).start)
    threads: list[threading.Thread] = []

    class Noting(Counting):
        def __call__(self, turns: Sequence[Turn]) -> Sequence[EmotionReading]:
            threads.append(threading.current_thread())
            return super().__call__(turns)

    await Perception([Noting()], seconds=PATIENT, batching=TOGETHER).perceive(a_turn())
    await asyncio.to_thread(threads[0].join, PATIENT)
    assert not threads[0].is_alive()


def test_that_as_many_batches_run_side_by_side_as_keep_the_cores_busy():
    assert Batching.of(5, threads=1) == Batching(5, cores())
    assert Batching.of(5, threads=10_000) == Batching(5, 1)


@pytest.mark.parametrize(("most", "side_by_side"), [(0, 1), (8, 0), (-1, 1)])
def test_that_a_batch_of_none_is_refused(most: int, side_by_side: int):
    with pytest.raises(SettingsError, match=f"`batch` is {most}"):
        Batching(most, side_by_side)
