"""Heartline as a chat model of LangChain: messages in, the agent's reply out, readings in its metadata.

from heartline import ChatHeartline

model = ChatHeartline(base_url="http://127.0.0.1:8000/v1")
reply = model.invoke("I start a new job on Monday and I can't sleep.")
reply.response_metadata["heartline"]["plan"]["chosen"]["name"]
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, Self

from langchain_core.caches import BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from pydantic import Field, PrivateAttr, SecretStr, model_validator

from agent.build import build_agent
from agent.errors import SettingsError
from agent.events import FailureNoted, ReplyFinished, Token
from agent.in_sync import each_of, result_of
from agent.langchain.calls import asked, ended, with_thread
from agent.langchain.dialogue import split
from agent.loop import Agent
from agent.pasts import Pasts
from agent.resumed import recent, with_past
from agent.settings import Settings, load_settings
from agent.stopping import ending_before
from agent.turn import Message, Turn

__all__ = ["ChatHeartline"]

_NAMES = {
    "base_url": "llm_url",
    "model": "llm_model",
    "api_key": "llm_api_key",
    "temperature": "llm_temperature",
    "max_tokens": "llm_max_tokens",
    "timeout": "llm_timeout",
    "max_retries": "llm_retries",
}
"""LangChain's names of settings, and ours."""


class ChatHeartline(BaseChatModel):
    """A chat model that answers as the agent does.

    With a `thread_id` (`config={"configurable": {"thread_id": …}}`) the agent's store keeps the conversation;
    earlier messages that are passed along are its history then, and state and record of risk are the store's.
    Without one nothing is stored: the messages are the conversation, and what was said in them is followed again.

    System messages have no say in what the agent is: that is the persona's and the policy's.

    Attributes:
        agent: A ready agent; None builds one from the settings when it is first needed.
        base_url, model, api_key, temperature, max_tokens, timeout, max_retries: LangChain's names for the settings
            `llm_url`, `llm_model`, `llm_api_key`, `llm_temperature`, `llm_max_tokens`, `llm_timeout` and
            `llm_retries`. Once it is made they say what holds, from the environment and the file, too.
        settings: Any other settings by their own names, e.g. `{"country": "GB"}`.
        stop: Texts before which a reply ends; the protocol's words in danger are never cut.
        streaming: Stream even where nobody asked to.
        cache: Off: a reply depends on more than its messages.

    Raises:
        SettingsError: A setting is unusable, or settings are given beside `agent`.
    """

    agent: Any = Field(default=None, exclude=True, repr=False)
    base_url: str | None = Field(default=None, repr=False)
    model: str | None = None
    api_key: SecretStr | None = Field(default=None, exclude=True)
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    settings: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    stop: list[str] | None = None
    streaming: bool = False
    cache: BaseCache | bool | None = Field(default=False, exclude=True)

    _loaded: Settings | None = PrivateAttr(default=None)
    _pasts: Pasts = PrivateAttr(default_factory=Pasts)
    _lock: Any = PrivateAttr(default_factory=Lock)

    @model_validator(mode="after")
    def _settle(self) -> Self:
        """Load the settings now, so that a mistake in them shows here and not in the first turn."""
        given = {ours: getattr(self, name) for name, ours in _NAMES.items() if getattr(self, name) is not None}
        if self.agent is not None:
            if given or self.settings:
                names = ", ".join(sorted([*given, *self.settings]))
                raise SettingsError(f"`agent` is given, which is made already, and so are settings: {names}.")
            return self
        self._loaded = load_settings(**(given | self.settings))
        for name, ours in _NAMES.items():
            object.__setattr__(self, name, getattr(self._loaded, ours))
        return self

    @property
    def _llm_type(self) -> str:
        return "heartline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": self.temperature, "max_tokens": self.max_tokens}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        found = super()._get_ls_params(stop=stop, **kwargs)
        found.setdefault("ls_model_name", "heartline")
        return found

    # --- where the conversation's id comes in: the last place that sees the config --------------------

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """As `BaseChatModel.invoke`."""
        return super().invoke(input, config, **with_thread(config, kwargs))

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """As `BaseChatModel.ainvoke`."""
        return await super().ainvoke(input, config, **with_thread(config, kwargs))

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """As `BaseChatModel.stream`."""
        return super().stream(input, config, **with_thread(config, kwargs))

    def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """As `BaseChatModel.astream`."""
        return super().astream(input, config, **with_thread(config, kwargs))

    def stream_events(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As `BaseChatModel.stream_events`."""
        return super().stream_events(input, config, **with_thread(config, kwargs))

    def astream_events(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        """As `BaseChatModel.astream_events`."""
        return super().astream_events(input, config, **with_thread(config, kwargs))

    # --- the reply ------------------------------------------------------------------------------------

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return result_of(partial(self._agenerate, messages, stop, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn: Turn | None = None
        async with aclosing(self._answer(messages, stop, **kwargs)) as pieces:
            async for piece in pieces:
                turn = piece if isinstance(piece, Turn) else turn
        text, metadata, usage = ended(turn)
        message = AIMessage(text, response_metadata=metadata, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from each_of(partial(self._chunks, messages, stop, **kwargs))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self._chunks(messages, stop, **kwargs)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _chunks(
        self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncGenerator[ChatGenerationChunk]:
        turn: Turn | None = None
        async with aclosing(self._answer(messages, stop, **kwargs)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Turn):
                    turn = piece
                else:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        _, metadata, usage = ended(turn)
        last = AIMessageChunk(
            content="",
            response_metadata=metadata,
            usage_metadata=usage,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    async def _answer(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, **kwargs: Any
    ) -> AsyncGenerator[str | Turn]:
        """Pieces of the reply as they come, then the finished turn.

        Where the LLM fails in the middle, what it had said cannot be taken back: the reply that stands is the one
        in the turn, and an empty line stands before it.
        """
        thread, options = asked(kwargs)
        said, newest = split(messages)
        agent = ending_before(await self._ready(thread, said), stop or self.stop or ())
        stream = agent.stream(newest, conversation_id=thread or uuid.uuid4().hex, options=options)
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, Token):
                    yield event.text
                elif isinstance(event, FailureNoted) and event.discards:
                    yield "\n\n"
                elif isinstance(event, ReplyFinished):
                    if thread is None:
                        reply, _, _ = ended(event.turn)
                        own = (Message("seeker", newest), Message("supporter", reply))
                        self._pasts.keep([*said, *own], event.turn)
                    yield event.turn

    async def _ready(self, thread: str | None, said: list[Message]) -> Agent:
        """The agent, with the past of this conversation."""
        agent = self._made()
        if thread is None:
            return with_past(agent, await self._pasts.of(agent, said))
        if not said:
            return agent
        stored = await asyncio.to_thread(agent.store.recall, thread, turns=agent.history_turns)
        if stored.turns:
            past = replace(stored, messages=recent(said, agent))
        else:
            past = replace(await self._pasts.of(agent, said), turns=0, contact=stored.contact)
        return with_past(agent, past, store=agent.store)

    def _made(self) -> Agent:
        with self._lock:
            if self.agent is None:
                self.agent = build_agent(self._loaded)
            made: Agent = self.agent
            return made

    async def aclose(self) -> None:
        """Let go of the agent's store and connections, where it built the agent itself."""
        if self._loaded is not None and self.agent is not None:
            await self.agent.aclose()
