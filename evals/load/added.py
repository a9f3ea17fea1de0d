"""What Heartline adds to an LLM: the same messages, to the same LLM, asked directly and through the server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from agent.batching import cores
from evals.load.connection import Connection
from evals.load.fake_llm import FIRST_SECONDS, TOKEN_SECONDS
from evals.load.finding import Finding, none_of
from evals.load.process import MeasurementError, Process, running
from evals.load.saying import Telling, say
from evals.load.sentences import messages
from evals.load.served import served
from evals.load.stores import Kept
from evals.load.sustained import used
from sem_plugins.training.intervals import bootstrap

__all__ = ["added", "speaking"]

AT_MOST = 20.0  # ms at p50

_REPLY = 0.75
"""Seconds that a reply takes, about: who all begin at once would go on queueing for each other, as nobody does."""

_FAKE = ("-m", "evals.load.fake_llm")
_MODEL = "tiny"
_PROTOCOL, _ERROR = "protocol", "error"


class Times(NamedTuple):
    """Milliseconds of one reply.

    Attributes:
        first: Until the first words are seen.
        came: Until the first token reached the server, without what it held back until a sentence was whole.
        sentence: Until the first sentence is seen.
        whole: Until the end.
    """

    first: float
    came: float
    sentence: float
    whole: float


def speaking(folder: Path) -> AbstractAsyncContextManager[Process]:
    """The fake LLM as a process, as `running` gives it."""
    return running(_FAKE, says="Speaking at ", folder=folder, environment={})


async def added(kept: Kept, *, conversations: int = 16, turns: int = 6, blocks: int = 4) -> list[Finding]:
    """Milliseconds that are added, at the median, over pairs of the same message.

    So many ask at the same time, without a pause, their first messages spread over the time of a reply. Everybody
    asks directly for a block of messages and then through the server, in the next block the other way round, and
    so on; the first block warms up and is not counted.

    Args:
        kept: The server's store.
        conversations: At once.
        turns: Of each conversation in a block.
        blocks: That are counted, from 1.

    Raises:
        MeasurementError: No message was answered both ways.
    """
    pairs: list[tuple[int, Times, Times]] = []
    left_out: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        async with (
            speaking(Path(folder)) as llm,
            served(kept, Path(folder), llm=llm.url, workers=cores()) as server,
        ):
            before = server.seconds()
            for block in range(blocks + 1):
                found: dict[bool, list[list[Times | str]]] = {}
                for through in ((False, True), (True, False))[block % 2]:
                    url = server.url if through else llm.url
                    found[through] = await asyncio.gather(
                        *(
                            _asked(url, who, block, turns, through=through, after=who / conversations * _REPLY)
                            for who in range(conversations)
                        )
                    )
                if block == 0:
                    continue
                for who in range(conversations):
                    for ours, direct in zip(found[True][who], found[False][who], strict=True):
                        if isinstance(ours, Times) and isinstance(direct, Times):
                            pairs.append((who, ours, direct))
                        else:
                            left_out.update(each for each in (ours, direct) if isinstance(each, str))
            busy = used("meanwhile", server, before)
    if not pairs:
        raise MeasurementError("No message was answered both ways.")
    alone = [pair[2] for pair in pairs]
    return [
        _median("added until the first token came", pairs, "came", "first", aim=True),
        _median("added until the first sentence was seen", pairs, "sentence", "sentence", aim=True),
        _median("added until the end", pairs, "whole", "whole", aim=True),
        _median("first sentence seen, after the first token asked directly", pairs, "first", "first", aim=False),
        Finding("asked directly: first token, p50", float(np.median([one.first for one in alone])), "ms"),
        Finding("asked directly: whole, p50", float(np.median([one.whole for one in alone])), "ms"),
        Finding("the fake LLM: before the first token", FIRST_SECONDS * 1000, "ms"),
        Finding("the fake LLM: between tokens", TOKEN_SECONDS * 1000, "ms"),
        Finding("pairs", len(pairs)),
        Finding("left out, since the protocol answered and no LLM", left_out[_PROTOCOL]),
        none_of("errors", left_out[_ERROR]),
        *busy,
    ]  # fmt: skip


def _median(name: str, pairs: Sequence[tuple[int, Times, Times]], ours: str, alone: str, *, aim: bool) -> Finding:
    """The median difference, with an interval over conversations."""
    differences = np.array([getattr(mine, ours) - getattr(other, alone) for _, mine, other in pairs])
    found = bootstrap(np.median, np.array([who for who, _, _ in pairs]), differences)
    told = f"at most {AT_MOST:g} ms" if aim else ""
    met = found.value <= AT_MOST if aim else None
    return Finding(f"{name}, p50", found.value, "ms", found.low, found.high, told, met)


async def _asked(url: str, who: int, block: int, turns: int, *, through: bool, after: float) -> list[Times | str]:
    """Times of one conversation's block, begun after so many seconds; for what the LLM did not answer, why."""
    out: list[Times | str] = []
    await asyncio.sleep(after)
    async with Connection(url) as connection:
        for text in islice(messages(1000 * block + who), turns):
            ask = _through(connection, text, f"added-{who}-{block}") if through else _directly(connection, text)
            out.append(await ask)
    return out


async def _through(connection: Connection, text: str, conversation: str) -> Times | str:
    said = await say(connection, text, conversation=conversation, streamed=True)
    speaker = said.told["reply"]["speaker"] if said.problem is None else None
    if speaker != _MODEL:  # with an error, or the built-in responder stood in
        return _PROTOCOL if speaker == "protocol" else _ERROR
    held = said.told["timings"].get("hold", 0.0)
    return Times(said.first, said.first - held, said.sentence, said.milliseconds)


async def _directly(connection: Connection, text: str) -> Times | str:
    telling = Telling()
    body = {"model": _MODEL, "stream": True, "messages": [{"role": "user", "content": text}]}
    try:
        answer = await connection.ask("/v1/chat/completions", body, heard=telling.hear)
    except (OSError, asyncio.IncompleteReadError):
        return _ERROR
    if not telling.done or telling.first is None or telling.sentence is None:
        return _ERROR
    return Times(telling.first, telling.first, telling.sentence, answer.milliseconds)
