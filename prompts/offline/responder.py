"""The offline responder: answers without an LLM, by reflective listening."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from agent.decisions import Reply
from agent.turn import Turn
from prompts.offline.careful import care_level, careful_reply
from prompts.offline.composition import Composition
from prompts.offline.phrases import Phrases, load_phrases

__all__ = ["OfflineResponder", "create"]

_ATTEMPTS = 200  # combinations tried before a reply may come twice; two lists of ten give a hundred


class OfflineResponder:
    """Speaks where there is no LLM: what was heard, said back, and one open question at most.

    Pure: the same turn gives the same reply. Nothing is remembered but what the turn's history
    shows, and no phrase comes again before its list is used up.
    """

    name = "offline"
    reads: frozenset[str] = frozenset({"text", "history"})

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """The reply word by word, white space kept, then the whole `Reply`."""
        text = self.respond(turn)
        for piece in re.findall(r"\S+\s*", text):
            yield piece
        yield Reply(text, speaker=self.name)

    def respond(self, turn: Turn) -> str:
        """The reply in one piece."""
        said = frozenset(turn.said_by("supporter"))
        level = care_level(turn, self._phrases)
        composition = Composition(turn, self._phrases)
        reply = ""
        for attempt in range(_ATTEMPTS):
            if level is not None:
                reply = careful_reply(turn, level, phrases=self._phrases, attempt=attempt)
            else:
                reply = composition.compose(attempt=attempt)
            if reply not in said:
                break
        return reply


def create(settings: object | None = None) -> OfflineResponder:  # noqa: ARG001 - every part is made with the settings
    """Entry point `offline`."""
    return OfflineResponder(load_phrases())
