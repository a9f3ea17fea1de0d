"""Processes of ours that are forked from one that has done their imports, which are nearly all that a start costs.

    process = forked("from ui.cli import main; main()", "analyze", "Hello.", cwd=home, env=os.environ)
    out, err = process.communicate()

Each is a process of its own: with its pid, its signals, working folder, variables and standard streams, and with the
end that Python gives it. What it lacks is a start of its own: tests of what is imported when, and of the entry points,
begin one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

__all__ = ["Forked", "forked"]

ROOT = Path(__file__).parents[1]
_NUMBER = struct.Struct("q")

# Nothing that depends on variables when it is imported, and nothing that starts threads.
_IMPORTED = (
    "fastapi", "openai", "prometheus_client", "rich.console", "tokenizers", "typer", "uvicorn",
    "agent.build", "agent.memory_sqlite", "prompts.composer", "prompts.offline.responder", "sem_plugins.risk.plugin",
    "sem_plugins.tracker.filter", "strategies.rules", "ui.http.app", "ui.http.connections", "ui.http.serve",
)  # fmt: skip


class Forked:
    """A process: what tests use of `subprocess.Popen`, with pipes or files as its streams."""

    def __init__(self, pid: int, ended: int, streams: list[IO[Any] | None]) -> None:
        self.pid, self.returncode = pid, None
        self.returncode: int | None
        self.stdin, self.stdout, self.stderr = streams
        self._ended = ended

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self._note()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has one.

        Raises:
            subprocess.TimeoutExpired: It still runs after so many seconds.
        """
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            self._note()
        assert self.returncode is not None
        return self.returncode

    def _note(self) -> None:
        self.returncode = _number(self._ended)
        os.close(self._ended)

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Write its input, read both outputs to their ends, and wait for its own.

        Raises:
            subprocess.TimeoutExpired: As `wait`.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        found: list[Any] = [None, None]

        def read(place: int, stream: IO[Any]) -> None:
            with stream:
                found[place] = stream.read()

        def write(stream: IO[Any]) -> None:
            with suppress(BrokenPipeError), stream:  # it may not want to hear it
                stream.write(given)

        threads = [
            threading.Thread(target=read, args=(place, stream), daemon=True)
            for place, stream in enumerate((self.stdout, self.stderr))
            if stream is not None and not stream.closed
        ]
        if self.stdin is not None and not self.stdin.closed:
            if given is None:
                self.stdin.close()
            else:
                threads.append(threading.Thread(target=write, args=(self.stdin,), daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        self.wait(None if ends is None else max(0.0, ends - time.monotonic()))
        for thread in threads:
            thread.join()
        return found[0], found[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is not None:
                with suppress(BrokenPipeError):  # what it had not read
                    stream.close()
        self.wait()


def forked(
    code: str,
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    stdin: int | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    text: bool = False,
    session: bool = False,
) -> Forked:
    """Run Python code as `python -c` does.

    Args:
        code: The code.
        *arguments: In `sys.argv`.
        cwd: Its working folder.
        env: All its variables.
        stdin: `subprocess.PIPE`, `subprocess.DEVNULL`, a file or its number; None is nothing.
        stdout: The same; None is ours.
        stderr: The same; None is ours.
        text: Pipes give and take text.
        session: It leads a session of its own.
    """
    ours: list[IO[Any] | None] = []
    theirs: list[int] = []
    opened: list[int] = []
    for number, given in enumerate((stdin, stdout, stderr)):
        ours.append(None)
        if given == subprocess.PIPE:
            reads, writes = os.pipe()
            mode, mine, other = ("w", writes, reads) if number == 0 else ("r", reads, writes)
            ours[-1] = os.fdopen(mine, mode) if text else os.fdopen(mine, mode + "b")
            theirs.append(other)
            opened.append(other)
        elif given == subprocess.DEVNULL or (given is None and number == 0):
            theirs.append(os.open(os.devnull, os.O_RDWR))
            opened.append(theirs[-1])
        else:
            theirs.append(number if given is None else given if isinstance(given, int) else given.fileno())
    ended, ends = os.pipe()
    opened.append(ends)
    order = {
        "code": code,
        "argv": ["-c", *map(str, arguments)],
        "cwd": str(cwd),
        "env": dict(env),
        "session": session,
    }
    try:
        _parent().send(json.dumps(order).encode(), [*theirs, ends])
    finally:
        for each in opened:
            os.close(each)
    return Forked(_number(ended), ended, ours)


def _number(pipe: int) -> int:
    told = os.read(pipe, _NUMBER.size)
    assert told, "what forks processes has ended; its standard error says why"
    (number,) = _NUMBER.unpack(told)
    return int(number)


class _Parent:
    """The process from which they are forked."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        bare = {name: value for name, value in os.environ.items() if not name.startswith("HEARTLINE_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from tests.forked import next_code; exec(next_code(), {'__name__': '__main__'})"],
                cwd=ROOT, env={**bare, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
                stdin=theirs, start_new_session=True,
            )  # fmt: skip

    def send(self, order: bytes, streams: list[int]) -> None:
        with self._lock:
            socket.send_fds(self._orders, [order], streams)

    def close(self) -> None:
        """Let it go; those that it forked go on."""
        self._orders.close()
        self._process.wait()


@cache
def _parent() -> _Parent:
    made = _Parent()
    atexit.register(made.close)
    return made


def next_code() -> str:
    """In the process from which others are forked: returns in each of these, with the code that it is to run."""
    _prepare()
    orders = socket.socket(fileno=os.dup(0))
    rings, rung = os.pipe()
    os.set_blocking(rung, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it is written into the pipe
    signal.set_wakeup_fd(rung)
    alive: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([orders, rings], [], [])
        if rings in ready:
            os.read(rings, 4096)
            _note_ends(alive)
        if orders not in ready:
            continue
        order, streams, _, _ = socket.recv_fds(orders, 1 << 20, 4)
        if not order:
            os._exit(0)
        *three, ends = streams
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
            for each in (rings, rung, ends, *alive.values()):
                os.close(each)
            return _become(json.loads(order), three)
        for stream in three:
            os.close(stream)
        os.write(ends, _NUMBER.pack(child))
        alive[child] = ends


def _prepare() -> None:
    """Do what every start does, and what is done once for all that are forked."""
    for name in _IMPORTED:
        importlib.import_module(name)
    from agent.loop import Agent
    from agent.memory import InMemoryStore
    from agent.parts import warm
    from agent.readings import RiskReading
    from agent.registry import make
    from agent.settings import load_settings
    from agent.testing import FixedPlugin
    from sem_plugins.encoder import load_onnxruntime
    from sem_plugins.language import readability
    from sem_plugins.risk.rules import read_rules
    from sem_plugins.undertone import plugin as undertone

    # Patterns and tables are read once. What needs a session of ONNX Runtime is left out: none outlives a fork.
    load_onnxruntime()
    read_rules("Good morning.")
    undertone._cues()
    readability("Good morning.")
    calm = FixedPlugin("risk", RiskReading("none"))
    parts = {"tracker": "filter", "planner": "rules", "guard": "protocol", "generator": "offline"}
    settings = load_settings()
    made = {kind: make(f"{kind}s", name, settings) for kind, name in parts.items()}  # type: ignore[arg-type]
    warm(Agent(plugins=[calm], store=InMemoryStore(), **made))
    for thread in threading.enumerate():  # those that wait a second for more (`agent.threads`)
        if thread is not threading.current_thread():
            thread.join(60)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def _note_ends(alive: dict[int, int]) -> None:
    """Tell of each that has ended how it did."""
    with suppress(ChildProcessError):  # there are no others
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            ends = alive.pop(child)
            with suppress(BrokenPipeError):  # nobody asks any more
                os.write(ends, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(ends)


def _become(order: dict[str, Any], streams: list[int]) -> str:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
    if order["session"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    time.tzset()
    sys.stdin = sys.__stdin__ = _stream(0, sys.stdin)
    sys.stdout = sys.__stdout__ = _stream(1, sys.stdout)
    sys.stderr = sys.__stderr__ = _stream(2, sys.stderr)
    code: str = order["code"]
    return code


def _stream(number: int, before: Any) -> Any:
    """A standard stream as Python opens it, which asks whether it is a terminal."""
    return open(number, before.mode, 1 if number == 2 else -1, before.encoding, before.errors, closefd=False)
