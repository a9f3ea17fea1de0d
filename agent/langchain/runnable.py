"""An agent as a Runnable, for chains and graphs of LangChain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from langchain_core.callbacks.manager import (
    AsyncCallbackManagerForChainRun,
    CallbackManagerForChainRun,
    adispatch_custom_event,
)
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config

from agent.errors import InputError
from agent.events import ReplyFinished, StageFinished, Token
from agent.in_sync import result_of
from agent.loop import Agent
from agent.options import AS_MADE, Options
from agent.turn import Turn

__all__ = ["AgentRunnable", "agent_runnable"]

Asked = str | Mapping[str, Any]
_KEYS = frozenset({"text", "conversation_id", "options"})


class AgentRunnable(Runnable[Asked, Turn]):
    """Takes a message, gives the finished `Turn`.

    A message is a text, or a mapping with `text` and, if wanted, `conversation_id` and `options`. The conversation
    is that id, else `config["configurable"]["thread_id"]`, else a new one.

    `astream` gives the turn as it grows, after each stage, and last the finished one: each takes the place of the
    one before. `astream_events` also tells of the reply as it comes, in custom events `heartline_token`, and of
    stages, in `heartline_stage`.

    Args:
        agent: Answers.

    Raises:
        InputError: What was asked is neither a text nor such a mapping.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def invoke(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> Turn:
        """The finished turn."""

        def answer(asked: Asked, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> Turn:
            return result_of(lambda: self._answer(asked, config))

        return self._call_with_config(answer, input, config)

    async def ainvoke(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> Turn:
        """The finished turn."""

        async def answer(
            asked: Asked, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
        ) -> Turn:
            return await self._answer(asked, config)

        return await self._acall_with_config(answer, input, config)

    async def astream(
        self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Turn]:
        """The turn after each stage."""

        async def once() -> AsyncIterator[Asked]:
            yield input

        async def each(
            inputs: AsyncIterator[Asked], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
        ) -> AsyncIterator[Turn]:
            async for asked in inputs:
                async for turn in self._turns(asked, config):
                    yield turn

        async for turn in self._atransform_stream_with_config(once(), each, config):
            yield turn

    async def _answer(self, asked: Asked, config: RunnableConfig) -> Turn:
        turns = [turn async for turn in self._turns(asked, config)]
        return turns[-1]

    async def _turns(self, asked: Asked, config: RunnableConfig) -> AsyncIterator[Turn]:
        text, conversation, options = _what(asked, config)
        events = self.agent.stream(text, conversation_id=conversation, options=options)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Token):
                    await adispatch_custom_event("heartline_token", {"text": event.text}, config=config)
                elif isinstance(event, StageFinished):
                    told = {"stage": event.stage, "milliseconds": event.milliseconds}
                    await adispatch_custom_event("heartline_stage", told, config=config)
                    yield event.turn
                elif isinstance(event, ReplyFinished):
                    yield event.turn


def agent_runnable(agent: Agent) -> AgentRunnable:
    """The agent as a Runnable."""
    return AgentRunnable(agent)


def _what(asked: Asked, config: RunnableConfig) -> tuple[str, str | None, Options]:
    thread = ensure_config(config).get("configurable", {}).get("thread_id")
    if isinstance(asked, str):
        return asked, thread, AS_MADE
    if not isinstance(asked, Mapping) or not isinstance(asked.get("text"), str) or asked.keys() - _KEYS:
        raise InputError(
            "An agent is asked with a text, or with a mapping of `text`, `conversation_id`, `options`."
        )
    return asked["text"], asked.get("conversation_id") or thread, asked.get("options") or AS_MADE
