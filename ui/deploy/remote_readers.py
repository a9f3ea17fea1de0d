"""Readers in other processes, asked over a handle. Nothing of Ray is known here: a handle is what answers.

What travels is what the readers say that they read, as plain dicts, and no id of a conversation.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from agent.decisions import StageFailure
from agent.errors import PluginError
from agent.perception import Perception
from agent.protocols import Plugin
from agent.record import pack, unpack
from agent.turn import READING_FIELDS, Turn

__all__ = ["Answer", "Handle", "Reading", "RemotePerception"]

Packed = dict[str, Any]

_SIDE_BY_SIDE = 16  # two batches of the readers


class Answer(Protocol):
    """What is on its way, as `ray.serve.handle.DeploymentResponse`."""

    def __await__(self) -> Generator[Any, None, Packed]:
        """The answer, in an event loop."""
        ...

    def result(self, *, timeout_s: float | None = None) -> Packed:
        """The answer, in a thread.

        Raises:
            TimeoutError: It did not come in so many seconds.
        """
        ...

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        ...


class Handle(Protocol):
    """Who is asked, as `ray.serve.handle.DeploymentHandle`."""

    def remote(self, sent: Packed) -> Answer:
        """Ask one of the readers' replicas."""
        ...


class RemotePerception(Perception):
    """Reads nothing itself.

    Who does not answer in half the time is asked once more, which may be another replica: reading changes
    nothing. After that all readings count as failed, and the turn goes on as it does without readers (the guard
    takes the cautious path).

    Args:
        plugins: What the replicas run, to know what is read and written.
        handle: Of the replicas.
        seconds: Longest to wait for one turn.
    """

    def __init__(self, plugins: Sequence[Plugin], handle: Handle, *, seconds: float = 5.0) -> None:
        super().__init__(plugins, seconds=seconds)
        self._handle = handle
        self._needed = frozenset().union(*(plugin.reads for plugin in self.plugins)) - READING_FIELDS

    async def perceive(self, turn: Turn) -> Turn:
        """One turn, read elsewhere."""
        sent = self._sent(turn)
        try:
            return await self._asked(turn, sent)
        except Exception:  # noqa: BLE001 - whatever breaks elsewhere, the turn goes on
            try:
                return await self._asked(turn, sent)
            except Exception as error:  # noqa: BLE001
                return self._unread(turn, error)

    async def _asked(self, turn: Turn, sent: Packed) -> Turn:
        answer = self._handle.remote(sent)
        try:
            async with asyncio.timeout(self.seconds / 2):
                return _received(turn, await answer)
        except BaseException:
            answer.cancel()
            raise

    def read(self, turns: Sequence[Turn]) -> list[Turn]:
        """All turns, side by side. Not to be called in an event loop.

        Args:
            turns: They have `seconds` each, all together.
        """
        if not turns:
            return []
        until = time.monotonic() + self.seconds * len(turns)
        with ThreadPoolExecutor(min(len(turns), _SIDE_BY_SIDE)) as threads:
            return list(threads.map(lambda turn: self._read(turn, until), turns))

    def _read(self, turn: Turn, until: float) -> Turn:
        sent = self._sent(turn)
        try:
            return self._got(turn, sent, (until - time.monotonic()) / 2)
        except Exception:  # noqa: BLE001 - see `perceive`
            try:
                return self._got(turn, sent, until - time.monotonic())
            except Exception as error:  # noqa: BLE001
                return self._unread(turn, error)

    def _got(self, turn: Turn, sent: Packed, seconds: float) -> Turn:
        answer = self._handle.remote(sent)
        try:
            return _received(turn, answer.result(timeout_s=max(0.0, seconds)))
        except BaseException:
            answer.cancel()
            raise

    def _sent(self, turn: Turn) -> Packed:
        given = {name: pack(getattr(turn, name), at=f"turn.{name}") for name in sorted(self._needed)}
        return {"id": turn.id, "conversation_id": "", "index": turn.index, "text": "", **given}

    def _unread(self, turn: Turn, error: Exception) -> Turn:
        # Not what it said: an error from elsewhere may quote the person, and Ray's hold whole tracebacks.
        kind = type(error).__name__
        return turn.note(*(StageFailure("perceive", plugin.name, kind) for plugin in self.plugins))


def _received(turn: Turn, answer: Mapping[str, Any]) -> Turn:
    if answer.get("id") != turn.id:
        raise PluginError("The readers answered for another turn.")
    read = unpack(Turn, {"conversation_id": "", "index": turn.index, "text": "", **answer}, at="readings")
    readings = {name: getattr(read, name) for name in READING_FIELDS if getattr(read, name) is not None}
    return turn.fill(**readings).note(*read.failures)


class Reading:
    """The other side: the readers themselves.

    Args:
        perception: Reads.
        hung_after: Seconds after which a batch that is not done counts as hanging.
    """

    def __init__(self, perception: Perception, *, hung_after: float = 30.0) -> None:
        self._perception, self._hung_after = perception, hung_after
        self._since: dict[int, float] = {}
        self._lock = threading.Lock()

    def read(self, sent: Sequence[Packed]) -> list[Packed]:
        """The readings of each, in the same order, and what failed."""
        turns = [unpack(Turn, each, at="turn") for each in sent]
        number = id(turns)
        with self._lock:
            self._since[number] = time.monotonic()
        try:
            return [self._answer(turn) for turn in self._perception.read(turns)]
        finally:
            with self._lock:
                del self._since[number]

    def check(self) -> None:
        """Whether it still reads.

        Raises:
            PluginError: A batch hangs. It is best started anew.
        """
        with self._lock:
            oldest = min(self._since.values(), default=None)
        if oldest is not None and (waited := time.monotonic() - oldest) > self._hung_after:
            raise PluginError(f"A batch of messages has been read for {waited:.0f} s and is not done.")

    def _answer(self, turn: Turn) -> Packed:
        read = {name: pack(getattr(turn, name), at=f"turn.{name}") for name in sorted(self._perception.writes)}
        return {"id": turn.id, **read, "failures": pack(turn.failures, at="turn.failures")}
