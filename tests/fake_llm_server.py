"""A scripted LLM server on the loopback, for tests of everything that talks to an LLM.

    with FakeLLMServer(fails(503), says("I ", "hear you.")) as server:
        ...  # talk to server.url
    assert server.requests[1].body["model"] == "tiny"

It is strict. Leaving the `with` block fails when there was a request beyond the script, a request
that does not suit its step, or a step that nobody asked for.
"""

from __future__ import annotations

import json
import math
import os
import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from agent.breaker import BreakerLimits
from agent.setting_types import Operations

__all__ = [
    "WAIT",
    "Exchange",
    "FakeLLMServer",
    "Request",
    "Step",
    "answers",
    "drips",
    "fails",
    "hangs_up",
    "lists",
    "obeys",
    "redirects",
    "says",
    "sends",
    "stays_silent",
    "tells",
    "tokenizes",
]

PATIENCE = 10.0
"""Seconds before a step gives up waiting, so that a broken test fails instead of hanging."""

WAIT = object()
"""Among the pieces of `says` and `sends`: go on when the test calls `server.go_on()`."""


@dataclass(frozen=True)
class Request:
    """A request as it came in; header names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Step:
    """What to do with one request.

    Attributes:
        play: Answers it.
        path: The path it must have, below the base URL.
        beside: The path is beside `/v1` instead.
    """

    play: Callable[[Exchange], None] = field(compare=False)
    path: str = "/chat/completions"
    beside: bool = False


class Exchange:
    """One request and the means to answer it, piece by piece and as badly as wanted."""

    def __init__(self, server: FakeLLMServer, request: Request, connection: socket.socket) -> None:
        self.server = server
        self.request = request
        self._connection = connection

    def head(self, status: int, kind: str, headers: dict[str, str], *, length: int | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {kind}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())

    def raw(self, data: bytes) -> None:
        self._connection.sendall(data)

    def chunk(self, data: bytes) -> None:
        self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, item: object) -> None:
        """A server-sent event; a string goes as it is, anything else as JSON."""
        self.chunk(f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n".encode())

    def end(self) -> None:
        self.raw(b"0\r\n\r\n")

    def drop(self) -> None:
        """Close the connection so rudely that the client gets a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self._connection.detach())  # `close` would wait for the file objects of the library

    def left(self, within: float) -> bool:
        """Whether the client closes the connection within so many seconds; notes it on the server."""
        readable, _, _ = select.select([self._connection], [], [], within)
        try:
            gone = bool(readable) and self._connection.recv(1, socket.MSG_PEEK) == b""
        except ConnectionError:
            gone = True
        if gone:
            self.server.client_left.set()
        return gone

    def wait(self) -> None:
        """Until `server.go_on()` is called, the client leaves or the server stops."""
        for _ in range(int(PATIENCE / 0.01)):
            if self.server.may_go_on.is_set() or self.left(0.01):
                break
        self.server.may_go_on.clear()


