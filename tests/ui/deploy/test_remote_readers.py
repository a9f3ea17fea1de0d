"""Readers elsewhere: the same readings, and turns that go on when nobody answers. Ray is not needed for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.build import build_perception
from agent.errors import PluginError
from agent.perception import Perception
from agent.settings import load_settings
from agent.testing import FixedPlugin, a_reading, a_turn
from agent.turn import Message, Turn, new_turn
from ui.deploy.remote_readers import Reading, RemotePerception

Packed = dict[str, Any]
NAME = "Quillonby"


class Hangs(Exception):  # noqa: N818 - a script's word
    """No answer comes."""


@dataclass
class Answered:
    """What a scripted handle gives: an answer, an error, or nothing."""

    give: Callable[[], Packed]
    cancelled: bool = False

    def __await__(self) -> Generator[Any, None, Packed]:
        return self._waited().__await__()

    async def _waited(self) -> Packed:
        try:
            return self.give()
        except Hangs:
            await asyncio.Event().wait()
            raise

    def result(self, *, timeout_s: float | None = None) -> Packed:
        try:
            return self.give()
        except Hangs:
            assert timeout_s is not None
            raise TimeoutError from None

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Scripted:
    """Replicas that fail as the script says, one entry a call, and read otherwise. Too many calls fail."""

    reading: Reading
    script: list[Exception | None]
    sent: list[Packed] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)

    def remote(self, sent: Packed) -> Answered:
        self.sent.append(sent)
        error = self.script.pop(0)

        def give() -> Packed:
            if error is not None:
                raise error
            (answer,) = self.reading.read([sent])
            return answer

        self.answers.append(Answered(give))
        return self.answers[-1]


def two_sides(
    perception: Perception, *script: Exception | None, seconds: float = 5.0
) -> tuple[RemotePerception, Scripted]:
    handle = Scripted(Reading(perception), list(script))
    return RemotePerception(perception.plugins, handle, seconds=seconds), handle


@pytest.fixture(scope="module")
def shipped() -> Perception:
    return build_perception(load_settings())


TURNS = [
    new_turn("I lost my job today."),
    new_turn("Fine. Whatever.", history=(Message("seeker", "She left me."), Message("supporter", "I'm sorry."))),
    new_turn("I want to kill myself."),
    new_turn("qwrt zxcv bnmp"),
]


@pytest.mark.parametrize("turn", TURNS, ids=["plain", "history", "danger", "unreadable"])
async def test_that_remote_readings_are_the_local_ones(shipped: Perception, turn: Turn):
    remote, _ = two_sides(shipped, None, None)
    (here,) = shipped.read([turn])
    assert await remote.perceive(turn) == here
    assert await asyncio.to_thread(remote.read, [turn]) == [here]


async def test_that_nothing_travels_but_what_is_read(shipped: Perception):
    remote, handle = two_sides(shipped, None)
    await remote.perceive(a_turn("I lost my job.", conversation_id="secret-id"))
    (sent,) = handle.sent
    assert set(sent) == {"id", "conversation_id", "index", "text", "history"}
    assert sent["conversation_id"] == ""


def readers() -> Perception:
    return Perception([FixedPlugin("emotion", a_reading("emotion"))])


async def test_that_a_replica_that_dies_is_asked_for_by_another():
    remote, handle = two_sides(readers(), ConnectionError(f"died at {NAME}"), None)
    turn = await remote.perceive(a_turn("Hello."))
    assert turn.emotion is not None
    assert turn.failures == ()
    assert [answer.cancelled for answer in handle.answers] == [True, False]


@pytest.mark.parametrize(
    "error", [ConnectionError(NAME), PluginError(NAME), Hangs()], ids=["dead", "ours", "hangs"]
)
async def test_that_a_turn_goes_on_where_nobody_answers(error: Exception):
    remote, handle = two_sides(readers(), error, error, seconds=0.05)
    turn = await remote.perceive(a_turn("Hello."))
    assert turn.emotion is None
    (failure,) = turn.failures
    assert (failure.stage, failure.part, failure.message) == ("perceive", "fixed-emotion", "")
    assert failure.error == ("TimeoutError" if isinstance(error, Hangs) else type(error).__name__)
    assert all(answer.cancelled for answer in handle.answers)


def test_that_the_same_holds_for_many_turns_in_a_thread():
    remote, _ = two_sides(readers(), Hangs(), Hangs(), seconds=0.05)
    (turn,) = remote.read([a_turn("Hello.")])
    assert [failure.error for failure in turn.failures] == ["TimeoutError"]
    again, _ = two_sides(readers(), ConnectionError(), None)
    (turn,) = again.read([a_turn("Hello.")])
    assert turn.emotion is not None
    nobody, _ = two_sides(readers())
    assert nobody.read([]) == []


async def test_that_what_was_read_for_another_turn_is_not_taken():
    class Mistaken(Reading):
        def read(self, sent: Any) -> list[Packed]:
            return [answer | {"id": "another"} for answer in super().read(sent)]

    handle = Scripted(Mistaken(readers()), [None, None])
    turn = await RemotePerception(readers().plugins, handle).perceive(a_turn("Hello."))
    assert [failure.error for failure in turn.failures] == ["PluginError"]


async def test_that_a_failure_of_one_reader_comes_back_with_what_the_others_read():
    class Broken:
        name, reads, writes = "broken", frozenset({"text"}), "affect"

        def __call__(self, turns: Any) -> Any:
            raise RuntimeError(NAME)

    remote, _ = two_sides(Perception([FixedPlugin("emotion", a_reading("emotion")), Broken()]), None)
    turn = await remote.perceive(a_turn("Hello."))
    assert turn.emotion is not None
    assert [(failure.part, failure.error) for failure in turn.failures] == [("broken", "RuntimeError")]


def test_that_a_replica_says_that_it_hangs():
    go_on, began = threading.Event(), threading.Event()

    class Waits:
        name, reads, writes = "waits", frozenset({"text"}), "affect"

        def __call__(self, turns: Any) -> Any:
            began.set()
            go_on.wait(20)
            return [None for _ in turns]

    reading = Reading(Perception([Waits()]), hung_after=0.0)
    reading.check()
    sent = {"id": "1", "conversation_id": "", "index": 0, "text": "Hello."}
    thread = threading.Thread(target=reading.read, args=([sent],))
    thread.start()
    began.wait(20)
    with pytest.raises(PluginError, match="is not done"):
        reading.check()
    go_on.set()
    thread.join(20)
    reading.check()
