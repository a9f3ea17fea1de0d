"""Who runs and who waits: a bound on the turns at once, and a queue that no tenant can fill for the others."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import TypeVar

from agent.deadline import Deadline
from agent.server_load import ServerLoad
from ui.http.errors import ApiError

__all__ = ["Admission", "within"]

ResultT = TypeVar("ResultT")

_LONGEST_ADVICE = 60.0  # seconds
_WEIGHT = 0.1  # of the newest turn in the mean of how long turns take


class Admission:
    """Slots for turns, within this process. Belongs to one event loop.

    Whoever finds no free slot waits. A slot that becomes free goes to the tenants in turn, and within a tenant to
    who waited longest: a tenant with one request is served before the second of one with a hundred. What would be
    beyond the bounds of the queue is refused at once.

    Args:
        load: The bounds.
        clock: Seconds that never go back.
        chance: A number in [0, 1).

    Attributes:
        running: Turns that have a slot.
    """

    def __init__(
        self,
        load: ServerLoad,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.running = 0
        self._load, self._clock, self._chance = load, clock, chance
        self._waiting: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}  # the tenant whose turn it is first
        self._seconds = 1.0  # that a turn takes, roughly

    @property
    def waiting(self) -> int:
        """Requests that were let in and do not run yet."""
        return self._waiting.total()

    @asynccontextmanager
    async def turn(
        self,
        tenant: str,
        *,
        after: AbstractAsyncContextManager[object] | None = None,
        deadline: Deadline | None = None,
        urgent: bool = False,
    ) -> AsyncGenerator[None]:
        """A slot, from when there is one.

        Args:
            tenant: Whose turn it is.
            after: Waited for before the slot and kept with it, such as the turns of a conversation that come
                first: a turn that waits for another one holds no slot.
            deadline: Nobody waits longer. Where there is nothing to wait for it does not matter.
            urgent: Speaks of danger. Such turns have as many slots of their own when all others are taken, and
                wait like the others only where those are taken, too.

        Raises:
            ApiError: Too many wait already, or it waited for too long. Nothing was read or stored.
        """
        self._let_in(tenant, urgent=urgent)
        waits = True
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(None if deadline is None else deadline.left):
                        await stack.enter_async_context(after or nullcontext())
                        await self._slot(tenant, urgent=urgent)
                except TimeoutError:
                    raise self._refusal("It waited too long for its turn") from None
                waits = False
                self._no_longer_waits(tenant)
                began = self._clock()
                try:
                    yield
                finally:
                    self._seconds += _WEIGHT * (self._clock() - began - self._seconds)
                    self._free()
        finally:
            if waits:
                self._no_longer_waits(tenant)

    def _let_in(self, tenant: str, *, urgent: bool) -> None:
        full = self.waiting >= self._load.waiting or self._waiting[tenant] >= self._load.waiting_per_tenant
        if full and not (urgent and self.running < 2 * self._load.running):
            raise self._refusal("Too many requests wait already")
        self._waiting[tenant] += 1

    def _no_longer_waits(self, tenant: str) -> None:
        self._waiting[tenant] -= 1
        if self._waiting[tenant] <= 0:
            del self._waiting[tenant]

    async def _slot(self, tenant: str, *, urgent: bool) -> None:
        """Take a slot, or wait for one."""
        if self.running < self._load.running * (2 if urgent else 1):  # then nobody is in the queue
            self.running += 1
            return
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(given)
        try:
            async with asyncio.timeout(self._load.wait):
                await given
        except BaseException:  # too late, or the client left
            if given.done() and not given.cancelled():
                self._free()  # it had just been given to this one
            else:
                self._out_of_line(tenant, given)
            raise

    def _out_of_line(self, tenant: str, given: asyncio.Future[None]) -> None:
        queue = self._queues.get(tenant)
        if queue is not None and given in queue:
            queue.remove(given)
            if not queue:
                del self._queues[tenant]

    def _free(self) -> None:
        """Pass a slot on to the next tenant in turn; keep it free where nobody waits."""
        while self._queues and self.running <= self._load.running:
            tenant = next(iter(self._queues))
            queue = self._queues.pop(tenant)
            given = queue.popleft()
            if queue:
                self._queues[tenant] = queue  # behind the others
            if not given.done():
                given.set_result(None)
                return
        self.running -= 1

    def _refusal(self, why: str) -> ApiError:
        expected = self._seconds * (1 + self.waiting / self._load.running)
        # Spread, so that those who were refused together do not come back together.
        seconds = math.ceil(min(_LONGEST_ADVICE, expected * (1 + self._chance())))
        return ApiError(
            429,
            f"{why}. It was neither read nor stored: send it again in {seconds} s.",
            code="overloaded",
            headers={"Retry-After": str(max(1, seconds))},
        )


async def within(turn: AbstractAsyncContextManager[None], work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What the work gives, done in a slot."""
    async with turn:
        return await work()
