"""A chat model whose text is held back, sentence by sentence, until the guard has nothing against it.

The copy of a model that `held_back` makes takes in what the model says before LangChain hears of it. So nothing
unchecked reaches a stream, a callback or a trace, whichever way the model is called.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agent.intake import scrub
from agent.langchain.dialogue import METADATA
from agent.outlet import let_out
from agent.protocols import Guard
from agent.sentences import Sentences
from agent.turn import Turn

__all__ = ["Watch", "checked", "held_back"]

_MARK = "checked_in"


@dataclass(frozen=True)
class Watch:
    """Who looks at what a model says, and in which turn.

    Attributes:
        guard: None lets everything out.
        turn: As screened; its care ends a reply.
        structured: Structured output was asked for: a text that begins like JSON is no reply and passes.
        tell: Is told the category of what is held back.
    """

    guard: Guard | None
    turn: Turn
    structured: bool = False
    tell: Callable[[str], None] = lambda category: None  # noqa: ARG005 - the signature is `tell`'s


class _Outlet:
    """What one message says, let out piece by piece."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._sentences = Sentences()
        self._said = ""
        self._passes: bool | None = None if watch.structured else False
        self._ended = False
        self.calls_tools = False
        self.categories: list[str] = []

    def push(self, piece: str) -> str:
        if self._passes is None and piece.strip():
            self._passes = piece.lstrip()[0] in "{["
        return piece if self._passes else self._let(self._sentences.push(scrub(piece)))

    def flush(self) -> str:
        """What is left, where something else than text follows."""
        return self._let(self._sentences.finish())

    def close(self) -> str:
        """What is left, and what care wants at the end of a reply. A message that calls tools is none yet."""
        rest, care = self.flush(), self._watch.turn.care
        if care is None or not care.words or self.calls_tools or not self._said.strip():
            return rest
        return f"{rest}\n\n{care.words}"

    def _let(self, sentences: list[str]) -> str:
        if self._ended or not sentences:
            return ""
        out = let_out(self._watch.guard, self._watch.turn, self._said, "".join(sentences))
        text = out.with_instead(self._said)
        if out.blocked is not None:
            self._ended = True
            self.categories.append(out.blocked.category)
            self._watch.tell(out.blocked.category)
        self._said += text
        return text

    # --- in the two forms that content has --------------------------------------------------------------

    def content(self, message: BaseMessage) -> str | list[Any]:
        """The message's content with what may be said of its text so far."""
        self.calls_tools |= bool(
            isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls)
        ) or bool(isinstance(message, AIMessageChunk) and message.tool_call_chunks)
        if isinstance(message.content, str):
            said = self.push(message.content)
            return said + self.flush() if self.calls_tools else said
        blocks: list[Any] = []
        for block in message.content:
            if isinstance(block, str):
                blocks.append(self.push(block))
            elif block.get("type") == "text":
                blocks.append({**block, "text": self.push(str(block.get("text") or ""))})
            else:
                if rest := self.flush():
                    blocks = _with_text(blocks, rest)
                blocks.append(block)
        return blocks

    def mark(self) -> dict[str, Any]:
        return {METADATA: {_MARK: self._watch.turn.id, "held_back": self.categories}}


def _with_text(content: str | list[Any], text: str) -> Any:
    """The content with more text at its end."""
    if isinstance(content, str):
        return content + text
    for place in range(len(content) - 1, -1, -1):
        block = content[place]
        if isinstance(block, str):
            return [*content[:place], block + text, *content[place + 1 :]]
        if block.get("type") == "text":
            return [*content[:place], {**block, "text": block["text"] + text}, *content[place + 1 :]]
    return [*content, {"type": "text", "text": text}]


def checked(message: BaseMessage, watch: Watch) -> BaseMessage:
    """A whole message with what may be said of it; as it is where it was checked in this turn already."""
    about = message.response_metadata.get(METADATA)
    if not isinstance(message, AIMessage) or (isinstance(about, dict) and about.get(_MARK) == watch.turn.id):
        return message
    outlet = _Outlet(watch)
    content = outlet.content(message)
    if rest := outlet.close():
        content = _with_text(content, rest)
    metadata = {**message.response_metadata, **outlet.mark()}
    return message.model_copy(update={"content": content, "response_metadata": metadata})


