"""Turns of one conversation wait for each other, in this process and in all that share its store."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import SystemRandom

from agent.errors import StoreError
from agent.holding import lease_name
from agent.leases import SECONDS, Leases, Taken
from ui.http.errors import ApiError

__all__ = ["InOrder", "in_progress"]

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.25
"""Seconds until a lease of somebody else is asked for again. Of a process, one asks for each conversation."""
_CHANCE = SystemRandom()


class InOrder:
    """One turn at a time for each conversation.

    Within this process turns are answered in the order in which they came. Over several processes on one store a
    lease (`agent.leases`) keeps them apart: each sees those before it, and processes that wait take turns.

    Args:
        leases: Of the store; None where it has none: then this process alone is looked at.
        wait: Seconds to wait for the turns before.
        seconds: After which the turn of a process that died is over.
        clock: Seconds that never go back.
        sleep: Waits before a lease of somebody else is asked for again.
    """

    def __init__(
        self,
        leases: Leases | None = None,
        *,
        wait: float = 60.0,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._leases, self._wait, self._seconds = leases, wait, seconds
        self._clock, self._sleep = clock, sleep
        self._holder = uuid.uuid4().hex
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._requests: set[tuple[str, str]] = set()
        self._held: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn_of(self, conversation: str, *, request: str | None = None) -> AsyncGenerator[None]:
        """Wait for the turns before, and have those that follow wait.

        Args:
            conversation: With its tenant (`agent.holding.whose`).
            request: Key of a request that may come twice; it has one turn at a time.

        Raises:
            ApiError: The turns before took too long, or this request is being answered already.
            StoreError: The lease cannot be taken.
        """
        if request is not None and (conversation, request) in self._requests:
            raise in_progress()
        if request is not None:
            self._requests.add((conversation, request))
        lock, waiting = self._locks.get(conversation, (asyncio.Lock(), 0))
        self._locks[conversation] = lock, waiting + 1
        try:
            async with self._leased(lock, conversation, request):
                yield
        finally:
            if request is not None:
                self._requests.discard((conversation, request))
            lock, waiting = self._locks[conversation]
            if waiting == 1:
                del self._locks[conversation]
            else:
                self._locks[conversation] = lock, waiting - 1

    @asynccontextmanager
    async def _leased(self, lock: asyncio.Lock, conversation: str, request: str | None) -> AsyncGenerator[None]:
        ends = self._clock() + self._wait
        try:
            async with asyncio.timeout(self._wait):
                await lock.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            if self._leases is None:
                yield
                return
            name = lease_name(conversation)
            await self._take(self._leases, name, request, ends)
            try:
                yield
            finally:
                self._held.discard(name)
                with suppress(StoreError):  # it ends by itself
                    await asyncio.to_thread(self._leases.give_back, name, self._holder)
        finally:
            lock.release()

    async def _take(self, leases: Leases, name: str, request: str | None, ends: float) -> None:
        wait = _FIRST_WAIT
        while not (taken := await self._asked(leases, name, request)).got:
            if request is not None and taken.request == request:
                raise in_progress()
            if self._clock() + wait > ends:
                raise _busy()
            await self._sleep(wait * _CHANCE.uniform(0.75, 1.25))
            wait = min(_LONGEST_WAIT, wait * 1.5)
        self._held.add(name)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(leases))

    async def _asked(self, leases: Leases, name: str, request: str | None) -> Taken:
        return await asyncio.to_thread(leases.take, name, self._holder, seconds=self._seconds, request=request)

    async def _renew(self, leases: Leases) -> None:
        """All that is held, in one statement, for as long as something is."""
        while self._held:
            await asyncio.sleep(self._seconds / 4)
            with suppress(StoreError):  # three more tries before they end
                await asyncio.to_thread(leases.renew, tuple(self._held), self._holder, seconds=self._seconds)

    async def aclose(self) -> None:
        """Renew nothing any more."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)


def in_progress() -> ApiError:
    """For a request that comes again while the first one is being answered."""
    return ApiError(
        409,
        "A request with this `Idempotency-Key` is being answered. Send it again in a moment to get its reply.",
        code="request_in_progress",
        headers={"Retry-After": "1"},
    )


def _busy() -> ApiError:
    return ApiError(
        409,
        "Earlier messages of this conversation are still being answered. It was not taken in: send it again.",
        code="conversation_busy",
        headers={"Retry-After": "5"},
    )
