"""Whether a turn costs more in a long conversation than in a short one."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.memory_sql import SQLStore
from agent.turn import Turn
from evals.load.connection import Connection
from evals.load.finding import Finding, none_of, quantile, ratio
from evals.load.saying import say
from evals.load.sentences import messages
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["length"]

AT_MOST = 1.1
"""Times as long: what a tenth is lost in, nobody notices."""

_HISTORY = 24
_AGAIN = 5
"""Turns that are measured in one short conversation, before another one is taken: it should stay short."""


async def length(kept: Kept, *, runs: int = 200, short: int = 20, late: int = 2000) -> list[Finding]:
    """Milliseconds of a turn over HTTP after so many turns and after few, measured in turns, one at a time.

    The conversations are begun over HTTP; then copies of their turns, with all that is kept of each, are put into
    the store until they are as long as they should be.

    Args:
        kept: The server's store.
        runs: Pairs that are measured, from 2, after a tenth as many to warm up.
        short: Turns of the short ones.
        late: Turns of the long one; the setting `max_turns` stays as it ships, so less than that.
    """
    warm = max(runs // 10, 1)
    names = [f"short-{number}" for number in range(-(-(runs + warm) // _AGAIN))]
    words = messages(2)
    took: dict[int, list[float]] = {short: [], late: []}
    problems = 0
    with TemporaryDirectory() as folder:
        async with served(kept, Path(folder)) as server, Connection(server.url) as connection:
            for text in islice(words, short):
                said = await say(connection, text, conversation="pattern", streamed=False)
                problems += said.problem is not None
            with closing(kept.open()) as store:
                pattern = store.turns("pattern")
                for name in names:
                    await _fill(store, name, pattern, short)
                await _fill(store, "long", pattern, late)
            for number in range(runs + warm):
                text = next(words)
                for turns, name in ((short, names[number // _AGAIN]), (late, "long")):
                    said = await say(connection, text, conversation=name, streamed=False)
                    problems += said.problem is not None or said.told["index"] < turns
                    if number >= warm:
                        took[turns].append(said.milliseconds)
    times = ratio(took[late], took[short])
    return [
        Finding(f"{kept.name}: a turn after {short} turns, p50", quantile(took[short], 0.5), "ms"),
        Finding(f"{kept.name}: a turn after {late:,} turns, p50", quantile(took[late], 0.5), "ms"),
        Finding(
            f"{kept.name}: ratio of these",
            times.value,
            "times",
            times.low,
            times.high,
            aim=f"at most {AT_MOST:g}, the whole interval",
            met=times.high <= AT_MOST,
        ),
        none_of(f"{kept.name}: errors", problems),
    ]


async def _fill(store: SQLStore, name: str, pattern: tuple[Turn, ...], turns: int) -> None:
    """Make a conversation of so many turns out of copies of others."""
    for number in range(turns):
        known = store.recall(name, turns=_HISTORY)
        copied = replace(
            pattern[number % len(pattern)],
            id=uuid.uuid4().hex,
            conversation_id=name,
            index=known.turns,
            history=known.messages,
        )
        store.append(known.before(copied))
        await asyncio.sleep(0)  # so that it can be ended here
