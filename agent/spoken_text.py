"""Streamed text of a model, without what is not meant for the person.

Thinking models write what they think before they speak, and many servers pass it on inside the text:

    <think>
    They sound worn out. First acknowledge that.
    </think>

    That was a long day.
"""

from __future__ import annotations

import re

__all__ = ["SpokenText"]

_THOUGHT_TAGS = ("<think>", "</think>")
_THOUGHT_TAG = re.compile("|".join(_THOUGHT_TAGS))


class SpokenText:
    """What of a stream is meant for the person: no `<think>` passages, no outer white space.

    Text that may still turn out to be a tag or trailing white space is held back.

    Attributes:
        text: Everything given out so far.
        leaked: A thought ended that had never begun, so what was given out before it was no
            reply. (The chat template of some thinking models opens the thought itself.)
    """

    def __init__(self) -> None:
        self.text = ""
        self.leaked = False
        self._held = ""
        self._space = ""
        self._thinking = False

    def push(self, piece: str) -> str:
        """The next piece of the stream; gives what may be said now, often nothing."""
        said = ""
        self._held += piece
        while tag := _THOUGHT_TAG.search(self._held):
            if not self._thinking:
                said += self._held[: tag.start()]
            opens = tag[0] == "<think>"
            if not opens and not self._thinking and (self.text or said.strip()):
                self.leaked = True
            self._thinking = opens
            self._held = self._held[tag.end() :]
        cut = self._held.rfind("<")
        if cut < 0 or not any(tag.startswith(self._held[cut:]) for tag in _THOUGHT_TAGS):
            cut = len(self._held)
        if not self._thinking:
            said += self._held[:cut]
        self._held = self._held[cut:]
        return self._give(said)

    def finish(self) -> str:
        """The stream is over; gives what was held back and turned out to be text."""
        return "" if self._thinking else self._give(self._held)

    def _give(self, said: str) -> str:
        said = self._space + said if self.text else said.lstrip()
        given = said.rstrip()
        self._space = said[len(given) :]
        self.text += given
        return given
