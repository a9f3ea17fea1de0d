"""`heartline serve --workers`: several real processes at one address, and what becomes of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import NO_TLS, PATIENCE, sockets_of, wait_until
from test_http_serve import QUIET, ROOT, Process, served

from agent.memory_sqlite import SQLiteStore

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="processes are found through /proc (Linux)"
)


def workers_of(pid: int) -> list[int]:
    """The processes that a process started, as far as they still run."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def is_gone(pid: int) -> bool:
    """Whether a process has ended, and was waited for where that is somebody's to do."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


def ask_anew(server: Process, text: str, conversation: str) -> httpx2.Response:
    """A turn over a connection of its own: whichever worker takes it."""
    body = {"messages": [{"role": "user", "content": text}], "heartline": {"conversation_id": conversation}}
    with httpx2.Client(base_url=server.url, timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
        return http.post("/v1/chat/completions", json=body)


def counted(server: Process, series: str) -> float:
    """The sum of a metric, over its labels."""
    with httpx2.Client(base_url=server.url, timeout=PATIENCE, trust_env=False, verify=NO_TLS) as http:
        lines = http.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(series))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    with served("--workers", "2", "--store", str(tmp_path / "c.db"), anew=True) as running:
        yield running


def test_that_workers_share_an_address_their_conversations_and_what_they_count(server: Process):
    texts = [f"My train was late again, {place} times this week." for place in range(2, 8)]
    told = [ask_anew(server, text, "a").json()["heartline"]["index"] for text in texts]
    assert told == [0, 1, 2, 3, 4, 5]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda text: ask_anew(server, text, "b").json()["heartline"]["index"], texts))
    assert sorted(together) == [0, 1, 2, 3, 4, 5]
    for _ in range(4):  # whoever is asked
        assert counted(server, "heartline_turns_total{") == 12
        assert counted(server, "heartline_ready") == 1
    assert counted(server, "heartline_build_info") == 1


def test_that_connections_that_are_kept_are_shared_out_evenly(server: Process):
    workers = workers_of(server.process.pid)
    before = [sockets_of(pid) for pid in workers]
    host, port = server.url.removeprefix("http://").split(":")
    with ExitStack() as kept:
        for _ in range(8):
            kept.enter_context(socket.create_connection((host, int(port)), PATIENCE))
        wait_until(lambda: [sockets_of(pid) for pid in workers] == [number + 4 for number in before])


def test_that_a_worker_that_is_killed_is_replaced_and_no_acknowledged_turn_is_lost(
    server: Process, tmp_path: Path
):
    before = workers_of(server.process.pid)
    assert len(before) == 2
    answers = [ask_anew(server, "The kettle broke this morning.", "a") for _ in range(3)]
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: is_gone(before[0]))  # what was handed to it until then is lost with it
    answers += [ask_anew(server, "And the toaster, too.", "a") for _ in range(3)]  # by the one that is left
    wait_until(
        lambda: len(workers_of(server.process.pid)) == 2 and before[0] not in workers_of(server.process.pid)
    )
    answers += [ask_anew(server, "Now the fridge hums.", "a") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 8
    assert counted(server, "heartline_turns_total{") == 8  # those of the dead one still count
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    assert server.process.stderr is not None
    assert f"Worker {before[0]} ended by signal 9; another one takes its place." in server.process.stderr.read()
    store = SQLiteStore(tmp_path / "c.db")
    assert [turn.index for turn in store.turns("a")] == list(range(8))
    store.close()


def test_that_each_worker_ends_in_peace_after_sigterm(tmp_path: Path):
    with FakeLLMServer(says("I hear you. ", WAIT, "Go on.")) as llm:
        environment = {"HEARTLINE_LLM_CONTEXT": "8192", "HEARTLINE_TWO_STAGE": "inline", **QUIET}
        arguments = ["--llm", llm.url, "--model", "tiny", "--store", str(tmp_path / "c.db"), "--workers", "2"]
        with served(*arguments, anew=True, **environment) as server:
            workers = workers_of(server.process.pid)
            stream = server.ask("Hello there.", stream=True, extra_body={"heartline": {"conversation_id": "a"}})
            pieces = [next(stream), next(stream)]
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: any(map(is_gone, workers)))  # the one that has nothing to do
            assert not all(map(is_gone, workers))
            llm.go_on()
            pieces += list(stream)
            assert server.process.wait(PATIENCE) == 0
            assert all(map(is_gone, workers))
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == "I hear you. Go on."


def test_that_workers_end_with_the_process_that_started_them_and_leave_nothing(tmp_path: Path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with served("--workers", "2", "--store", str(tmp_path / "c.db"), anew=True, TMPDIR=str(folder)) as server:
        workers = workers_of(server.process.pid)
        assert len(list(folder.glob("heartline-metrics-*"))) == 1
        server.process.kill()
        wait_until(lambda: all(map(is_gone, workers)))
    assert list(folder.glob("heartline-metrics-*")) == []


def test_that_each_worker_reads_the_configuration_again(server: Process):
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: counted(server, 'heartline_reloads_total{result="ok"}') == 2)
    assert ask_anew(server, "Hello again.", "a").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ephemeral"], "cannot share the store 'memory'"),
        (["--profile", "nobody"], "No profile is called 'nobody'"),
    ],
)
def test_that_what_keeps_workers_from_starting_is_said_once(arguments: list[str], words: str):
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0", "--workers", "3"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert words in line


def test_that_a_worker_that_does_not_start_again_is_tried_once_more_after_a_wait(tmp_path: Path):
    code = """
import asyncio, os, socket, sys
from ui.http.workers import Workers

def work(link):
    with open("started", "a") as file:
        print(os.getpid(), file=file)
    if len(open("started").readlines()) == 3:
        sys.exit(5)
    async def answer():
        link.listen(lambda connection: connection.close(), asyncio.get_running_loop().stop)
    loop = asyncio.new_event_loop()
    loop.create_task(answer())
    loop.run_forever()

listening = socket.create_server(("127.0.0.1", 0))
sys.exit(Workers(work, 2, listening, died=lambda _: None).run(lambda: print("all listen", flush=True)))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "all listen\n"
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        wait_until(lambda: len((tmp_path / "started").read_text().splitlines()) == 4)
        assert len(workers_of(process.pid)) == 2
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "ended by signal 9" in told
    assert "ended with status 5" in told
