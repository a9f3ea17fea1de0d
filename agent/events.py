"""What `Agent.stream` yields: a closed union, so that a face can match it completely."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from agent.decisions import StageFailure, Timing
from agent.turn import Turn

__all__ = [
    "Event",
    "FailureNoted",
    "NoticeGiven",
    "ReplyFinished",
    "Stage",
    "StageFinished",
    "StageName",
    "StageStarted",
    "Token",
    "run_stage",
    "stage_finished",
]

StageName = Literal["recall", "perceive", "reread", "screen", "track", "plan", "compose", "generate", "remember"]

Stage = tuple[StageName, Callable[[Turn], Awaitable[Turn]]]
"""Its name and what it makes of a turn."""


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
class NoticeGiven:
    """Something that has to be said beside the reply, e.g. that this is an AI: show it as a line of its own.

    It comes before the reply's first token; in danger it comes after the last one.
    """

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


Event = StageStarted | StageFinished | NoticeGiven | Token | FailureNoted | ReplyFinished


async def run_stage(stage: Stage, turn: Turn) -> AsyncGenerator[StageStarted | FailureNoted | StageFinished]:
    """Run one stage and tell of it; the last event holds the turn."""
    name, work = stage
    yield StageStarted(name)
    started = time.perf_counter()
    after = await work(turn)
    for failure in after.failures[len(turn.failures) :]:
        yield FailureNoted(failure)
    yield stage_finished(name, started, after)


def stage_finished(stage: StageName, started: float, turn: Turn) -> StageFinished:
    """The event at a stage's end.

    Args:
        stage: Which.
        started: `time.perf_counter()` when it began.
        turn: As the stage left it.
    """
    milliseconds = (time.perf_counter() - started) * 1000
    if stage != "remember":  # what is stored cannot know how long storing it took
        turn = turn.note(Timing(stage, milliseconds))
    return StageFinished(stage, milliseconds, turn)
