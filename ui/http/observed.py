"""What is noticed of every request, whatever became of it: a count, a duration, a line in the log, a span."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any

from opentelemetry.trace import Span, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.http.metrics import METHODS, Metrics
from ui.http.request_notes import begin
from ui.http.tracing import request_span, trace_id

__all__ = ["OF_OPERATIONS", "OTHER", "Observed"]

OF_OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged at `debug`, in no trace, and not among those that run."""

OTHER = "other"
"""The route of a path where nothing is."""

_log = logging.getLogger("heartline.http.request")
_GONE = 499
_BROKEN = 500


class Observed:
    """An ASGI application around another one, the outermost.

    Args:
        app: What answers.
        metrics: Are told.
        paths: Those that hold no id: known also where a request is turned away before it is routed.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self._app, self._metrics, self._paths = app, metrics, frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] in OF_OPERATIONS:
            await self._follow(scope, receive, send, None)
        else:
            with self._metrics.running.track_inprogress(), request_span(scope) as span:
                await self._follow(scope, receive, send, span)

    async def _follow(self, scope: Scope, receive: Receive, send: Send, span: Span | None) -> None:
        noted, began, status = begin(), time.perf_counter(), _GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds, route = time.perf_counter() - began, self._route(scope)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._metrics.request(method, route, status, seconds)
            told: dict[str, Any] = {
                "request_id": scope.get("state", {}).get("request_id"),
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "profile": noted.profile,
                "speaker": noted.speaker,
                "outcome": noted.outcome,
            }
            if span is not None:
                _end(span, method, route, status)
                told["trace_id"] = trace_id(span)
            _tell(told, logging.DEBUG if span is None else logging.INFO)

    def _route(self, scope: Scope) -> str:
        template: str | None = getattr(scope.get("route"), "path", None)
        return template or (scope["path"] if scope["path"] in self._paths else OTHER)


def _end(span: Span, method: str, route: str, status: int) -> None:
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= _BROKEN:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _tell(told: dict[str, Any], level: int) -> None:
    if not _log.isEnabledFor(level):
        return
    known = {name: value for name, value in told.items() if value is not None}
    who = "".join(f", {name} {known[name]}" for name in ("profile", "speaker", "outcome") if name in known)
    words = "%s %s %s in %s ms (request %s%s)"
    given = [told[name] for name in ("method", "route", "status", "milliseconds", "request_id")]
    _log.log(level, words, *given, who, extra={"fields": known})
