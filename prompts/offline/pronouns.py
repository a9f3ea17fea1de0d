"""Turns a clause round: what the seeker says as `I` comes back as `you`."""

from __future__ import annotations

from collections.abc import Sequence

from prompts.offline.words import ADVERBS, NOT_VERBS

__all__ = ["turned_round"]

_SEEKER = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself",
    "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll",
    "we": "you", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
    "we're": "you're", "we've": "you've", "we'd": "you'd", "we'll": "you'll",
}  # fmt: skip
_SUPPORTER = {
    "your": "my", "yours": "mine", "yourself": "myself",
    "you're": "I'm", "you've": "I've", "you'd": "I'd", "you'll": "I'll",
}  # fmt: skip
_WAS = {"was": "were", "wasn't": "weren't"}
_WERE = {"are": "am", "were": "was", "aren't": "am not", "weren't": "wasn't"}
_AND = frozenset({"and", "but", "or", "then"})
_VERB_OF = {"i": (), "i'm": ("are",), "i've": ("have",), "i'd": ("had",), "i'll": ("will",)}
_FIRST = frozenset(_VERB_OF)


def turned_round(words: Sequence[str]) -> tuple[str, ...]:
    """The clause as the supporter would say it.

    `we` becomes a `you` that means several; `you`, taken to be the supporter, becomes `I` or `me`.
    The verb follows where English makes a difference: "I was" becomes "you were".

    Args:
        words: The clause in tokens, with straight apostrophes. Case is kept but for the pronouns.

    Returns:
        Tokens of the turned clause.
    """
    words = _reordered(words)
    turned: list[str] = []
    for place, word in enumerate(words):
        low = word.lower()
        if low in _SEEKER:
            turned.append(_SEEKER[low])
        elif low in _SUPPORTER:
            turned.append(_SUPPORTER[low])
        elif low == "you":
            turned.append("I" if _is_subject(words, place) else "me")
        elif low == "am":
            turned.append("are")
        elif low in _WAS and _follows_seeker(words, place):
            turned.append(_WAS[low])
        elif low in _WERE and _follows_supporter(words, place):
            turned.append(_WERE[low])
        else:
            turned.append(word)
    return tuple(turned)


def _reordered(words: Sequence[str]) -> tuple[str, ...]:
    """With the seeker first: "my brother and I" comes back as "you and your brother"."""
    low = [word.lower() for word in words]
    for place in range(2, min(5, len(low))):
        if low[0] in {"my", "our"} and low[place] in _FIRST and low[place - 1] == "and":
            return ("i", "and", *words[: place - 1], *_VERB_OF[low[place]], *words[place + 1 :])
    if low[:3] == ["me", "and", "my"]:
        return ("i", *words[1:])
    return tuple(words)


def _subject_place(words: Sequence[str], place: int) -> int:
    """Place of the word before `place` that is no adverb; -1 if there is none."""
    place -= 1
    while place >= 0 and words[place].lower() in ADVERBS:
        place -= 1
    return place


def _follows_seeker(words: Sequence[str], place: int) -> bool:
    if place + 1 < len(words) and words[place + 1].lower() == "i":
        return True
    before = _subject_place(words, place)
    if before < 0:
        return False
    if words[before].lower() == "i":
        return True
    # "I sat there and was crying": the subject of the second verb is the first one's.
    return words[before].lower() in _AND and words[0].lower() in _FIRST


def _follows_supporter(words: Sequence[str], place: int) -> bool:
    before = _subject_place(words, place)
    return before >= 0 and words[before].lower() == "you" and _is_subject(words, before)


def _is_subject(words: Sequence[str], place: int) -> bool:
    after = place + 1
    while after < len(words) and words[after].lower() in ADVERBS:
        after += 1
    if after >= len(words) or words[after].lower() in NOT_VERBS or words[after] == ",":
        return False
    before = words[place - 1].lower() if place else ""
    return before in {"", ",", "that", "and", "but", "because", "so", "think", "say", "know", "if", "when"}
