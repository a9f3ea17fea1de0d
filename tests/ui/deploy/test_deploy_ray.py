"""The Ray Serve application on one machine: two replicas of the readers, one of them killed in between."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from postgres import a_cluster

from agent.api_keys import ApiKeys
from agent.build import build_agent
from agent.settings import load_settings
from agent.store_url import open_store
from ui.http.insight import readings_of

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0  # a busy machine takes a minute to start Ray
TEXTS = [
    "I lost my job today.",
    "My cat came home!",
    "I want to kill myself.",
    "Nothing makes sense any more, you know?",
]

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed; `make test-ray` has it"
    ),
]


class Running:
    """The application and means to talk to it."""

    def __init__(self, port: int, store: str, key: str) -> None:
        self.store, self.url = store, f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(
            base_url=self.url, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        )
        self.client = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=60,
            http_client=httpx2.Client(trust_env=False),
        )  # fmt: skip

    def read(self, texts: list[str]) -> list[Any]:
        answer = self.http.post("/v1/heartline/analyze", json={"input": texts, "top": 0})
        assert answer.status_code == 200, answer.text
        return [each["readings"] for each in answer.json()["data"]]

    def replicas(self) -> list[int]:
        """Process ids of the readers of this very application."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                title, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::ServeReplica:heartline:readers") and self.store.encode() in environment:
                found.append(int(folder.name))
        return sorted(found)


@contextmanager
def _started(store: str, key: str, home: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT), "HOME": str(home), "HEARTLINE_STORE": store, "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "ray_process.py"), str(port)],
        cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line == "serving\n"), "")
        assert line, process.stderr.read() if process.stderr else ""
        yield Running(port, store, key)
    finally:
        try:
            process.communicate(input="", timeout=PATIENCE)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with a_cluster() as cluster:
        url = cluster.schema()
        with closing(open_store(load_settings(store=url))) as store:
            keys: ApiKeys = store.api_keys  # type: ignore[attr-defined]
            secret, _ = keys.create("acme")
        # Ray puts sockets in there, whose paths may not be long.
        with _started(url, secret, tmp_path_factory.mktemp("r")) as application:
            yield application


def test_that_readings_from_two_replicas_are_those_of_one_process(running: Running):
    agent = build_agent(load_settings(store="memory"))
    here = [readings_of(turn, top=0).model_dump(mode="json") for turn in agent.read(TEXTS)]
    assert len(running.replicas()) == 2
    for _ in range(4):  # by turns from each replica
        assert running.read(TEXTS) == here


def test_that_a_conversation_is_streamed_and_kept_and_who_has_no_key_is_refused(running: Running):
    extra = {"heartline": {"conversation_id": "a"}}
    asked: Any = [{"role": "user", "content": "My cat ran away on Sunday and I can't sleep."}]
    chunks = list(
        running.client.chat.completions.create(model="heartline", messages=asked, stream=True, extra_body=extra)
    )
    assert chunks[-1].model_extra is not None
    told = chunks[-1].model_extra["heartline"]
    assert told["failures"] == []
    assert told["readings"]["emotion"]["label"] == "sad"
    with closing(open_store(load_settings(store=running.store, tenant="acme"))) as store:
        (turn,) = store.turns("a")
    assert turn.emotion is not None
    assert httpx2.get(f"{running.url}/v1/models", trust_env=False, timeout=60).status_code == 401


def test_that_turns_go_on_while_a_replica_is_killed_and_another_takes_its_place(running: Running):
    first, _ = running.replicas()
    os.kill(first, signal.SIGKILL)
    for number in range(20):
        extra = {"heartline": {"conversation_id": f"k-{number}"}}
        asked: Any = [{"role": "user", "content": f"I lost my job {number} days ago."}]
        answer = running.client.chat.completions.create(model="heartline", messages=asked, extra_body=extra)
        assert answer.model_extra is not None
        assert answer.model_extra["heartline"]["failures"] == []  # asked again, of the other one
    ends = time.monotonic() + PATIENCE
    while len(running.replicas()) < 2:
        assert time.monotonic() < ends, "no other replica came"
        time.sleep(0.2)
    assert first not in running.replicas()
