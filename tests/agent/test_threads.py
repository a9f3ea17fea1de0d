"""Threads that wait a moment for more work, and keep nobody waiting."""

from __future__ import annotations

import gc
import threading
import weakref
from queue import SimpleQueue
from typing import Any

import pytest

from agent.threads import Threads

PATIENT = 60.0  # seconds; for what must not be late


class Waited(SimpleQueue[Any]):
    """A queue that tells when a thread waits at it."""

    def __init__(self) -> None:
        self.by = threading.Semaphore(0)

    def get(self, *given: Any, **named: Any) -> Any:
        self.by.release()
        return super().get(*given, **named)


class Told:
    """What was done, in which threads."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.done = threading.Semaphore(0)

    def work(self, *_: object) -> None:
        self.threads.append(threading.current_thread())
        self.done.release()


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> Waited:
    queue = Waited()
    monkeypatch.setattr("agent.threads.SimpleQueue", lambda: queue)
    return queue


def test_that_the_next_work_finds_the_thread_of_the_last_one_waiting(waited: Waited):
    threads, told = Threads(idle=PATIENT), Told()
    for _ in range(3):
        threads.start(told.work)
        assert waited.by.acquire(timeout=PATIENT)
    assert len(told.threads) == 3
    assert len(set(told.threads)) == 1
    assert told.threads[0].daemon


def test_that_what_comes_while_all_threads_work_has_one_of_its_own():
    threads, told, going_on = Threads(idle=PATIENT), Told(), threading.Event()
    threads.start(lambda: going_on.wait(PATIENT))
    for _ in range(2):
        threads.start(told.work)
        assert told.done.acquire(timeout=PATIENT)
    going_on.set()


def test_that_all_that_is_begun_at_once_is_done():
    threads, told = Threads(idle=0.0), Told()
    together = threading.Barrier(8)

    def begin() -> None:
        together.wait(PATIENT)
        for _ in range(50):
            threads.start(told.work)

    starting = [threading.Thread(target=begin) for _ in range(8)]
    for thread in starting:
        thread.start()
    for _ in range(400):
        assert told.done.acquire(timeout=PATIENT)
    for thread in {*starting, *told.threads}:
        thread.join(PATIENT)
        assert not thread.is_alive()


def test_that_a_thread_that_nobody_gives_anything_ends():
    threads, told = Threads(idle=0.0), Told()
    threads.start(told.work)
    assert told.done.acquire(timeout=PATIENT)
    told.threads[0].join(PATIENT)
    assert not told.threads[0].is_alive()


def test_that_after_a_fork_nothing_waits_for_a_thread_that_was_left_behind(waited: Waited):
    threads, told = Threads(idle=PATIENT), Told()
    threads.start(told.work)
    assert waited.by.acquire(timeout=PATIENT)
    threads.forget()
    threads.start(told.work)
    for _ in range(2):
        assert told.done.acquire(timeout=PATIENT)
    assert len(set(told.threads)) == 2


class Words:
    """What a person said."""


def test_that_nothing_of_what_was_done_is_held_while_there_is_nothing_to_do(waited: Waited):
    threads, words = Threads(idle=PATIENT), Words()
    gone = weakref.ref(words)
    for _ in range(2):  # in a new thread, and in one that waited
        threads.start(lambda *_: None, words)
        assert waited.by.acquire(timeout=PATIENT)
    del words
    gc.collect()
    assert gone() is None
