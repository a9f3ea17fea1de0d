"""Real LLM servers as tests use them: a process of its own, in an environment of its own, gone at the end."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

__all__ = [
    "LONGEST",
    "READY_WITHIN",
    "Received",
    "Served",
    "eventually",
    "free_port",
    "left_unfinished",
    "serving",
    "vllm_command",
    "vllm_variables",
]

READY_WITHIN = 300.0
"""Seconds until a server must answer. On two busy cores vLLM's imports alone take a minute."""

LONGEST = 6000
"""Tokens of a reply that takes the tiny model half a minute or more: the longest that leaves room for a prompt."""

_WITHIN = 120.0  # while it writes, vLLM has needed ten seconds for an answer to `/metrics`
_LOG_END = 6000

_RENDERED = re.compile(r"Request (\S+) details: prompt: (.*), prompt_token_ids: (\[[\d, ]*\]), prompt_embeds")
_BODY = re.compile(r"Request (\S+) JSON body: (\{.*\})$")


def eventually(holds: Callable[[], bool], *, within: float = _WITHIN, what: str = "it") -> None:
    """Ask again and again, since another process owes us no event."""
    give_up = time.monotonic() + within
    while not holds():
        assert time.monotonic() < give_up, f"{what} was not so within {within:g} s"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@dataclass(frozen=True)
class Received:
    """A request as vLLM's own log has it.

    Attributes:
        body: The JSON that came.
        rendered: The prompt that the chat template made of its messages.
        tokens: And their ids.
    """

    body: dict[str, Any]
    rendered: str
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        root: Its address.
        process: Leads a process group of its own.
        log: What it printed so far.
        model: Folder of what it serves.
    """

    root: str
    process: subprocess.Popen[bytes]
    log: Path
    model: Path

    @property
    def url(self) -> str:
        """What `llm_url` is set to."""
        return f"{self.root}/v1"

    def ready(self, path: str = "/health") -> Self:
        """Itself, once `path` answers 200; shows the end of its log where that never comes."""

        def answers() -> bool:
            assert self.process.poll() is None, f"it ended by itself (status {self.process.returncode})"
            try:
                return httpx2.get(f"{self.root}{path}", timeout=5).status_code == 200
            except httpx2.TransportError:
                return False

        try:
            eventually(answers, within=READY_WITHIN, what="the server's answer")
        except AssertionError as error:
            end = self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_END:]
            raise AssertionError(f"The server did not come up: {error}. The end of its log:\n{end}") from None
        return self

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = httpx2.post(f"{self.root}{path}", json=dict(body), timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metric(self, name: str) -> float:
        """Sum of a metric of vLLM's over its labels, e.g. `"num_requests_running"`."""
        text = httpx2.get(f"{self.root}/metrics", timeout=30).text
        found = re.findall(rf"^vllm:{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        assert found, f"no metric {name!r}"
        return sum(map(float, found))

    def idle(self) -> None:
        """Wait until it has nothing to do."""
        names = ("num_requests_running", "num_requests_waiting")
        eventually(lambda: not any(map(self.metric, names)), what="the server's idleness")

    def received(self) -> list[Received]:
        """Every chat request so far, oldest first. Needs `--enable-log-requests` and a log level of DEBUG."""
        bodies: dict[str, dict[str, Any]] = {}
        out = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if found := _BODY.search(line):
                bodies[found[1]] = json.loads(found[2])
            elif found := _RENDERED.search(line):
                body = bodies.get(found[1].removeprefix("chatcmpl-"))
                if body is not None:
                    out.append(Received(body, ast.literal_eval(found[2]), tuple(json.loads(found[3]))))
        return out

    def kill(self) -> None:
        """End it and all that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


@contextmanager
def left_unfinished(served: Served) -> Iterator[None]:
    """Fail unless vLLM stops a reply of `LONGEST` tokens that is asked of it meanwhile before it is whole."""
    served.idle()
    before = served.metric("generation_tokens_total")
    yield
    served.idle()
    assert served.metric("generation_tokens_total") - before < LONGEST


@contextmanager
def serving(
    command: Sequence[str | Path], *, port: int, model: Path, log: Path, variables: Mapping[str, str]
) -> Iterator[Served]:
    """Start a server, and end it with all that it started. `Served.ready` waits until it answers.

    Args:
        command: Starts it at `port` of the loopback.
        port: Where it will listen.
        model: Folder of what it serves.
        log: File for what it prints.
        variables: Of its environment, beside the usual few.
    """
    usual = {
        name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=log.parent,
            env=usual | {"HOME": str(log.parent), "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"} | dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all that it starts can be ended with it
        )
    # On a core of its own, where a tiny model does not outrun what streams its tokens: on two fast ones vLLM was done
    # with a reply of 6,000 tokens before it sent the first.
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
    served = Served(f"http://127.0.0.1:{port}", process, log, model)
    try:
        yield served
    finally:
        served.kill()


def vllm_command(python: Path, model: Path, *, port: int, adapter: Path | None = None) -> list[str | Path]:
    """What starts vLLM on a CPU for the tiny model."""
    command: list[str | Path] = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", model]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", "8192", "--dtype", "bfloat16", "--enforce-eager", "--enable-log-requests"]
    command += ["--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}']
    if adapter is not None:
        command += ["--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"warm={adapter}"]
    return command


def vllm_variables(*, log_level: str = "DEBUG") -> dict[str, str]:
    """The environment for it."""
    return {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_LOGGING_LEVEL": log_level,
        "TORCHDYNAMO_DISABLE": "1",  # else the first request for log-probabilities compiles for half a minute
    }
