"""Finds the finite verb of a clause, by word lists; so a clause is told from a fragment."""

from __future__ import annotations

from collections.abc import Sequence

from prompts.offline.words import (
    ADVERBS,
    AUXILIARIES,
    DETERMINERS,
    INDEFINITE,
    NO_NAMES,
    NOT_PAST,
    NOT_VERBS,
    PAST,
    PRONOUN_SUBJECTS,
    VERBS,
)

__all__ = ["finite_place", "is_past"]

_LEADING = frozenset({"sometimes", "lately", "often", "mostly", "now"})
_LEAST_WORDS = 3
_THERE = frozenset({"is", "are", "was", "were", "has", "have", "isn't", "aren't"})
_IN_ING = frozenset({"bring", "sing", "cling", "swing", "ring", "sting"})
_OPENS_ANOTHER = frozenset({"my", "our", "his", "her", "their", "your", "the", "a", "an"})
_CARRIES_ON = frozenset({"and", "or", "like"})

# Joined once: they are asked for at each word, and to join them takes longer than all the rest.
_SUBJECTS = PRONOUN_SUBJECTS | DETERMINERS
_NOUN_SUBJECTS = INDEFINITE | DETERMINERS
_NO_NAMES = AUXILIARIES | NOT_VERBS | ADVERBS | NO_NAMES
_BEFORE_NOUNS = _CARRIES_ON | DETERMINERS | NOT_VERBS
_BEFORE_NO_VERBS = DETERMINERS | {"to", "and"}


def finite_place(words: Sequence[str]) -> int:
    """Where the finite verb stands, counted from 1; 0 where none is found in time.

    A contraction such as `I'm` is its own verb and counts as place 1.
    """
    low = [word.lower() for word in words]
    first = low[0] if low else ""
    if first in _LEADING and low[1:2] and low[1] in _SUBJECTS:
        place = finite_place(words[1:])
        return place + 1 if place else 0
    if first in _NOUN_SUBJECTS or low[:3] == ["me", "and", "my"]:
        no_one = low[:2] == ["no", "one"]
        return _verb_after_pronoun(low, start=2) if no_one else _verb_after_noun(low)
    if first in PRONOUN_SUBJECTS or first == "you":
        return _verb_after_pronoun(low, start=1)
    if len(low) < _LEAST_WORDS:
        return 0
    if first == "there":
        return 2 if low[1] in _THERE else 0
    named = words[0][0].isupper() and first not in _NO_NAMES
    return 2 if named and _is_verb(low[1]) else 0


def _verb_after_pronoun(low: Sequence[str], *, start: int) -> int:
    place = start
    if "'" in low[0]:
        return 1 if len(low) > 1 and low[1] != "," else 0
    while place < len(low) and low[place] in ADVERBS:
        place += 1
    if place >= len(low) or low[place] in NOT_VERBS or not low[place][0].isalpha():
        return 0
    participle = low[place].endswith("ing") and low[place] not in _IN_ING
    return 0 if participle else place + 1


def _verb_after_noun(low: Sequence[str]) -> int:
    for place in range(1, min(7, len(low))):
        word = low[place]
        if word == "," or (word in PRONOUN_SUBJECTS and low[place - 1] not in {"and", "that", "which"}):
            return 0
        if word in _OPENS_ANOTHER and low[place - 1] not in _BEFORE_NOUNS:
            return 0  # "the garden my grandmother planted" is no sentence
        if _is_verb(word) and low[place - 1] not in _BEFORE_NO_VERBS:
            return place + 1
    return 0


def _is_verb(low: str) -> bool:
    return low in VERBS or (low.endswith("ed") and len(low) > _LEAST_WORDS and low not in NOT_PAST)


def is_past(words: Sequence[str]) -> bool:
    """Whether the finite verb is in the past, as far as its form tells."""
    place = finite_place(words)
    verb = words[place - 1].lower() if place else ""
    return verb in PAST or (verb.endswith("ed") and _is_verb(verb))
