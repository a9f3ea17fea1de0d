"""Killed in the middle of turns, and started again on the same store: is every acknowledged turn there, and once?"""

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

from agent.turn import Turn
from evals.load.crowd import crowd
from evals.load.finding import Finding, none_of, quantile
from evals.load.process import MeasurementError
from evals.load.saying import BROKEN, Said
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["Told", "crash", "held_against"]

_ROUND_SECONDS = 60.0
_LATEST = 2.0


@dataclass
class Told:
    """What clients know.

    Attributes:
        acknowledged: Conversation to the ids of its turns whose answer came whole.
        unanswered: Messages whose connection broke: they were in the middle.
        problems: Whatever else went wrong.
    """

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    unanswered: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def hear(self, conversation: str, said: Said) -> None:
        """What came of a message."""
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


async def crash(kept: Kept, *, times: int = 5, conversations: int = 16, seed: int = 13) -> list[Finding]:
    """Kill the server (`kill -9`) under load, so many times, and look at what the store holds in the end.

    After each kill the server is started on the same store, and other conversations go on there. A message that was
    not answered is not sent again.

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
                begun = asyncio.Event()

                def hear(conversation: str, said: Said, begun: asyncio.Event = begun) -> None:
                    told.hear(conversation, said)
                    begun.set()

                talking = asyncio.create_task(_until_killed(server.url, conversations, f"crash-{number}", hear))
                try:
                    async with asyncio.timeout(_ROUND_SECONDS):
                        await begun.wait()
                        await asyncio.sleep(draw.uniform(0.2, _LATEST))
                        await server.kill()
                except TimeoutError:
                    raise MeasurementError(f"No turn was acknowledged within {_ROUND_SECONDS:g} s.") from None
                finally:
                    talking.cancel()
                    await asyncio.gather(talking, return_exceptions=True)
        # Whatever the last start repairs is repaired, and it still answers.
        async with served(kept, Path(folder)) as server:
            again = await crowd(
                server.url, conversations=2, seconds=0.1, turns=1_000_000, name="crash-0", heard=told.hear
            )
        with closing(kept.open()) as store:
            stored = {name: store.turns(name) for name in store.conversations()}
    lost, twice, gaps, more = held_against(told.acknowledged, stored)
    return [
        Finding(f"{kept.name}: killed", times, "times"),
        Finding(f"{kept.name}: turns acknowledged", told.turns),
        Finding(f"{kept.name}: turns that were in the middle when it was killed", told.unanswered),
        Finding(f"{kept.name}: of these, whole in the store all the same", more),
        Finding(f"{kept.name}: until it listens again, p50", quantile(starts[1:] or starts, 0.5), "ms"),
        none_of(f"{kept.name}: acknowledged turns that are lost", lost),
        none_of(f"{kept.name}: turns that are there twice", twice),
        none_of(f"{kept.name}: gaps in the numbers of turns", gaps),
        none_of(f"{kept.name}: errors", sum(told.problems.values()) + (not again.answered)),
    ]


def held_against(
    acknowledged: Mapping[str, Sequence[str]], stored: Mapping[str, Sequence[Turn]]
) -> tuple[int, int, int, int]:
    """What the store holds against what clients know.

    Args:
        acknowledged: Conversation to the ids of its acknowledged turns.
        stored: Conversation to its turns, in order.

    Returns:
        Acknowledged turns that are lost; turns that are there twice, by their id or as the same message at the same
        time in one conversation; conversations whose turns are not numbered 0, 1, 2, …; turns that nobody was told
        of.
    """
    ids = Counter(turn.id for turns in stored.values() for turn in turns)
    lost = sum(
        turn_id not in {turn.id for turn in stored.get(name, ())}
        for name, known in acknowledged.items()
        for turn_id in known
    )
    same = Counter((name, turn.text, turn.at) for name, turns in stored.items() for turn in turns)
    twice = sum(n - 1 for n in ids.values()) + sum(n - 1 for n in same.values())
    gaps = sum([turn.index for turn in turns] != list(range(len(turns))) for turns in stored.values())
    known = {turn_id for turns in acknowledged.values() for turn_id in turns}
    return lost, twice, gaps, sum(turn_id not in known for turn_id in ids)


async def _until_killed(url: str, conversations: int, name: str, hear: object) -> None:
    await crowd(
        url,
        conversations=conversations,
        seconds=_ROUND_SECONDS,
        streamed=lambda number: bool(number % 2),
        name=name,
        heard=hear,  # type: ignore[arg-type]
    )
