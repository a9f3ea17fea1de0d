"""A server that runs for long: nothing is left of a turn that is over, and threads share their heaps."""

from __future__ import annotations

import gc
import os
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
from http_serving import PATIENCE, Serving, serving, wait_until

from agent.build import build_agent
from agent.memory_sqlite import SQLiteStore
from agent.pasts import Pasts
from agent.setting_types import StorePool
from agent.settings import load_settings
from ui.http.allocator import ARENAS, CHOSEN

ROOT = Path(__file__).parents[3]
ROUNDS, WINDOWS = 3, 5
SEEN = 4
"""Pasts that are remembered here, so that they are full soon."""


def a_round(server: Serving, number: int) -> None:
    """One of everything that clients do."""
    kept: dict[str, Any] = {"heartline": {"conversation_id": f"c{number}"}}
    server.ask("My exam is tomorrow.", extra_body=kept)
    list(server.ask("I can't sleep.", extra_body=kept, stream=True))
    server.ask("Alone.", f"Again, {number}.")
    server.ask("Once.", extra_body=kept, extra_headers={"Idempotency-Key": f"key-{number}"})
    with suppress(httpx2.TimeoutException):  # who leaves
        ask = {"messages": [{"role": "user", "content": "I go."}], "stream": True, **kept}
        server.http.post("/v1/chat/completions", json=ask, timeout=0.001)
    assert server.post("/v1/chat/completions", b"{").status_code == 400
    assert server.http.get(f"/v1/heartline/conversations/no-{number}").status_code == 404
    assert server.http.get(f"/nothing/{number}").status_code == 404


@contextmanager
def young_objects() -> Iterator[Callable[[], Counter[str]]]:
    """Counts the objects of this process by kind, without those that are there already."""

    def counted() -> Counter[str]:
        gc.collect()
        return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())

    gc.collect()
    gc.freeze()
    try:
        yield counted
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # as `tests/conftest.py` has it


def test_that_turns_leave_nothing_behind_in_memory(tmp_path: Path):
    few: dict[str, Any] = {"plugins": [], "guard": "none", "planner": "none", "max_turns_per_minute": 10_000}
    agent = build_agent(load_settings(store="memory", **few))
    agent.store = SQLiteStore(tmp_path / "talks.db", pool=StorePool(size=1))
    with serving(agent, **few) as server, young_objects() as counted:
        service = server.service
        service.pasts = Pasts(most=SEEN)
        seen: list[Counter[str]] = []
        for number in range(ROUNDS * WINDOWS):
            a_round(server, number)
            if (number + 1) % ROUNDS == 0:
                wait_until(lambda: not service.drain.running and not service.order._locks)
                seen.append(counted())
        assert not service.order._requests
        assert not service.order._held
        assert not service.admission._queues
        assert len(service.pasts._known) == SEEN
    # Caches fill at first. What is left of every turn is more in each stretch of time.
    grown = {kind: [late[kind] - early[kind] for early, late in pairwise(seen)] for kind in seen[-1]}
    grown.pop(
        "weakref.ReferenceType", None
    )  # abstract classes note each class that a client's code asks them about
    assert {kind: by for kind, by in grown.items() if min(by) >= ROUNDS} == {}


def test_that_a_client_that_resets_its_connection_leaves_nothing_behind():
    agent = build_agent(load_settings(store="memory", plugins=[], guard="none", planner="none"))
    with serving(agent) as server, young_objects() as counted:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Long before the end of the time for which a connection is kept.
        wait_until(lambda: not counted()["ui.http.connections.Connection"])


def heaps_of(tmp_path: Path, does: str, *how: str, **environment: str) -> tuple[ET.Element, str]:
    """What glibc tells of its heaps after a process of its own did something, and what that said.

    Args:
        tmp_path: What it tells goes there.
        does: Python, which finds `how` in `sys.argv[2:]`; it calls `tell()`.
        how: For it.
        environment: For it, without what the heaps of this process were set to.
    """
    if sys.platform != "linux":
        pytest.skip("glibc alone has heaps for threads")
    alone = """
import ctypes, sys, threading
from ui.http.allocator import bound_heaps
def tell():
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    told = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
    libc.malloc_info(0, told)
    libc.fclose(told)
"""
    told = tmp_path / f"{'-'.join(how)}.xml"
    clean = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    said = subprocess.run(
        [sys.executable, "-c", f"{alone}\n{does}", str(told), *how], cwd=ROOT, check=True, capture_output=True, text=True,
        env={**clean, "PYTHONPATH": str(ROOT), **environment}, timeout=PATIENCE,
    )  # fmt: skip
    return ET.fromstring(told.read_text()), said.stdout.strip()  # noqa: S314 - glibc's own words


def test_that_threads_of_a_server_share_a_few_heaps(tmp_path: Path):
    does = """
done = bound_heaps() if sys.argv[2] == "bound" else True
met = threading.Barrier(8)
def work():
    kept = [bytes(2_000) for _ in range(200)]
    met.wait(20)
threads = [threading.Thread(target=work) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
tell()
print(done)
"""

    def heaps(how: str, **environment: str) -> tuple[int, str]:
        told, said = heaps_of(tmp_path, does, how, **environment)
        return len(told.findall("heap")), said

    assert heaps("bound")[0] <= ARENAS
    assert heaps("as it is")[0] > ARENAS
    assert heaps("bound", MALLOC_ARENA_MAX="5") == (5, "False")


def test_that_what_is_read_from_a_connection_lies_in_no_heap(tmp_path: Path):
    does = """
if sys.argv[2] == "bound":
    bound_heaps()
weights = bytes(20_000_000)
del weights  # from now on, glibc would lay blocks up to this size into a heap
kept = [bytes(256 * 1024) for _ in range(int(sys.argv[3]))]
tell()
"""

    def apart(how: str, blocks: int) -> int:
        told, _ = heaps_of(tmp_path, does, how, str(blocks))
        [mapped] = told.findall("total[@type='mmap']")
        return int(mapped.attrib["count"])

    assert apart("bound", 6) - apart("bound", 1) == 5
    assert apart("as it is", 6) == apart("as it is", 1)
