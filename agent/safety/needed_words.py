"""Pieces of text of which one stands in whatever a pattern matches, so that most patterns need not be tried."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

__all__ = ["needed_words"]

_PARSER: Any = import_module("re._parser")  # how `re` reads a pattern itself: nothing is read in another way
_FEWEST = 3  # characters: shorter pieces stand in nearly every sentence
_COMMON_WORDS = """
a about all an and are as at be been but can could do don't for from go had has have her here him
how i i'm if in is it it's just like me more must my need no not of on one or should so that the
them there they thing this to was way what when who will with would you your self body
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def needed_words(pattern: str) -> frozenset[str]:
    """Pieces of which at least one stands in every text that the pattern matches; empty where none can be told.

    Of several choices it takes the one that the fewest texts hold, by a guess.

        >>> sorted(needed_words("you (?:should|must) (?:kindly )?(?:leave|go away)(?! now)"))
        ['go away', 'leave']

    Args:
        pattern: Of a search that minds case.
    """
    return _best(_choices(_PARSER.parse(pattern)))


def _choices(items: Iterable[tuple[Any, Any]]) -> list[frozenset[str]]:
    """Sets of pieces, each of which holds one that must stand in the text."""
    found, run = [], ""
    for operation, content in items:
        kind = str(operation)
        if kind == "LITERAL":
            run += chr(content)
            continue
        if kind in {"AT", "ASSERT_NOT"}:  # these take no characters
            continue
        found.append(frozenset({run}))
        run = ""
        if kind == "SUBPATTERN":
            found += _choices(content[-1])
        elif kind == "BRANCH":
            several = [_best(_choices(one)) for one in content[1]]
            found.append(frozenset().union(*several) if all(several) else frozenset())
        elif (kind in {"MAX_REPEAT", "MIN_REPEAT"} and content[0] > 0) or kind == "ASSERT":
            found += _choices(content[-1])
    return [*found, frozenset({run})]


def _best(choices: Iterable[frozenset[str]]) -> frozenset[str]:
    sound = [pieces for pieces in choices if pieces and min(map(len, pieces)) >= _FEWEST]
    return min(sound, key=lambda pieces: sum(map(_how_common, pieces)), default=frozenset())


def _how_common(piece: str) -> float:
    """A guess at how many texts hold a piece, against those that hold `you`."""
    return 1.0 if _COMMON.issuperset(piece.split()) else 0.5 ** (len(piece) - 1)
