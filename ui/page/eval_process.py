"""`heartline eval` in processes of its own: what it answers, and what it says while it runs.

The page knows nothing of evaluations but what this command says and writes (docs/evaluation.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from typing import get_args

from agent.settings import Settings
from ui.page.run_state import EvaluationError, Kind, Problem

__all__ = ["EvalCommand", "problem_of"]

_COMMAND = (sys.executable, "-P", "-m", "ui.cli", "eval")
"""`-P`: a folder `ui` where the page was started must not be taken for ours."""

_LONGEST = 300.0  # seconds that an answer may take
_GRACE = 5.0  # seconds that a process has to end before it is made to
_LINE = 1_000_000  # bytes
_ERROR = "Error: "
_REFUSED = 2  # the exit status of errors that the command tells of


class EvalCommand:
    """Starts processes, and ends them with all that they started.

    Args:
        settings: Of the page: data folder, weights and LLM hold for its processes too.
        command: What is called.
    """

    def __init__(self, settings: Settings, command: Sequence[str] = _COMMAND) -> None:
        self._settings, self._command = settings, tuple(command)
        self._alive: set[Process] = set()
        self._asking = asyncio.Lock()

    async def answer(self, *arguments: str) -> str:
        """What the command prints. One at a time: each takes seconds of a core.

        Raises:
            EvaluationError: It failed; with what it says of that.
        """
        async with self._asking:
            process = await self.start(*arguments, stdout=PIPE)
            try:
                async with asyncio.timeout(_LONGEST):
                    out, said = await process.communicate()
            except TimeoutError as error:
                took = f"`heartline eval {arguments[0]}` took longer than {_LONGEST:g} s."
                raise EvaluationError(Problem("slow", took)) from error
            finally:
                await self.end(process)
        if process.returncode:
            lines = said.decode(errors="replace").splitlines()
            raise EvaluationError(problem_of(lines, process.returncode))
        return out.decode()

    async def start(self, *arguments: str, stdout: int = DEVNULL) -> Process:
        """Begin; the caller ends it.

        Raises:
            OSError: It cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=DEVNULL,
            stdout=stdout,
            stderr=PIPE,
            limit=_LINE,
            env=self._environment(),
            start_new_session=True,  # a group of its own, so that what it starts ends with it
        )
        self._alive.add(process)
        return process

    async def said(self, process: Process) -> AsyncIterator[str]:
        """The lines that a process writes on standard error, to its end."""
        stream = process.stderr
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:  # longer than `_LINE`: it is passed over
                continue
            if not line:
                return
            yield line.decode(errors="replace").strip()

    async def end(self, process: Process) -> int:
        """End a process and what it started, kindly first; its exit status."""
        if process.returncode is None:
            _tell(process, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
        _tell(process, signal.SIGKILL)
        self._alive.discard(process)
        return await process.wait()

    async def aclose(self) -> None:
        """End all that are left."""
        for process in tuple(self._alive):
            await self.end(process)

    def _environment(self) -> dict[str, str]:
        """With the settings that the page was started with; everybody on a machine can read arguments."""
        settings = self._settings
        given: dict[str, object] = {"LLM_URL": settings.llm_url, "LLM_MODEL": settings.llm_model}
        given |= {"DATA": settings.data, "WEIGHTS": settings.weights}
        return os.environ | {f"HEARTLINE_{name}": str(value) for name, value in given.items() if value is not None}


def problem_of(said: Collection[str], code: int) -> Problem:
    """Why a command failed.

    Args:
        said: Lines that it wrote on standard error.
        code: Its exit status; below 0 the signal that ended it.
    """
    words = " ".join(line.removeprefix(_ERROR) for line in said if line.startswith(_ERROR))
    if code < 0:
        return Problem("killed", signal.strsignal(-code) or "")
    if code == _REFUSED and words:
        return Problem(next(filter(None, map(_named, said)), "other"), words)
    return Problem("crashed", words or ([line for line in said if line.strip()] or [f"exit status {code}"])[-1])


def _named(line: str) -> Kind | None:
    """The kind that a line names; None where it is another line."""
    try:
        kind = json.loads(line)["error"]
    except (ValueError, TypeError, LookupError):
        return None
    return kind if kind in get_args(Kind) else None


def _tell(process: Process, how: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing of its group is left
        os.killpg(process.pid, how)
