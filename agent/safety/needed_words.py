"""Pieces of text of which one stands in whatever a pattern matches, so that most patterns need not be tried."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

__all__ = ["needed_words"]

_PARSER: Any = import_module("re._parser")  # how `re` reads a pattern itself: nothing is read in another way
_FEWEST = 2  # characters: shorter pieces stand in nearly every sentence
_COMMON_WORDS = """
a about all an and are as at be been but can could do don't for from go had has have her here him
how i i'm if in is it it's just like me more must my need no not of on one or should so that the
them there they thing this to was way what when who will with would you your self body
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def needed_words(pattern: str) -> list[frozenset[str]]:
    """Sets of pieces: one of each stands in every text that the pattern matches. None where that cannot be told.

    First stands the set of which the fewest texts hold a piece, by a guess.

        >>> list(map(sorted, needed_words("you (?:should|must) (?:kindly )?(?:leave|go away)(?! now)")))
        [['go away', 'leave'], ['you must', 'you should']]

    Args:
        pattern: Of a search that minds case.
    """
    return _sound(_choices(_PARSER.parse(pattern)))


def _choices(items: Iterable[tuple[Any, Any]]) -> list[frozenset[str]]:
    """Sets of pieces, each of which holds one that must stand in the text."""
    found: list[frozenset[str]] = []
    run: list[tuple[Any, Any]] = []  # signs in a row
    for operation, content in items:
        kind = str(operation)
        if kind == "LITERAL":
            run.append((operation, content))
            continue
        if kind in {"AT", "ASSERT_NOT"}:  # these take no characters
            continue
        if kind == "BRANCH":  # `re` reads "pill|pillow" as "pill" and a branch
            several = [_best(_choices([*run, *one])) for one in content[1]]
            found.append(frozenset().union(*several) if all(several) else _joined(run))
            run = []
            continue
        found.append(_joined(run))
        run = []
        if kind in {"SUBPATTERN", "ASSERT"} or (kind in {"MAX_REPEAT", "MIN_REPEAT"} and content[0] > 0):
            found += _choices(content[-1])
    return [*found, _joined(run)]


def _joined(run: Iterable[tuple[Any, Any]]) -> frozenset[str]:
    return frozenset({"".join(chr(content) for _, content in run)})


def _best(choices: Iterable[frozenset[str]]) -> frozenset[str]:
    return next(iter(_sound(choices)), frozenset())


def _sound(choices: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The sets that tell something, each once, the rarest first."""
    sound = {pieces: None for pieces in choices if pieces and min(map(len, pieces)) >= _FEWEST}
    return sorted(sound, key=lambda pieces: sum(map(_how_common, pieces)))


def _how_common(piece: str) -> float:
    """A guess at how many texts hold a piece, against those that hold `you`."""
    words = piece.split()
    return 0.3 ** (len(words) - 1) if _COMMON.issuperset(words) else 0.3 ** (len(piece) - 1)
