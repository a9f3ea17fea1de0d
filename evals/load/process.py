"""Processes that are measured: started, looked at through `/proc` (Linux), and ended whatever happens."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.errors import HeartlineError

__all__ = ["MeasurementError", "Process", "Seconds", "busy_cores", "raise_file_limit", "running"]

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
"""Weights are loaded before the server listens; on a machine that is busy that takes a while."""

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


class MeasurementError(HeartlineError):
    """Something could not be measured."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Processor time that was used, and the time that passed, in seconds.

    Attributes:
        passed: On the clock.
        process: By the process that is measured, with those that it started.
        ours: By whoever measures.
        machine: By everybody on the machine.
    """

    passed: float
    process: float
    ours: float
    machine: float

    def since(self, before: Seconds) -> Seconds:
        """What came to it after `before`."""
        return Seconds(
            self.passed - before.passed,
            self.process - before.process,
            self.ours - before.ours,
            self.machine - before.machine,
        )


class Process:
    """A process that says where it listens. What it uses is counted with that of the workers that it started.

    Args:
        process: As it was started.
        url: Where it listens, without a path.
        log: What it writes to stderr.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self._process, self.url, self._log = process, url, log

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def log(self) -> str:
        """What it wrote to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self.alive:
            self._process.kill()
        await self._process.wait()

    def resident(self) -> float:
        """Megabytes of memory that it holds, shared ones counted in full (RSS)."""
        return self._kib("status", "VmRSS:") / _KIB

    def proportional(self) -> float:
        """Megabytes of memory that it holds, each shared page divided among those who share it (PSS)."""
        return self._kib("smaps_rollup", "Pss:") / _KIB

    def files(self) -> int:
        """Open file descriptors."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self._family())  # noqa: PTH208 - names alone

    def threads(self) -> int:
        """Threads."""
        return self._kib("status", "Threads:")

    def seconds(self) -> Seconds:
        """Processor time up to now."""
        stats = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8") for pid in self._family()]
        used = sum(int(each) for stat in stats for each in stat.rpartition(")")[2].split()[11:13]) / _TICKS
        return Seconds(time.monotonic(), used, time.process_time(), _busy())

    def _family(self) -> list[int]:
        """Itself and its workers, which start no others."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        return [pid, *map(int, children.split())]

    def _kib(self, file: str, name: str) -> int:
        told = [Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8") for pid in self._family()]
        return sum(int(each.partition(name)[2].split()[0]) for each in told)


@asynccontextmanager
async def running(
    command: Sequence[str], *, says: str, folder: Path, environment: Mapping[str, str]
) -> AsyncGenerator[Process]:
    """Start a Python process, wait until it says where it listens, and kill it in the end.

    Args:
        command: Arguments of Python.
        says: How the line begins that names its address.
        folder: It runs there, away from settings of whoever measures, and its log stays there.
        environment: Added to ours, from which every setting of Heartline is taken out.

    Raises:
        MeasurementError: It ended, or took longer than `START_SECONDS`.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEARTLINE_")}
    log = folder / f"{time.monotonic_ns()}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=folder,
            env={**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
    try:
        started = Process(process, await _address(process, says, log), log)
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process, says: str, log: Path) -> str:
    if process.stdout is None:
        raise MeasurementError("A process was started without its output.")
    try:
        async with asyncio.timeout(START_SECONDS):
            while line := (await process.stdout.readline()).decode():
                if line.startswith(says):
                    return line.removeprefix(says).split()[0].removesuffix("/v1")
    except TimeoutError:
        raise MeasurementError(f"It did not listen within {START_SECONDS:g} s. Is the machine too busy?") from None
    last = _last_words(log)
    raise MeasurementError(f"It ended before it listened: {last or 'without a word'}")


def busy_cores() -> float:
    """Cores that are busy while we do nothing for a second: what others use."""
    before, started = _busy(), time.monotonic()
    time.sleep(1.0)
    return (_busy() - before) / (time.monotonic() - started)


def _busy() -> float:
    """Seconds of all cores that were neither idle nor waiting for a disk."""
    spent = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()[1:9]
    return sum(int(each) for place, each in enumerate(spent) if place not in {3, 4}) / _TICKS


def _last_words(log: Path) -> str:
    return " ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:])


def raise_file_limit(needed: int) -> None:
    """Let this process, and those that it starts from now on, open so many files.

    Raises:
        MeasurementError: The system does not allow as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise MeasurementError(f"{needed:,} open files are needed, and `ulimit -Hn` is {hard:,}. Raise it.")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
