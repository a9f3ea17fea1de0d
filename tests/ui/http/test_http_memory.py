"""A server that runs for long: nothing is left of a turn that is over, and threads share their heaps."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_serving import PATIENCE, Serving, serving, wait_until

from agent.build import build_agent
from agent.memory_sqlite import SQLiteStore
from agent.resumed import Pasts
from agent.settings import load_settings
from ui.http.allocator import ARENAS, CHOSEN

ROOT = Path(__file__).parents[3]
SEEN = 4
"""Pasts that are remembered here, so that they are full soon."""


def a_round(server: Serving, number: int) -> int:
    """One of everything that clients do; gives how many requests that were."""
    kept: dict[str, Any] = {"heartline": {"conversation_id": f"c{number}"}}
    server.ask("My exam is tomorrow.", extra_body=kept)
    list(server.ask("I can't sleep.", extra_body=kept, stream=True))
    server.ask("Alone.", f"Again, {number}.")
    server.ask("Once.", extra_body=kept, extra_headers={"Idempotency-Key": f"key-{number}"})
    with suppress(httpx2.TimeoutException):  # who leaves
        ask = {"messages": [{"role": "user", "content": "I go."}], "stream": True, **kept}
        server.http.post("/v1/chat/completions", json=ask, timeout=0.001)
    refused = [
        server.post("/v1/chat/completions", b"{"),
        server.http.get(f"/v1/heartline/conversations/no-{number}"),
    ]
    assert [answer.status_code for answer in refused] == [400, 404]
    assert server.http.get(f"/nothing/{number}").status_code == 404
    return 8


def objects() -> Counter[str]:
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


def test_that_turns_leave_nothing_behind_in_memory(store: SQLiteStore):
    few: dict[str, Any] = {"plugins": ["risk"], "max_turns_per_minute": 10_000}
    agent = build_agent(load_settings(store="memory", **few))
    agent.store = store
    with serving(agent, **few) as server:
        service = server.service
        service.pasts = Pasts(most=SEEN)
        for number in range(6):
            a_round(server, number)
        wait_until(lambda: not service.drain.running)
        before = objects()
        requests = sum(a_round(server, number) for number in range(6, 18))
        wait_until(lambda: not service.drain.running)
        wait_until(lambda: not service.order._locks)
        assert not service.order._requests
        assert not service.order._held
        assert not service.admission._queues
        assert len(service.pasts._known) == SEEN
        grown = {name: n - before[name] for name, n in objects().items() if n - before[name] > requests / 4}
    assert grown == {}


def test_that_threads_of_a_server_share_a_few_heaps(tmp_path: Path):
    if sys.platform != "linux":
        pytest.skip("glibc alone has heaps for threads")
    alone = """
import ctypes, sys, threading
from ui.http.allocator import bound_arenas
done = bound_arenas() if sys.argv[2] == "bound" else True
met = threading.Barrier(8)
def work():
    kept = [bytes(2_000) for _ in range(200)]
    met.wait(20)
threads = [threading.Thread(target=work) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
told = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, told)
libc.fclose(told)
print(done)
"""

    def heaps(how: str, **environment: str) -> tuple[int, str]:
        told = tmp_path / f"{how}.xml"
        clean = {name: value for name, value in os.environ.items() if name not in CHOSEN}
        said = subprocess.run(
            [sys.executable, "-c", alone, str(told), how], cwd=ROOT, env={**clean, "PYTHONPATH": str(ROOT), **environment},
            check=True, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return told.read_text().count("<heap "), said.stdout.strip()

    assert heaps("bound")[0] <= ARENAS
    assert heaps("as it is")[0] > ARENAS
    assert heaps("bound", MALLOC_ARENA_MAX="5") == (5, "False")
