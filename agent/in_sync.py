"""Asynchronous work for callers without an event loop, and for those inside one who cannot await."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["each_of", "result_of"]

ItemT = TypeVar("ItemT")


@dataclass
class _End:
    error: BaseException | None = None


def result_of(work: Callable[[], Coroutine[Any, Any, ItemT]]) -> ItemT:
    """What a coroutine returns. Where the thread runs an event loop already, it runs in another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    (result,) = each_of(lambda: _alone(work))
    return result


async def _alone(work: Callable[[], Coroutine[Any, Any, ItemT]]) -> AsyncGenerator[ItemT]:
    yield await work()


def each_of(items: Callable[[], AsyncGenerator[ItemT]]) -> Iterator[ItemT]:
    """The items of an asynchronous generator as they come, from a thread of its own.

    Closing the iterator cancels the generator and waits until it has let go of what it holds.
    """
    came: SimpleQueue[ItemT | _End] = SimpleQueue()
    runs: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = SimpleQueue()

    async def pump() -> None:
        runs.put((asyncio.get_running_loop(), asyncio.current_task()))
        async with aclosing(items()) as coming:
            async for item in coming:
                came.put(item)

    def run() -> None:
        end = _End()
        try:
            asyncio.run(pump())
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            end.error = error
        finally:
            came.put(end)

    thread = threading.Thread(target=copy_context().run, args=(run,), name="heartline-stream", daemon=True)
    thread.start()
    loop, task = runs.get()
    item: ItemT | _End | None = None
    try:
        while not isinstance(item := came.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        if not isinstance(item, _End):
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)
            while not isinstance(came.get(), _End):
                pass
        thread.join()
