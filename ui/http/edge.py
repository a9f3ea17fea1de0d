"""What every request passes first and last: its id, limits on its body, draining, and a net for what breaks.

Written against ASGI itself, since the framework's own middleware would wrap streams and log what broke with its
words.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.http.errors import INTERNAL, ApiError, log_broken, told_in

__all__ = ["MOST_NESTED", "Drain", "Edge", "too_nested"]

MOST_NESTED = 32
"""Levels of arrays and objects in a body. Ours need 6, tools with a deep schema some more."""

_TIMEOUT = 408
_PORT = re.compile(r":\d*$")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_ALIVE = frozenset({"/healthz", "/readyz", "/metrics"})
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_STOPPING = ApiError(503, "The server is stopping. Try again.", code="stopping", headers={"Retry-After": "5"})
_BRACKET = re.compile(rb"[\[\]{}]")

_HEARD_OUT_SECONDS, _HEARD_OUT_BYTES = 5.0, 20_000_000
"""How much of a body is still read, and thrown away, after it was refused. A connection that is closed with things
unread is reset, so that whoever is still sending may never see the answer: Caddy then says 502.
"""


class Drain:
    """Counts the requests that are being answered, and says when no more are taken.

    Attributes:
        began: `time.monotonic()` when draining began; None while requests are taken.
        running: Tasks that answer requests, those of `/healthz` and `/readyz` left out.
        cutting: They are being ended.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.began: float | None = None
        self.running: set[asyncio.Task[Any] | None] = set()
        self.cutting = False
        self._clock = clock

    def begin(self) -> None:
        """Take no more requests."""
        if self.began is None:
            self.began = self._clock()

    def done(self, *, within: float) -> bool:
        """Whether draining is over: nothing runs any more, or so many seconds have passed."""
        return self.began is not None and (not self.running or self._clock() - self.began >= within)

    async def cut(self, *, within: float = 5.0) -> None:
        """End what still runs, and wait until each has kept what was said."""
        self.cutting = True
        left = [task for task in self.running if task is not None]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=within)


class Edge:
    """An ASGI application around another one.

    Args:
        app: What answers.
        drain: Told of every request.
        max_body_bytes: Longest body.
        body_seconds: How long a body may take to arrive.
        help_lines: By path, what gives help lines: they are told with errors there, since somebody in need of them
            may be waiting behind the client. Whoever answers may put others into the request's state (`help`).
        hosts: Names that the server may be called by; None takes any. While nobody needs a key, a page of another
            site could otherwise have its own name lead here, and read what the browser of somebody here is told.
    """

    def __init__(
        self,
        app: ASGIApp,
        drain: Drain,
        *,
        max_body_bytes: int = 2_000_000,
        body_seconds: float = 30.0,
        help_lines: Mapping[str, Callable[[], Sequence[str]]] | None = None,
        hosts: Collection[str] | None = None,
    ) -> None:
        self._app, self._drain, self._hosts = app, drain, hosts
        self._help_lines = help_lines or {}
        self._most, self._seconds = max_body_bytes, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {}).update(request_id=request_id, help=self._help_lines.get(scope["path"]))
        begun, unread = False, True

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                if self._drain.began is not None:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            self._check_host(scope)
            if scope["path"] in _ALIVE:
                await self._app(scope, receive, sending)
                return
            if self._drain.began is not None:
                raise _STOPPING
            task = asyncio.current_task()
            self._drain.running.add(task)
            try:
                taken_in = await self._taken_in(scope, receive)
                unread = False
                await self._app(scope, taken_in, sending)
            finally:
                self._drain.running.discard(task)
        except ApiError as error:
            hears_out = unread and error.status != _TIMEOUT  # who took too long gets no more time
            await _tell(
                told_in(scope, error), sending, hear_out=partial(self._hear_out, receive) if hears_out else None
            )
        except asyncio.CancelledError:
            if not self._drain.cutting:
                raise
            await _tell(told_in(scope, _STOPPING), sending, begun=begun)  # it waited, or its reply was not whole
        except Exception as error:  # noqa: BLE001 - the last net: whatever broke, no word of anybody gets out
            log_broken(request_id, error)
            await _tell(told_in(scope, INTERNAL), sending, begun=begun)

    async def _hear_out(self, receive: Receive) -> None:
        """Throw away what is left of a body, up to a bound."""
        length = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._seconds, _HEARD_OUT_SECONDS)):
                while length <= _HEARD_OUT_BYTES:
                    message = await receive()
                    if not message.get("more_body", False):  # all of it, or the client has gone
                        return
                    length += len(message.get("body", b""))

    def _check_host(self, scope: Scope) -> None:
        name = _PORT.sub("", _header(scope, b"host").decode("latin-1")).lower()
        if self._hosts is not None and name not in self._hosts:
            raise ApiError(
                421,
                "The server is not called by this name. `--allow-host` adds one.",
                code="unknown_host",
            )

    async def _taken_in(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, read and looked at; then whatever else comes.

        Raises:
            ApiError: It is too long, too slow or too deeply nested.
        """
        if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return receive
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._whole(scope, receive)
        except TimeoutError:
            raise ApiError(_TIMEOUT, "The body did not arrive in time.", code="body_too_slow") from None
        if too_nested(body):
            raise ApiError(
                400, f"The body nests more than {MOST_NESTED} arrays and objects.", code="nested_too_deeply"
            )
        waiting = True

        async def received() -> Message:
            nonlocal waiting
            if waiting:
                waiting = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        return received

    async def _whole(self, scope: Scope, receive: Receive) -> bytes:
        too_long = ApiError(
            413,
            f"The body is longer than {self._most:,} bytes. Send fewer messages, or name a conversation and send "
            "the last one alone.",
            code="body_too_long",
            headers={"Connection": "close"},
        )
        announced = _header(scope, b"content-length")
        if announced.isdigit() and int(announced) > self._most:
            raise too_long
        parts: list[bytes] = []
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ApiError(400, "The body broke off.", code="body_broke_off")
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > self._most:
                raise too_long
            if not message.get("more_body", False):
                return b"".join(parts)


def too_nested(body: bytes, *, most: int = MOST_NESTED) -> bool:
    """Whether arrays and objects stand in each other too deeply. Brackets in strings do not count."""
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", body)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > most:
            return True
    return False


def _request_id(scope: Scope) -> str:
    """The client's, where it can stand in a header and a log line; else a new one."""
    given = _header(scope, b"x-request-id").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else f"req-{uuid.uuid4().hex}"


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found


async def _tell(
    error: ApiError, send: Send, *, begun: bool = False, hear_out: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Answer with an error. The whole answer is out before the rest of the request is heard."""
    if begun:  # then it is too late for another answer
        return
    body = json.dumps(error.body()).encode()
    headers: list[Any] = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": hear_out is not None})
    if hear_out is not None:
        await hear_out()
        await send({"type": "http.response.body", "body": b""})
