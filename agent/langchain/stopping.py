"""Ends a text that comes in pieces before the first of some stop texts."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Stopping"]


class Stopping:
    """Lets text through until a stop text would begin. However the text is chopped up, the result is the same.

    Args:
        stops: Texts before which it ends; empty ones count for nothing.

    Attributes:
        stopped: One was found; nothing more comes.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """What can be shown now: all but an end that might be the beginning of a stop text."""
        if self.stopped:
            return ""
        text = self._held + piece
        begins = len(text) - max((_overlap(text, stop) for stop in self._stops), default=0)
        found = self._first(text)
        if found is not None and found <= begins:
            self.stopped, self._held = True, ""
            return text[:found]
        self._held = text[begins:]
        return text[:begins]

    def finish(self) -> str:
        """What was held back, since nothing follows."""
        rest, self._held = self._held, ""
        return rest[: self._first(rest)]

    def _first(self, text: str) -> int | None:
        return min((place for stop in self._stops if (place := text.find(stop)) >= 0), default=None)


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text could begin a stop text."""
    most = min(len(text), len(stop) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(stop[:size])), 0)
