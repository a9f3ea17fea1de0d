"""What the data of each server-sent event holds. Sent as plain mappings, which a test holds against these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from ui.http.insight_schemas import Insight, Readings, StateOut
from ui.http.schemas import Finish, ToolFunction, Usage

__all__ = ["ChatCompletionChunk", "StageTold"]


class ToolCallDelta(BaseModel):
    """A call of a tool, whole: it is not sent in pieces."""

    index: int
    id: str
    type: Literal["function"]
    function: ToolFunction


class Delta(BaseModel):
    """What is added to the message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(BaseModel):
    """The one choice, as far as this chunk goes."""

    index: Literal[0]
    delta: Delta
    logprobs: None
    finish_reason: Finish | None


class StageTold(BaseModel):
    """What an event `heartline.started`, `.finished`, `.failed` or `.notice` tells."""

    version: Literal[1]
    status: Literal["started", "finished", "failed", "notice"]
    stage: str | None = None
    milliseconds: float | None = None
    readings: Readings | None = Field(None, description="With the stage `perceive`.")
    state: StateOut | None = Field(None, description="With the stage `track`.")
    strategy: str | None = Field(None, description="With the stage `plan`.")
    part: str | None = Field(None, description="What failed.")
    discards: bool | None = Field(None, description="What was said until then counts no more.")
    text: str | None = Field(None, description="Of a notice.")


class ChatCompletionChunk(BaseModel):
    """The data of one event. An error that comes after the first is an `ErrorAnswer` in its place."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[ChunkChoice] = Field(description="Empty in the chunk with `usage`, and in events of stages.")
    usage: Usage | None = None
    heartline: Insight | StageTold | None = Field(
        None, description="An `Insight` in the last chunk with a choice; a `StageTold` in events of stages."
    )

    @classmethod
    def example(cls) -> str:
        """A short stream, as it is sent."""
        frame: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000}
        delta = Delta(role="assistant", content="I hear you.")
        choice = ChunkChoice(index=0, delta=delta, logprobs=None, finish_reason=None)
        chunk = cls(**frame, model="heartline", choices=[choice])
        return f"data: {chunk.model_dump_json(exclude_none=True)}\n\ndata: [DONE]\n\n"
