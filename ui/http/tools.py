"""Tools of the client: they go to the LLM as they are, and what it wants to call comes back as OpenAI writes it.

A round that ends in calls is no turn yet: nothing of it is stored, and the client comes back with the results and
the same message of the user, which is then read, guarded and planned again. Where the guard answers, no LLM is
asked and no tool is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.decisions import Prompt, Reply, TokenUsage
from agent.errors import EmptyReplyError, LLMResponseError
from agent.events import Event
from agent.generator import OpenAICompatibleGenerator
from agent.options import Options
from agent.probe import LLMServer
from agent.protocols import ConversationStore, Recalled
from agent.role_marks import defused
from agent.settings import Settings
from agent.turn import Turn
from ui.http.history import text_of
from ui.http.schemas import ChatMessage, ToolCall, ToolFunction

if TYPE_CHECKING:
    import httpx2

__all__ = ["ToolSpeaker", "ToolsCalled", "Unfinished", "until_called"]


@dataclass(frozen=True, slots=True)
class ToolsCalled:
    """The LLM wants tools to be called before it goes on; the last event of such a round."""

    calls: tuple[ToolCall, ...]
    usage: TokenUsage | None


class ToolSpeaker(OpenAICompatibleGenerator):
    """The LLM with the tools of one request.

    Args:
        like: The profile's generator, which knows how much the model can hold.
        settings: Of the profile.
        tools: As the client sent them.
        choice: `tool_choice`, as the client sent it; None leaves it to the server.
        after: Calls and results since the message of the user.

    Attributes:
        called: Set once the LLM has ended its answer with calls.
        calls: Those calls.
        usage: Tokens, as the server counted them.
    """

    def __init__(
        self,
        like: OpenAICompatibleGenerator,
        settings: Settings,
        *,
        tools: Sequence[dict[str, Any]],
        choice: Any,
        after: Sequence[ChatMessage],
    ) -> None:
        super().__init__(
            LLMServer.from_settings(settings),
            model=settings.llm_model,
            temperature=settings.llm_temperature,
            max_tokens=settings.llm_max_tokens,
        )
        self.called = asyncio.Event()
        self.calls: tuple[ToolCall, ...] = ()
        self.usage: TokenUsage | None = None
        self._like, self._tools, self._choice = like, list(tools), choice
        self._after = [_passed_on(message, place) for place, message in enumerate(after)]

    async def context_tokens(self) -> int | None:
        """See `OpenAICompatibleGenerator`."""
        return await self._like.context_tokens()

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """See `Generator`. After calls it waits, until whoever looks at `called` has stopped listening."""
        try:
            async with aclosing(super().generate(turn)) as pieces:
                async for piece in pieces:
                    if not (self.calls and isinstance(piece, Reply)):
                        yield piece
        except EmptyReplyError:
            if not self.calls:
                raise
        if self.calls:
            self.called.set()
            await asyncio.Event().wait()

    async def _ask(
        self,
        http: httpx2.AsyncClient,
        prompt: Prompt,
        options: Options,
        ending: Any,
        hear: Callable[[str], None],
    ) -> None:
        import openai

        client = self._server.client(http)
        heard = _Heard(ending, hear)
        chunks = await client.post(
            "/chat/completions",
            body=self._body(prompt, options, ending.model),
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        async for chunk in chunks:
            heard.take(chunk)
        if not ending.finish:
            raise LLMResponseError(
                f"The LLM server at {self._server.base} ended its reply without a finish reason."
            )
        self.calls, self.usage = heard.calls(), ending.usage

    def _body(self, prompt: Prompt, options: Options, model: str) -> dict[str, Any]:
        said = [{"role": message.role, "content": message.content} for message in prompt.messages]
        body: dict[str, Any] = {"model": model, "messages": [*said, *self._after], "stream": True}
        body["stream_options"] = {"include_usage": True}
        if self._tools:
            body["tools"] = self._tools
        if self._choice is not None:
            body["tool_choice"] = self._choice
        temperature = self._temperature if options.temperature is None else options.temperature
        if temperature is not None:
            body["temperature"] = temperature
        limits = [limit for limit in (self._max_tokens, options.max_tokens) if limit is not None]
        return body | ({self._server.limit_name: min(limits)} if limits else {})


class _Heard:
    """What a stream of raw chunks says, however odd they are."""

    def __init__(self, ending: Any, hear: Callable[[str], None]) -> None:
        self._ending, self._hear = ending, hear
        self._calls: dict[int, list[str]] = {}  # by place: id, name, arguments

    def take(self, chunk: Any) -> None:
        """Take a chunk in."""
        ending = self._ending
        ending.answered()
        ending.begun = True
        if isinstance(model := chunk.get("model"), str) and model:
            ending.speaker = model
        if isinstance(used := chunk.get("usage"), dict) and used.get("prompt_tokens"):
            ending.usage = TokenUsage(int(used["prompt_tokens"]), int(used.get("completion_tokens") or 0))
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if isinstance(text := delta.get("content"), str) and text:
                self._hear(text)
            for part in delta.get("tool_calls") or ():
                call = self._calls.setdefault(int(part.get("index") or 0), ["", "", ""])
                asked = part.get("function") or {}
                for place, said in enumerate((part.get("id"), asked.get("name"), asked.get("arguments"))):
                    call[place] += said or ""
            if isinstance(finish := choice.get("finish_reason"), str) and finish:
                ending.finish = finish

    def calls(self) -> tuple[ToolCall, ...]:
        """What it wants to be called, in order."""
        return tuple(
            ToolCall(id=call_id or f"call_{place}", function=ToolFunction(name=name, arguments=arguments))
            for place, (call_id, name, arguments) in sorted(self._calls.items())
            if name
        )


def _passed_on(message: ChatMessage, place: int) -> dict[str, Any]:
    """A call or a result as the LLM gets it, with what looks like a role made harmless."""
    said: dict[str, Any] = {"role": message.role, "content": defused(text_of(message, place)) or None}
    if message.role == "assistant":
        said["tool_calls"] = [call.model_dump() for call in message.tool_calls or ()]
        return said
    return {"role": "tool", "content": said["content"] or "", "tool_call_id": message.tool_call_id or ""}


class Unfinished:
    """What a turn with tools needs of a store: it is stored once it is one.

    Args:
        store: Keeps the conversation.
        speaker: Knows whether the round ended in calls.
    """

    def __init__(self, store: ConversationStore, speaker: ToolSpeaker) -> None:
        self.name = store.name
        self._store, self._speaker = store, speaker

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`."""
        return self._store.recall(conversation_id, turns=turns)

    def append(self, turn: Turn) -> Turn:
        """See `ConversationStore`; nothing is stored of a round that ended in calls."""
        return turn if self._speaker.calls else self._store.append(turn)


async def until_called(events: AsyncGenerator[Event], speaker: ToolSpeaker) -> AsyncGenerator[Event | ToolsCalled]:
    """The events of a turn, up to its end or to calls. Close `events` afterwards."""
    calling = asyncio.create_task(speaker.called.wait())
    coming: asyncio.Task[Event] | None = None
    try:
        while True:
            coming = asyncio.create_task(_next(events))
            await asyncio.wait({coming, calling}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                break
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
    finally:
        left = [task for task in (coming, calling) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    yield ToolsCalled(speaker.calls, speaker.usage)


async def _next(events: AsyncGenerator[Event]) -> Event:
    return await anext(events)
