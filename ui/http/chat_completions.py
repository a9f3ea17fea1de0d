"""`/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import JSONResponse, Response

from agent.events import Event, FailureNoted, ReplyFinished, StageFinished, Token
from agent.turn import Turn
from ui.http.background import answered, task_of
from ui.http.errors import INTERNAL, as_api_error, log_broken
from ui.http.insight import insight
from ui.http.profiles import Service
from ui.http.schemas import (
    AnswerMessage,
    ChatCompletion,
    ChatRequest,
    Choice,
    Conversation,
    ModelCard,
    ModelList,
    Usage,
)
from ui.http.stream import DONE, EventStream, chunk_of, data, stage_event, unless_gone
from ui.http.tenancy import Tenant, authorised
from ui.http.turns import Asked, asked_in, events_of, finish_of, usage_of

__all__ = ["router"]

router = APIRouter(prefix="/v1")

_CONVERSATION = "X-Heartline-Conversation"
_NOT_STREAMED = {
    "content": {
        "text/event-stream": {"schema": {"type": "string", "description": "Chunks, then `[DONE]`."}},
    },
    "description": "The whole reply, or a stream of chunks where `stream` is true.",
}


@router.post("/chat/completions", response_model=ChatCompletion, responses={200: _NOT_STREAMED}, tags=["OpenAI"])
async def chat_completions(  # noqa: PLR0917 - the framework names them all
    body: ChatRequest,
    request: Request,
    tenant: Annotated[Tenant, Depends(authorised)],
    x_heartline_conversation: Annotated[
        Conversation | None, Header(description="Conversation that goes on; `new` begins one.")
    ] = None,
    x_heartline_events: Annotated[bool, Header(description="As `heartline.events`.")] = False,
    x_heartline_task: Annotated[str | None, Header(max_length=64, description="As `heartline.task`.")] = None,
) -> Response:
    """Answer the last message of the user. See docs/server.md for what is honoured."""
    service: Service = request.app.state.service
    profile = service.profile(body.model)
    frame: dict[str, Any] = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": profile.name,
    }
    counted = body.stream_options is not None and body.stream_options.include_usage
    if (task := task_of(body, x_heartline_task)) is not None:
        text = await unless_gone(request.receive, answered(body, task, profile))
        return _background(frame, text or "", streamed=bool(body.stream), counted=counted)
    asked = asked_in(body, x_heartline_conversation, service, tenant)
    headers = {} if asked.conversation_id is None else {_CONVERSATION: asked.conversation_id}
    if body.stream:
        stages, number = body.heartline.events or x_heartline_events, request.state.request_id
        chunks = _chunks(asked, service, frame, counted=counted, stages=stages, request_id=number)
        return EventStream(chunks, headers)
    turn = await unless_gone(request.receive, _whole(asked, service))
    if turn is None:  # the client went, and nobody reads this
        return Response(status_code=499)
    text = "" if turn.reply is None else turn.reply.text
    about = insight(turn, stored=asked.conversation_id is not None, not_honoured=asked.without_effect(turn))
    choice = Choice(message=AnswerMessage(content=text), finish_reason=finish_of(turn))  # type: ignore[arg-type]
    whole = ChatCompletion(**frame, choices=[choice], usage=usage_of(turn), heartline=about)
    return Response(whole.model_dump_json(), media_type="application/json", headers=headers)


async def _whole(asked: Asked, service: Service) -> Turn:
    async with aclosing(events_of(asked, service)) as events:
        async for event in events:
            if isinstance(event, ReplyFinished):
                return event.turn
    raise INTERNAL


async def _chunks(
    asked: Asked, service: Service, frame: Mapping[str, Any], *, counted: bool, stages: bool, request_id: str
) -> AsyncGenerator[str]:
    """The stream of a turn. What fails before its history is recalled is raised; later it is told in it."""
    frame = {**frame, "object": "chat.completion.chunk"}
    held: list[str] = []
    begun = False
    try:
        async with aclosing(events_of(asked, service)) as events:
            async for event in events:
                if stages and (told := stage_event(frame, event)) is not None:
                    held.append(told)
                if isinstance(event, StageFinished) and not begun:
                    begun = True
                    held.append(data(chunk_of(frame, {"role": "assistant", "content": ""})))
                if text := _shown(event):
                    held.append(data(chunk_of(frame, {"content": text})))
                if isinstance(event, ReplyFinished):
                    held.extend(_ending(asked, frame, event.turn, counted=counted))
                for each in held if begun else ():
                    yield each
                held = [] if begun else held
    except Exception as error:
        if not begun:
            raise
        told_of = as_api_error(error)
        if told_of is INTERNAL:
            log_broken(request_id, error)
        yield data(told_of.body())


def _shown(event: Event) -> str:
    """What an event adds to the text. What was sent cannot be taken back: what stands in for it begins below."""
    match event:
        case Token(text):
            return text
        case FailureNoted(_, True):
            return "\n\n"
    return ""


def _ending(asked: Asked, frame: Mapping[str, Any], turn: Turn, *, counted: bool) -> list[str]:
    about = insight(turn, stored=asked.conversation_id is not None, not_honoured=asked.without_effect(turn))
    last = {**chunk_of(frame, {}, finish_of(turn)), "heartline": about.model_dump(mode="json")}
    usage = usage_of(turn) if counted else None
    ends = [data(last)]
    if usage is not None:
        ends.append(data({**frame, "choices": [], "usage": usage.model_dump()}))
    return [*ends, DONE]


def _background(frame: Mapping[str, Any], text: str, *, streamed: bool, counted: bool) -> Response:
    """A call that is no turn, answered in the form that was asked for."""
    if not streamed:
        choice = Choice(message=AnswerMessage(content=text), finish_reason="stop")
        return JSONResponse(ChatCompletion(**frame, choices=[choice]).model_dump(mode="json"))
    frame = {**frame, "object": "chat.completion.chunk"}

    async def events() -> AsyncGenerator[str]:
        yield data(chunk_of(frame, {"role": "assistant", "content": text}))
        yield data(chunk_of(frame, {}, "stop"))
        if counted:
            none = Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
            yield data({**frame, "choices": [], "usage": none.model_dump()})
        yield DONE

    return EventStream(events())


@router.get("/models", tags=["OpenAI"])
async def models(request: Request, _: Annotated[Tenant, Depends(authorised)]) -> ModelList:
    """List the profiles."""
    service: Service = request.app.state.service
    return ModelList(data=[ModelCard(id=name, created=service.started) for name in service.profiles])


@router.get("/models/{model_id}", tags=["OpenAI"])
async def model(model_id: str, request: Request, _: Annotated[Tenant, Depends(authorised)]) -> ModelCard:
    """One profile."""
    service: Service = request.app.state.service
    return ModelCard(id=service.profile(model_id).name, created=service.started)
