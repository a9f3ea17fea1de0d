"""Replies beside their references: the checks and the words that the metrics share.

A reply that is None is a turn without one: it is unscored, NaN among the scores, and left out of means. An
empty text is a reply, and scores 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError

__all__ = [
    "References",
    "Replies",
    "Scores",
    "check_pairs",
    "check_replies",
    "ngrams",
    "score_each",
    "words",
    "words_and_marks",
]

Replies = Sequence[str | None]
References = Sequence[str]
Scores = NDArray[np.float64]

_WORD = r"\w+(?:'\w+)*"
_words = re.compile(_WORD).findall
_words_and_marks = re.compile(_WORD + r"|[^\w\s]").findall


def words(text: str) -> list[str]:
    """Lower-case words; "don't" is one, hyphens part words, other marks are dropped.

    Typographic apostrophes count as plain ones: LLMs write the former, the people of ESConv the latter.
    """
    return _words(_plain(text))


def words_and_marks(text: str) -> list[str]:
    """As `words`, and each other mark by itself."""
    return _words_and_marks(_plain(text))


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of `n` tokens, the last one too; none where there are fewer tokens."""
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def check_replies(replies: Replies) -> None:
    """`DataError` unless there is a reply to score."""
    if isinstance(replies, str):
        raise DataError("The replies are one text; expected a list with a text, or None, for each turn.")
    for row, reply in enumerate(replies):
        if not isinstance(reply, str | None):
            raise DataError(
                f"Reply {row} is of type {type(reply).__name__}; expected a text, or None for no reply."
            )
    if all(reply is None for reply in replies):
        raise DataError(f"None of {len(replies)} replies is a text; there is nothing to score.")


def check_pairs(replies: Replies, references: References) -> None:
    """`DataError` unless there is a reply to score and a reference, not blank, for each row."""
    check_replies(replies)
    if isinstance(references, str) or len(replies) != len(references):
        raise DataError(f"{len(replies)} replies for {len(references)} references; expected one for each reply.")
    for row, reference in enumerate(references):
        if not isinstance(reference, str) or not reference.strip():
            raise DataError(f"Reference {row} is not a text or blank; leave out turns that have none.")


def score_each(score: Callable[[str, str], float], replies: Replies, references: References) -> Scores:
    """`score` of each reply and its reference, (N,); NaN where the reply is None."""
    check_pairs(replies, references)
    pairs = zip(replies, references, strict=True)
    return np.array([np.nan if reply is None else score(reply, reference) for reply, reference in pairs])


def _plain(text: str) -> str:
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
