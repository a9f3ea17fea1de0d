"""Where spans go, by OpenTelemetry's own environment variables; and the span of a request."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

__all__ = ["export_spans", "request_span", "trace_id"]

_log = logging.getLogger("heartline.http")
_OFF = frozenset({"true", "1"})


def export_spans() -> bool:
    """Send spans to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, where it names one.

    Whoever has set up OpenTelemetry in this process already, e.g. with `opentelemetry-instrument`, is left alone.

    Returns:
        Whether spans are sent by us.
    """
    named = [os.environ.get(f"OTEL_EXPORTER_OTLP_{kind}ENDPOINT") for kind in ("TRACES_", "")]
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() in _OFF
    if off or exporter == "none" or not any(named):
        return False
    if not isinstance(trace.get_tracer_provider(), ProxyTracerProvider):
        return False
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    if exporter != "otlp" or protocol not in {None, "", "http/protobuf"}:
        _log.warning(
            "No traces are sent: only OTLP over HTTP is known here. Set OTEL_TRACES_EXPORTER to `otlp` and "
            "OTEL_EXPORTER_OTLP_PROTOCOL to `http/protobuf`, or start with `opentelemetry-instrument`."
        )
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning(
            "No traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is set, but the SDK is not installed. "
            "pip install 'heartline[otel]', or unset it."
        )
        return False
    from heartline import __version__

    told = OTELResourceDetector().detect()  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    ours = Resource.create({"service.name": "heartline", "service.version": __version__})
    provider = TracerProvider(resource=ours.merge(told))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


@contextmanager
def request_span(scope: Scope) -> Iterator[Span]:
    """The span of a request, within the trace that its `traceparent` names. Its route is told at the end."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    before = TraceContextTextMapPropagator().extract(headers) if "traceparent" in headers else None
    attributes = {"http.request.method": scope["method"], "url.scheme": scope["scheme"]}
    tracer = trace.get_tracer("heartline")
    with tracer.start_as_current_span(
        scope["method"],
        context=before,
        kind=trace.SpanKind.SERVER,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def trace_id(span: Span) -> str | None:
    """The trace's id, as collectors show it; None where there is no trace."""
    context = span.get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None
