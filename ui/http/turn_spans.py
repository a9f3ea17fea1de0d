"""Spans of a turn and of its stages (`agent.tracing` has those of the LLM). No words, no ids, no risk."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from opentelemetry import trace
from opentelemetry.trace import Span

__all__ = ["TurnSpans"]


class TurnSpans:
    """The span of a turn, after the conventions for agents, and those of its stages within it.

    Args:
        profile: Who answers.
    """

    def __init__(self, profile: str) -> None:
        self._tracer = trace.get_tracer("heartline")
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "heartline",
            "gen_ai.agent.name": profile,
        }
        self._turn = self._tracer.start_span(f"invoke_agent {profile}", attributes=attributes)
        self._stage: Span | None = None
        # Without an SDK and a trace of the caller's nothing is passed on: then no event pays for it.
        self._live = self._turn.get_span_context().is_valid

    def current(self) -> AbstractContextManager[object]:
        """Whatever starts a span in here starts it within the stage that runs."""
        if not self._live:
            return nullcontext()
        span = self._stage or self._turn
        return trace.use_span(span, record_exception=False, set_status_on_exception=False)

    def begin(self, stage: str) -> None:
        """A stage begins."""
        if not self._live:
            return
        self.end()
        within = trace.set_span_in_context(self._turn)
        self._stage = self._tracer.start_span(f"heartline.{stage}", context=within)

    def end(self) -> None:
        """The stage that runs has ended."""
        if self._stage is not None:
            self._stage.end()
            self._stage = None

    def close(self, outcome: str, speaker: str) -> None:
        """The turn has ended.

        Args:
            outcome: How; `failed` makes the span an error.
            speaker: Who spoke: `llm`, `heartline` or `none`.
        """
        self.end()
        self._turn.set_attribute("heartline.outcome", outcome)
        self._turn.set_attribute("heartline.speaker", speaker)
        if outcome == "failed":
            self._turn.set_status(trace.StatusCode.ERROR)
        self._turn.end()
