"""Many who talk to the server at the same time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from evals.load.connection import Connection
from evals.load.saying import BROKEN, Said, say
from evals.load.sentences import messages

__all__ = ["TURNS", "Heard", "crowd"]

TURNS = 20
"""Of a conversation, before whoever talks begins another one."""

_UNEVEN = 0.5
"""A pause differs from the mean by up to this share of it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a crowd was answered, the warm-up left out.

    Attributes:
        said: Every message.
        late: Milliseconds by which each was sent after it was due, in the same order: what it waited for the
            reply before. Zeros where nothing was due.
        seconds: That it took.
    """

    said: Sequence[Said]
    late: Sequence[float]
    seconds: float

    @property
    def answered(self) -> list[float]:
        """Milliseconds from when a message was due to the end of its answer, of those that were answered well.

        Whoever counted from when it was sent would leave out that nobody could be asked while the server was slow.
        """
        return [
            one.milliseconds + late for one, late in zip(self.said, self.late, strict=True) if one.problem is None
        ]

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.answered) / self.seconds

    @property
    def problems(self) -> Counter[str]:
        """What went wrong, and how often."""
        return Counter(one.problem for one in self.said if one.problem is not None)


async def crowd(
    url: str,
    *,
    conversations: int,
    seconds: float,
    warm: float = 0.0,
    streamed: Callable[[int], bool],
    rate: float | None = None,
    name: str,
    heard: Callable[[str, Said], None] | None = None,
) -> Heard:
    """Have so many talk to the server, each over a connection of their own; whose connection breaks goes.

    Args:
        url: Of the server.
        conversations: That go on at the same time.
        seconds: For how long, after the warm-up; a message that is under way then is waited for.
        warm: Seconds before that, which are not counted.
        streamed: Whether the message of this number comes as a stream.
        rate: Messages a second of all together, at uneven times; None sends each when the one before is answered.
        name: Beginning of the conversations' ids.
        heard: Called with the conversation and what came of each message, those of the warm-up too.
    """
    began = time.monotonic()
    counted, ends = began + warm, began + warm + seconds
    found: list[tuple[Said, float]] = []

    async def talk(who: int) -> None:
        draw, words = random.Random(f"{name}-{who}"), messages(who)
        pause = 0.0 if rate is None else conversations / rate
        due = began + draw.random() * max(pause, 0.1)
        async with Connection(url) as connection:
            for number in count():
                await asyncio.sleep(due - time.monotonic())
                now = time.monotonic()
                if now >= ends:
                    return
                conversation = f"{name}-{who}-{number // TURNS}"
                one = await say(
                    connection,
                    next(words),
                    conversation=conversation,
                    streamed=streamed(who + number * conversations),
                )
                if heard is not None:
                    heard(conversation, one)
                if now >= counted:
                    found.append((one, 0.0 if rate is None else (one.at - due) * 1000))
                if one.problem == BROKEN:
                    return
                due = time.monotonic() if rate is None else due + pause * draw.uniform(1 - _UNEVEN, 1 + _UNEVEN)

    async with asyncio.TaskGroup() as group:
        for who in range(conversations):
            group.create_task(talk(who))
    passed = max(time.monotonic(), ends) - counted
    return Heard([one for one, _ in found], [late for _, late in found], passed)
