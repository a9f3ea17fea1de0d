"""What is noted of a request while it is answered, for its line in the log."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["RequestNotes", "begin", "notes"]


@dataclass(slots=True)
class RequestNotes:
    """Nothing here says who asked, or what was said.

    Attributes:
        profile: Who answered; None where no turn was asked for.
        speaker: Who spoke: `llm`, `heartline` (the built-in responder or the protocol) or `none`.
        outcome: How the turn ended.
    """

    profile: str | None = None
    speaker: str | None = None
    outcome: str | None = None


_current: ContextVar[RequestNotes | None] = ContextVar("request_notes", default=None)


def begin() -> RequestNotes:
    """Those of a new request. Tasks that it starts write into the same."""
    fresh = RequestNotes()
    _current.set(fresh)
    return fresh


def notes() -> RequestNotes:
    """Those of the request that is being answered; fresh ones that nobody reads where there is none."""
    return _current.get() or RequestNotes()
