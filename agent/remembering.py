"""Stores a finished turn, also where the store is away for a moment."""

from __future__ import annotations

import asyncio

from agent.errors import StoreUnavailableError
from agent.perception import failure_of
from agent.protocols import ConversationStore
from agent.turn import Turn

__all__ = ["remembered"]

_AGAIN_AFTER = (0.3, 1.2)
"""Seconds between tries: a database that is started anew is back by then. What was stored is not stored twice."""


async def remembered(store: ConversationStore, turn: Turn) -> Turn:
    """The turn as stored. Where that fails the person still has the reply, and `failures` tells."""
    waits = list(_AGAIN_AFTER)
    while True:
        try:
            return await asyncio.to_thread(store.append, turn)
        except Exception as error:  # noqa: BLE001 - a stranger's store must not take the reply away
            if not waits or not isinstance(error, StoreUnavailableError):
                return turn.note(failure_of("remember", store.name, error))
        await asyncio.sleep(waits.pop(0))