class FakeLLMServer:
    """See the module's docstring.

    Args:
        *script: What to do with the first request, the second, and so on.

    Attributes:
        requests: What came in, in order.
        asked: Set when a request came in.
        client_left: Set when a client closed its connection in the middle of a step.
    """

    def __init__(self, *script: Step) -> None:
        self.requests: list[Request] = []
        self.asked = threading.Event()
        self.client_left = threading.Event()
        self.may_go_on = threading.Event()
        self._script = deque(script)
        self._mistakes: list[str] = []
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.fake = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The base URL, as for `llm_url`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def host(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://").removesuffix("/v1")

    def settings(self, **changes: Any) -> SimpleNamespace:
        """Settings that point here, impatient enough for tests; the context is known, so nobody asks for it."""
        return SimpleNamespace(
            **{
                "llm_url": self.url,
                "llm_model": "tiny",
                "llm_api_key": None,
                "llm_timeout": 5.0,
                "llm_deadline": 10.0,
                "llm_retries": 0,
                "llm_breaker": BreakerLimits(),
                "operations": Operations(),
                "llm_temperature": None,
                "llm_max_tokens": None,
                "llm_context": 8192,
            }
            | changes
        )

    def go_on(self) -> None:
        """Let a step that stands at `WAIT` go on."""
        self.may_go_on.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already
        self._http.server_close()
        self._thread.join()
        if self._script:
            self._mistakes.append(f"{len(self._script)} step(s) of the script were never asked for")
        if self._mistakes and error is None:
            raise AssertionError("; ".join(self._mistakes))

    def serve(self, request: Request, connection: socket.socket) -> None:
        """Play the next step; called in the thread of the connection."""
        with self._lock:
            self.requests.append(request)
            step = self._script.popleft() if self._script else None
        self.asked.set()
        if step is None:
            self._mistakes.append(f"{request.method} {request.path} is beyond the script")
            step = fails(500, headers={"x-should-retry": "false"})
        elif request.path.partition("?")[0] != ("" if step.beside else "/v1") + step.path:
            self._mistakes.append(f"{request.method} {request.path} came where {step.path} was due")
        step.play(Exchange(self, request, connection))

    def track(self, connection: socket.socket, *, is_open: bool) -> None:
        with self._lock:
            (self._connections.add if is_open else self._connections.discard)(connection)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = False  # so that `server_close` waits for them
    fake: FakeLLMServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def setup(self) -> None:
        super().setup()
        self.server.fake.track(self.connection, is_open=True)

    def finish(self) -> None:
        self.server.fake.track(self.connection, is_open=False)
        super().finish()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, json.loads(sent) if sent else None)
        try:
            self.server.fake.serve(request, self.connection)
        except OSError:  # the client is gone, which is for the test to judge
            self.server.fake.client_left.set()
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the step dropped the connection

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Tests read what they need from `requests`."""


def answers(
    body: object,
    *,
    status: int = 200,
    kind: str = "application/json",
    headers: dict[str, str] | None = None,
    path: str = "/chat/completions",
    beside: bool = False,
) -> Step:
    """One whole answer: a string or bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()

    def play(exchange: Exchange) -> None:
        exchange.head(status, kind, headers or {}, length=len(data))
        exchange.raw(data)

    return Step(play, path, beside)


def fails(
    status: int, *, headers: dict[str, str] | None = None, echo: str = "no", path: str = "/chat/completions"
) -> Step:
    """An error in OpenAI's form, with `echo` as its message. Asks for a retry after 1 ms."""
    body = {"error": {"message": echo, "type": "scripted", "param": None, "code": None}}
    return answers(body, status=status, headers={"retry-after-ms": "1"} | (headers or {}), path=path)


def lists(*models: str, owner: str = "tests", **more: object) -> Step:
    """The answer to `GET /models`; `more` is said of each model, e.g. vLLM's `max_model_len`."""
    data = [{"id": model, "object": "model", "created": 0, "owned_by": owner} | more for model in models]
    return answers({"object": "list", "data": data}, path="/models")


def tokenizes(count: int = 2, **more: object) -> Step:
    """The answer of vLLM or llama.cpp to `POST /tokenize`."""
    return answers({"count": count, "tokens": [7] * count} | more, path="/tokenize", beside=True)


def redirects(to: str) -> Step:
    """A redirect that keeps method and body."""
    return answers("", status=307, headers={"Location": to})


def hangs_up() -> Step:
    """No answer at all: the connection is dropped."""
    return Step(Exchange.drop)


def stays_silent(*, path: str = "/chat/completions") -> Step:
    """No answer while the client waits; an end to it when the client leaves or the server stops."""
    return Step(Exchange.wait, path)


def says(
    *pieces: Any,
    model: str = "tiny",
    finish: str | None = "stop",
    usage: tuple[int, int] | None = (11, 5),
    then: Callable[[Exchange], None] | None = None,
) -> Step:
    """A reply as vLLM, llama.cpp and Ollama stream it.

    Args:
        *pieces: Its text; `WAIT` among them waits.
        model: Name that the server reports.
        finish: Finish reason; None ends the stream without one.
        usage: Tokens of prompt and completion, sent only where the request asks for them.
        then: What to do instead of the proper end, e.g. `Exchange.drop`.
    """

    def play(exchange: Exchange) -> None:
        frame = {"id": "reply-1", "object": "chat.completion.chunk", "created": 0, "model": model}
        exchange.head(200, "text/event-stream; charset=utf-8", {})
        _send(exchange, [frame | {"choices": [_choice({"role": "assistant", "content": ""})]}])
        for piece in pieces:
            _send(exchange, [piece if piece is WAIT else frame | {"choices": [_choice({"content": piece})]}])
        if then is not None:
            then(exchange)
            return
        if finish is not None:
            exchange.event(frame | {"choices": [_choice({}, finish)]})
        if usage is not None and (exchange.request.body.get("stream_options") or {}).get("include_usage"):
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            exchange.event(frame | {"choices": [], "usage": counts})
        exchange.event("[DONE]")
        exchange.end()

    return Step(play)


