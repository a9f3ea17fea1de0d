"""Threads and signals wake the loop of a server as before, and leave no holes in memory."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ui.http.waking import PIECE, read_wakes_in_pieces

WAKES = 5 * PIECE
PATIENCE = 60


@pytest.fixture
def loop():
    made = asyncio.SelectorEventLoop()
    yield made
    made.close()


def test_that_the_loop_makes_little_room_for_what_wakes_it(loop):
    async def asks() -> list[int]:
        assert read_wakes_in_pieces(asyncio.get_running_loop())
        inner: Any = loop
        inner._csock.send(bytes(WAKES))
        return [len(inner._ssock.recv(4_096)) for _ in range(WAKES // PIECE)]

    assert loop.run_until_complete(asks()) == [PIECE] * (WAKES // PIECE)


def test_that_whatever_wakes_the_loop_is_heard(loop):
    heard: list[int] = []

    async def listens() -> None:
        done = asyncio.Event()

        def hears(number: int) -> None:
            heard.append(number)
            if len(heard) > WAKES:
                done.set()

        loop.call_soon_threadsafe(hears, -1)  # sent before, read after
        read_wakes_in_pieces(loop)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda number: loop.call_soon_threadsafe(hears, number), range(WAKES)))
        async with asyncio.timeout(PATIENCE):
            await done.wait()

    loop.run_until_complete(listens())
    assert heard[0] == -1
    assert sorted(heard) == list(range(-1, WAKES))


@pytest.mark.skipif(sys.platform == "win32", reason="loops take no signals there")
def test_that_a_signal_wakes_the_loop(loop):
    async def waits() -> None:
        read_wakes_in_pieces(loop)
        came = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, came.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(PATIENCE):
            await came.wait()
        loop.remove_signal_handler(signal.SIGUSR1)

    loop.run_until_complete(waits())


def test_that_a_loop_of_another_kind_is_left_as_it_is(loop):
    other: Any = type("Other", (), {"_ssock": socket.socket()})()
    wakes = other._ssock
    with wakes:
        assert not read_wakes_in_pieces(other)
        assert other._ssock is wakes
    assert read_wakes_in_pieces(loop)
    assert not read_wakes_in_pieces(loop)
