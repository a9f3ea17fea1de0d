"""How many turns a second, and how long each takes, with so many conversations going on."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from agent.batching import cores
from evals.load.crowd import Heard, crowd
from evals.load.finding import Finding, at_least, at_most, none_of, quantile
from evals.load.process import Process, Seconds
from evals.load.served import served
from evals.load.stores import Kept

__all__ = ["sustained", "used"]

AT_LEAST = 60.0  # turns/s
P99 = 150.0  # ms
PACE = 64.0
"""Messages a second that are sent where the pace is ours: somewhat more than what is aimed at."""


async def sustained(
    kept: Kept, *, conversations: int = 32, seconds: float = 20.0, warm: float = 5.0, pace: float = PACE
) -> list[Finding]:
    """Plain and streamed, each at a pace of ours and as fast as it goes; and what one process alone does.

    At a pace of ours, messages come at uneven times, and how long each takes is counted from when it was due. As
    fast as it goes, each conversation sends its next message when it has the reply: then the rate is what the
    server can do, and times say how many queue.

    Args:
        kept: The server's store.
        conversations: At once.
        seconds: Of each of the five.
        warm: Seconds before each that are not counted.
        pace: Messages a second.
    """
    # In this order: a machine that grows slower meanwhile does not tell the two ways apart.
    ways = [("plain", pace), ("streamed", pace), ("streamed", None), ("plain", None)]
    out: list[Finding] = []
    for workers, of_these, who in ((cores(), ways, ""), (1, ways[-1:], "one process, ")):
        with TemporaryDirectory() as folder:
            async with served(kept, Path(folder), workers=workers) as server:
                for way, rate in of_these:
                    before = server.seconds()
                    heard = await crowd(
                        server.url,
                        conversations=conversations,
                        seconds=seconds,
                        warm=warm,
                        streamed=lambda _, streamed=way == "streamed": streamed,  # type: ignore[misc]
                        rate=rate,
                        name=f"{workers}-{way}-{'paced' if rate else 'full'}",
                    )
                    sent = f"{rate:g} messages/s sent" if rate else "as fast as it goes"
                    name = f"{kept.name}, {who}{way}, {sent}"
                    out += _told(name, heard, paced=rate is not None)
                    out += used(name, server, before)
    return out


def _told(name: str, heard: Heard, *, paced: bool) -> list[Finding]:
    times = heard.answered
    p99 = quantile(times, 0.99)
    return [
        at_least(f"{name}: turns", heard.rate, "turns/s", AT_LEAST),
        Finding(f"{name}: p50", quantile(times, 0.5), "ms"),
        Finding(f"{name}: p95", quantile(times, 0.95), "ms"),
        at_most(f"{name}: p99", p99, "ms", P99) if paced else Finding(f"{name}: p99", p99, "ms"),
        none_of(f"{name}: errors", sum(heard.problems.values())),
        *([] if times else [none_of(f"{name}: answered in the time: no message", 1)]),
    ]


def used(name: str, server: Process, before: Seconds) -> list[Finding]:
    """Cores that were busy since: by the server, by who asks, and by the whole machine."""
    spent = server.seconds().since(before)
    return [
        Finding(f"{name}: cores used by the server", spent.process / spent.passed, "cores"),
        Finding(f"{name}: cores used by who asks", spent.ours / spent.passed, "cores"),
        Finding(f"{name}: cores used by everybody", spent.machine / spent.passed, "cores"),
    ]
