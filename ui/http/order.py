"""Turns of one conversation wait for each other, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

__all__ = ["InOrder"]


class InOrder:
    """One turn at a time for each conversation, within this process.

    Two processes may still answer one conversation at once; the store then numbers the turns in the order in which
    they end, and loses none.
    """

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn_of(self, conversation: str) -> AsyncGenerator[None]:
        """Wait for the turns before, and have those that follow wait."""
        lock, waiting = self._locks.get(conversation, (asyncio.Lock(), 0))
        self._locks[conversation] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[conversation]
            if waiting == 1:
                del self._locks[conversation]
            else:
                self._locks[conversation] = lock, waiting - 1
