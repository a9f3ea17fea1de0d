"""What personal data is told by: words, kinds, and patterns that find one kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args

from agent.safety.toml_fields import shipped_toml

__all__ = ["KINDS", "Finder", "Found", "Kind", "any_of", "matches", "words"]

Kind = Literal["email", "phone", "address", "url", "card", "iban", "id number", "ip", "date of birth", "name"]

KINDS: tuple[Kind, ...] = get_args(Kind)

Found = tuple[int, int, Kind]
"""First character, one past the last, and what it is."""

Finder = Callable[[str], Iterator[Found]]
"""Finds personal data of one sort in a plain text, from left to right, without overlaps."""

_DIGIT = re.compile(r"\d")


@cache
def words() -> Mapping[str, Any]:
    """The words of `personal_data.toml`."""
    return shipped_toml("personal_data.toml")


def any_of(listed: Sequence[str]) -> str:
    """A pattern of any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(listed, key=len, reverse=True))


def matches(
    kind: Kind,
    pattern: str,
    *,
    length: Callable[[str], int] = len,
    flags: re.RegexFlag = re.IGNORECASE,
    digits: bool = False,
) -> Finder:
    """A finder of what matches a pattern.

    Args:
        kind: What it is.
        pattern: Must be bounded, or unable to turn back. Where it has a group `it`, only that is found.
        length: How many of the matched characters count; 0 where it is something else.
        flags: Of the pattern.
        digits: It needs one, so that a text without any need not be searched.
    """
    compiled = re.compile(pattern, flags)
    group: str | int = "it" if "it" in compiled.groupindex else 0

    def found(text: str) -> Iterator[Found]:
        if digits and not _DIGIT.search(text):
            return
        for match in compiled.finditer(text):
            if counted := length(match[group]):
                yield match.start(group), match.start(group) + counted, kind

    return found
