"""Servers as real processes on real stores: several on one conversation, killed ones, and databases that go away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from http_serving import NO_TLS, PATIENCE, wait_until

from agent.memory_postgres import PostgresStore
from agent.memory_sql import SQLStore
from agent.memory_sqlite import SQLiteStore
from agent.turn import Turn
from tests.forked import Forked, forked
from tests.postgres import Cluster, a_cluster

ROOT = Path(__file__).parents[3]

SMALL = {
    "HEARTLINE_PLUGINS": "[]",
    "HEARTLINE_TRACKER": "none",
    "HEARTLINE_PLANNER": "none",
    "HEARTLINE_GUARD": "none",
    "HEARTLINE_TURN_ORDER": json.dumps({"lease": 1}),
    "HEARTLINE_MAX_TURNS_PER_MINUTE": "10000",
}
"""A server whose turns are stored like any other's and cost little."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/talks.db"
    return request.getfixturevalue("cluster").schema()


def opened(url: str) -> SQLStore:
    return SQLiteStore(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite") else PostgresStore(url)


@contextmanager
def served(url: str) -> Iterator[tuple[Forked, str]]:
    """A server process and its address."""
    process = forked(
        "from ui.http.serve import app; app()", "--port", "0", cwd=ROOT,
        env={**os.environ, **SMALL, "HEARTLINE_STORE": url}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving at "), line + (process.stderr.read() if process.stderr else "")
        yield process, line.split()[2].removesuffix("/v1")
    finally:
        process.kill()
        process.communicate()


@dataclass
class Client:
    """Sends its messages one after the other; each until it is answered and stored, under one key.

    Attributes:
        name: Begins each of its messages.
        conversation: Which it talks in.
        addresses: Of servers, asked in turn.
        messages: How many.
        answered: Message to id of its turn, as they were acknowledged.
        refused: What it was told meanwhile.
        broken: How often no answer came at all.
    """

    name: str
    conversation: str
    addresses: list[str]
    messages: int
    answered: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[int, str, bool]] = field(default_factory=list)
    broken: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx2.Client(timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
            for number in range(self.messages):
                text = f"{self.name} {number}"
                while text not in self.answered and not self.ended.is_set():
                    self._send(http, text)

    def _send(self, http: httpx2.Client, text: str) -> None:
        headers = {"x-heartline-conversation": self.conversation, "idempotency-key": text.replace(" ", "-")}
        address = self.addresses[-1]
        try:
            body = {"messages": [{"role": "user", "content": text}]}
            answer = http.post(f"{address}/v1/chat/completions", json=body, headers=headers)
        except httpx2.TransportError:
            self.broken += 1
            self.ended.wait(0.05)
            return
        if answer.status_code == 200 and answer.json()["heartline"]["stored"]:
            self.answered[text] = answer.json()["heartline"]["turn_id"]
            return
        code = "not stored" if answer.status_code == 200 else answer.json()["error"]["code"]
        self.refused.append((answer.status_code, code, "retry-after" in answer.headers))
        self.ended.wait(0.05)


@contextmanager
def running(clients: list[Client]) -> Iterator[list[threading.Thread]]:
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for client in clients:
            client.ended.set()
        for thread in threads:
            thread.join(PATIENCE)


def joined(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def check(url: str, clients: list[Client]) -> dict[str, tuple[Turn, ...]]:
    """Every message is there once, and every acknowledged turn under the id that it was given."""
    with closing(opened(url)) as store:
        found = {client.conversation: store.turns(client.conversation) for client in clients}
    for name, turns in found.items():
        theirs = [client for client in clients if client.conversation == name]
        expected = [f"{client.name} {number}" for client in theirs for number in range(client.messages)]
        assert sorted(turn.text for turn in turns) == sorted(expected)
        assert [turn.index for turn in turns] == list(range(len(turns)))
        acknowledged = {text: turn_id for client in theirs for text, turn_id in client.answered.items()}
        assert {turn.text: turn.id for turn in turns} == acknowledged
    return found


def test_that_two_servers_answer_one_conversation_in_order(url: str):
    with ExitStack() as stack:
        addresses = [stack.enter_context(served(url))[1] for _ in range(2)]
        clients = [Client(f"m{n}", "shared", [addresses[n % 2]], 8) for n in range(4)]
        with running(clients) as threads:
            joined(threads)
    turns = check(url, clients)["shared"]
    for turn in turns:
        before = [message.text for message in turn.history if message.role == "seeker"]
        assert before == [each.text for each in turns[max(0, turn.index - 24) : turn.index]]
    assert [client.refused for client in clients] == [[]] * 4


def test_that_a_server_that_is_killed_under_load_loses_nothing_and_doubles_nothing(url: str):
    clients: list[Client] = []
    with ExitStack() as stack:
        process, address = stack.enter_context(served(url))
        clients += [Client(f"m{n}", f"talk-{n % 3}", [address], 12) for n in range(6)]
        threads = stack.enter_context(running(clients))
        wait_until(lambda: sum(len(client.answered) for client in clients) >= 20)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        before = [dict(client.answered) for client in clients]
        _, again = stack.enter_context(served(url))
        for client in clients:
            client.addresses.append(again)
        joined(threads)
    assert sum(len(each) for each in before) < 72
    assert sum(client.broken for client in clients) > 0
    for client, acknowledged in zip(clients, before, strict=True):
        assert acknowledged.items() <= client.answered.items()
    check(url, clients)


def test_that_postgres_may_stop_and_start_under_load(cluster: Cluster):
    url = cluster.schema()
    with ExitStack() as stack:
        process, address = stack.enter_context(served(url))
        clients = [Client(f"m{n}", f"talk-{n % 3}", [address], 12) for n in range(6)]
        threads = stack.enter_context(running(clients))
        wait_until(lambda: sum(len(client.answered) for client in clients) >= 15)
        cluster.control("stop", "-m", "immediate")
        try:
            wait_until(lambda: all(client.refused for client in clients))
            told = httpx2.get(f"{address}/readyz", trust_env=False)
        finally:
            cluster.control("start")
        joined(threads)
        assert process.poll() is None
    assert (told.status_code, told.json()["problem"]) == (503, "store")
    refused = {each for client in clients for each in client.refused}
    assert (503, "store_unavailable", True) in refused
    assert refused <= {
        (503, "store_unavailable", True),
        (409, "request_in_progress", True),
        (409, "conversation_busy", True),
        (200, "not stored", False),
    }
    check(url, clients)
