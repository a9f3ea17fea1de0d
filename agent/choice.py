"""Chooses among phrases without chance: the same turn gives the same choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from itertools import islice
from math import lcm

from agent.turn import Turn

__all__ = ["Chooser"]


_SLOT = re.compile(r"\{\w+\}")
_FILLED = r"[^.!?\n]+?"  # what a slot may hold
_SENTENCE_END = re.compile(r"(?<=[.?!]) ")
_RESTS = 4  # a phrase that was said rests for a quarter of its ring


class Chooser:
    """Picks the phrases of one reply: unused ones first, then those used longest ago; last of all one that has a
    sentence in common with the reply before, which another list may have brought.

    What was used is read off the visible history, so nothing has to be remembered. Where that is
    cut, the place in the conversation still moves every choice on: phrases of a kind stand in a
    ring, whose order the conversation's id decides, and turn `n` begins to look at place `n`.

    Args:
        turn: Its conversation id, index and history decide.
        attempt: 0 for the first choice; each higher number gives another combination of phrases.
    """

    def __init__(self, turn: Turn, *, attempt: int = 0) -> None:
        said = (message for message in turn.history if message.role == "supporter" and not message.human)
        self._replies = tuple(message.text for message in said)
        self._said = "\n".join(self._replies)
        self._conversation = turn.conversation_id
        self._index = turn.index
        # What was said out of sight may have been anything, so there "unused" would mean nothing.
        self._cut = len(self._replies) < turn.index
        self._attempt = attempt
        self._period = 0

    def pick(self, kind: str, phrases: Sequence[str]) -> str:
        """The phrase to use, slots unfilled.

        Args:
            kind: Name of the list; it decides the order of the ring.
            phrases: At least one.
        """
        ring = sorted(phrases, key=lambda phrase: _stable(self._conversation, kind, phrase))
        shift = self._index
        if self._period:
            # Two rings that turn together meet again after their common period; from then on
            # the second is one place ahead, so that the pairs are new ones.
            self._period = lcm(self._period, len(ring))
            shift += self._index // self._period
        self._period = self._period or len(ring)
        last = "".join(self._replies[-1:])
        lately = "\n".join(self._replies[-max(1, len(ring) // _RESTS) :])

        def wear(phrase: str) -> tuple[bool, bool, bool]:
            echoes = any(_stands_in(last, sentence) for sentence in _sentences(phrase))
            return echoes, not self._cut and _stands_in(self._said, phrase), _stands_in(lately, phrase)

        turned = [ring[(place + shift) % len(ring)] for place in range(len(ring))]
        self._attempt, rank = divmod(self._attempt, len(ring))
        unworn = (phrase for phrase in turned if not any(wear(phrase)))
        # Most often the first or the second is unworn: then the others need not be looked at.
        return next(islice(unworn, rank, None), None) or sorted(turned, key=wear)[rank]

    def uses(self, phrase: str) -> int:
        """How often the phrase was said in the visible history, whatever filled its slots."""
        return len(_pattern(phrase).findall(self._said)) if _may_stand_in(self._said, phrase) else 0


def _stable(*parts: str) -> bytes:
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).digest()


def _stands_in(text: str, phrase: str) -> bool:
    return _may_stand_in(text, phrase) and _pattern(phrase).search(text) is not None


def _may_stand_in(text: str, phrase: str) -> bool:
    """Whether the longest part between its slots does: most patterns need never be compiled."""
    return _longest_part(phrase) in text


@cache
def _longest_part(phrase: str) -> str:
    return max(_SLOT.split(phrase), key=len)


@cache
def _sentences(phrase: str) -> tuple[str, ...]:
    return tuple(_SENTENCE_END.split(phrase))


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """Finds the phrase as a whole sentence, or several, with anything in its slots."""
    first, *others = map(re.escape, _SLOT.split(phrase))
    # What stands before it is looked at behind its first words: those are then found thirty times as fast.
    begins = rf"{first}(?:(?<=^{first})|(?<=[.!?] {first}))"
    return re.compile(rf"{_FILLED.join([begins, *others])}(?=\s|$)", re.MULTILINE)
