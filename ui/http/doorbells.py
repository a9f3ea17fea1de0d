"""Wakes clients that wait for what people do in a conversation, as soon as it is done in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Doorbells"]


class Doorbells:
    """One for each client that waits. Nothing is kept of conversations that nobody waits for.

    For one event loop. What is done in another process rings none: whoever waits looks at the store as well.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str | None, str], set[asyncio.Event]] = {}

    @contextmanager
    def of(self, tenant: str | None, conversation_id: str) -> Iterator[asyncio.Event]:
        """What is set when somebody rings, for as long as this is entered.

        Args:
            tenant: Whose conversation; None where nobody is told apart.
            conversation_id: Which. There need not be one.
        """
        key, rung = (tenant, conversation_id), asyncio.Event()
        self._waiting.setdefault(key, set()).add(rung)
        try:
            yield rung
        finally:
            self._waiting[key].discard(rung)
            if not self._waiting[key]:
                del self._waiting[key]

    def ring(self, tenant: str | None, conversation_id: str) -> None:
        """Wake all who wait for news of a conversation. Args as for `of`."""
        for rung in self._waiting.get((tenant, conversation_id), ()):
            rung.set()

    def __len__(self) -> int:
        """How many conversations somebody waits for."""
        return len(self._waiting)
