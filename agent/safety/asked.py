"""Whether an English message asks something itself, and does not only tell of somebody who asked it."""

from __future__ import annotations

import re

__all__ = ["asks"]

_LONGEST = 2000  # characters at either end; what lies between is not what a message of this length asks
_LOOK_BACK = 40


def asks(text: str, question: re.Pattern[str], *, told: re.Pattern[str]) -> bool:
    """Whether the question stands in a message.

    Args:
        text: The message.
        question: The question, in words with single spaces and straight apostrophes.
        told: What ends right before a question that is told, e.g. "she asked me".
    """
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]} … {text[-_LONGEST:]}"
    plain = re.sub(r"\s+", " ", text.replace("\u2019", "'")).strip()
    return any(
        not told.search(plain[max(0, found.start() - _LOOK_BACK) : found.start()])
        for found in question.finditer(plain)
    )
