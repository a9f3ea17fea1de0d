"""Who speaks, in which order; the protocol's own voice; and how a whole reply is had from any generator."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from agent.decisions import Reply
from agent.errors import GenerationError
from agent.protocols import Generator
from agent.turn import Turn

__all__ = ["Caring", "speakers_for", "whole_reply"]


async def whole_reply(generator: Generator, turn: Turn) -> Reply:
    """What a generator says, for those who do not wait for pieces.

    Raises:
        GenerationError: It failed, or ended without a reply.
    """
    async with aclosing(generator.generate(turn)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise GenerationError(f"Generator {generator.name!r} ended without a reply.")


class Caring:
    """Speaks the words of `Turn.care`: decided before, and nothing that can fail."""

    name = "protocol"
    reads: frozenset[str] = frozenset()

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """All of them, in one piece."""
        if turn.care is None:
            raise GenerationError("There is no care to speak of.")
        yield turn.care.words
        yield Reply(turn.care.words, self.name)


def speakers_for(turn: Turn, generator: Generator, fallback: Generator | None) -> list[Generator]:
    """Who speaks, in order. Where care is asked for, the words of care alone, or else the fallback.

    Args:
        turn: After planning and composing.
        generator: Speaks freely; without the prompt that it reads it cannot.
        fallback: Stands in for it.
    """
    if turn.escalated and turn.care is not None and turn.care.words:
        return [Caring()]
    if fallback is None:
        return [generator]
    unready = "prompt" in generator.reads and turn.prompt is None
    return [fallback] if turn.escalated or unready else [generator, fallback]
