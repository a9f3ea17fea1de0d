"""Heartline's faces as tests use them: a process in a pipe, one in a terminal, a chat in this process."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console

import ui
from agent.build import build_agent
from agent.loop import Agent
from agent.memory_sqlite import SQLiteStore
from agent.settings import load_settings
from agent.turn import Turn
from tests.forked import Forked, forked
from ui.chat import Chat

__all__ = ["PATIENCE", "Finished", "Talk", "Terminal", "heartline", "kept", "start"]

ROOT = Path(ui.__file__).parents[1]

PATIENCE = 120.0
"""Seconds before a process that does not answer fails the test; a busy machine is slow, not wrong."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Z]|[=>78])")


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


def environment(home: Path, **changes: str) -> dict[str, str]:
    """The variables of whoever runs the tests, without settings, with another home."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("HEARTLINE_", "XDG_"))}
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
        ours.pop(name, None)
    return ours | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm"} | changes


def kept(store: Path) -> dict[str, tuple[Turn, ...]]:
    """Every conversation in a file (or in the store of a home), the one last used first."""
    opened = SQLiteStore(next(store.rglob("conversations.db")) if store.is_dir() else store)
    try:
        return {conversation: opened.turns(conversation) for conversation in opened.conversations()}
    finally:
        opened.close()


def start(
    *arguments: str | Path, home: Path, before: str = "", anew: bool = False, **variables: str
) -> Forked | subprocess.Popen[bytes]:
    """Start it in that home, with pipes.

    Args:
        *arguments: Its arguments.
        home: Home and working folder.
        before: Python that runs first, in the same process.
        anew: As a person starts it, with all its imports; else it is forked (`tests.forked`).
        **variables: Of the environment.
    """
    code = f"{before}\nfrom ui.cli import main; main()"
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    own = environment(home, **variables)
    if not anew:
        return forked(code, *arguments, cwd=home, env=own, **streams)
    entry = ["-c", code] if before else ["-m", "ui.cli"]
    return subprocess.Popen([sys.executable, *entry, *map(str, arguments)], cwd=home, env=own, **streams)


def heartline(
    *arguments: str | Path,
    home: Path,
    typed: str | bytes = "",
    before: str = "",
    anew: bool = False,
    **variables: str,
) -> Finished:
    """Run it to its end, with `typed` as standard input. Other arguments as for `start`."""
    given = typed.encode() if isinstance(typed, str) else typed
    with start(*arguments, home=home, before=before, anew=anew, **variables) as process:
        try:
            out, err = process.communicate(given, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Finished(process.returncode, out.decode(), err.decode())


class Terminal:
    """`heartline` in a pseudo-terminal, with somebody who types.

    Args:
        *arguments: Its arguments.
        home: Home and working folder.
        columns: Width of the window.
        **variables: Of the environment.

    Attributes:
        raw: Everything shown so far, escapes and all.
    """

    def __init__(self, *arguments: str | Path, home: Path, columns: int = 80, **variables: str) -> None:
        import termios

        # Interrupts reach the foreground of a terminal that is the process's own.
        code = (
            "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
            # A shell's background jobs are started deaf to them, and would hand that down.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from ui.cli import main; main()"
        )
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        self._process = forked(
            code,
            *arguments,
            cwd=home,
            env=environment(home, PROMPT_TOOLKIT_NO_CPR="1", **variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            session=True,
        )
        os.close(theirs)
        self.raw = b""
        self._read = 0  # characters of `seen` that `expect` has passed

    @property
    def seen(self) -> str:
        """What stands on the screen and above it, roughly: escapes are taken out, not obeyed."""
        return _ESCAPE.sub("", self.raw.decode(errors="ignore")).replace("\r", "")

    def expect(self, text: str) -> str:
        """Wait until `text` is shown; returns what came since the last time, up to it."""
        give_up = time.monotonic() + PATIENCE
        while (found := self.seen.find(text, self._read)) < 0:
            if not self._more(give_up - time.monotonic()):
                raise AssertionError(f"{text!r} never came after:\n{self.seen[self._read :]}")
        found += len(text)
        passed = self.seen[self._read : found]
        self._read = found
        return passed

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Wait for its end; returns the exit status."""
        give_up = time.monotonic() + PATIENCE
        while self._more(give_up - time.monotonic()):
            pass
        return self._process.wait(PATIENCE)

    def _more(self, within: float) -> bool:
        readable, _, _ = select.select([self._ours], [], [], max(0.0, within))
        try:
            data = os.read(self._ours, 65536) if readable else b""
        except OSError:  # Linux says so where the other side is closed
            data = b""
        self.raw += data
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


class Talk:
    """A chat in this process: its lines are given, its parts can be chosen.

    Args:
        home: Folder for a store, where one is asked for.
        *lines: What is typed; then the input ends.
        width: Of the window.
        agent: Answers; None builds one from the settings.
        **settings: The store is in memory where they do not say otherwise.
    """

    def __init__(
        self, home: Path, *lines: str, width: int = 80, agent: Agent | None = None, **settings: Any
    ) -> None:
        chosen = load_settings(**({"store": "memory", "store_path": home / "talks.db"} | settings))
        self._lines = iter(lines)
        self._screen = io.StringIO()
        console = Console(file=self._screen, width=width, highlight=False)
        self.chat = Chat(agent or build_agent(chosen), chosen, console=console, read_line=self._read_line)

    def _read_line(self) -> str:
        for line in self._lines:
            return line
        raise EOFError

    def run(self, conversation: str | None = None) -> str:
        """Talk to the end; returns everything that was shown."""
        self.chat.run(conversation)
        return self._screen.getvalue()