def tells(
    text: str | None,
    *likely: dict[str, float],
    model: str = "tiny",
    finish: str = "stop",
    usage: tuple[int, int] | None = (11, 5),
) -> Step:
    """A whole reply, not streamed.

    Args:
        text: Of the reply.
        *likely: For each token, the probabilities of the one said (first) and of others; sent only where the
            request asks for them.
        model: Name that the server reports.
        finish: Finish reason.
        usage: Tokens of prompt and completion.
    """

    def play(exchange: Exchange) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        if likely and exchange.request.body.get("logprobs"):
            choice["logprobs"] = {"content": [_token(alternatives) for alternatives in likely]}
        whole = {"id": "reply-1", "object": "chat.completion", "created": 0, "model": model, "choices": [choice]}
        if usage is not None:
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            whole["usage"] = counts
        answers(whole).play(exchange)

    return Step(play)


def obeys(*fields: str, refuses: Sequence[str] = (), named: bool = True, prose: str = "I hear you.") -> Step:
    """A whole reply of a server that keeps to some fields of a request, ignores others and refuses others.

    Args:
        *fields: Of `"structured_outputs"`, `"json_schema"`, `"json_object with schema"`, `"json_object"` and
            `"logprobs"`.
        refuses: Any field of a request or of its `response_format`, or a type of that.
        named: The refusal names the field.
        prose: What it says where nothing that it keeps to binds it.
    """

    def play(exchange: Exchange) -> None:
        body = exchange.request.body
        form = body.get("response_format", {"type": "text"})
        if hit := [name for name in refuses if name in body or name in form or name == form["type"]]:
            fails(400, echo=f"unknown field {hit[0]}" if named else "bad request").play(exchange)
            return
        text = prose
        if "structured_outputs" in body and "structured_outputs" in fields:
            bound = body["structured_outputs"]
            text = bound["choice"][0] if "choice" in bound else _filled(bound["json"])
        elif form["type"] == "json_schema" and "json_schema" in fields:
            text = _filled(form["json_schema"]["schema"])
        elif "schema" in form and "json_object with schema" in fields:
            text = _filled(form["schema"])
        elif form["type"] == "json_object" and "json_object" in fields:
            text = '{"hello": "you"}'
        likely = [{text: 0.75, "Well": 0.25}] if "logprobs" in fields else []
        words = sum(len(message["content"].split()) for message in body["messages"])
        tells(text, *likely, usage=(words, 1)).play(exchange)

    return Step(play)


def _token(alternatives: dict[str, float]) -> dict[str, object]:
    listed = [{"token": name, "logprob": math.log(p)} for name, p in alternatives.items()]
    return {**listed[0], "top_logprobs": listed}


def _filled(schema: dict[str, Any]) -> str:
    """The first object that a flat schema allows."""
    firsts = {"string": "text", "number": 0.5, "integer": 1, "boolean": True}
    rules = schema["properties"].items()
    return json.dumps({name: rule["enum"][0] if "enum" in rule else firsts[rule["type"]] for name, rule in rules})


def sends(*events: object, kind: str = "text/event-stream") -> Step:
    """A stream of any events (see `Exchange.event`), for servers that lie."""

    def play(exchange: Exchange) -> None:
        exchange.head(200, kind, {})
        _send(exchange, events)
        exchange.event("[DONE]")
        exchange.end()

    return Step(play)


def drips(piece: str, *, every: float = 0.02) -> Step:
    """A reply without end, numbered, slow, but never silent for longer than `every` seconds."""

    def drip(exchange: Exchange) -> None:
        for number in range(int(PATIENCE / every)):
            if exchange.left(every):
                return
            exchange.event({"model": "tiny", "choices": [_choice({"content": f"{piece} {number} "})]})

    return says(then=drip)


def _choice(delta: object, finish: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _send(exchange: Exchange, events: Sequence[object]) -> None:
    for event in events:
        if event is WAIT:
            exchange.wait()
        else:
            exchange.event(event)
