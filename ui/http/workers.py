"""Several processes that answer at one address (`heartline serve --workers`): started, watched, and told what the
first one is told.

The first process answers nothing. It forks before anything heavy is loaded, takes connections in and hands them to
its workers by turns. A worker that dies is replaced, signals are passed on. Where the first process dies itself,
the workers drain and end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

__all__ = ["Link", "Workers"]

_log = logging.getLogger("heartline.http")

_STOPS = (signal.SIGTERM, signal.SIGINT)
_BACKLOG = 2048  # connections that may wait to be taken in, as uvicorn has it
_FULL_WAIT = 0.01  # seconds until workers whose hands are full are offered a connection again
_LONGEST_WAIT = 30.0  # seconds until one that does not even start is tried again
_SAYS = 16  # bytes; more than is ever said at once


class Link:
    """A worker's end of what ties it to the first process.

    Args:
        channel: Brings connections. Its end says that the first process is no more.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def listen(self, take: Callable[[socket.socket], None], orphaned: Callable[[], None]) -> None:
        """Tell the first process that connections can come. To be called in the event loop that they are for.

        Args:
            take: Called with each.
            orphaned: Called once when the first process is no more.
        """
        loop = asyncio.get_running_loop()

        def heard() -> None:
            try:
                said, fds, *_ = socket.recv_fds(self._channel, _SAYS, _SAYS)
            except BlockingIOError:
                return
            except OSError:
                said, fds = b"", []
            for fd in fds:
                take(socket.socket(fileno=fd))
            if not said:
                loop.remove_reader(self._channel)
                orphaned()

        self._channel.setblocking(False)
        loop.add_reader(self._channel, heard)
        with suppress(OSError):  # nobody is left to be told, which the reader says as well
            self._channel.send(b"!")


@dataclass(slots=True)
class _Worker:
    pid: int
    channel: socket.socket
    listens: bool = False


class Workers:
    """Processes that do the same work.

    Args:
        work: Answers what its link brings until a signal ends it, in a process of its own.
        number: How many, from 1.
        listening: Bound to the address.
        died: Called with the number of a process that has ended.
    """

    def __init__(
        self, work: Callable[[Link], None], number: int, listening: socket.socket, *, died: Callable[[int], None]
    ) -> None:
        self._work, self._number, self._listening, self._died = work, number, listening, died
        self._workers: deque[_Worker] = deque()  # the one whose turn it is first
        self._selector = selectors.DefaultSelector()
        self._in_hand: socket.socket | None = None  # a connection that no worker had room for
        self._all_listened = self._takes_in = self._stopping = False
        self._status = 0
        self._wait, self._again = 1.0, 0.0  # seconds; when one that did not start is tried again

    def run(self, told: Callable[[], None]) -> int:
        """Start them, the first one alone, so that what keeps all from starting is said once; wait for the last.

        It returns in the first process, and in each worker once its work is done.

        Args:
            told: Called when all of them answer.

        Returns:
            What to exit with: 0 after a signal; else what the worker ended with that did not start.

        Raises:
            BaseException: What `work` raised, in the worker.
        """
        with self._signals() as heard:
            self._selector.register(heard, selectors.EVENT_READ, partial(self._heed, heard))
            link = self._watch(told)
        self._listening.close()
        if link is None:
            return self._status
        self._work(link)
        return 0

    def _watch(self, told: Callable[[], None]) -> Link | None:
        """Until none is left. In a worker: what ties it to the first process."""
        if (link := self._start()) is not None:
            return link
        while self._workers or not self._stopping:
            for key, _ in self._selector.select(self._until()):
                key.data()
            while self._is_one_short():
                if (link := self._start()) is not None:
                    return link
            if not self._all_listened and sum(worker.listens for worker in self._workers) == self._number:
                self._all_listened = True
                self._listening.listen(_BACKLOG)
                self._listening.setblocking(False)
                told()
            self._hand_on()
            self._mind_the_door()
        return None

    def _start(self) -> Link | None:
        """One more; in it, its link."""
        sys.stdout.flush()
        sys.stderr.flush()
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid:
            theirs.close()
            ours.setblocking(False)
            worker = _Worker(pid, ours)
            self._workers.append(worker)
            self._selector.register(ours, selectors.EVENT_READ, partial(self._hear, worker))
            return None
        # A terminal sends its signals to all processes of a group: the first one passes them on, once.
        os.setpgid(0, 0)
        for each in (ours, *(worker.channel for worker in self._workers), *filter(None, [self._in_hand])):
            each.close()
        self._selector.close()
        return Link(theirs)

    def _is_one_short(self) -> bool:
        if self._stopping or len(self._workers) >= self._number or time.monotonic() < self._again:
            return False
        return self._all_listened or any(worker.listens for worker in self._workers)

    def _until(self) -> float | None:
        """Seconds until something is to be tried again."""
        if self._in_hand is not None:
            return _FULL_WAIT
        short = not self._stopping and len(self._workers) < self._number and self._again > 0
        return max(0.0, self._again - time.monotonic()) if short else None

    def _mind_the_door(self) -> None:
        """Take connections in as long as somebody has room for them; else they wait outside."""
        wanted = self._all_listened and self._in_hand is None and any(each.listens for each in self._workers)
        if wanted and not self._takes_in:
            self._selector.register(self._listening, selectors.EVENT_READ, self._take_in)
        elif self._takes_in and not wanted:
            self._selector.unregister(self._listening)
        self._takes_in = wanted

    def _take_in(self) -> None:
        with suppress(OSError):  # it has gone again
            self._in_hand, _ = self._listening.accept()

    def _hand_on(self) -> None:
        """Give the connection to the next worker that has room for it."""
        connection = self._in_hand
        if connection is None:
            return
        for _ in range(len(self._workers)):
            worker = self._workers[0]
            self._workers.rotate(-1)
            if worker.listens:
                with suppress(OSError):  # it is full, or has just ended
                    socket.send_fds(worker.channel, [b"+"], [connection.fileno()])
                    connection.close()
                    self._in_hand = None
                    return

    def _hear(self, worker: _Worker) -> None:
        """A worker listens, or has ended."""
        try:
            listens = bool(worker.channel.recv(_SAYS))
        except OSError:  # it ended with connections that it did not take
            listens = False
        if listens:
            worker.listens, self._wait = True, 1.0
        else:
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        self._selector.unregister(worker.channel)
        worker.channel.close()
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
            self._again = time.monotonic() + self._wait
            self._wait = min(_LONGEST_WAIT, 2 * self._wait)

    def _heed(self, heard: socket.socket) -> None:
        """Signals came: pass them on."""
        for number in heard.recv(_SAYS):
            if number in _STOPS:
                self._stop()
            else:
                self._tell(number)

    def _stop(self) -> None:
        self._stopping = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            os.kill(worker.pid, number)  # none that stands here was waited for: the number is still its own

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """What signals can be heard through. In a worker, each is then as it was."""
        mine = os.getpid()
        heard, noted = socket.socketpair()
        noted.setblocking(False)
        which = [*_STOPS, *filter(None, [getattr(signal, "SIGHUP", None)])]
        before: dict[int, Any] = {number: signal.signal(number, lambda *_: None) for number in which}
        woken = signal.set_wakeup_fd(noted.fileno(), warn_on_full_buffer=False)
        try:
            yield heard
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            heard.close()
            noted.close()
            if os.getpid() == mine:
                self._selector.close()
