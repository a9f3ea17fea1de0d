"""Turns of many conversations, read together: who comes while others are read goes with the next batch.

Nobody waits where nothing is read, so that the one turn of a quiet hour is as fast as it would be alone. And
nobody waits long: a batch that takes its time has the next one begin beside it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from agent.errors import SettingsError
from agent.threads import start
from agent.turn import Turn

__all__ = ["AS_COMES", "Batches", "Batching", "cores"]

Step = Callable[[list[Turn]], list[Turn]]
"""Fills in something for each turn, in the same order. It raises for none of them."""

_MOST_THREADS = 4  # of one pass of the encoder
_PATIENCE = 0.1  # seconds; a batch of eight short messages takes less on two cores


@dataclass(frozen=True, slots=True)
class Batching:
    """How turns are read together.

    Attributes:
        most: Most turns of a batch, from 1: each by itself.
        side_by_side: Batches that may run at once, from 1.

    Raises:
        SettingsError: One of them is less than 1.
    """

    most: int = 1
    side_by_side: int = 1

    def __post_init__(self) -> None:
        if self.most < 1 or self.side_by_side < 1:
            raise SettingsError(f"`batch` is {self.most}, side by side {self.side_by_side}; both are 1 or more.")

    @classmethod
    def of(cls, most: int, *, threads: int) -> Batching:
        """As many side by side as keep every core busy.

        Args:
            most: Most turns of a batch.
            threads: Of one pass of the encoder; 0: as it chooses.
        """
        return cls(most, max(1, cores() // (threads or _MOST_THREADS)))


AS_COMES = Batching()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(eq=False, slots=True)
class _Asked:
    """A turn that is to be read.

    Attributes:
        steps: The turn as it came, and after each step.
        read: Done when all steps are.
        gone: Nobody waits for it any more.
        accompanied: It is read with others.
    """

    steps: list[Turn]
    read: asyncio.Future[None]
    gone: bool = False
    accompanied: bool = False

    def settle(self, error: BaseException | None = None) -> None:
        """Wake whoever waits, from any thread."""

        def wake() -> None:
            if self.read.done():  # it was given up on
                return
            if error is None:
                self.read.set_result(None)
            else:
                self.read.set_exception(error)

        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            self.read.get_loop().call_soon_threadsafe(wake)


@dataclass(eq=False, slots=True)
class _Worker:
    """What reads batch after batch in a thread, until nobody waits.

    Attributes:
        since: `time.monotonic()` when its batch began.
    """

    since: float = field(default_factory=time.monotonic)


class Batches:
    """Takes turns through the same steps, several at a time. Safe for threads and event loops.

    There is nothing to close: a thread that has nothing to read ends by itself (see `agent.threads`). One that
    hangs is left behind, and ends with the process.

    Args:
        steps: In order.
        batching: How many together.
        around: What the steps of one batch are taken within.
    """

    def __init__(
        self, steps: Sequence[Step], batching: Batching, *, around: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._steps, self._batching, self._around = tuple(steps), batching, around
        self._waiting: deque[_Asked] = deque()
        self._workers: list[_Worker] = []  # those whose batches are young enough to be waited for
        self._lock = threading.Lock()

    async def read(self, turn: Turn, *, seconds: float) -> Sequence[Turn]:
        """The turn as it is and after each step, as far as it came in time.

        Where half the time is up and it was read with others, it is begun anew alone: one of the others may be
        what something hangs on.

        Args:
            turn: To be read.
            seconds: How long to wait for it.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        asked = [_Asked([turn], loop.create_future())]
        try:
            with self._lock:
                self._waiting.append(asked[0])
            self._begin()
            while (left := until - loop.time()) > 0:
                within = min(left, _PATIENCE, seconds / 4)
                waits = [each.read for each in asked]
                done, _ = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    done.pop().result()
                    break
                self._begin(after=within)
                if len(asked) == 1 and asked[0].accompanied and left < seconds / 2:
                    asked.append(_Asked([turn], loop.create_future()))
                    start(self._read, [asked[1]])
        finally:
            for each in asked:
                each.gone = True
        return max((each.steps for each in asked), key=len)

    def _begin(self, *, after: float | None = None) -> None:
        """Have the next batch read, where not as many are read as may be.

        Args:
            after: A batch that has run for so many seconds does not count any more.
        """
        worker = _Worker()
        with self._lock:
            if not self._waiting:
                return
            if after is not None and self._workers:
                oldest = min(self._workers, key=lambda each: each.since)
                if worker.since - oldest.since >= after:
                    self._workers.remove(oldest)
            if len(self._workers) >= self._batching.side_by_side:
                return
            self._workers.append(worker)
        start(self._work, worker)

    def _work(self, worker: _Worker) -> None:
        while batch := self._next(worker):
            self._read(batch)

    def _next(self, worker: _Worker) -> list[_Asked]:
        """Those who have waited longest; none where the worker is to end."""
        with self._lock:
            if worker not in self._workers:
                return []
            batch: list[_Asked] = []
            while self._waiting and len(batch) < self._batching.most:
                asked = self._waiting.popleft()
                if not asked.gone:
                    batch.append(asked)
            if not batch:
                self._workers.remove(worker)
            worker.since = time.monotonic()
            for asked in batch:
                asked.accompanied = len(batch) > 1
        return batch

    def _read(self, batch: Sequence[_Asked]) -> None:
        error: BaseException | None = None
        try:
            with self._around():
                for step in self._steps:
                    present = [asked for asked in batch if not asked.gone]
                    if not present:
                        return
                    for asked, turn in zip(present, step([asked.steps[-1] for asked in present]), strict=True):
                        asked.steps.append(turn)
        except BaseException as broken:  # noqa: BLE001 - it is raised where the turn is waited for
            error = broken
        for asked in batch:
            asked.settle(error)
