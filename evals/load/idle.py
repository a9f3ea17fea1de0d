"""A thousand streams that are open and silent: what they cost in memory, and whether others are still answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.load.added import speaking
from evals.load.connection import Connection
from evals.load.crowd import crowd
from evals.load.fake_llm import HOLD
from evals.load.finding import Finding, at_most, none_of, quantile
from evals.load.process import MeasurementError, Process, raise_file_limit
from evals.load.saying import Telling
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["idle"]

AT_MOST = 600.0  # MB
OPENING_SECONDS = 900.0
_AT_ONCE = 16
_SPARE_FILES = 500


async def idle(kept: Kept, *, streams: int = 1000, seconds: float = 10.0, others: int = 4) -> list[Finding]:
    """Memory of the server with so many streams open, whose LLM has said one sentence and is silent.

    Args:
        kept: The server's store.
        streams: That are open at once.
        seconds: That others talk meanwhile.
        others: How many of them.

    Raises:
        MeasurementError: The system does not allow as many open files, or streams do not open in time.
    """
    raise_file_limit(2 * streams + _SPARE_FILES)  # the server has one to the client and one to the LLM
    with TemporaryDirectory() as folder:
        async with speaking(Path(folder)) as llm, served(kept, Path(folder), llm=llm.url) as server:
            empty = await _warm(server)
            open_now, ended = asyncio.Semaphore(0), asyncio.Event()
            gate = asyncio.Semaphore(_AT_ONCE)
            holding = [
                asyncio.create_task(_held(server.url, number, gate, open_now, ended)) for number in range(streams)
            ]
            try:
                await _opened(open_now, streams, ended)
                heard = await crowd(server.url, conversations=others, seconds=seconds, streamed=bool, name="other")
                lost = sum(task.done() for task in holding)
                resident, proportional = server.resident(), server.proportional()
                files, threads = server.files(), server.threads()
            finally:
                for task in holding:
                    task.cancel()
                await asyncio.gather(*holding, return_exceptions=True)
    return [
        at_most(f"{streams:,} streams open: memory, RSS", resident, "MB", AT_MOST),
        at_most(f"{streams:,} streams open: memory, PSS", proportional, "MB", AT_MOST),
        Finding("none open: memory, RSS", empty, "MB"),
        Finding("each stream", (resident - empty) * 1024 / streams, "KB"),
        Finding("open file descriptors of the server", files),
        Finding("threads of the server", threads),
        none_of("streams that did not stay open", lost),
        Finding("others, answered meanwhile", len(heard.answered), "turns"),
        Finding("others: p50, with the fake LLM's time", quantile(heard.answered, 0.5), "ms"),
        none_of("errors of others", sum(heard.problems.values())),
        *([] if heard.answered else [none_of("others: answered in the time: no message", 1)]),
    ]


async def _warm(server: Process) -> float:
    """Megabytes of the server after a few turns: what it loads at the first turn is no stream's."""
    await crowd(server.url, conversations=_AT_ONCE, seconds=3.0, streamed=bool, name="warm")
    return server.resident()


async def _opened(open_now: asyncio.Semaphore, streams: int, ended: asyncio.Event) -> None:
    """Wait until so many are open, or one ended."""

    async def all_of_them() -> None:
        for _ in range(streams):
            await open_now.acquire()

    opening, ending = asyncio.create_task(all_of_them()), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({opening, ending}, timeout=OPENING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            why = "one of them ended" if ended.is_set() else f"not within {OPENING_SECONDS:g} s"
            raise MeasurementError(f"{streams:,} streams could not be opened: {why}.")
    finally:
        opening.cancel()
        ending.cancel()
        await asyncio.gather(opening, ending, return_exceptions=True)


async def _held(
    url: str, number: int, gate: asyncio.Semaphore, open_now: asyncio.Semaphore, ended: asyncio.Event
) -> None:
    """Open a stream, say so once its first words came, and stay until it ends."""
    body: dict[str, Any] = {
        "model": "heartline",
        "stream": True,
        "messages": [{"role": "user", "content": f"It is about {number} things. {HOLD}"}],
        "heartline": {"conversation_id": f"held-{number}"},
    }
    telling = Telling()

    def heard(piece: bytes) -> None:
        silent = telling.first is None
        telling.hear(piece)
        if silent and telling.first is not None:
            open_now.release()
            gate.release()

    await gate.acquire()
    async with Connection(url) as connection:
        try:
            await connection.ask("/v1/chat/completions", body, heard=heard)
        finally:
            ended.set()
            if telling.first is None:
                gate.release()
