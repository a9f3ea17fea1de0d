"""A turn that nobody else answers in meanwhile, outside a server: `heartline chat` beside `heartline serve`."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from agent.errors import ConversationBusyError, StoreError
from agent.leases import SECONDS, Leases
from agent.protocols import ConversationStore

__all__ = ["alone_in", "lease_name", "whose"]


def whose(store: ConversationStore, conversation_id: str) -> str:
    """A conversation with its tenant: the same id in two tenants names two of them."""
    return f"{getattr(store, 'tenant', '')}\n{conversation_id}"


def lease_name(conversation: str) -> str:
    """The lease of a conversation (`whose`): a hash, since it may outlive the conversation by some seconds."""
    return hashlib.sha256(conversation.encode()).hexdigest()


@asynccontextmanager
async def alone_in(
    store: ConversationStore, conversation_id: str, *, seconds: float = SECONDS, holder: str | None = None
) -> AsyncGenerator[None]:
    """Hold a conversation for the length of a turn, as servers on the same store do (`ui.http.order`).

    A store without leases is known to this process alone. One that cannot be written now keeps nobody from being
    answered: what is wrong with it is told when the turn is stored.

    Args:
        store: Keeps the conversation.
        conversation_id: Which.
        seconds: How long the lease lasts unless it is renewed; it is, every quarter of that.
        holder: Who holds it, drawn by lot. Whoever keeps the name over turns is not kept out by a lease that could
            not be given back, e.g. on a full disk. None draws one.

    Raises:
        ConversationBusyError: Somebody else answers in it. Nothing was read or stored.
    """
    leases: Leases | None = getattr(store, "leases", None)
    name, holder = lease_name(whose(store, conversation_id)), holder or uuid.uuid4().hex
    if leases is None or not await _taken(leases, name, holder, seconds):
        yield
        return
    renewing = asyncio.create_task(_renewed(leases, name, holder, seconds))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with suppress(StoreError):  # it ends by itself
            await asyncio.to_thread(leases.give_back, name, holder)


async def _taken(leases: Leases, name: str, holder: str, seconds: float) -> bool:
    try:
        taken = await asyncio.to_thread(leases.take, name, holder, seconds=seconds, in_line=False)
    except StoreError:
        return False
    if not taken.got:
        raise ConversationBusyError(
            "A server or another terminal is answering in this conversation. Your message was not taken in. "
            "Send it again in a moment, or begin another conversation."
        )
    return True


async def _renewed(leases: Leases, name: str, holder: str, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 4)
        with suppress(StoreError):  # three more tries before it ends
            await asyncio.to_thread(leases.renew, [name], holder, seconds=seconds)
