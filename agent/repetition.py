"""Whether words go round in circles: what small LLMs do when they have nothing left to say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

__all__ = ["FEWEST", "grams_of", "repeats_itself", "words_of"]

FEWEST = 8
"""Words from which on a text can nearly be another: "I am so sorry to hear that." may come twice."""

# Scripts without spaces count each sign as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['\u2019][^\W_]+)*")
_GRAM = 3
_SAME_SENTENCE = 0.85
_FEWEST_IN_SENTENCE = 4
_LOOP_WORDS, _LOOP_SHARE = 40, 0.35  # of the last words, the share of triples that differ


def repeats_itself(sentences: Sequence[str]) -> bool:
    """Whether the last sentence of a draft was in it already, or its words go round in circles.

    Args:
        sentences: Of the draft, in order.
    """
    if not sentences:
        return False
    *before, last = map(words_of, sentences)
    if len(last) >= _FEWEST_IN_SENTENCE and last in before:
        return True
    if len(last) >= FEWEST:
        grams = grams_of(last)
        alike = _SAME_SENTENCE * grams.total()
        if any((grams & grams_of(words)).total() >= alike for words in before):
            return True
    words = [*chain(*before, last)][-_LOOP_WORDS:]
    if len(words) < _LOOP_WORDS:
        return False
    grams = grams_of(words)
    return len(grams) < _LOOP_SHARE * grams.total()


def words_of(text: str) -> list[str]:
    """The words of a text, small and with plain apostrophes."""
    return [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]


def grams_of(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """How often each three words in a row stand among some words."""
    return Counter(tuple(words[place : place + _GRAM]) for place in range(len(words) - _GRAM + 1))
