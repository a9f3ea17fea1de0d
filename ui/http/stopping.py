"""Ends what is spoken freely before the first stop sequence."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from agent.decisions import Reply
from agent.protocols import Generator
from agent.turn import Turn

__all__ = ["Stopping"]


class Stopping:
    """A generator that is cut off before a stop sequence, which is not shown.

    The words of the safety protocol are spoken by nobody that is wrapped: no client cuts a help line off.

    Args:
        generator: Speaks.
        stop: Sequences that are not empty.
    """

    def __init__(self, generator: Generator, stop: Sequence[str]) -> None:
        self.name, self.reads = generator.name, generator.reads
        self._generator, self._stop = generator, tuple(stop)
        self._held = max(map(len, self._stop)) - 1  # characters that may begin a sequence

    def __getattr__(self, name: str) -> Any:
        """What a generator has beyond the protocol, e.g. `context_tokens`."""
        return getattr(self._generator, name)

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """See `Generator`."""
        said = shown = ""
        async with aclosing(self._generator.generate(turn)) as pieces:
            async for piece in pieces:
                said = said + piece if isinstance(piece, str) else piece.text
                end = min((at for each in self._stop if (at := said.find(each)) >= 0), default=None)
                if end is not None:
                    rest = said[len(shown) : end]
                    if rest:
                        yield rest
                    speaker = self.name if isinstance(piece, str) else piece.speaker
                    yield Reply(said[:end], speaker)
                    return
                if isinstance(piece, Reply):
                    if said[len(shown) :]:
                        yield said[len(shown) :]
                    yield piece
                    return
                sure = said[len(shown) : len(said) - self._held]
                if sure:
                    shown += sure
                    yield sure
