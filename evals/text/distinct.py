"""Distinct-n: how varied the replies are, whatever their references.

The share falls as replies grow in number or length, because words repeat: compare runs over the same turns
and look at the length beside it. Marks count as words do, as in the code published with ESConv; that one
drops the last n-gram of each reply, here all count, so that figures differ a little.
"""

from __future__ import annotations

import numpy as np

from agent.errors import DataError
from evals.text.replies import Replies, Scores, check_replies, ngrams, words_and_marks

__all__ = ["distinct", "distinct_1_per_reply", "signature"]


def distinct(replies: Replies, *, n: int) -> float:
    """Different n-grams over all n-grams of the run, in [0, 1]; 0 where no reply has `n` words.

    N-grams do not run from one reply into the next. Replies that are None are left out; empty ones add
    nothing. The figure has no interval by drawing replies again: those drawn twice lower it.
    """
    check_replies(replies)
    if n < 1:
        raise DataError(f"Distinct-{n}; n-grams have at least one word.")
    grams = [gram for reply in replies if reply is not None for gram in ngrams(words_and_marks(reply), n)]
    return _share_distinct(grams)


def distinct_1_per_reply(replies: Replies) -> Scores:
    """Different words over all words of each reply, (N,), in [0, 1]; NaN where it is None, 0 where empty.

    Near 1 for any short reply, also one that is the same in every turn: no substitute for `distinct`.
    """
    check_replies(replies)
    return np.array([np.nan if reply is None else _share_distinct(words_and_marks(reply)) for reply in replies])


def signature(n: int, *, over: str) -> str:
    """Settings; `over` is what the share is taken over: "run" or "reply"."""
    return f"distinct|ngram:{n}|over:{over}|case:lc|tok:words,marks"


def _share_distinct(grams: list[str] | list[tuple[str, ...]]) -> float:
    return len(set(grams)) / len(grams) if grams else 0.0
