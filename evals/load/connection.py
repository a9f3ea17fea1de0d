"""One keep-alive connection to an HTTP server, lean, since who asks shares two cores with who answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

__all__ = ["Answer", "Connection"]

Heard = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: Of HTTP.
        body: All of it.
        milliseconds: From the first byte of the request to the last one of the answer.
    """

    status: int
    body: bytes
    milliseconds: float


class Connection:
    """A connection that is opened when it is needed, and again where the server closed it.

    Args:
        url: Of the server, e.g. `"http://127.0.0.1:8000"`; its path is put before those of requests.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._base = parts.hostname or "", parts.port or 80, parts.path.rstrip("/")
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def ask(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, heard: Heard | None = None
    ) -> Answer:
        """POST a body as JSON, or GET where there is none.

        Args:
            path: Below the base.
            body: What JSON can hold.
            headers: More of them.
            heard: Called with each piece of a chunked body as it comes.

        Raises:
            OSError: The connection broke.
            asyncio.IncompleteReadError: The same, in the middle of an answer.
        """
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{'GET' if body is None else 'POST'} {self._base}{path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        head = "\r\n".join([*lines, "", ""]).encode()
        started = time.perf_counter()
        try:
            reader, writer = await self._opened()
            writer.write(head + content)
            status, told = await _head(reader)
            whole = await _body(reader, told, heard)
        except BaseException:
            self.close()  # whatever is left of the answer would be taken for the next one
            raise
        if told.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, whole, (time.perf_counter() - started) * 1000)

    def close(self) -> None:
        """Let go of it."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self._reader, self._writer


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers, whose names are in small letters."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, told: Mapping[str, str], heard: Heard | None) -> bytes:
    if told.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(told.get("content-length", "0")))
    pieces: list[bytes] = []
    while length := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append((await reader.readexactly(length + 2))[:-2])
        if heard is not None:
            heard(pieces[-1])
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)
