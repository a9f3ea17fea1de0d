"""`/v1/heartline/…`: what clients of OpenAI's API have no word for."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from agent.errors import UnknownConversationError
from agent.feedback import Feedback
from agent.protocols import ConversationStore
from agent.safety.human_acts import HumanAct
from agent.turn import Turn
from ui.http.admission import within
from ui.http.deadlines import asked_seconds, deadline_in
from ui.http.errors import ApiError
from ui.http.insight import insight, readings_of
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
    HandoffAnswer,
    HandoffList,
    HandoffOut,
    HandoffRequest,
    HumanActOut,
    StoredId,
    Trace,
)
from ui.http.stream import unless_gone
from ui.http.tenancy import Tenant, authorised, needs
from ui.trajectories import as_json, stored

__all__ = ["router"]

router = APIRouter(prefix="/v1/heartline", tags=["Heartline"])

MayChat = Annotated[Tenant, Depends(needs("chat"))]
READ, ERASE, RATE, TAKE_OVER = ([Depends(needs(each))] for each in ("read", "erase", "feedback", "handoff"))
ConversationId = Annotated[StoredId, Path(description="Id of a conversation.")]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _store(request: Request, tenant: Annotated[Tenant, Depends(authorised)]) -> ConversationStore:
    return _service(request).store_of(tenant)


Served = Annotated[Service, Depends(_service)]
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
    known = await asyncio.to_thread(store.conversations)
    if after is not None and after not in known:
        raise UnknownConversationError("after")
    start = 0 if after is None else known.index(after) + 1
    shown = known[start : start + limit]
    return ConversationList(
        data=[ConversationEntry(id=name) for name in shown], has_more=start + limit < len(known)
    )


@router.get("/conversations/{conversation_id}", dependencies=READ)
async def conversation(
    conversation_id: ConversationId,
    store: Kept,
    limit: Annotated[int, Query(ge=1, le=1000, description="The newest turns.")] = 100,
) -> ConversationOut:
    """What is kept of a conversation: what was said, understood, decided and done."""
    turns = await asyncio.to_thread(store.turns, conversation_id)
    said = await asyncio.to_thread(_feedback, store, conversation_id)
    held_by = await asyncio.to_thread(_held_by, store, conversation_id)
    acts = await asyncio.to_thread(_human_acts, store, conversation_id)
    return ConversationOut(
        id=conversation_id,
        held_by=held_by,
        turns=[_turn(turn) for turn in turns[-limit:]],
        total_turns=len(turns),
        feedback=[
            FeedbackOut(turn_id=each.turn_id, rating=each.rating, reason=each.reason, at=each.at) for each in said
        ],
        people=[HumanActOut(by=act.by, did=act.did, turns=act.turns, words=act.words, at=act.at) for act in acts],
    )


@router.get("/conversations/{conversation_id}/trace", dependencies=READ)
async def trace(
    conversation_id: ConversationId,
    store: Kept,
    texts: Annotated[bool, Query(description="Messages and words of causes, too.")] = False,
) -> Trace:
    """How emotions went over a conversation (docs/trace.md)."""
    turns = await asyncio.to_thread(store.turns, conversation_id)
    return Trace.model_validate(as_json(stored(conversation_id, turns), texts=texts))


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
    rate = _able(store, "rate")
    said = Feedback(body.turn_id, body.rating, body.reason)
    await asyncio.to_thread(rate, body.conversation_id, said)


@router.post("/handoff")
async def handoff(
    body: HandoffRequest, store: Kept, tenant: Annotated[Tenant, Depends(needs("handoff"))]
) -> HandoffAnswer:
    """Take a conversation over or give it back (docs/handoff.md). Whoever writes there is told."""
    by = tenant.named(body.by)
    if body.action == "hold":
        if not by:
            raise ApiError(400, "`by` says who takes it over.", code="invalid_request", param="by")
        act = partial(_able(store, "hold"), by=by, unless_held=body.unless_held)
    else:
        act = partial(_able(store, "release"), by=by or None)
    await asyncio.to_thread(act, body.conversation_id)
    held_by = await asyncio.to_thread(_held_by, store, body.conversation_id)
    return HandoffAnswer(conversation_id=body.conversation_id, held_by=held_by)


@router.get("/handoff", dependencies=TAKE_OVER)
async def handoffs(
    store: Kept,
    limit: Annotated[int, Query(ge=1, le=1000, description="The newest packets.")] = 100,
    conversation_id: Annotated[StoredId | None, Query(description="Of one conversation alone.")] = None,
) -> HandoffList:
    """List the packets for a person: what became of each."""
    queued = await asyncio.to_thread(_able(store, "handoffs"), conversation_id, newest=limit + 1)
    return HandoffList(
        has_more=len(queued) > limit,
        data=[
            HandoffOut(
                id=each.id,
                conversation_id=each.conversation_id,
                created=each.created,
                reason=each.reason,
                consent=each.consent,
                state=each.state,
                attempts=each.attempts,
                problem=each.problem,
            )
            for each in queued[-limit:]
        ],
    )


def _turn(turn: Turn) -> ConversationTurn:
    reply = None if turn.reply is None else turn.reply.text
    return ConversationTurn(text=turn.text, reply=reply, at=turn.at, heartline=insight(turn, stored=True))


def _feedback(store: ConversationStore, conversation_id: str) -> tuple[Feedback, ...]:
    said: tuple[Feedback, ...] = store.feedback(conversation_id) if hasattr(store, "feedback") else ()
    return said


def _held_by(store: ConversationStore, conversation_id: str) -> str | None:
    name: str | None = store.held_by(conversation_id) if hasattr(store, "held_by") else None
    return name


def _human_acts(store: ConversationStore, conversation_id: str) -> tuple[HumanAct, ...]:
    acts: tuple[HumanAct, ...] = store.human_acts(conversation_id) if hasattr(store, "human_acts") else ()
    return acts


def _able(store: ConversationStore, what: str) -> Any:
    """A method that not every store has.

    Raises:
        ApiError: This one has not.
    """
    found = getattr(store, what, None)
    if found is None:
        raise ApiError(501, f"The store {store.name!r} cannot do that. `sqlite` can.", code="unsupported_by_store")
    return found
