"""What `Agent.stream` yields: a closed union, so that a face can match it completely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.decisions import StageFailure
from agent.turn import Turn

__all__ = ["Event", "FailureNoted", "ReplyFinished", "StageFinished", "StageName", "StageStarted", "Token"]

StageName = Literal["recall", "perceive", "reread", "track", "plan", "compose", "generate", "remember"]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage began."""

    stage: StageName


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage ended.

    Attributes:
        stage: Which.
        milliseconds: How long it took.
        turn: The turn as it now is, so that readings can be shown before the reply.
    """

    stage: StageName
    milliseconds: float
    turn: Turn


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply, to be shown as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class FailureNoted:
    """A part failed; the turn goes on.

    Attributes:
        failure: What failed.
        discards: Text streamed so far belongs to the failed part. The tokens that follow are a
            whole reply by the fallback: show them in its place.
    """

    failure: StageFailure
    discards: bool = False


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The last event of a turn that got its reply."""

    turn: Turn


Event = StageStarted | StageFinished | Token | FailureNoted | ReplyFinished
