"""Killed in the middle of turns and started again: is every acknowledged turn in the store, and once?"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Self

from agent.turn import Turn
from evals.load.connection import Connection
from evals.load.crowd import crowd
from evals.load.finding import Finding, none_of, quantile
from evals.load.process import MeasurementError, Process
from evals.load.saying import BROKEN, Said, say
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["Held", "Told", "crash"]

_ROUND_SECONDS = 60.0
_LATEST = 2.0
_AGAIN = "after-the-last-start"


@dataclass
class Told:
    """What clients know.

    Attributes:
        sent: Conversation to how many messages were sent.
        acknowledged: Conversation to the ids of its turns whose answer came whole.
        unanswered: Messages whose connection broke: they were in the middle.
        problems: Whatever else went wrong.
    """

    sent: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    unanswered: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def hear(self, conversation: str, said: Said) -> None:
        """What came of a message."""
        self.sent[conversation] += 1
        if said.problem is None and said.turn_id is not None:
            self.acknowledged.setdefault(conversation, []).append(said.turn_id)
        elif said.problem == BROKEN:
            self.unanswered += 1
        elif said.problem is not None:
            self.problems[said.problem] += 1

    @property
    def turns(self) -> int:
        """That were acknowledged."""
        return sum(map(len, self.acknowledged.values()))


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds, against what clients know.

    Attributes:
        lost: Acknowledged turns that are not in their conversation.
        twice: Turns beyond one for each message that was sent, and ids that stand for two.
        gaps: Conversations whose turns are not numbered 0, 1, 2, …
        untold: Turns that nobody was told of.
    """

    lost: int
    twice: int
    gaps: int
    untold: int

    @classmethod
    def of(cls, told: Told, stored: Mapping[str, Sequence[Turn]]) -> Self:
        """Compare; `stored` is conversation to its turns, in order."""
        ids = Counter(turn.id for turns in stored.values() for turn in turns)
        lost = untold = 0
        for name in {*told.acknowledged, *stored}:
            known, there = set(told.acknowledged.get(name, ())), {turn.id for turn in stored.get(name, ())}
            lost += len(known - there)
            untold += len(there - known)
        twice = sum(n - 1 for n in ids.values())
        twice += sum(max(0, len(turns) - told.sent[name]) for name, turns in stored.items())
        gaps = sum([turn.index for turn in turns] != list(range(len(turns))) for turns in stored.values())
        return cls(lost, twice, gaps, untold)


async def crash(kept: Kept, *, times: int = 5, conversations: int = 16, seed: int = 13) -> list[Finding]:
    """Kill the server (`kill -9`) under load, so many times, and look at what the store holds in the end.

    After each kill the server is started on the same store, and other conversations go on there. A message that
    was not answered is not sent again.

    Args:
        kept: The server's store.
        times: That it is killed.
        conversations: At once, half of the messages streamed.
        seed: Of the moments.

    Raises:
        MeasurementError: No turn was acknowledged before a kill.
    """
    draw, told, starts = random.Random(seed), Told(), list[float]()
    with TemporaryDirectory() as folder:
        for number in range(times):
            started = monotonic()
            async with served(kept, Path(folder)) as server:
                starts.append((monotonic() - started) * 1000)
                await _killed(server, told, f"crash-{number}", conversations, draw.uniform(0.2, _LATEST))
        # Whatever the last start repairs is repaired, and it still answers.
        async with served(kept, Path(folder)) as server, Connection(server.url) as connection:
            told.hear(_AGAIN, await say(connection, "I am back.", conversation=_AGAIN, streamed=False))
        with closing(kept.open()) as store:
            stored = {name: store.turns(name) for name in store.conversations()}
    held = Held.of(told, stored)
    return [
        Finding(f"{kept.name}: killed", times, "times"),
        Finding(f"{kept.name}: turns acknowledged", told.turns),
        Finding(f"{kept.name}: turns that were in the middle when it was killed", told.unanswered),
        Finding(f"{kept.name}: of these, in the store all the same", held.untold),
        Finding(f"{kept.name}: until it listens again, p50", quantile(starts[1:] or starts, 0.5), "ms"),
        none_of(f"{kept.name}: acknowledged turns that are lost", held.lost),
        none_of(f"{kept.name}: turns that are there twice", held.twice),
        none_of(f"{kept.name}: gaps in the numbers of turns", held.gaps),
        none_of(f"{kept.name}: errors", sum(told.problems.values()) + (_AGAIN not in told.acknowledged)),
    ]


async def _killed(server: Process, told: Told, name: str, conversations: int, after: float) -> None:
    """Have so many talk, and kill the server so many seconds after the first turn was acknowledged."""
    begun = asyncio.Event()

    def hear(conversation: str, said: Said) -> None:
        told.hear(conversation, said)
        begun.set()

    talking = asyncio.create_task(
        crowd(
            server.url,
            conversations=conversations,
            seconds=2 * _ROUND_SECONDS,
            streamed=lambda number: bool(number // conversations % 2),
            name=name,
            heard=hear,
        )
    )
    try:
        async with asyncio.timeout(_ROUND_SECONDS):
            await begun.wait()
            await asyncio.sleep(after)
            await server.kill()
            await talking  # everybody's connection broke
    except TimeoutError:
        raise MeasurementError(f"No turn was acknowledged within {_ROUND_SECONDS:g} s.") from None
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
