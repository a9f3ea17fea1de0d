"""Whether memory, open files and threads stay flat over a long run of everything that clients do, and what a turn
takes on the disk.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from agent.pasts import REMEMBERED
from evals.load.connection import Connection
from evals.load.crowd import TURNS
from evals.load.finding import Finding, at_most, none_of, quantile, slope
from evals.load.process import Process
from evals.load.saying import say
from evals.load.sentences import messages
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["FLAT", "MOST", "Look", "soak", "told"]

MORE_FILES = 8
FLAT = 0.3
"""MB in 1,000 turns that the interval reaches down to: a gigabyte after three million turns."""

MOST = 1.0
"""MB in 1,000 turns that the upper end of the interval may not exceed."""

_LATER = 0.5
"""Share of the run before memory is looked at: caches, pools and the allocator's heaps fill."""

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_TURNS, _THOUSANDS = 1_000, 1_000
_KB = 1_024
_LEAVES = 0.05
_STATELESS = 0.1
_STREAMED = 0.4
_OTHERS = 1_000_000
"""Seed of messages that are not said again in the run."""


class Look(NamedTuple):
    """At the server: minutes since the beginning, turns until then, megabytes (RSS), open files, threads."""

    minutes: float
    turns: int
    resident: float
    files: int
    threads: int


async def soak(
    kept: Kept,
    *,
    minutes: float = 1.0,
    conversations: int = 8,
    rate: float = 20.0,
    every: float = 1.0,
    before: int = REMEMBERED,
) -> list[Finding]:
    """Memory over turns at a steady pace: stored ones, plain and streamed, stateless ones, and clients that leave.

    It is flat where the slope over the later half of the run cannot be told from one that means nothing, and is
    small at most: its 95% interval holds `FLAT` or less, and nothing above `MOST`.

    Args:
        kept: The server's store.
        minutes: For how long, the first half of it to warm up.
        conversations: At once.
        rate: Messages a second of all together.
        every: Seconds between looks at the server.
        before: Stateless turns before the run, as fast as they go. The server remembers where so many of them
            stand: as one turn of ten they would fill that after 20,000 turns, and memory would grow until then.
    """
    looks: list[Look] = []
    went = _Went()
    with TemporaryDirectory() as folder:
        async with served(kept, Path(folder)) as server:
            async with asyncio.TaskGroup() as group:
                for who in range(conversations):
                    group.create_task(_pass_by(server.url, who, before // conversations, went))
            began, size = time.monotonic(), kept.size()
            watching = asyncio.create_task(_watch(server, began, every, went, looks))
            try:
                async with asyncio.TaskGroup() as group:
                    for who in range(conversations):
                        group.create_task(_talk(server.url, who, began + 60 * minutes, conversations / rate, went))
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            looks.append(_look(server, began, went))
    with closing(kept.open()) as store:
        stored = sum(month.get("turns", 0) for month in store.counts().values())
    return told(looks, minutes, went.problems, bytes_a_turn=(kept.size() - size) / max(stored, 1))


@dataclass(slots=True)
class _Went:
    """How it goes: turns so far, and what went wrong how often."""

    turns: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def told(looks: list[Look], minutes: float, problems: Counter[str], *, bytes_a_turn: float) -> list[Finding]:
    """What was seen, as findings.

    Args:
        looks: At the server, in order, at least two of them in the later half.
        minutes: Of the run.
        problems: Of answers.
        bytes_a_turn: That the store grew by, for each turn in it.
    """
    later = [look for look in looks if look.minutes >= _LATER * minutes]
    growth = slope([look.turns / _TURNS for look in later], [look.resident for look in later])
    half = len(later) // 2
    # Medians, since a stream that is open just then has a file.
    more = quantile([look.files for look in later[half:]], 0.5) - quantile(
        [look.files for look in later[:half]], 0.5
    )
    turns = looks[-1].turns
    return [
        Finding("minutes", minutes, "min"),
        Finding("turns", turns),
        Finding(
            "memory, growth over the later half, per 1,000 turns",
            growth.value,
            "MB",
            growth.low,
            growth.high,
            aim=f"flat: the interval holds {FLAT:g} or less, and nothing above {MOST:g}",
            met=growth.low <= FLAT and growth.high <= MOST,
        ),
        Finding(
            "the same, as it would be after a million turns",
            growth.value * _THOUSANDS,
            "MB",
            growth.low * _THOUSANDS,
            growth.high * _THOUSANDS,
        ),
        *(
            Finding(f"memory after {share:.0%} of the turns, RSS", _after(looks, share * turns).resident, "MB")
            for share in _SHARES
        ),
        at_most("open files, third quarter to last, medians", more, "files", MORE_FILES),
        Finding("threads, most", max(look.threads for look in later)),
        Finding("the store grows by, for each turn in it", bytes_a_turn / _KB, "KB"),
        none_of("errors", sum(problems.values())),
    ]


def _after(looks: list[Look], turns: float) -> Look:
    return next(look for look in looks if look.turns >= turns)


async def _watch(server: Process, began: float, every: float, went: _Went, looks: list[Look]) -> None:
    while True:
        looks.append(_look(server, began, went))
        await asyncio.sleep(every)


def _look(server: Process, began: float, went: _Went) -> Look:
    minutes = (time.monotonic() - began) / 60
    return Look(minutes, went.turns, server.resident(), server.files(), server.threads())


async def _talk(url: str, who: int, ends: float, pause: float, went: _Went) -> None:
    """Talk until the end, in one of the ways that clients have."""
    draw, words = random.Random(who), messages(who)
    await asyncio.sleep(draw.random() * pause)
    async with Connection(url) as connection:
        for number in count():
            if time.monotonic() >= ends:
                return
            started = time.monotonic()
            way = draw.random()
            conversation = None if way < _LEAVES + _STATELESS else f"soak-{who}-{number // TURNS}"
            if way < _LEAVES:
                await _leave(url, next(words), f"soak-{who}-left-{number // TURNS}", draw.uniform(0.0, 0.05))
            else:
                said = await say(connection, next(words), conversation=conversation, streamed=way < _STREAMED)
                went.problems.update([said.problem] if said.problem else [])
            went.turns += 1
            await asyncio.sleep(started + pause * draw.uniform(0.5, 1.5) - time.monotonic())


async def _pass_by(url: str, who: int, times: int, went: _Went) -> None:
    """Say so much that belongs to no conversation."""
    words = messages(_OTHERS + who)
    async with Connection(url) as connection:
        for _ in range(times):
            said = await say(connection, next(words), conversation=None, streamed=False)
            went.problems.update([said.problem] if said.problem else [])


async def _leave(url: str, text: str, conversation: str, after: float) -> None:
    """Ask, and go before the answer is there."""
    async with Connection(url) as connection:
        asking = asyncio.create_task(say(connection, text, conversation=conversation, streamed=True))
        await asyncio.wait({asking}, timeout=after)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
