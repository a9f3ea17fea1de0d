"""Pieces of text of which one stands in whatever a pattern matches, so that most patterns need not be tried."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

__all__ = ["needed_words"]

_PARSER: Any = import_module("re._parser")  # how `re` reads a pattern itself: nothing is read in another way
_FEWEST = 3  # characters: shorter pieces stand in nearly every sentence


def needed_words(pattern: str) -> frozenset[str]:
    """Pieces of which at least one stands in every text that the pattern matches; empty where none can be told.

    Of several choices it takes the one whose shortest piece is longest, so that few texts hold any.

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
    return max(sound, key=lambda pieces: (min(map(len, pieces)), -len(pieces)), default=frozenset())
