"""Connections whose other side is slow on purpose, or has gone without a word.

uvicorn waits for ever: for the head of a request, which may come a byte a minute, and for a client that does not
read its answer. Each would hold a connection, and the second a turn and its conversation.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Literal

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Connection", "send_at_once"]

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def send_at_once(link: Any) -> None:
    """Have a socket send small packets at once, or one that listens, those of its connections.

    asyncio sees to that only where a socket was made for TCP by its number, which uvicorn's is not. Without it the
    second packet of an answer waits until the client acknowledges the first one, which takes 40 ms on a connection
    that is kept.
    """
    if link.family in {socket.AF_INET, socket.AF_INET6}:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Connection(H11Protocol):
    """uvicorn's, with an end to its patience.

    h11 also where httptools is installed: that one takes in a head of any length.

    Attributes:
        head_seconds: How long the head of a request may take to arrive, from its first byte on; on a new
            connection from the beginning.
        read_seconds: In so many seconds a client reads `read_bytes` of what waits for it, or all of it.
        read_bytes: As many.
    """

    head_seconds = 30.0
    read_seconds = 60.0
    read_bytes = 16_384

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        send_at_once(transport.get_extra_info("socket"))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel("_head")
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._cancel("_head")
        self._cancel("_unread")
        super().connection_lost(exc)
        # uvicorn's forgets it where the client reset the connection, whose last request then stays in memory.
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: more waits to be read than the transport likes to hold."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if not self.transport.is_closing():
            self._cancel("_unread")
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Keep an eye on a connection that closes once its last answer has been read."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._await_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was not used; at once where even the last answer was not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _await_head(self) -> None:
        if self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_seconds, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()

    def _await_reading(self) -> None:
        self._cancel("_unread")
        waiting = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.read_seconds, self._look, waiting)

    def _look(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < self.read_bytes:
            self.transport.abort()  # closing it would wait for the client to read
        else:
            self._await_reading()

    def _cancel(self, name: Literal["_head", "_unread"]) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)
