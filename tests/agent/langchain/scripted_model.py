"""A chat model that says what it was told, whole or in pieces, for tests of what stands around a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

__all__ = ["ScriptedModel", "WholeModel", "calls"]


def calls(tool: str, text: str = "", **args: Any) -> AIMessage:
    """A message that calls a tool."""
    return AIMessage(text, tool_calls=[{"name": tool, "args": args, "id": f"call-{tool}", "type": "tool_call"}])


class WholeModel(BaseChatModel):
    """Says one message after the other, each whole. Strict: fails where it is asked for more.

    Args:
        script: Messages, or texts.

    Attributes:
        asked: What it was given, in order.
        offered: The tools that it was offered, of each call.
    """

    script: list[Any]
    model: str = "scripted"
    _asked: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _given: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[list[BaseMessage]]:
        return self._asked

    @property
    def offered(self) -> list[list[str]]:
        return [[tool["function"]["name"] for tool in given.get("tools", ())] for given in self._given]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable | Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _next(self, messages: list[BaseMessage], given: dict[str, Any]) -> AIMessage:
        self._asked.append(messages)
        self._given.append(given)
        if len(self._asked) > len(self.script):
            raise AssertionError(
                f"The model was asked {len(self._asked)} times; it has {len(self.script)} messages."
            )
        said = self.script[len(self._asked) - 1]
        return AIMessage(said) if isinstance(said, str) else said

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages, kwargs).model_copy())])


class ScriptedModel(WholeModel):
    """The same, which streams: its text in pieces of three characters, then its calls of tools, then counts."""

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        message = self._next(messages, kwargs)
        for index, block in enumerate([message.content] if isinstance(message.content, str) else message.content):
            if isinstance(block, str):
                pieces: list[Any] = [block[at : at + 3] for at in range(0, len(block), 3)]
            elif block["type"] == "text":
                text = block["text"]
                pieces = [[{**block, "text": text[at : at + 3], "index": index}] for at in range(0, len(text), 3)]
            else:
                pieces = [[{**block, "index": index}]]
            for piece in pieces:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        for index, call in enumerate(message.tool_calls):
            import json

            chunk = {"name": call["name"], "args": json.dumps(call["args"]), "id": call["id"], "index": index}
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", tool_call_chunks=[{**chunk, "type": "tool_call_chunk"}])
            )
        counts = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=counts, response_metadata={"model_name": "scripted"})
        )
