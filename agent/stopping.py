"""Ends what is spoken freely before the first stop text, for the server and for LangChain."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from typing import Any

from agent.decisions import Reply
from agent.loop import Agent
from agent.protocols import Generator
from agent.turn import Turn

__all__ = ["Stopping", "ending_before"]


def ending_before(agent: Agent, stops: Sequence[str]) -> Agent:
    """The same agent, whose speakers end before a stop text. Not to be closed: it shares its parts.

    What is said in danger is never cut: a stop text as common as a line break would take the help line away.

    Args:
        agent: Whose parts do the work.
        stops: Texts before which a reply ends; empty ones count for nothing.
    """
    stops = [stop for stop in stops if stop]
    if not stops:
        return agent
    other = copy(agent)
    other.generator = Stopping(agent.generator, stops)
    other.fallback = None if agent.fallback is None else Stopping(agent.fallback, stops)
    return other


class Stopping:
    """A generator that is cut off before a stop text. However its text is chopped up, the result is the same.

    Args:
        generator: Speaks.
        stops: At least one text; none is empty.
    """

    def __init__(self, generator: Generator, stops: Sequence[str]) -> None:
        self.name, self.reads = generator.name, generator.reads
        self._generator, self._stops = generator, tuple(stops)

    def __getattr__(self, name: str) -> Any:
        """What a generator has beyond the protocol, e.g. `context_tokens`."""
        return getattr(self._generator, name)

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """See `Generator`. All is given on at once but an end that might be the beginning of a stop text."""
        said, shown = "", 0
        stops = () if turn.escalated else self._stops
        async with aclosing(self._generator.generate(turn)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    said = piece.text
                    sure = len(said)
                else:
                    said += piece
                    sure = len(said) - max((_overlap(said, stop) for stop in stops), default=0)
                found = (at for stop in stops if (at := said.find(stop, shown)) >= 0)
                end = min(found, default=None)
                stopped = end is not None and end <= sure
                until = end if end is not None and stopped else sure
                if until > shown:
                    yield said[shown:until]
                    shown = until
                if stopped:
                    ended = piece if isinstance(piece, Reply) else Reply("", self.name)
                    yield replace(ended, text=said[:until], finish_reason="stop")
                    return
                if isinstance(piece, Reply):
                    yield piece
                    return


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text could begin a stop text."""
    most = min(len(text), len(stop) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(stop[:size])), 0)
