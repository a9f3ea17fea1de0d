"""What Prometheus is told: how many turns, how long, how dangerous, what failed. Never who, nor what was said.

Every label has few values: those of a closed list, names of profiles and parts, and templates of routes.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from agent import errors
from agent.decisions import StageFailure, TokenUsage
from agent.turn import Turn

__all__ = ["METHODS", "Metrics", "Outcome"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other method is `other`: a client may write what it likes."""

Outcome = Literal["answered", "tools", "interrupted", "refused", "failed"]
"""How a turn ended: with a whole reply, in calls of tools, broken off by who asked, not taken in, by an error."""

_KINDS = {
    "LLMUnreachableError": "unreachable",
    "LLMResponseError": "response",
    "EmptyReplyError": "empty",
    "PromptTooLongError": "too_long",
}
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


_SHARED_IN = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of the client library: a folder where several processes count, each in files of its own."""

_Mode = Literal["livesum", "livemostrecent", "mostrecent"]


class Metrics:
    """The metrics of one application, in a registry of its own. Several workers show those of all.

    Args:
        version: Of Heartline.

    Attributes:
        ready: Set by whoever shows them: 1 where it can answer, 0 where it cannot.
        running: Requests that are being answered.
    """

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._turns = self._counter("turns", "Turns that ended.", "profile", "speaker", "outcome")
        self._stages = self._histogram("stage_seconds", "How long a stage of a turn took.", "stage")
        self._first = self._histogram("first_token_seconds", "From the message to the first words.", "profile")
        self._risk = self._counter("risk_turns", "Turns by step of the record of risk.", "ladder", "step")
        self._verdicts = self._counter("verdicts", "Turns by what the guard asked for.", "action")
        self._handoffs = self._counter("handoffs", "Times that a person was called.", "reason")
        self._fallbacks = self._counter("fallbacks", "Turns that the fallback answered.", "profile")
        self._failures = self._counter("failures", "Parts that failed or were skipped.", "stage", "part")
        self._llm = self._counter("llm_errors", "Times that the LLM did not do.", "kind")
        self._tokens = self._counter("llm_tokens", "Tokens of replies, as the LLM's server counted.", "kind")
        self._requests = self._counter("http_requests", "Requests that ended.", "method", "route", "status")
        self._seconds = self._histogram(
            "http_request_seconds", "How long a request took, its stream too.", "route"
        )
        self._reloads = self._counter("reloads", "Times that the configuration was read again.", "result")
        self.running = self._gauge("http_requests_running", "Requests that are being answered.", mode="livesum")
        self.ready = self._gauge("ready", "1: it can answer. 0: see /readyz.", mode="livemostrecent")
        self._gauge("build_info", "Version.", "version", mode="mostrecent").labels(version).set(1)
        collector: Collector = ProcessCollector(registry=None)
        self._registry.register(collector)
        for result in ("ok", "failed"):
            self._reloads.labels(result)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"heartline_{name}", help_, labels, registry=self._registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(f"heartline_{name}", help_, labels, registry=self._registry, buckets=_QUICK)

    def _gauge(self, name: str, help_: str, *labels: str, mode: _Mode) -> Gauge:
        """`mode` says what several processes show: the sum of those that live, or what was set last."""
        return Gauge(f"heartline_{name}", help_, labels, registry=self._registry, multiprocess_mode=mode)

    def shown(self) -> bytes:
        """All of them, in Prometheus' text format; what a single process uses only where it is the only one."""
        if _SHARED_IN not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request ended.

        Args:
            method: As sent.
            route: Its template; `other` where nothing is there.
            status: HTTP status; 499 where the client went before there was one.
            seconds: Until the last byte.
        """
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def stage(self, stage: str, milliseconds: float) -> None:
        """A stage of a turn ended."""
        self._stages.labels(stage).observe(milliseconds / 1000)

    def first_words(self, profile: str, seconds: float) -> None:
        """The first words of a reply came."""
        self._first.labels(profile).observe(seconds)

    def turn(self, profile: str, turn: Turn | None, outcome: Outcome, speaker: str) -> None:
        """A turn ended.

        Args:
            profile: Who was asked.
            turn: As far as it came; None where not even its history was recalled.
            outcome: How it ended.
            speaker: Who spoke, in a word of a closed list.
        """
        self._turns.labels(profile, speaker, outcome).inc()
        if turn is None:
            return
        if turn.course is not None:
            self._risk.labels("self", turn.course.level).inc()
            self._risk.labels("others", turn.course.others).inc()
        actions = {verdict.action for verdict in turn.verdicts}
        for action in ("escalate", "steer", "allow"):
            if action in actions:
                self._verdicts.labels(action).inc()
                break
        if outcome == "answered" and turn.handoff is not None:
            self._handoffs.labels(turn.handoff.reason).inc()
        if turn.reply is not None and turn.reply.stood_in_for is not None:
            self._fallbacks.labels(profile).inc()

    def failed(self, failures: Iterable[StageFailure]) -> None:
        """Parts failed, of whom some may be the LLM."""
        for failure, times in Counts(failures).items():
            self._failures.labels(failure.stage, failure.part).inc(times)
            kind = getattr(errors, failure.error, None)
            if kind is errors.GenerationError or not isinstance(kind, type):
                continue
            if issubclass(kind, errors.GenerationError):
                self._llm.labels(_KINDS.get(failure.error, "other")).inc(times)

    def tokens(self, usage: TokenUsage | None) -> None:
        """The LLM's server counted."""
        if usage is not None:
            self._tokens.labels("prompt").inc(usage.prompt)
            self._tokens.labels("completion").inc(usage.completion)

    def reloaded(self, *, well: bool) -> None:
        """The configuration was read again, or could not be."""
        self._reloads.labels("ok" if well else "failed").inc()
