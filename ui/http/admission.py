"""Who runs and who waits: a bound on the turns at once, and a queue that no tenant can fill for the others."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from random import SystemRandom
from typing import TypeVar

from agent.deadline import Deadline
from agent.server_load import ServerLoad
from ui.http.errors import ApiError

__all__ = ["OVERLOADED", "Admission", "OnRecord", "within"]

ResultT = TypeVar("ResultT")

OVERLOADED = "overloaded"
"""Code of the error that tells of a full queue."""

OnRecord = Callable[[], Awaitable[bool]]
"""Tells whether somebody was in danger before."""

_LONGEST_ADVICE = 60.0  # seconds
_WEIGHT = 0.1  # of the newest turn in the mean of how long turns take
_CHANCE = SystemRandom()


class _Slots:
    """So many turns at once, and so many of one tenant."""

    def __init__(self, most: int, most_of_a_tenant: int) -> None:
        self.most, self._of_a_tenant = most, most_of_a_tenant
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._held.total()

    def held_by(self, tenant: str) -> int:
        return self._held[tenant]

    def open_to(self, tenant: str, *, leaving: int = 0) -> bool:
        bound = self._of_a_tenant if tenant else self.most
        return self.taken + leaving < self.most and self._held[tenant] < bound

    def take(self, tenant: str) -> bool:
        """Whether there was one."""
        if free := self.open_to(tenant):
            self._held[tenant] += 1
        return free

    def give_back(self, tenant: str) -> None:
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]


class Admission:
    """Slots for turns, within this process. Belongs to one event loop.

    Whoever finds no free slot waits. A slot that becomes free goes to the tenant that holds the fewest, of several
    to each in turn, and within a tenant to who waited longest: a tenant with one request is served before the
    second of one with a hundred. No tenant holds all slots, so that one whose LLM hangs keeps nobody else waiting.
    What would be beyond the bounds of the queue is refused at once.

    Args:
        load: The bounds.
        clock: Seconds that never go back.
        chance: A number in [0, 1).
    """

    def __init__(
        self,
        load: ServerLoad,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = _CHANCE.random,
    ) -> None:
        self._load, self._clock, self._chance = load, clock, chance
        self._usual, self._spare = (_Slots(load.running, load.most_of_a_tenant) for _ in range(2))
        self._waiting: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}  # the tenant whose turn it is first
        self._seconds = 1.0  # that a turn takes, roughly

    @property
    def running(self) -> int:
        """Turns that have a slot."""
        return self._usual.taken + self._spare.taken

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
        urgent: bool | OnRecord = False,
    ) -> AsyncGenerator[None]:
        """A slot, from when there is one.

        Args:
            tenant: Whose turn it is; `""` where nobody needs a key, and there are no others to leave a slot to.
            after: Waited for before the slot and kept with it, such as the turns of a conversation that come
                first: a turn that waits for another one holds no slot.
            deadline: Nobody waits longer. Where there is nothing to wait for it does not matter.
            urgent: Speaks of danger. Such turns have as many slots of their own when all others are taken, and
                wait like the others only where those are taken, too. What tells whether danger is on record is
                asked only where no other slot is free. On the record alone a turn gets no more than the first half
                of those slots, so that whoever says it now finds one.

        Raises:
            ApiError: Too many wait already, or it waited for too long. Nothing was read or stored.
            HeartlineError: The record cannot be read.
        """
        await self._let_in(tenant, urgent)
        waits = True
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(None if deadline is None else deadline.left):
                        await stack.enter_async_context(after or nullcontext())
                        slots = await self._slot(tenant, urgent)
                except TimeoutError:
                    raise self._refusal("It waited too long for its turn") from None
                waits = False
                self._no_longer_waits(tenant)
                began = self._clock()
                try:
                    yield
                finally:
                    self._seconds += _WEIGHT * (self._clock() - began - self._seconds)
                    self._free(slots, tenant)
        finally:
            if waits:
                self._no_longer_waits(tenant)

    async def _let_in(self, tenant: str, urgent: bool | OnRecord) -> None:
        full = self.waiting >= self._load.waiting or self._waiting[tenant] >= self._load.waiting_per_tenant
        if full and not await self._is_spared(tenant, urgent):
            raise self._refusal("Too many requests wait already")
        self._waiting[tenant] += 1

    async def _is_spared(self, tenant: str, urgent: bool | OnRecord) -> bool:
        """Whether a turn may have one of the slots for danger."""
        if isinstance(urgent, bool):
            return urgent and self._spare.open_to(tenant)
        return self._spare.open_to(tenant, leaving=self._spare.most // 2) and await urgent()

    def _no_longer_waits(self, tenant: str) -> None:
        self._waiting[tenant] -= 1
        if self._waiting[tenant] <= 0:
            del self._waiting[tenant]

    async def _slot(self, tenant: str, urgent: bool | OnRecord) -> _Slots:
        """Take a slot, or wait for one. Gives those that it is one of."""
        if self._usual.take(tenant):  # then nobody of this tenant is in the queue
            return self._usual
        if await self._is_spared(tenant, urgent) and self._spare.take(tenant):
            return self._spare
        if self._usual.take(tenant):  # it became free while the record was read
            return self._usual
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(given)
        try:
            async with asyncio.timeout(self._load.wait):
                await given
        except BaseException:  # too late, or the client left
            if given.done() and not given.cancelled():
                self._free(self._usual, tenant)  # it had just been given to this one
            else:
                self._out_of_line(tenant, given)
            raise
        return self._usual

    def _out_of_line(self, tenant: str, given: asyncio.Future[None]) -> None:
        queue = self._queues.get(tenant)
        if queue is not None and given in queue:
            queue.remove(given)
            if not queue:
                del self._queues[tenant]

    def _free(self, slots: _Slots, tenant: str) -> None:
        """Pass a slot on; keep it free where nobody waits who may have it."""
        slots.give_back(tenant)
        if slots is not self._usual:
            return
        while able := [each for each in self._queues if self._usual.open_to(each)]:
            following = min(able, key=self._usual.held_by)
            queue = self._queues.pop(following)
            given = queue.popleft()
            if queue:
                self._queues[following] = queue  # behind the others
            if not given.done():
                self._usual.take(following)
                given.set_result(None)

    def _refusal(self, why: str) -> ApiError:
        expected = self._seconds * (1 + self.waiting / self._load.running)
        # Spread, so that those who were refused together do not come back together.
        seconds = math.ceil(min(_LONGEST_ADVICE, expected * (1 + self._chance())))
        return ApiError(
            429,
            f"{why}. It was neither read nor stored: send it again in {seconds} s.",
            code=OVERLOADED,
            headers={"Retry-After": str(max(1, seconds))},
        )


async def within(turn: AbstractAsyncContextManager[None], work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What the work gives, done in a slot."""
    async with turn:
        return await work()
