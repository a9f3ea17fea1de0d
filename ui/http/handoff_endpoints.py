"""`/v1/heartline/handoff` and what people do in conversations: for a team that has a console of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from agent.errors import InputError
from agent.safety.called import Called
from agent.safety.delivery import QueuedHandoff
from agent.safety.human_acts import checked_words
from agent.safety.takeover import checked_name
from ui.http.errors import ApiError
from ui.http.idempotency import REPLAYED, IdempotencyKey, words_named
from ui.http.people import held_by, news_of
from ui.http.side_endpoints import ConversationId, Kept, able, service_of
from ui.http.side_schemas import (
    CallOut,
    HandoffAnswer,
    HandoffList,
    HandoffOut,
    HandoffRequest,
    PeopleOut,
    StoredId,
)
from ui.http.stream import unless_gone
from ui.http.tenancy import Tenant, needs

__all__ = ["router"]

router = APIRouter(prefix="/v1/heartline", tags=["Heartline"])


@router.post("/handoff")
async def handoff(  # noqa: PLR0917 - the framework names them all
    body: HandoffRequest,
    request: Request,
    response: Response,
    store: Kept,
    tenant: Annotated[Tenant, Depends(needs("handoff"))],
    idempotency_key: Annotated[
        IdempotencyKey | None, Header(description="With `say`: sent again, it is said once.")
    ] = None,
) -> HandoffAnswer:
    """Take a conversation over, say something there or give it back. Whoever writes there is told."""
    by = tenant.named(body.by)
    if body.action != "release" and not by:
        raise ApiError(400, "`by` says who takes it over.", code="invalid_request", param="by")
    if by:
        _checked("by", checked_name, by)
    if body.action == "hold":
        act = partial(able(store, "hold"), by=by, unless_held=body.unless_held)
    elif body.action == "say":
        words = _checked("words", checked_words, body.words or "")
        again = None if idempotency_key is None else words_named(idempotency_key, by, words)
        act = partial(able(store, "say"), words=words, by=by, request=again)
    else:
        act = partial(able(store, "release"), by=by or None)
    done = await asyncio.to_thread(act, body.conversation_id)
    service_of(request).doorbells.ring(tenant.name, body.conversation_id)
    if done is False:  # it was said before
        response.headers.update(REPLAYED)
    holder = await asyncio.to_thread(held_by, store, body.conversation_id)
    return HandoffAnswer(conversation_id=body.conversation_id, held_by=holder)


@router.get("/handoff", dependencies=[Depends(needs("handoff"))])
async def handoffs(
    store: Kept,
    limit: Annotated[int, Query(ge=1, le=1000, description="The newest packets.")] = 100,
    conversation_id: Annotated[StoredId | None, Query(description="Of one conversation alone.")] = None,
) -> HandoffList:
    """List the packets for a person: what became of each, and how its conversation stands."""
    listed = able(store, "handoffs")

    def work() -> HandoffList:
        queued = listed(conversation_id, newest=limit + 1)
        # So many conversations hold the newest packets, and no more.
        calls = _calls(store, conversation_id, most=limit)
        found = [_packet(each, calls.get(each.conversation_id)) for each in queued[-limit:]]
        return HandoffList(has_more=len(queued) > limit, data=found)

    return await asyncio.to_thread(work)


@router.get("/conversations/{conversation_id}/people")
async def people(  # noqa: PLR0917 - the framework names them all
    conversation_id: ConversationId,
    request: Request,
    store: Kept,
    tenant: Annotated[Tenant, Depends(needs("read"))],
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Number of the last one that is known.")] = 0,
    wait: Annotated[
        float, Query(ge=0, le=60, description="Seconds to wait, where there is nothing new, until there is.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="So many, those that follow.")] = 100,
) -> PeopleOut:
    """What people who took a conversation over did and said there. Quick, however long the conversation is."""
    service = service_of(request)
    with service.doorbells.of(tenant.name, conversation_id) as rung:
        waiting = news_of(
            store,
            conversation_id,
            after=after,
            most=limit,
            wait=wait,
            rung=rung,
            stopping=lambda: service.drain.began is not None,
        )
        news = await unless_gone(request.receive, waiting)
    # Nobody reads what is told to a client that left.
    return news or PeopleOut(conversation_id=conversation_id, held_by=None, total_turns=0, data=[], has_more=False)


def _calls(store: Any, conversation_id: str | None, *, most: int) -> dict[str, Called]:
    """How conversations stand that a person was called for, those that one was last called for."""
    if not hasattr(store, "called"):
        return {}
    if conversation_id is None:
        return {call.conversation_id: call for call in store.called(newest=most)}
    call = store.called_in(conversation_id)
    return {} if call is None else {conversation_id: call}


def _packet(queued: QueuedHandoff, call: Called | None) -> HandoffOut:
    packet = HandoffOut.model_validate(queued, from_attributes=True)
    if call is None:
        return packet
    return packet.model_copy(update={"call": CallOut.model_validate(call, from_attributes=True)})


def _checked(field: str, check: Callable[[str], str], given: str) -> str:
    try:
        return check(given)
    except InputError as error:
        raise ApiError(400, str(error), code="invalid_request", param=field) from None
