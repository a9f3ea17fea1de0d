"""`/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import JSONResponse, Response

from agent.events import Event, ReplyFinished, StageFinished, Token
from agent.safety.sitting import without_notices
from agent.turn import Turn
from ui.http.admission import within
from ui.http.background import answered, task_of
from ui.http.deadlines import asked_seconds, deadline_in
from ui.http.errors import INTERNAL, as_api_error, log_broken
from ui.http.idempotency import REPLAYED, IdempotencyKey
from ui.http.insight import insight
from ui.http.insight_schemas import HumanActOut, Insight
from ui.http.kept_turns import answer_of
from ui.http.notices import InContent, with_notices
from ui.http.people import Meanwhile, people_during, with_people
from ui.http.profiles import Service
from ui.http.schemas import (
    AnswerMessage,
    ChatCompletion,
    ChatRequest,
    Choice,
    Conversation,
    Finish,
    ModelCard,
    ModelList,
    ToolCall,
    Usage,
)
from ui.http.spared import help_lines_of, in_danger
from ui.http.stream import DONE, EventStream, chunk_of, data, stage_event, unless_gone
from ui.http.tenancy import Tenant, needs
from ui.http.tools import ToolsCalled
from ui.http.turns import Asked, asked_in, events_of, finish_of, usage_in, usage_of

__all__ = ["router"]

router = APIRouter(prefix="/v1")

_CONVERSATION = "X-Heartline-Conversation"
_NOT_STORED = {"X-Heartline-Stored": "false"}
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
    tenant: Annotated[Tenant, Depends(needs("chat", in_any_case=True))],
    x_heartline_conversation: Annotated[
        Conversation | None, Header(description="Conversation that goes on; `new` begins one.")
    ] = None,
    x_heartline_events: Annotated[bool, Header(description="As `heartline.events`.")] = False,
    x_heartline_task: Annotated[str | None, Header(max_length=64, description="As `heartline.task`.")] = None,
    seconds: Annotated[float | None, Depends(asked_seconds)] = None,
    idempotency_key: Annotated[
        IdempotencyKey | None, Header(description="With a conversation: sent again, it is answered once.")
    ] = None,
) -> Response:
    """Answer the last message of the user. See docs/server.md for what is honoured."""
    service: Service = request.app.state.service
    profile = service.profile(body.model, tenant)
    deadline = deadline_in(seconds, profile.settings.turn_deadline)
    frame: dict[str, Any] = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": profile.name,
    }
    counted = body.stream_options is not None and body.stream_options.include_usage
    task = task_of(body, x_heartline_task)
    request.state.help = None if task is not None else partial(help_lines_of, profile)
    if x_heartline_task or body.heartline.task:
        tenant.check("tasks")
    if (refusal := request.state.allowance and request.state.allowance.refusal) is not None:
        if task is not None or not await in_danger(body, x_heartline_conversation, service, tenant):
            raise refusal
        service.meter.spare(request.state.allowance)
    if task is not None:
        turn = service.admission.turn(tenant.name or "", deadline=deadline)
        text = await unless_gone(request.receive, within(turn, lambda: answered(body, task, profile)))
        return _background(frame, text or "", streamed=bool(body.stream), counted=counted)
    asked = asked_in(body, x_heartline_conversation, service, tenant, key=idempotency_key)
    asked = replace(asked, options=replace(asked.options, deadline=deadline))
    headers = {} if asked.conversation_id is None else {_CONVERSATION: asked.conversation_id}
    if (known := await answer_of(asked)) is not None:
        done = _Done(known, people=await asyncio.to_thread(people_during, asked.store, known))
        if body.stream:
            return EventStream(_again(asked, done, frame, counted=counted), headers | REPLAYED)
        return _answer(asked, done, frame, headers | REPLAYED)
    if body.stream:
        stages, number = body.heartline.events or x_heartline_events, request.state.request_id
        chunks = _chunks(asked, service, frame, counted=counted, stages=stages, request_id=number)
        return EventStream(chunks, headers)
    whole = await unless_gone(request.receive, _whole(asked, service))
    if whole is None:  # the client went, and nobody reads this
        return Response(status_code=499)
    return _answer(asked, whole, frame, headers)


@dataclass
class _Done:
    """How far a turn came.

    Attributes:
        turn: As the last stage left it.
        called: What the LLM wants to be called; None where the reply is whole.
        before: What it said before it called.
        people: What people did since the turn before.
    """

    turn: Turn
    called: ToolsCalled | None = None
    before: str = ""
    people: tuple[HumanActOut, ...] = ()

    @property
    def text(self) -> str | None:
        return self.before or None if self.turn.reply is None else self.turn.reply.text

    def shown(self, asked: Asked) -> str | None:
        """The content of an answer that is not streamed."""
        if self.text is not None and self.called is None and asked.profile.settings.notices_in_content:
            return with_notices(self.turn, self.text, self.people)
        return self.text

    @property
    def calls(self) -> list[ToolCall] | None:
        return None if self.called is None else list(self.called.calls)

    @property
    def finish(self) -> Finish:
        return "tool_calls" if self.called is not None else finish_of(self.turn)

    @property
    def usage(self) -> Usage | None:
        return usage_of(self.turn) if self.called is None else usage_in(self.called.usage)

    def told_of(self, asked: Asked) -> Insight:
        unheard = asked.without_effect(self.turn)
        # A round of tools is not kept, so that its notices are due again with the reply.
        turn = self.turn if self.called is None else without_notices(self.turn)
        kept = asked.conversation_id is not None
        told = insight(turn, stored=kept, not_honoured=unheard, people=self.people)
        return told if self.called is None else told.model_copy(update={"stored": False})


def _answer(asked: Asked, done: _Done, frame: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """The whole answer. Where its turn should be stored and is not, a header says so too."""
    told = done.told_of(asked)
    choice = Choice(
        message=AnswerMessage(content=done.shown(asked), tool_calls=done.calls), finish_reason=done.finish
    )
    whole = ChatCompletion(**frame, choices=[choice], usage=done.usage, heartline=told)
    lost = asked.conversation_id is not None and done.called is None and not told.stored
    headers = {**headers, **(_NOT_STORED if lost else {})}
    return Response(whole.model_dump_json(), media_type="application/json", headers=headers)


async def _again(asked: Asked, done: _Done, frame: Mapping[str, Any], *, counted: bool) -> AsyncGenerator[str]:
    """The stream of a turn that was answered before."""
    frame = {**frame, "object": "chat.completion.chunk"}
    yield data(chunk_of(frame, {"role": "assistant", "content": ""}))
    yield data(chunk_of(frame, {"content": done.shown(asked) or ""}))
    for each in _ending(asked, frame, done, counted=counted):
        yield each


async def _whole(asked: Asked, service: Service) -> _Done:
    done: _Done | None = None
    said = ""
    async with aclosing(with_people(events_of(asked, service), asked)) as events:
        async for event in events:
            match event:
                case Token(text):
                    said += text
                case StageFinished(_, _, turn) | ReplyFinished(turn):
                    done = _Done(turn) if done is None else replace(done, turn=turn)
                case Meanwhile(acts) if done is not None:
                    done.people += acts
                case ToolsCalled() if done is not None:
                    done.called, done.before = event, said
    if done is None:
        raise INTERNAL
    return done


async def _chunks(
    asked: Asked, service: Service, frame: Mapping[str, Any], *, counted: bool, stages: bool, request_id: str
) -> AsyncGenerator[str]:
    """The stream of a turn. What fails before its history is recalled is raised; later it is told in it."""
    frame = {**frame, "object": "chat.completion.chunk"}
    held: list[str] = []
    done: _Done | None = None
    content = InContent(wanted=asked.profile.settings.notices_in_content)
    try:
        async with aclosing(with_people(events_of(asked, service), asked)) as events:
            async for event in events:
                if stages and not isinstance(event, ToolsCalled | Meanwhile):
                    held.extend(stage_event(frame, event))
                if isinstance(event, StageFinished | ReplyFinished):
                    if done is None:
                        held.append(data(chunk_of(frame, {"role": "assistant", "content": ""})))
                    done = _Done(event.turn, people=done.people if done is not None else ())
                held.extend(data(chunk_of(frame, delta)) for delta in _shown(event, content))
                for each in held if done is not None else ():
                    yield each
                held = [] if done is not None else held
                if isinstance(event, ToolsCalled) and done is not None:
                    done.called = event
                if isinstance(event, Meanwhile) and done is not None:
                    done.people += event.acts
        for each in _ending(asked, frame, done, counted=counted):
            yield each
    except Exception as error:
        if done is None:
            raise
        told_of = as_api_error(error)
        if told_of is INTERNAL:
            log_broken(request_id, error)
        yield data(told_of.naming(help_lines_of(asked.profile)).body())


def _shown(event: Event | ToolsCalled | Meanwhile, content: InContent) -> Iterator[dict[str, Any]]:
    """What an event adds to the message."""
    if isinstance(event, ToolsCalled):
        yield {"tool_calls": [{"index": place, **call.model_dump()} for place, call in enumerate(event.calls)]}
    else:
        yield from ({"content": words} for words in content.added(event))


def _ending(asked: Asked, frame: Mapping[str, Any], done: _Done | None, *, counted: bool) -> Iterator[str]:
    if done is None:
        raise INTERNAL
    told = done.told_of(asked).model_dump(mode="json")
    yield data({**chunk_of(frame, {}, done.finish), "heartline": told})
    if counted and (usage := done.usage) is not None:
        yield data({**frame, "choices": [], "usage": usage.model_dump()})
    yield DONE


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
async def models(request: Request, tenant: Annotated[Tenant, Depends(needs(None))]) -> ModelList:
    """List the profiles."""
    service: Service = request.app.state.service
    return ModelList(data=[ModelCard(id=name, created=service.started) for name in service.offered(tenant)])


@router.get("/models/{model_id}", tags=["OpenAI"])
async def model(model_id: str, request: Request, tenant: Annotated[Tenant, Depends(needs(None))]) -> ModelCard:
    """One profile."""
    service: Service = request.app.state.service
    return ModelCard(id=service.profile(model_id, tenant).name, created=service.started)
