"""What `/v1/chat/completions` and `/v1/models` take and give. Fields that are not named are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ui.http.insight_schemas import Insight

__all__ = [
    "ChatCompletion",
    "ChatMessage",
    "ChatRequest",
    "Conversation",
    "ErrorAnswer",
    "Finish",
    "HeartlineOptions",
    "ModelCard",
    "ModelList",
    "ToolCall",
    "ToolFunction",
    "Usage",
]

Conversation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""Id of a conversation, as clients choose it."""

Finish = Literal["stop", "length", "tool_calls"]

MOST_MESSAGES = 5_000


class _Given(BaseModel):
    """Part of a request."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ContentPart(_Given):
    """Part of a message; only text is read."""

    type: str
    text: str | None = None
    refusal: str | None = None


class ToolFunction(_Given):
    """What is called, and with what."""

    name: str
    arguments: str = ""


class ToolCall(_Given):
    """A call of a tool that an LLM asked for."""

    id: str
    type: Literal["function"] = "function"
    function: ToolFunction


class MessageNote(_Given):
    """What is ours in a message."""

    human: bool = Field(
        default=False, description="Of the role `assistant`: a person of the team wrote it, and not the agent."
    )


class ChatMessage(_Given):
    """One message of the history."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    heartline: MessageNote | None = None

    @property
    def human(self) -> bool:
        """Whether a person of the team wrote it."""
        return self.role == "assistant" and self.heartline is not None and self.heartline.human


class StreamOptions(_Given):
    """How a stream is sent."""

    include_usage: bool = False


class ResponseFormat(_Given):
    """The form of the answer."""

    type: str = "text"


class HeartlineOptions(_Given):
    """What is ours in a request."""

    conversation_id: Conversation | None = Field(
        default=None, description="Conversation that goes on; `new` begins one. Without it nothing is stored."
    )
    events: bool = Field(default=False, description="Tell of every stage in a stream, as named events.")
    task: str | None = Field(
        default=None,
        max_length=64,
        description="Says that this is a front end's own call (e.g. `title`), and no turn.",
    )
    minor: bool | None = Field(default=None, description="Whether the person is known or believed to be under 18.")
    variant: str | None = Field(
        default=None, max_length=64, description="What goes into the prompt (docs/prompts.md)."
    )
    strategy: str | None = Field(
        default=None,
        max_length=64,
        description="Id of a strategy of the planner's, for the reply to follow. Safety comes first.",
    )


class ChatRequest(_Given):
    """A request of OpenAI's chat completions."""

    model: str | None = Field(default=None, max_length=256, description="Name of a profile, e.g. `heartline`.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    stop: (
        Annotated[str, StringConstraints(max_length=256)]
        | list[Annotated[str, StringConstraints(max_length=256)]]
        | None
    ) = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    functions: list[dict[str, Any]] | None = None
    response_format: ResponseFormat | None = None
    heartline: HeartlineOptions = Field(default_factory=HeartlineOptions)


class Usage(BaseModel):
    """Tokens of the LLM, as its server counted them; zeros where no LLM was asked for the reply."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The reply."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    """The one choice."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Finish


class ChatCompletion(BaseModel):
    """An answer that is not streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[Choice]
    usage: Usage | None = Field(default=None, description="None where an LLM spoke and nobody counted.")
    heartline: Insight | None = Field(default=None, description="None for calls that are no turns.")


class ModelCard(BaseModel):
    """A profile."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["heartline"] = "heartline"


class ModelList(BaseModel):
    """All profiles."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ErrorDetail(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None
    help_lines: list[str] | None = Field(
        default=None,
        description="To be shown to the person who waits. Only where a chat is not answered, and not for what a "
        "client is written wrongly (400, 421, 422).",
    )


class ErrorAnswer(BaseModel):
    """Every error."""

    error: ErrorDetail
