"""Spans of a real server as a collector gets them, the trace from the client to the LLM, and what stays out of it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fake_llm_server import FakeLLMServer, fails, says
from http_serving import PATIENCE, wait_until
from ops_process import ops_process

from agent.tracing import bare_context, pass_on

pytest.importorskip("opentelemetry.sdk", reason="needs the `otel` extra")

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLED = {"traceparent": f"00-{TRACE}-{CALLER}-01", "baggage": "secret=Quillonby"}
SAID = "My dog Quillonby died."
SERVER, CLIENT, INTERNAL = 2, 3, 1


class Collector:
    """Takes spans over OTLP."""

    def __init__(self) -> None:
        self.raw, self.spans, self.resource = b"", [], dict[str, Any]()

    def take(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)

    def named(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Tests read what they need."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


def attributes(span: Any) -> dict[str, Any]:
    found = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


def traced(tmp_path: Path, *script: Any, stream: bool = False, **settings: str) -> tuple[Collector, FakeLLMServer]:
    """What a collector got of a turn, and the LLM that answered."""
    with collecting() as (collector, url), FakeLLMServer(*script) as llm:
        environment = {
            "HEARTLINE_LLM_CONTEXT": "8192", "HEARTLINE_TWO_STAGE": "inline", "HEARTLINE_LLM_RETRIES": "0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50", **settings,
        }  # fmt: skip
        with ops_process(tmp_path, "--llm", llm.url, "--model", "tiny", **environment) as server:
            headers = {**CALLED, "X-Heartline-Conversation": "conv-77", "X-Request-Id": "mine-1"}
            server.ask(SAID, headers=headers, stream=stream).read()
            server.http.get("/healthz")
            wait_until(lambda: any(span.name.startswith("POST") for span in collector.spans))
            assert server.logged("mine-1")["trace_id"] == TRACE
    return collector, llm


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_that_a_turn_is_one_trace_from_the_client_to_the_llm(tmp_path: Path, *, stream: bool):
    collector, llm = traced(tmp_path, says("I hear you."), stream=stream)
    request, turn = collector.named("POST /v1/chat/completions"), collector.named("invoke_agent heartline")
    generate, chat = collector.named("heartline.generate"), collector.named("chat tiny")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert request.parent_span_id.hex() == CALLER
    assert turn.parent_span_id == request.span_id
    assert generate.parent_span_id == turn.span_id
    assert chat.parent_span_id == generate.span_id
    assert [span.kind for span in (request, turn, chat)] == [SERVER, INTERNAL, CLIENT]
    stages = [span.name for span in sorted(collector.spans, key=lambda span: span.start_time_unix_nano)]
    wanted = ["recall", "perceive", "reread", "screen", "track", "plan", "compose", "generate", "remember"]
    assert [name.removeprefix("heartline.") for name in stages if name.startswith("heartline.")] == wanted
    # And on to the LLM, whose server may have spans of its own.
    assert llm.requests[-1].headers["traceparent"] == f"00-{TRACE}-{chat.span_id.hex()}-01"
    assert "baggage" not in llm.requests[-1].headers

    told = attributes(chat)
    port = int(llm.url.rpartition(":")[2].partition("/")[0])
    assert told.pop("gen_ai.response.time_to_first_chunk") >= 0
    assert told == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "tiny",
        "gen_ai.request.stream": True, "gen_ai.output.type": "text", "gen_ai.response.model": "tiny",
        "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 5, "server.address": "127.0.0.1", "server.port": port,
    }  # fmt: skip
    assert attributes(request) == {
        "http.request.method": "POST", "url.scheme": "http", "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
    }  # fmt: skip
    assert attributes(turn)["heartline.speaker"] == "llm"
    assert attributes(turn)["heartline.outcome"] == "answered"
    assert collector.resource["service.name"] == "heartline"
    assert not re.search(rb"Quillonby|conv-77|mine-1|hear you", collector.raw)


def test_that_what_was_said_is_in_a_span_where_that_is_asked_for(tmp_path: Path):
    settings = '{"log_format": "json", "trace_content": true}'
    collector, _ = traced(tmp_path, says("I hear you."), HEARTLINE_OPERATIONS=settings, OTEL_SERVICE_NAME="shop")
    told = attributes(collector.named("chat tiny"))
    assert SAID in told["gen_ai.input.messages"]
    assert '"content": "I hear you."' in told["gen_ai.output.messages"]
    assert collector.resource["service.name"] == "shop"
    assert b"conv-77" not in collector.raw


def test_that_an_llm_that_fails_is_an_error_without_its_words(tmp_path: Path):
    collector, _ = traced(tmp_path, fails(503, echo=SAID))
    chat = collector.named("chat tiny")
    assert (attributes(chat)["error.type"], chat.status.code, len(chat.events)) == ("503", 2, 0)
    assert attributes(collector.named("invoke_agent heartline"))["heartline.speaker"] == "heartline"
    assert b"Quillonby" not in collector.raw


def test_that_nothing_is_sent_and_no_sdk_is_loaded_where_no_collector_is_named():
    code = (
        "from ui.http.tracing import export_spans; import sys; assert not export_spans();"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OTEL_SDK_DISABLED", "true", ""),
        ("OTEL_TRACES_EXPORTER", "none", ""),
        ("OTEL_TRACES_EXPORTER", "zipkin", "only OTLP over HTTP"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "only OTLP over HTTP"),
    ],
)
def test_that_the_standard_variables_turn_it_off(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from ui.http.tracing import export_spans

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert not export_spans()
    assert words in caplog.text
    assert bool(words) == bool(caplog.text)


def test_that_the_bare_context_of_the_llm_holds_the_span_of_the_caller_and_nothing_else_of_theirs():
    from opentelemetry import baggage, context, trace

    theirs: ContextVar[str] = ContextVar("theirs", default="")
    parent = trace.NonRecordingSpan(trace.SpanContext(int(TRACE, 16), int(CALLER, 16), True, trace.TraceFlags(1)))

    def look() -> tuple[str, dict[str, str], Any]:
        headers: dict[str, str] = {}
        pass_on(headers)
        return theirs.get(), headers, baggage.get_all()

    def call() -> Any:
        theirs.set("a callback")
        context.attach(trace.set_span_in_context(parent, baggage.set_baggage("secret", "Quillonby")))
        return bare_context().run(look)

    assert copy_context().run(call) == ("", {"traceparent": f"00-{TRACE}-{CALLER}-01"}, {})


def test_that_without_a_trace_no_header_is_sent():
    async def look() -> dict[str, str]:
        headers: dict[str, str] = {}
        pass_on(headers)
        return headers

    assert asyncio.run(look()) == {}
    assert len(bare_context()) == 0
