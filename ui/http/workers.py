"""Several processes that answer at one address (`heartline serve --workers`): started, watched, and told what the
first one is told.

The first process answers nothing. It opens the address, forks before anything heavy is loaded, and waits: a worker
that dies is replaced, signals are passed on. Where it dies itself, the workers drain and end.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Link", "Workers"]

_log = logging.getLogger("heartline.http")

_STOPS = (signal.SIGTERM, signal.SIGINT)
_LONGEST_WAIT = 30.0  # seconds until one that does not even start is tried again


class Link:
    """A worker's end of what ties it to the first process.

    Args:
        told: Is written to once it listens. Whatever ends it closes this too.
        gone: Can be read from when the first process is no more.
    """

    def __init__(self, told: int, gone: int) -> None:
        self._told, self.gone = told, gone

    def listens(self) -> None:
        """Tell that it does."""
        with suppress(BrokenPipeError):  # nobody is left to be told, which `gone` says as well
            os.write(self._told, b"!")


@dataclass(slots=True)
class _Worker:
    pid: int
    told: int
    listens: bool = False


class Workers:
    """Processes that do the same work.

    Args:
        work: Listens until a signal ends it, in a process of its own. It is done when it returns, or by what it
            raises.
        number: How many, from 1.
        died: Called with the number of a process that ended without being asked to.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        work: Callable[[Link], None],
        number: int,
        *,
        died: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work, self._number, self._died, self._clock = work, number, died, clock
        self._workers: dict[int, _Worker] = {}  # by what each tells through
        self._selector = selectors.DefaultSelector()
        self._alive = os.pipe()  # its end for writing is held by the first process alone
        self._all_listened = self._stopping = False
        self._status = 0
        self._wait, self._again = 1.0, 0.0  # seconds; when one that did not start is tried again

    def run(self, listening: Callable[[], None]) -> int:
        """Start them, the first one alone, so that what keeps all from starting is said once; wait for the last.

        It returns in the first process, and in each worker once its work is done.

        Args:
            listening: Called when all of them listen.

        Returns:
            What to exit with: 0 after a signal; else what the worker ended with that did not start.

        Raises:
            BaseException: What `work` raised, in the worker.
        """
        with self._signals() as heard:
            link = self._watch(heard, listening)
        if link is None:
            return self._status
        self._work(link)
        return 0

    def _watch(self, heard: int, listening: Callable[[], None]) -> Link | None:
        """Until none is left. In a worker: what ties it to the first process."""
        self._selector.register(heard, selectors.EVENT_READ)
        if (link := self._start()) is not None:
            return link
        while self._workers or not self._stopping:
            for key, _ in self._selector.select(self._until_again()):
                if key.fd == heard:
                    for number in os.read(heard, 64):
                        self._pass_on(number)
                elif os.read(key.fd, 1):
                    self._workers[key.fd].listens = True
                    self._wait = 1.0
                else:
                    self._bury(key.fd)
            while self._is_one_short():
                if (link := self._start()) is not None:
                    return link
            ready = [worker for worker in self._workers.values() if worker.listens]
            if not self._all_listened and len(ready) == self._number:
                self._all_listened = True
                listening()
        return None

    def _start(self) -> Link | None:
        """One more; in it, its link."""
        sys.stdout.flush()
        sys.stderr.flush()
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid:
            os.close(theirs)
            self._workers[ours] = _Worker(pid, ours)
            self._selector.register(ours, selectors.EVENT_READ)
            return None
        # A terminal sends its signals to all processes of a group: the first one passes them on, once.
        os.setpgid(0, 0)
        for fd in (ours, self._alive[1], *self._workers):
            os.close(fd)
        self._selector.close()
        return Link(theirs, self._alive[0])

    def _is_one_short(self) -> bool:
        if self._stopping or len(self._workers) >= self._number or self._clock() < self._again:
            return False
        return self._all_listened or any(worker.listens for worker in self._workers.values())

    def _until_again(self) -> float | None:
        waits = not self._stopping and len(self._workers) < self._number and self._again > 0
        return max(0.0, self._again - self._clock()) if waits else None

    def _bury(self, told: int) -> None:
        """One has ended."""
        worker = self._workers.pop(told)
        self._selector.unregister(told)
        os.close(told)
        status = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        self._died(worker.pid)
        if self._stopping:
            return
        if not self._all_listened:
            self._status = status if status > 0 else 1
            self._stop()
            return
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        _log.error("Worker %d ended %s; another one takes its place.", worker.pid, how)
        if not worker.listens:
            self._again = self._clock() + self._wait
            self._wait = min(_LONGEST_WAIT, 2 * self._wait)

    def _pass_on(self, number: int) -> None:
        if number in _STOPS:
            self._stop()
        else:
            self._tell(number)

    def _stop(self) -> None:
        self._stopping = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers.values():
            os.kill(worker.pid, number)  # none was waited for that stands here, so that the number is its own

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Signals are heard here, and by no worker: each is then as it was."""
        mine = os.getpid()
        heard, noted = os.pipe()
        os.set_blocking(noted, False)
        which = [*_STOPS, *filter(None, [getattr(signal, "SIGHUP", None)])]
        before: dict[int, Any] = {number: signal.signal(number, lambda *_: None) for number in which}
        woken = signal.set_wakeup_fd(noted, warn_on_full_buffer=False)
        try:
            yield heard
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(heard)
            os.close(noted)
            if os.getpid() == mine:
                for fd in self._alive:
                    os.close(fd)
                self._selector.close()
