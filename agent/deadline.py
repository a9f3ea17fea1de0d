"""The moment by which a turn is to be answered, and how work is kept within it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self, TypeVar

from agent.errors import DeadlineError

__all__ = ["Deadline", "in_time", "pieces_in_time"]

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which nobody waits for an LLM any more.

    Attributes:
        at: On the clock of `time.monotonic()`, so it holds in this process alone.

    Example:
        >>> Deadline.within(5.0).passed
        False
    """

    at: float

    @classmethod
    def within(cls, seconds: float) -> Self:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then; 0 where it has passed."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether there is no more time."""
        return self.left <= 0


async def in_time(deadline: Deadline | None, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What the work gives, if it does so in time. What takes longer is cancelled.

    Args:
        deadline: None waits as long as it takes.
        work: Is not begun where there is no more time.

    Raises:
        DeadlineError: The time is over.
    """
    if deadline is None:
        return await work()
    over = "The time that the turn had (`turn_deadline`, or what its request says) is over."
    if deadline.passed:
        raise DeadlineError(over)
    try:
        async with asyncio.timeout(deadline.left) as limit:
            return await work()
    except TimeoutError:
        if not limit.expired():  # it has a limit of its own, and that is what it says
            raise
        raise DeadlineError(over) from None


async def pieces_in_time(deadline: Deadline | None, pieces: AsyncGenerator[ResultT]) -> AsyncGenerator[ResultT]:
    """The pieces as they come, as long as there is time. The time in which nobody asks for one counts, too.

    Raises:
        DeadlineError: The time is over before the last one.
    """
    async with aclosing(pieces):
        while True:
            try:
                piece = await in_time(deadline, lambda: anext(pieces))
            except StopAsyncIteration:
                return
            yield piece
