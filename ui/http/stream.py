"""Server-sent events: chunks as OpenAI's clients know them, and the stages of a turn for those who want them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent.errors import HeartlineError
from agent.events import Event, FailureNoted, NoticeGiven, StageFinished, StageStarted
from ui.http.errors import ApiError, answer, told_in
from ui.http.insight import readings_of, state_of
from ui.http.insight_schemas import VERSION

__all__ = ["DONE", "EventStream", "chunk_of", "data", "stage_event", "unless_gone"]

ResultT = TypeVar("ResultT")

DONE = "data: [DONE]\n\n"


def data(item: Mapping[str, Any], *, event: str | None = None) -> str:
    """One event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(item, ensure_ascii=False, separators=(',', ':'))}\n\n"


def chunk_of(frame: Mapping[str, Any], delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """A chunk with its one choice."""
    return {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def stage_event(frame: Mapping[str, Any], event: Event) -> Iterator[str]:
    """A named event that tells of a stage; none for what a chunk tells.

    It is a chunk without choices, too: OpenAI's Python client reads the data of every event, whatever its name.
    Whoever reads choices passes over it.
    """
    match event:
        case StageStarted(stage):
            told: dict[str, Any] = {"stage": stage, "status": "started"}
        case StageFinished(stage, milliseconds, turn):
            told = {"stage": stage, "status": "finished", "milliseconds": round(milliseconds, 2)}
            if stage == "perceive":
                told["readings"] = readings_of(turn).model_dump(mode="json", exclude_none=True)
            if stage == "track" and turn.state is not None:
                told["state"] = state_of(turn.state).model_dump(mode="json")
            if stage == "plan" and turn.plan is not None:
                told["strategy"] = turn.plan.chosen.id
        case FailureNoted(failure, discards):
            told = {"stage": failure.stage, "status": "failed", "part": failure.part, "discards": discards}
        case NoticeGiven(text):
            told = {"status": "notice", "text": text}
        case _:
            return
    whole = {**frame, "choices": [], "heartline": {"version": VERSION, **told}}
    yield data(whole, event=f"heartline.{told['status']}")


class EventStream(Response):
    """Sends events as they come, and stops whatever makes them when the client goes.

    Not Starlette's own: it cancels by scopes that cancel again whatever is awaited while unwinding, such as
    closing the connection to the LLM.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str], headers: Mapping[str, str] | None = None) -> None:
        told = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})}
        super().__init__(status_code=200, headers=told, media_type=self.media_type)
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. What fails before the first event is answered as an error of its own."""
        await unless_gone(receive, self._send(scope, receive, send))

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events) as events:
            try:
                first = await anext(events)
            except (ApiError, HeartlineError) as error:
                await answer(told_in(scope, error))(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._pass_on(first, send)
            async for event in events:
                await self._pass_on(event, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass_on(self, event: str, send: Send) -> None:
        body = event.encode("utf-8", "replace")
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, ResultT]) -> ResultT | None:
    """What the work gives; None where the client went before it was done, and the work was cancelled."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        working.cancel()
        await asyncio.wait({working})
        return None
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
