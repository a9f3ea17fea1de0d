"""Spans of calls to an LLM, after OpenTelemetry's conventions for generative AI, and `traceparent` for its server.

Names are those of the conventions' own repository (open-telemetry/semantic-conventions-genai, in development).
Without an SDK there is nothing to record, and all of this costs some microseconds. What was said stands in a span
only where the setting `operations.trace_content` asks for it; ids of conversations never do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from agent.decisions import PromptMessage, TokenUsage

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from agent.probe import LLMServer

__all__ = ["answering", "bare_context", "pass_on", "speaking"]

_SCOPE = "heartline"


class Ending(Protocol):
    """What becomes known of a reply while it comes."""

    model: str
    speaker: str
    finish: str
    usage: TokenUsage | None


def bare_context() -> Context:
    """A context that knows the span of whoever calls, for the LLM's to belong to, and nothing else of theirs."""
    from opentelemetry import trace
    from opentelemetry.context import Context as Carried
    from opentelemetry.context import attach

    bare, span = Context(), trace.get_current_span()
    if span.get_span_context().is_valid:
        bare.run(attach, trace.set_span_in_context(span, Carried()))
    return bare


def pass_on(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` where there is a trace. Baggage is not passed on: strangers may have packed it."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    TraceContextTextMapPropagator().inject(headers)


@contextmanager
def speaking(
    server: LLMServer, messages: Sequence[PromptMessage], ending: Ending, hear: Callable[[str], None]
) -> Iterator[Callable[[str], None]]:
    """The span of a reply that is streamed.

    Args:
        server: Who is asked.
        messages: What is asked.
        ending: Its model is known; the rest is looked at in the end.
        hear: Takes pieces of the reply.

    Yields:
        What to give the pieces to.
    """
    with _chat(server, ending.model, messages, stream=True, whole=lambda: bool(ending.finish)) as span:
        if not span.is_recording():
            yield hear
            return
        asked, said = time.perf_counter(), list[str]()

        def heard(piece: str) -> None:
            if not said:
                span.set_attribute("gen_ai.response.time_to_first_chunk", time.perf_counter() - asked)
            said.append(piece)
            hear(piece)

        try:
            yield heard
        finally:
            _answered(span, ending.speaker, ending.finish, ending.usage)
            if server.trace_content:
                span.set_attribute(
                    "gen_ai.output.messages", _written([("assistant", "".join(said))], ending.finish)
                )


@contextmanager
def answering(
    server: LLMServer, model: str, messages: Sequence[PromptMessage]
) -> Iterator[Callable[[str, str, TokenUsage | None], None]]:
    """The span of a short question.

    Args:
        server: Who is asked.
        model: Its model.
        messages: What is asked.

    Yields:
        What to tell the answer to: text, speaker, tokens.
    """
    with _chat(server, model, messages, stream=False) as span:

        def answered(text: str, speaker: str, usage: TokenUsage | None) -> None:
            _answered(span, speaker, "", usage)
            if server.trace_content:
                span.set_attribute("gen_ai.output.messages", _written([("assistant", text)], "stop"))

        yield answered


@contextmanager
def _chat(
    server: LLMServer,
    model: str,
    messages: Sequence[PromptMessage],
    *,
    stream: bool,
    whole: Callable[[], bool] = lambda: False,
) -> Iterator[Span]:
    """The span; what breaks once the answer is `whole` is no error of it."""
    from opentelemetry import trace

    where = urlsplit(server.base)
    host = where.hostname or ""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        # Of an unknown provider the conventions want the API's name.
        "gen_ai.provider.name": "azure.ai.openai" if host.endswith(".azure.com") else "openai",
        "gen_ai.request.model": model,
        "gen_ai.request.stream": stream,
        "gen_ai.output.type": "text",
        "server.address": host,
        "server.port": where.port or (443 if where.scheme == "https" else 80),
    }
    if server.trace_content:
        attributes["gen_ai.input.messages"] = _written([(said.role, said.content) for said in messages])
    tracer = trace.get_tracer(_SCOPE)
    # The library would write down what exceptions say, and they may quote a person.
    with tracer.start_as_current_span(
        f"chat {model}",
        kind=trace.SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            status = getattr(error, "status_code", None)
            if not whole():
                span.set_attribute("error.type", str(status) if isinstance(status, int) else type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
            raise


def _answered(span: Span, speaker: str, finish: str, usage: TokenUsage | None) -> None:
    if speaker:
        span.set_attribute("gen_ai.response.model", speaker)
    if finish:
        span.set_attribute("gen_ai.response.finish_reasons", [finish])
    if usage is not None:
        span.set_attribute("gen_ai.usage.input_tokens", usage.prompt)
        span.set_attribute("gen_ai.usage.output_tokens", usage.completion)


def _written(said: Sequence[tuple[str, str]], finish: str | None = None) -> str:
    """Messages in the conventions' form, as JSON, since spans hold no objects."""
    messages: list[dict[str, Any]] = [
        {"role": role, "parts": [{"type": "text", "content": content}]} for role, content in said
    ]
    if finish is not None:
        messages = [{**message, "finish_reason": finish or "error"} for message in messages]
    return json.dumps(messages, ensure_ascii=False)
