"""Two texts beside each other: which lines went, which came, and what stayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from agent.decisions import Prompt
from agent.sentences import sentences_of

__all__ = ["Line", "Run", "beside", "lines_of", "replies_beside"]

_CONTEXT = 1  # lines that stay in sight before and after a change
_FOLDED = 2  # fewer than this are not worth folding


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        text: It.
        role: Whose message begins with it, in a prompt; empty for a line of a message.
    """

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that share a fate.

    Attributes:
        lines: At least one.
        fate: `"gone"`: on the left alone; `"new"`: on the right alone; `"same"`: on both sides; `"folded"`: the
            same, and far from any change.
    """

    lines: tuple[Line, ...]
    fate: Literal["gone", "new", "same", "folded"]


def lines_of(prompt: Prompt) -> list[Line]:
    """The lines of a prompt: before each message a line with its role."""
    lines: list[Line] = []
    for message in prompt.messages:
        lines += [Line("", message.role), *(Line(text) for text in message.content.splitlines() if text.strip())]
    return lines


def replies_beside(left: str, right: str) -> tuple[list[Run], list[Run]]:
    """Two replies, sentence by sentence."""
    return beside(*([Line(each.strip()) for each in sentences_of(text) if each.strip()] for text in (left, right)))


def beside(left: Sequence[Line], right: Sequence[Line]) -> tuple[list[Run], list[Run]]:
    """Both sides in runs.

    Args:
        left: Lines as they were.
        right: Lines as they would be.

    Returns:
        The runs of each side. Runs that are the same are the same on both.
    """
    sides: tuple[list[Run], list[Run]] = [], []
    codes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(codes):
        if kind == "equal":
            same = list(_folded(left[a:b], first=number == 0, last=number == len(codes) - 1))
            for side in sides:
                side.extend(same)
            continue
        for side, lines, fate in ((sides[0], left[a:b], "gone"), (sides[1], right[c:d], "new")):
            if lines:
                side.append(Run(tuple(lines), fate))  # type: ignore[arg-type]  # mypy takes it for any text
    return sides


def _folded(lines: Sequence[Line], *, first: bool, last: bool) -> Iterator[Run]:
    """Lines that stayed, those far from any change apart."""
    head = 0 if first else _CONTEXT
    tail = len(lines) - (0 if last else _CONTEXT)
    if tail - head < _FOLDED:
        yield Run(tuple(lines), "same")
        return
    for part, fate in ((lines[:head], "same"), (lines[head:tail], "folded"), (lines[tail:], "same")):
        if part:
            yield Run(tuple(part), fate)  # type: ignore[arg-type]  # as above
