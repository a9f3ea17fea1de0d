"""`/v1/heartline/…`: what clients of OpenAI's API have no word for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from agent.errors import UnknownConversationError
from agent.feedback import Feedback
from agent.protocols import ConversationStore
from agent.turn import Turn
from ui.http.admission import within
from ui.http.deadlines import asked_seconds, deadline_in
from ui.http.errors import ApiError
from ui.http.insight import insight, readings_of
from ui.http.insight_schemas import HumanActOut
from ui.http.people import acts_of, held_by
from ui.http.profiles import Service
from ui.http.side_schemas import (
    Analysed,
    Analysis,
    AnalyzeRequest,
    ConversationEntry,
    ConversationList,
    ConversationOut,
    ConversationTurn,
    Erased,
    ErasedOne,
    EraseRequest,
    FeedbackOut,
    FeedbackRequest,
    StoredId,
    Trace,
)
from ui.http.stream import unless_gone
from ui.http.tenancy import Tenant, authorised, needs
from ui.trajectories import as_json, newest, stored

__all__ = ["ConversationId", "Kept", "able", "router", "service_of"]

router = APIRouter(prefix="/v1/heartline", tags=["Heartline"])

MayChat = Annotated[Tenant, Depends(needs("chat"))]
READ, ERASE, RATE = ([Depends(needs(each))] for each in ("read", "erase", "feedback"))
ConversationId = Annotated[StoredId, Path(description="Id of a conversation.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="So many turns, the newest of them.")]
Before = Annotated[
    int | None,
    Query(ge=0, le=2**31 - 1, description="Of the turns before this `index`: that of the first one known."),
]


def service_of(request: Request) -> Service:
    """What requests share."""
    service: Service = request.app.state.service
    return service


def _store(request: Request, tenant: Annotated[Tenant, Depends(authorised)]) -> ConversationStore:
    return service_of(request).store_of(tenant)


Served = Annotated[Service, Depends(service_of)]
Kept = Annotated[ConversationStore, Depends(_store)]
"""The conversations of whoever asks, who needs a key for them."""


@router.post("/analyze")
async def analyze(
    body: AnalyzeRequest,
    request: Request,
    service: Served,
    tenant: MayChat,
    seconds: Annotated[float | None, Depends(asked_seconds)] = None,
) -> Analysis:
    """Read messages: no reply, no state, nothing stored. Takes a slot, as a turn does."""
    agent = service.profile(body.model, tenant).agent
    texts = [body.input] if isinstance(body.input, str) else body.input
    turn = service.admission.turn(tenant.name or "", deadline=deadline_in(seconds))
    reading = within(turn, lambda: asyncio.to_thread(agent.read, texts))
    turns = await unless_gone(request.receive, reading) or []  # nobody reads what is told to a client that left
    read = [Analysed(index=n, readings=readings_of(turn, top=body.top)) for n, turn in enumerate(turns)]
    return Analysis(data=read)


@router.get("/conversations", dependencies=READ)
async def conversations(
    store: Kept,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[StoredId | None, Query(description="Id of the last one that is known.")] = None,
) -> ConversationList:
    """List the conversations that are kept, the one last used first."""
    known = await asyncio.to_thread(store.conversations, limit=limit + 1, after=after)
    return ConversationList(
        data=[ConversationEntry(id=name) for name in known[:limit]], has_more=len(known) > limit
    )


@router.get("/conversations/{conversation_id}", dependencies=READ)
async def conversation(
    conversation_id: ConversationId,
    store: Kept,
    limit: Limit = 100,
    before: Before = None,
) -> ConversationOut:
    """What is kept of a conversation: what was said, understood, decided and done. In pages, each read alone."""

    def work() -> ConversationOut:
        turns = store.turns(conversation_id, limit=limit, before=before)
        first = turns[0].index if turns else 0
        acts = [
            act
            for act in acts_of(store, conversation_id)
            if first <= act.turns and (before is None or act.turns < before)
        ]
        shown = {turn.id for turn in turns}
        return ConversationOut(
            id=conversation_id,
            held_by=held_by(store, conversation_id),
            turns=[_turn(turn, acts) for turn in turns],
            total_turns=store.recall(conversation_id, turns=0).turns,
            has_more=first > 0,
            feedback=[
                FeedbackOut(turn_id=each.turn_id, rating=each.rating, reason=each.reason, at=each.at)
                for each in _feedback(store, conversation_id)
                if each.turn_id in shown
            ],
            people=acts,
        )

    return await asyncio.to_thread(work)


@router.get("/conversations/{conversation_id}/trace", dependencies=READ)
async def trace(
    conversation_id: ConversationId,
    store: Kept,
    texts: Annotated[bool, Query(description="Messages and words of causes, too.")] = False,
    limit: Limit = 1000,
    before: Before = None,
) -> Trace:
    """How emotions went over a conversation (docs/trace.md). In pages, each read alone."""

    def work() -> Trace:
        # One more, against which the change in the first one is told.
        turns = store.turns(conversation_id, limit=limit + 1, before=before)
        shown = as_json(newest(stored(conversation_id, turns), limit), texts=texts)
        return Trace.model_validate({**shown, "has_more": len(turns) > limit})

    return await asyncio.to_thread(work)


@router.delete("/conversations/{conversation_id}", dependencies=ERASE)
async def delete(conversation_id: ConversationId, store: Kept) -> Erased:
    """Erase a conversation for good: messages, readings, states, prompts, feedback."""
    turns = await asyncio.to_thread(store.erase, conversation_id)
    return Erased(data=[ErasedOne(id=conversation_id, erased=True, turns=turns)])


@router.post("/erase", dependencies=ERASE)
async def erase(body: EraseRequest, store: Kept) -> Erased:
    """Erase conversations for good. One that is not there is told, and does not keep the others."""
    done: list[ErasedOne] = []
    for name in body.conversation_ids:
        try:
            turns = await asyncio.to_thread(store.erase, name)
            done.append(ErasedOne(id=name, erased=True, turns=turns))
        except UnknownConversationError:
            done.append(ErasedOne(id=name, erased=False, turns=0))
    return Erased(data=done)


@router.post("/feedback", dependencies=RATE, status_code=204, response_class=Response)
async def feedback(body: FeedbackRequest, store: Kept) -> None:
    """Rate a reply that is kept. A second rating of one turn takes the place of the first."""
    rate = able(store, "rate")
    said = Feedback(body.turn_id, body.rating, body.reason)
    await asyncio.to_thread(rate, body.conversation_id, said)


def _turn(turn: Turn, acts: Sequence[HumanActOut]) -> ConversationTurn:
    reply = None if turn.reply is None else turn.reply.text
    people = [act for act in acts if act.turns == turn.index]
    told = insight(turn, stored=True, people=people)
    return ConversationTurn(text=turn.text, reply=reply, at=turn.at, heartline=told)


def _feedback(store: ConversationStore, conversation_id: str) -> tuple[Feedback, ...]:
    said: tuple[Feedback, ...] = store.feedback(conversation_id) if hasattr(store, "feedback") else ()
    return said


def able(store: ConversationStore, what: str) -> Any:
    """A method that not every store has.

    Raises:
        ApiError: This one has not.
    """
    found = getattr(store, what, None)
    if found is None:
        raise ApiError(501, f"The store {store.name!r} cannot do that. `sqlite` can.", code="unsupported_by_store")
    return found
