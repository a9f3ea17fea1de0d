"""Whether memory, open files and threads stay flat over a long run of everything that clients do."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from evals.load.connection import Connection
from evals.load.crowd import TURNS
from evals.load.finding import Finding, at_most, none_of, quantile, slope
from evals.load.process import Process
from evals.load.saying import say
from evals.load.sentences import messages
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["soak"]

MORE_FILES = 8
_WARM = 0.2
"""Share of the run before memory is looked at: caches and pools fill."""

_GROWTH = 1.0  # MB a minute that the upper end of the interval may not exceed
_LEAVES = 0.05
_STATELESS = 0.1
_STREAMED = 0.4


class Look(NamedTuple):
    """At the server: minutes since the beginning, megabytes (RSS), open files, threads."""

    minutes: float
    resident: float
    files: int
    threads: int


async def soak(
    kept: Kept, *, minutes: float = 1.0, conversations: int = 8, rate: float = 20.0, every: float = 1.0
) -> list[Finding]:
    """Memory over time at a steady pace: stored turns, plain and streamed, stateless ones, and clients that leave.

    Args:
        kept: The server's store.
        minutes: For how long, a fifth of it to warm up.
        conversations: At once.
        rate: Messages a second of all together.
        every: Seconds between looks at the server.
    """
    looks: list[Look] = []
    problems: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        async with served(kept, Path(folder)) as server:
            began = time.monotonic()
            watching = asyncio.create_task(_watch(server, began, every, looks))
            try:
                async with asyncio.TaskGroup() as group:
                    talks = [
                        group.create_task(
                            _talk(server.url, who, began + 60 * minutes, conversations / rate, problems)
                        )
                        for who in range(conversations)
                    ]
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            turns = sum(task.result() for task in talks)
            looks.append(_look(server, began))
    return _told(looks, minutes, turns, problems)


def _told(looks: list[Look], minutes: float, turns: int, problems: Counter[str]) -> list[Finding]:
    later = [look for look in looks if look.minutes >= _WARM * minutes]
    growth = slope([look.minutes for look in later], [look.resident for look in later])
    half = len(later) // 2
    # Medians, since a stream that is open just then has a file.
    more = quantile([look.files for look in later[half:]], 0.5) - quantile(
        [look.files for look in later[:half]], 0.5
    )
    return [
        Finding("minutes", minutes, "min"),
        Finding("turns", turns),
        Finding(
            "memory, growth after the warm-up",
            growth.value,
            "MB/min",
            growth.low,
            growth.high,
            aim=f"the interval holds 0 or less, and nothing above {_GROWTH:g}",
            met=growth.low <= 0 and growth.high <= _GROWTH,
        ),
        Finding("memory after the warm-up, RSS", later[0].resident, "MB"),
        Finding("memory at the end, RSS", later[-1].resident, "MB"),
        at_most("open files, later half less earlier half, medians", more, "files", MORE_FILES),
        Finding("threads, most", max(look.threads for look in later)),
        none_of("errors", sum(problems.values())),
    ]


async def _watch(server: Process, began: float, every: float, looks: list[Look]) -> None:
    while True:
        looks.append(_look(server, began))
        await asyncio.sleep(every)


def _look(server: Process, began: float) -> Look:
    return Look((time.monotonic() - began) / 60, server.resident(), server.files(), server.threads())


async def _talk(url: str, who: int, ends: float, pause: float, problems: Counter[str]) -> int:
    """Talk until the end, in one of the ways that clients have; gives how many turns there were."""
    draw, words = random.Random(who), messages(who)
    await asyncio.sleep(draw.random() * pause)
    async with Connection(url) as connection:
        for number in count():
            if time.monotonic() >= ends:
                return number
            started = time.monotonic()
            way = draw.random()
            conversation = None if way < _LEAVES + _STATELESS else f"soak-{who}-{number // TURNS}"
            if way < _LEAVES:
                await _leave(url, next(words), f"soak-{who}-left-{number // TURNS}", draw.uniform(0.0, 0.05))
            else:
                said = await say(connection, next(words), conversation=conversation, streamed=way < _STREAMED)
                problems.update([said.problem] if said.problem else [])
            await asyncio.sleep(started + pause * draw.uniform(0.5, 1.5) - time.monotonic())
    return 0


async def _leave(url: str, text: str, conversation: str, after: float) -> None:
    """Ask, and go before the answer is there."""
    async with Connection(url) as connection:
        asking = asyncio.create_task(say(connection, text, conversation=conversation, streamed=True))
        await asyncio.wait({asking}, timeout=after)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
