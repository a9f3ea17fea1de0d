"""What the endpoints under `/v1/heartline` take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.feedback import LONGEST_REASON
from agent.safety.human_acts import LONGEST_WORDS
from ui.http.insight_schemas import HumanActOut, Insight, Readings

__all__ = [
    "Analysed",
    "Analysis",
    "AnalyzeRequest",
    "CallOut",
    "ConversationList",
    "ConversationOut",
    "ConversationTurn",
    "EraseRequest",
    "Erased",
    "FeedbackOut",
    "FeedbackRequest",
    "HandoffAnswer",
    "HandoffList",
    "HandoffOut",
    "HandoffRequest",
    "PeopleOut",
    "Trace",
]

MOST_TEXTS = 64
Text = Annotated[str, StringConstraints(min_length=1)]
StoredId = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]+$")]
"""An id as it stands in the store, which other faces than this one may have chosen. Postgres keeps no NUL."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Versioned(BaseModel):
    version: Literal[1] = 1


class AnalyzeRequest(_Given):
    """Messages to read, each on its own."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]
    model: str | None = Field(None, max_length=256)
    top: int = Field(5, ge=0, le=100, description="Emotions per message; 0 gives all.")


class Analysed(BaseModel):
    """One message."""

    index: int
    readings: Readings


class Analysis(_Versioned):
    """All of them, in their order."""

    object: Literal["heartline.analysis"] = "heartline.analysis"
    data: list[Analysed]


class ConversationEntry(BaseModel):
    """One conversation that is kept."""

    id: str


class ConversationList(_Versioned):
    """Conversations, the one last used first."""

    object: Literal["list"] = "list"
    data: list[ConversationEntry]
    has_more: bool


class FeedbackOut(BaseModel):
    """What was said of a reply."""

    turn_id: str
    rating: Literal[-1, 0, 1]
    reason: str | None
    at: datetime | None


class ConversationTurn(BaseModel):
    """A turn as it is kept."""

    text: str
    reply: str | None
    at: float | None = Field(description="Seconds since 1970.")
    heartline: Insight


class ConversationOut(_Versioned):
    """A conversation, or a part of it."""

    object: Literal["heartline.conversation"] = "heartline.conversation"
    id: str
    held_by: str | None
    turns: list[ConversationTurn] = Field(description="Oldest first.")
    total_turns: int
    has_more: bool = Field(description="Whether there are older turns than these.")
    feedback: list[FeedbackOut] = Field(description="On these turns.")
    people: list[HumanActOut] = Field(description="What people did there from the first of these turns on.")


class PeopleOut(_Versioned):
    """What people did in a conversation that they took over, oldest first."""

    object: Literal["list"] = "list"
    conversation_id: str
    held_by: str | None
    total_turns: int = Field(description="How many there are: more than before, and the person wrote.")
    data: list[HumanActOut]
    has_more: bool


class Trace(BaseModel):
    """How emotions went (docs/trace.md). `format` is the version of what follows."""

    model_config = ConfigDict(extra="allow")

    format: int
    kind: Literal["trajectory"]
    conversation: str
    opening: list[str] | None
    turns: list[dict[str, Any]]
    has_more: bool


class FeedbackRequest(_Given):
    """What somebody says of a reply."""

    conversation_id: StoredId
    turn_id: StoredId
    rating: Literal[-1, 0, 1]
    reason: str | None = Field(None, max_length=LONGEST_REASON)


class EraseRequest(_Given):
    """Conversations to erase for good."""

    conversation_ids: list[StoredId] = Field(min_length=1, max_length=100)


class ErasedOne(BaseModel):
    """What became of one."""

    id: str
    erased: bool = Field(description="False where there was none with this id.")
    turns: int


class Erased(_Versioned):
    """What became of each, in their order."""

    object: Literal["heartline.erased"] = "heartline.erased"
    data: list[ErasedOne]


class HandoffRequest(_Given):
    """Take a conversation over, say something there, or give it back."""

    action: Literal["hold", "say", "release"]
    conversation_id: StoredId
    by: str | None = Field(
        None,
        max_length=200,
        description="Who takes it over, says it or gives it back. The name of the key is added; alone, it is who.",
    )
    unless_held: bool = Field(
        False, description="Take it only where nobody else has it (else 409), rather than on from them."
    )

    words: str | None = Field(
        None,
        max_length=LONGEST_WORDS,
        description="With `say`: what is said to the person. Who says it holds the conversation (else 409).",
    )


class HandoffAnswer(_Versioned):
    """Who holds it now."""

    conversation_id: str
    held_by: str | None


class CallOut(BaseModel):
    """How a conversation stands that a person was called for."""

    state: Literal["waiting", "held", "given_back"]
    since: datetime = Field(description="When a person was first called since it was last given back.")
    level: str = Field(description="Danger to themselves, as the record of risk stands.")
    others: str = Field(description="Danger to others.")
    held_by: str | None
    held_since: datetime | None = Field(description="When they took it.")


class HandoffOut(BaseModel):
    """A packet for a person, without a word of anybody."""

    id: str
    conversation_id: str
    created: datetime
    reason: str
    consent: bool | None
    state: Literal["queued", "sent", "failed"]
    attempts: int
    problem: str | None
    call: CallOut | None = Field(
        None, description="How its conversation stands now: the same in all its packets, whatever became of each."
    )


class HandoffList(_Versioned):
    """The newest packets that are kept, the oldest of them first."""

    object: Literal["list"] = "list"
    data: list[HandoffOut]
    has_more: bool = Field(description="Whether there are older ones.")
