"""The offline responder: answers without an LLM, by reflective listening."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

from agent.decisions import Reply
from agent.readings import DANGER
from agent.safety.guard import ProtocolGuard
from agent.safety.guard import create as create_guard
from agent.turn import Turn
from prompts.offline.composition import Composition
from prompts.offline.phrases import Phrases, load_phrases

__all__ = ["OfflineResponder", "create"]

_ATTEMPTS = 200  # combinations tried before a reply may come twice; two lists of ten give a hundred


class OfflineResponder:
    """Speaks where there is no LLM: what was heard, said back, and one open question at most.

    Pure: the same turn gives the same reply. Nothing is remembered but what the turn's history
    shows, and no phrase comes again before its list is used up. Where a guard asks for care, or the risk reading
    shows danger and no guard looked, it speaks the words of the protocol.

    Args:
        phrases: Its words.
        make_guard: Makes the one for turns that no guard has seen; called only where there is such a turn.
    """

    name = "offline"
    reads: frozenset[str] = frozenset({"text", "history"})

    def __init__(self, phrases: Phrases, make_guard: Callable[[], ProtocolGuard] = ProtocolGuard) -> None:
        self._phrases = phrases
        self._make_guard = make_guard

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """The reply word by word, white space kept, then the whole `Reply`."""
        text = self.respond(turn)
        for piece in re.findall(r"\S+\s*", text):
            yield piece
        yield Reply(text, speaker=self.name)

    def respond(self, turn: Turn) -> str:
        """The reply in one piece."""
        if cared := self._care_for(turn):
            return cared
        said = frozenset(turn.said_by("supporter"))
        composition = Composition(turn, self._phrases)
        reply = ""
        for attempt in range(_ATTEMPTS):
            reply = composition.compose(attempt=attempt)
            if reply not in said:
                break
        return reply

    def _care_for(self, turn: Turn) -> str:
        """The words of the protocol where they are all that is to be said; empty where the turn is free."""
        if turn.care is None and (turn.escalated or (turn.risk is not None and turn.risk.level in DANGER)):
            turn = self._make_guard().screen(turn)
        return turn.care.words if turn.care is not None and turn.escalated else ""


def create(settings: Any = None) -> OfflineResponder:
    """Entry point `offline`."""
    return OfflineResponder(load_phrases(), lambda: create_guard(settings))
