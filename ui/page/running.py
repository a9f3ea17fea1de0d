"""Replies that are on their way, so that they can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from agent.events import Event

__all__ = ["Running"]


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
            take longer over an event than the turn takes to the next.

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
            goes_on = True
            while goes_on:
                happened = [await told.get()]
                while not told.empty():
                    happened.append(told.get_nowait())
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
