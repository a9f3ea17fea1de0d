"""The terminal: what it is given to show, and the lines it gives to read."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Console

from agent.intake import scrub

__all__ = ["Typist", "line_reader"]


class Typist:
    """Writes text as it comes, broken at spaces before the line is full.

    Args:
        console: Where to write; its width is asked for at each word, since windows change.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._column = 0
        self._word = ""
        self._gap = ""  # owed before the next word, unless the line breaks there

    def type(self, text: str) -> None:
        """Write what is complete of it; the word that is still coming waits for its end."""
        for character in scrub(text):
            if not character.isspace():
                self._word += character
                continue
            self._end_word()
            if character == "\n":
                self._break()
            else:
                self._gap += " "
        if cell_len(self._word) > self._console.width:
            self._end_word()

    def end(self) -> None:
        """Finish the word and the line, if one was begun."""
        self._end_word()
        if self._column:
            self._break()

    def _end_word(self) -> None:
        if not self._word:
            return
        if self._gap and self._column + len(self._gap) + cell_len(self._word) > self._console.width:
            self._break()
        text = self._gap + self._word
        self._write(text)
        self._column += cell_len(text)
        self._word = self._gap = ""

    def _break(self) -> None:
        self._write("\n")
        self._column, self._gap = 0, ""

    def _write(self, text: str) -> None:
        self._console.out(text, end="", highlight=False)


def line_reader() -> Callable[[], str]:
    """Prompt with line editing and history (in memory only) in a terminal, plain lines elsewhere."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # one bad byte must not end the conversation
        return input
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession("you> ")
    return session.prompt
