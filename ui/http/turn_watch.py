"""Follows a turn from outside and tells metrics, traces and the log how it went. Each turn counts once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING

from agent.decisions import StageFailure
from agent.errors import InputError
from agent.events import Event, FailureNoted, ReplyFinished, StageFinished, StageStarted, Token
from agent.turn import Turn
from ui.http.errors import ApiError
from ui.http.metrics import Metrics, Outcome
from ui.http.request_notes import notes
from ui.http.tools import ToolsCalled
from ui.http.turn_spans import TurnSpans

if TYPE_CHECKING:
    from ui.http.profiles import Service
    from ui.http.turns import Asked

__all__ = ["watched"]

Happening = Event | ToolsCalled
Events = Callable[["Asked", "Service"], AsyncGenerator[Happening]]

_OURS = ("protocol", "offline")


def watched(events_of: Events) -> Events:
    """The same events, each looked at as it passes."""

    @wraps(events_of)
    async def watching(asked: Asked, service: Service) -> AsyncGenerator[Happening]:
        watch = _Watch(asked.profile.name, service.metrics)
        spans = TurnSpans(asked.profile.name)
        try:
            async with aclosing(events_of(asked, service)) as events:
                while True:
                    with spans.current():  # never while this waits for who asks: contexts belong to one task
                        event = await anext(events, None)
                    if event is None:
                        break
                    if isinstance(event, StageStarted):
                        spans.begin(event.stage)
                    elif isinstance(event, StageFinished):
                        spans.end()
                    watch.take(event)
                    yield event
        except Exception as error:
            watch.outcome = "refused" if isinstance(error, InputError | ApiError) else "failed"
            raise
        finally:
            spans.close(watch.outcome, watch.voice)
            watch.close()

    return watching


class _Watch:
    """What is known of a turn so far."""

    def __init__(self, profile: str, metrics: Metrics) -> None:
        self.outcome: Outcome = "interrupted"
        self._profile, self._metrics = profile, metrics
        self._turn: Turn | None = None
        self._noted: list[StageFailure] = []
        self._began = time.perf_counter()
        self._spoke = False

    @property
    def speaker(self) -> str:
        """Who spoke, in a word: an LLM's name is its server's word, and could be any."""
        reply = None if self._turn is None else self._turn.reply
        if reply is None:
            return "llm" if self.outcome == "tools" else "none"
        return reply.speaker if reply.speaker in _OURS else "llm"

    @property
    def voice(self) -> str:
        """The same for what may be put together with a request: that the protocol spoke says that somebody was in
        danger."""
        return "heartline" if self.speaker in _OURS else self.speaker

    def take(self, event: Happening) -> None:
        match event:
            case StageFinished(stage, milliseconds, turn):
                self._metrics.stage(stage, milliseconds)
                self._turn = turn
            case FailureNoted(failure):
                self._noted.append(failure)
            case Token() if not self._spoke:
                self._spoke = True
                self._metrics.first_words(self._profile, time.perf_counter() - self._began)
            case ReplyFinished(turn):
                self._turn, self.outcome = turn, "answered"
            case ToolsCalled():
                self.outcome = "tools"
                self._metrics.tokens(event.usage)

    def close(self) -> None:
        turn = self._turn
        known = Counter(() if turn is None else turn.failures)
        self._metrics.failed((known | Counter(self._noted)).elements())
        if turn is not None and turn.reply is not None:
            self._metrics.tokens(turn.reply.usage)
        for timing in () if turn is None else turn.timings:
            if timing.within:  # the stages themselves are told as they end
                self._metrics.stage(timing.stage, timing.milliseconds)
        self._metrics.turn(self._profile, turn, self.outcome, self.speaker)
        note = notes()
        note.profile, note.speaker, note.outcome = self._profile, self.voice, self.outcome
