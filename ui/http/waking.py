"""How the event loop reads what other threads wake it with."""

from __future__ import annotations

import asyncio
import socket

__all__ = ["PIECE", "read_wakes_in_pieces"]

PIECE = 64
"""Bytes of one piece: with what Python adds, few enough for its own allocator, which has 512 at most."""


class _InPieces(socket.socket):
    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        return super().recv(min(bufsize, PIECE), flags)


def read_wakes_in_pieces(loop: asyncio.AbstractEventLoop) -> bool:
    """Have asyncio's own loop ask for little where it is sent a byte.

    A thread that has something for the loop wakes it with one byte, five times a turn, and asyncio makes room for
    4,096. Cut to that one, 48 bytes of 4,144 stay taken. Where something that lasts comes to lie in them, a hole
    of 4,096 is left, too small for the next time: there were 370 of them after 7,000 turns, and ever more.

    Args:
        loop: It runs, and this is called in it.

    Returns:
        Whether it was done: other loops have ways of their own.
    """
    wakes = getattr(loop, "_ssock", None)
    if not isinstance(loop, asyncio.SelectorEventLoop) or type(wakes) is not socket.socket:
        return False
    # The same socket by its number, by which the loop knows it, so that nothing that was sent is lost.
    pieces = _InPieces(wakes.family, wakes.type, wakes.proto, fileno=wakes.detach())
    pieces.setblocking(False)
    setattr(loop, "_ssock", pieces)  # noqa: B010 - no type tells of it
    return True
