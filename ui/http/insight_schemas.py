"""What was understood in a turn, decided and done, as programs read it. None means: not read, not known."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from agent.rationale import Rationale

__all__ = ["VERSION", "HumanActOut", "Insight", "Readings", "StateOut"]

VERSION = 1
"""Of everything under the name `heartline`. A field may be added without a new one."""


class EmotionOut(BaseModel):
    """What the person may feel, over a label set; the likeliest first."""

    label: str
    label_set: str
    probabilities: dict[str, float]
    primary: list[str]
    caveat: str | None = None


class ExpressionOut(BaseModel):
    """What the words express."""

    label_set: str
    present: dict[str, float]


class AffectOut(BaseModel):
    """Each in [-1, 1]; intensity in [0, 1]."""

    valence: float
    arousal: float
    dominance: float
    intensity: float


class CauseOut(BaseModel):
    """Words that likely brought the emotion about: characters of an utterance of the dialogue."""

    utterance: int
    start: int
    end: int
    text: str
    score: float


class FeltOut(BaseModel):
    """How much distress and concern is felt."""

    distress: float
    concern: float


class UndertoneOut(BaseModel):
    """What lies under the words."""

    masked: float
    ambivalent: float
    evidence: list[tuple[int, int]]


class RiskOut(BaseModel):
    """What this message alone shows."""

    level: str
    kinds: list[str]
    evidence: list[tuple[int, int]]


class Readings(BaseModel):
    """What was read out of a message."""

    emotion: EmotionOut | None = None
    expression: ExpressionOut | None = None
    affect: AffectOut | None = None
    cause: list[CauseOut] | None = None
    likely_strategies: dict[str, float] | None = None
    felt: FeltOut | None = None
    undertone: UndertoneOut | None = None
    risk: RiskOut | None = None
    failures: list[str] | None = Field(None, description="Readers that failed, and how.")


class SecondLookOut(BaseModel):
    """What an LLM said of an emotion that the small model was unsure of; both together are in `readings`."""

    before: str = Field(description="What the small model held for the likeliest.")
    said: str | None = Field(description="None where the LLM gave no usable answer.")
    opened: bool = Field(description="Whether it left the primary emotions.")
    won: Literal["sem", "llm", "both"]
    reason: str
    speaker: str


class PointOut(BaseModel):
    """Each in [-1, 1]."""

    valence: float | None
    arousal: float | None
    dominance: float | None


class ShiftOut(BaseModel):
    """The last marked change of valence."""

    turn: int
    direction: Literal["better", "worse"]
    size: float | None
    after: str | None


class StateOut(BaseModel):
    """Where the person is, over the turns."""

    affect: PointOut
    trend: float | None
    confidence: float | None
    turns: int
    turns_since_shift: int
    shift: ShiftOut | None
    emotions: dict[str, float | None] = Field(description="The likeliest; empty where the tracker keeps none.")
    own_emotion: str | None = Field(description="What the agent itself feels.")


class PlanOut(BaseModel):
    """The support strategy."""

    strategy: str
    name: str
    then: list[str]
    stage: str
    reason: str
    planner: str
    by_request: bool = Field(description="Whether `heartline.strategy` of the request chose it.")


class SafetyOut(BaseModel):
    """The record of risk over the conversation, and what was done."""

    action: Literal["allow", "steer", "escalate"] | None = Field(description="None where no guard looked.")
    level: str | None = Field(description="Danger to themselves.")
    others: str | None = Field(description="Danger to others.")
    acts: list[str] = Field(description="What the reply does about it, e.g. `lines` or `ask.safe`.")
    lines: list[str] = Field(description="Ids of the help lines that it names.")
    reasons: list[str]
    handoff: str | None = Field(description="Why a person is told; None where nobody is.")
    notices: list[str] = Field(description="What has to be said beside the reply, e.g. that this is an AI.")
    held_by: str | None = Field(description="Who has taken the conversation over.")


class HumanActOut(BaseModel):
    """What a person did who took the conversation over."""

    number: int = Field(description="Its place among all of the conversation, from 1 on.")
    by: str
    did: Literal["took_over", "said", "gave_back"]
    turns: int = Field(description="How many turns there were by then.")
    words: str | None = Field(description="None where nothing was said.")
    at: datetime | None


class ReplyOut(BaseModel):
    """Who spoke, and how it ended."""

    speaker: str
    finish_reason: str
    stood_in_for: str | None
    objections: list[str]


class Insight(BaseModel):
    """The field `heartline` of an answer."""

    version: Literal[1] = 1
    conversation_id: str | None = Field(description="None for a stateless turn, of which nothing is kept.")
    stored: bool = Field(
        description="Whether the turn is kept. False in a conversation: the reply was given and the store failed."
    )
    turn_id: str
    index: int
    readings: Readings
    second_look: SecondLookOut | None = Field(description="None where no LLM was asked.")
    rationale: Rationale = Field(description="What was noticed, how it was taken, and what was drawn from it.")
    state: StateOut | None
    plan: PlanOut | None
    safety: SafetyOut
    reply: ReplyOut | None
    people: list[HumanActOut] = Field(
        default=[], description="What people who took the conversation over did there since the turn before."
    )
    failures: list[str]
    timings: dict[str, float] = Field(description="Milliseconds by stage.")
    not_honoured: list[str] = Field(description="Fields of the request that had no effect.")