class _Stream:
    """Chunks of one message. Each is given on when the next has come, since the last one must end it."""

    def __init__(self, watch: Watch) -> None:
        self._outlet = _Outlet(watch)
        self._waiting: ChatGenerationChunk | None = None
        self._text_index: Any = None
        self._in_blocks = False

    def push(self, chunk: ChatGenerationChunk) -> list[ChatGenerationChunk]:
        ready = [] if self._waiting is None else [self._waiting]
        message = chunk.message
        if isinstance(message.content, list) and message.content:
            self._in_blocks = True
            for block in message.content:
                if isinstance(block, dict) and block.get("type") == "text":
                    self._text_index = block.get("index", self._text_index)
        self._waiting = _like(chunk, content=self._outlet.content(message))
        return ready

    def finish(self) -> list[ChatGenerationChunk]:
        last = self._waiting
        if last is None:
            return []
        chunks: list[ChatGenerationChunk] = []
        if rest := self._outlet.close():
            content: Any = rest
            if self._in_blocks:
                content = [{"type": "text", "text": rest}]
                if self._text_index is not None:
                    content[0]["index"] = self._text_index
            chunks.append(ChatGenerationChunk(message=AIMessageChunk(content=content, id=last.message.id)))
        metadata = {**last.message.response_metadata, **self._outlet.mark()}
        return [*chunks, _like(last, response_metadata=metadata)]


def _like(chunk: ChatGenerationChunk, **changes: Any) -> ChatGenerationChunk:
    message = chunk.message.model_copy(update=changes)
    return ChatGenerationChunk(message=message, generation_info=chunk.generation_info)


def held_back(model: BaseChatModel, watch: Watch) -> BaseChatModel:
    """A copy of a model, of the same class, whose text is looked at before anybody hears of it.

    The model itself does the work, so one that counts its calls goes on counting. The copy uses no cache: what may
    be said depends on the turn. Calls of tools, thoughts, token counts and metadata pass as they come.

    Args:
        model: Any chat model. What is none, e.g. one that is chosen anew in each call, is given back as it is,
            with a `RuntimeWarning`: its text is checked once it is whole.
        watch: Who looks.
    """
    if not isinstance(model, BaseChatModel):
        warnings.warn(
            f"The text of a {type(model).__name__} cannot be held back while it streams. Give `create_agent` a "
            "chat model, or do not stream its tokens.",
            RuntimeWarning,
            stacklevel=2,
        )
        return model
    kind = type(model)
    streams = kind._stream is not BaseChatModel._stream, kind._astream is not BaseChatModel._astream  # noqa: SLF001
    copy = model.model_copy(update={"cache": False} | ({} if any(streams) else {"disable_streaming": True}))
    methods = _Methods(model, watch)
    found: dict[str, Any] = {"_generate": methods.generate}
    if kind._agenerate is not BaseChatModel._agenerate:  # noqa: SLF001
        found["_agenerate"] = methods.agenerate
    if streams[0]:
        found["_stream"] = methods.stream
    if streams[1]:
        found["_astream"] = methods.astream
    # Events of the model's own kind would pass by the text: LangChain makes them of its chunks instead.
    found |= {"_stream_chat_model_events": None, "_astream_chat_model_events": None}
    copy.__dict__.update(found)  # an attribute of the instance goes before a method of its class
    return copy


@dataclass(frozen=True)
class _Methods:
    """What a model is called by, checked. It gets no run manager: some tell it of every token by themselves."""

    model: BaseChatModel
    watch: Watch

    def generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return self._checked(self.model._generate(messages, stop=stop, **kwargs))  # noqa: SLF001

    async def agenerate(
        self,
        messages: Any,
        stop: Any = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._checked(await self.model._agenerate(messages, stop=stop, **kwargs))  # noqa: SLF001

    def stream(
        self,
        messages: Any,
        stop: Any = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        held = _Stream(self.watch)
        for chunk in self.model._stream(messages, stop=stop, **kwargs):  # noqa: SLF001
            yield from held.push(chunk)
        yield from held.finish()

    async def astream(
        self,
        messages: Any,
        stop: Any = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        held = _Stream(self.watch)
        async for chunk in self.model._astream(messages, stop=stop, **kwargs):  # noqa: SLF001
            for ready in held.push(chunk):
                yield ready
        for ready in held.finish():
            yield ready

    def _checked(self, result: ChatResult) -> ChatResult:
        for generation in result.generations:
            generation.message = checked(generation.message, self.watch)
            generation.text = generation.message.text
        return result
