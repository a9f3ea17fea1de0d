"""Replies that are on their way, so that they can be stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress

from agent.events import Event, FailureNoted, NoticeGiven, ReplyFinished, Token

__all__ = ["Running"]

_SETTLES = 0.12  # seconds; on two cores the built-in responder begins to answer within them
_TOLD = (Token, NoticeGiven, FailureNoted, ReplyFinished)


class Running:
    """Tasks that answer, by conversation, in this process: it is also the one that has to stop them."""

    def __init__(self) -> None:
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}

    def answers(self, conversation_id: str) -> bool:
        """Whether something answers in a conversation."""
        return conversation_id in self._tasks

    def stop(self, conversation_id: str) -> bool:
        """Stop what answers in a conversation; False where nothing does."""
        tasks = self._tasks.get(conversation_id, set())
        for task in tasks:
            task.cancel()
        return bool(tasks)

    async def followed(
        self, conversation_id: str, events: AsyncGenerator[Event]
    ) -> AsyncGenerator[tuple[Event, ...]]:
        """The events of a turn until it ends or is stopped.

        The turn runs in a task of its own, whoever listens: the agent's time limits belong to the task that began
        them. Stopped, or with nobody listening any more, it is stored with what was said until then.

        Yields:
            Nothing at first: the turn has begun. Then what happened since, all of it at once: whoever listens may
            take longer over an event than the turn takes to the next. What comes before the first words waits for
            them a little: to draw it meanwhile takes a browser 25 ms of the core that reads the message.

        Raises:
            HeartlineError: As `Agent.stream`.
        """
        told: asyncio.Queue[Event | None] = asyncio.Queue()

        async def run() -> None:
            try:
                async for event in events:
                    told.put_nowait(event)
            finally:
                await events.aclose()

        task = asyncio.create_task(run())
        task.add_done_callback(lambda _: told.put_nowait(None))  # also where it was stopped before it began
        self._tasks.setdefault(conversation_id, set()).add(task)
        try:
            yield ()
            begun, goes_on = time.monotonic(), True
            while goes_on:
                happened = await _gathered(told, begun + _SETTLES)
                goes_on = None not in happened
                yield tuple(event for event in happened if event is not None)
            with suppress(asyncio.CancelledError):
                await task
        finally:
            task.cancel()
            with suppress(BaseException):  # was raised above, or nobody is left to hear of it
                await asyncio.wait({task})
            left = self._tasks[conversation_id]
            left.discard(task)
            if not left:
                del self._tasks[conversation_id]


async def _gathered(told: asyncio.Queue[Event | None], until: float) -> list[Event | None]:
    """What happened since, and before `until` (of the monotonic clock) whatever happens up to the first words."""
    happened = [await told.get()]
    while True:
        while not told.empty():
            happened.append(told.get_nowait())
        left = until - time.monotonic()
        if left <= 0 or any(event is None or isinstance(event, _TOLD) for event in happened):
            return happened
        try:
            async with asyncio.timeout(left):
                happened.append(await told.get())
        except TimeoutError:
            return happened
