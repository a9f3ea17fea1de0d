"""What a server that runs for months does once a day: erase what was kept long enough."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any

from agent.retention import expire_each, kept_days

__all__ = ["daily", "expire_if_due"]

_log = logging.getLogger("heartline.http")
_HOUR = 3_600.0
_DAY = 23 * _HOUR
"""Less than a day, so that it does not come later every day."""
_CHANCE = SystemRandom()


@asynccontextmanager
async def daily(store: Any, settings: Any, *, first: float = 600.0, every: float = _HOUR) -> AsyncGenerator[None]:
    """Erase once a day what is due, in the background, as long as the server runs.

    Of several servers on one store one does it. Each asks at a time of its own, so that they do not come together.

    Args:
        store: Of the server.
        settings: With `retention`, `retention_days` and `tenant`.
        first: Seconds within which it is asked for the first time whether it is due.
        every: Seconds after which it is asked again, more or less.
    """
    task = asyncio.create_task(_each_day(store, settings, first, every)) if settings.retention.daily else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _each_day(store: Any, settings: Any, first: float, every: float) -> None:
    holder = uuid.uuid4().hex
    await asyncio.sleep(_CHANCE.uniform(0, first))
    while True:
        try:
            await asyncio.to_thread(expire_if_due, store, settings, holder)
        except Exception as error:  # noqa: BLE001 - the next round tries again; an error may quote a person
            _log.warning("old conversations were not erased: %s", type(error).__name__)
        wait = every if hasattr(store, "leases") else _DAY
        await asyncio.sleep(wait * _CHANCE.uniform(0.75, 1.25))


def expire_if_due(store: Any, settings: Any, holder: str) -> bool:
    """Erase what is due, unless that was done within a day. Whether it was done now.

    Args:
        store: Of the server.
        settings: With `retention`, `retention_days` and `tenant`.
        holder: Who does it.

    Raises:
        StoreError: The store cannot be used.
    """
    leases = getattr(store, "leases", None)
    # Not given back: whoever asks within a day, after a restart too, finds it taken.
    if leases is not None and not leases.take("expire daily", holder, seconds=_DAY, in_line=False).got:
        return False
    for done in expire_each(store, kept_days(store, settings), datetime.now(UTC)):
        if done.problem is not None:
            _log.warning("old conversations of a tenant were not erased")
        elif done.conversations:
            _log.info("%d conversations were erased that were not used for %d days", done.conversations, done.days)
    return True
