"""Threads for what may hang: one that is done waits a moment for more, and nobody waits for it.

Not `ThreadPoolExecutor`, nor `asyncio.to_thread`: their threads are waited for when the program or the loop ends,
so that one part that hangs would keep it from ending; and where all are busy, work has to wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["Threads", "start"]

_IDLE = 1.0  # seconds

Work = tuple[Callable[..., object], tuple[Any, ...]]


class Threads:
    """Starts work at once: in a thread that waits for some, or else in a new one.

    There is nothing to close: a thread that nobody gives anything ends by itself, or with the process.

    Args:
        idle: Seconds that a thread waits for more.
    """

    def __init__(self, *, idle: float = _IDLE) -> None:
        self._idle = idle
        self.forget()

    def forget(self) -> None:
        """Begin anew without any thread, as after a fork, which takes none of them along."""
        self._given: SimpleQueue[Work] = SimpleQueue()
        self._free = 0  # threads that wait and that nothing in the queue is meant for
        self._lock = threading.Lock()

    def start(self, work: Callable[..., object], *given: Any) -> None:
        """Begin some work. Whoever calls waits for nothing where a thread is free.

        For a new thread to run, 0.1 ms pass on a quiet machine and 0.8 ms where others compute: the event loop
        would stand still so long in each turn.

        Args:
            work: Raises nothing.
            *given: What it is called with.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                self._given.put((work, given))
                return
        threading.Thread(target=self._run, args=([(work, given)],), name="heartline-part", daemon=True).start()

    def _run(self, first: list[Work]) -> None:
        due: Work | None = first.pop()  # the thread keeps its arguments to its end
        while due is not None:
            work, given = due
            work(*given)
            del due, work, given  # what it was given may be a person's words: it is not held while idle
            due = self._next()

    def _next(self) -> Work | None:
        with self._lock:
            self._free += 1
        try:
            return self._given.get(timeout=self._idle)
        except Empty:
            with self._lock:
                if self._free:
                    self._free -= 1
                    return None
        return self._given.get()  # it was given something at this very moment


_OURS = Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_OURS.forget)

start = _OURS.start
"""Begin some work in one of this process's threads."""
