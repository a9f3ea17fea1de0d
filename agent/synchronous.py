"""An agent for code without an event loop: answers, streams, and closes itself at the end of a `with`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from agent.events import Event
from agent.in_sync import each_of, result_of
from agent.options import AS_MADE, Options
from agent.turn import Turn

__all__ = ["Synchronous"]


class _Asynchronous(Protocol):
    async def respond(
        self, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE
    ) -> Turn: ...

    def stream(
        self, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE
    ) -> AsyncGenerator[Event]: ...

    async def aclose(self) -> None: ...


class Synchronous:
    """What an agent can do where nothing can be awaited. Inside a running event loop it works, and blocks it."""

    def respond_sync(
        self: _Asynchronous, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE
    ) -> Turn:
        """As `respond`."""
        return result_of(partial(self.respond, text, conversation_id=conversation_id, options=options))

    def stream_sync(
        self: _Asynchronous, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE
    ) -> Iterator[Event]:
        """As `stream`. Closing the iterator stops early, as closing that of `stream` does."""
        return each_of(partial(self.stream, text, conversation_id=conversation_id, options=options))

    def close(self: _Asynchronous) -> None:
        """As `aclose`."""
        result_of(self.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()  # type: ignore[misc]  # an agent is one of those that can
