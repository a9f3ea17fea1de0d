"""Turns of conversations that are kept: one after the other, and each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from agent.holding import whose
from agent.repeats import RepeatStore
from agent.turn import Turn
from ui.http.idempotency import Keyed, detached, whole_answer
from ui.http.order import in_progress

if TYPE_CHECKING:
    from ui.http.profiles import Service
    from ui.http.turns import Asked

__all__ = ["answer_of", "in_order"]

EventT = TypeVar("EventT")


class Slot(Protocol):
    """Waits for what comes first, then for a slot (`ui.http.admission.Admission.turn`)."""

    def __call__(self, *, after: AbstractAsyncContextManager[None]) -> AbstractAsyncContextManager[None]: ...


async def answer_of(asked: Asked) -> Turn | None:
    """The turn that a request led to when it came before; None where it is to be answered.

    Raises:
        ApiError, StoreError: As `whole_answer`.
    """
    if asked.request is None or asked.conversation_id is None:
        return None
    store = cast("RepeatStore", asked.store)
    known = partial(whole_answer, store, asked.conversation_id, asked.request, begins=asked.begins)
    return await asyncio.to_thread(known)


async def in_order(
    spoken: Callable[[object], AsyncGenerator[EventT]], asked: Asked, service: Service, *, slot: Slot
) -> AsyncGenerator[EventT]:
    """The events of a turn that is stored, once those before it are.

    Args:
        spoken: Those events, with what keeps the turn.
        asked: With a conversation.
        service: Knows which turns run.
        slot: Of the server, given once the turns before are over.

    Raises:
        ApiError: The turns before took too long, too many wait, or the same request is being answered.
        HeartlineError: As `Agent.stream`.
    """
    events = _in_order(spoken, asked, service, slot)
    if asked.request is not None:
        events = detached(events, service.drain.running)
    async with aclosing(events):
        async for event in events:
            yield event


async def _in_order(
    spoken: Callable[[object], AsyncGenerator[EventT]], asked: Asked, service: Service, slot: Slot
) -> AsyncGenerator[EventT]:
    conversation = whose(asked.store, str(asked.conversation_id))
    if asked.request is None:
        async with slot(after=service.order.turn_of(conversation)), aclosing(spoken(asked.store)) as events:
            async for event in events:
                yield event
        return
    store = Keyed(cast("RepeatStore", asked.store), asked.request)
    before = service.order.turn_of(conversation, request=asked.request.key)
    async with slot(after=before), aclosing(spoken(store)) as events:
        if await answer_of(asked) is not None:  # by another process, since we looked
            raise in_progress()
        async for event in events:
            yield event
