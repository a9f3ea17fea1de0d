"""What must not be said to a person: looked for in each sentence before it leaves. The patterns are data:
`outgoing.toml`.

It knows English sentences of kinds that LLMs were seen to produce, however they are spelled, and holds whatever
LLM speaks. It is a net under the prompt, and not a proof: what it lets through and what it stops wrongly is
measured in `evals/safety`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from agent.errors import DataError
from agent.pieces import Pieces
from agent.role_marks import has_control_token
from agent.safety.needed_words import needed_words
from agent.safety.plain_forms import aligned_forms, plain_forms
from agent.safety.toml_fields import expanded, shipped_toml

__all__ = ["Outgoing", "load_outgoing"]

_BEFORE = 60  # characters before a match that tell whether it is somebody's words given back
_TAIL = 160  # characters that were shown just before: a sentence can be harmful together with the one before it


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    about: str
    in_danger: bool
    patterns: tuple[str, ...]
    unless: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def holds(self, written: str, form: str, shown: str) -> bool:
        """Whether a pattern finds in a plain text what it does not yet find in `shown`, with which it begins."""
        pattern = _compiled(written)
        match = pattern.search(form)
        while match is not None:
            before = match.end() <= len(shown) and pattern.match(shown, match.start())
            if not (before or self._gives_back(form, match)):
                return True
            match = pattern.search(form, match.start() + 1)
        return False

    def _gives_back(self, form: str, match: re.Match[str]) -> bool:
        """Whether somebody's words are told: "you wrote that …", "…, he said"."""
        before, after = form[max(0, match.start() - _BEFORE) : match.start()], form[match.end() :]
        return bool((self.unless and self.unless.search(before)) or (self.after and self.after.search(after)))


class Outgoing:
    """The patterns of one file.

    Attributes:
        categories: The gravest first.
        instead: Category to sentences that take a blocked one's place.
    """

    def __init__(self, categories: Sequence[_Category], instead: Mapping[str, tuple[str, ...]]) -> None:
        self.categories, self.instead = tuple(categories), instead
        self._patterns = tuple((category, pattern) for category in categories for pattern in category.patterns)
        self._pieces = Pieces([needed_words(pattern) for _, pattern in self._patterns])

    def found(self, sentence: str, *, before: str = "", in_danger: bool = False) -> str | None:
        """The gravest category of what a sentence must not hold; None where it can be said.

        Args:
            sentence: As it would be shown.
            before: What was shown before it; only its end is looked at.
            in_danger: Whether the person is, or was, in danger: then no farewell is said either.
        """
        if has_control_token(sentence):
            return "role"
        tail = before[-_TAIL:]
        looks = [(form, "") for form in plain_forms(sentence)]
        if tail.strip():
            looks += dict.fromkeys(zip(aligned_forms(tail + sentence), aligned_forms(tail), strict=True))
        to_try = [(place, form, shown) for form, shown in looks for place in self._pieces.met_by(form)]
        for place, form, shown in sorted(to_try):
            category, pattern = self._patterns[place]
            if (in_danger or not category.in_danger) and category.holds(pattern, form, shown):
                return category.name
        return None

    def holds(self, name: str, text: str) -> bool:
        """Whether a text, of one sentence or several, holds what the category of this name forbids.

        Raises:
            KeyError: There is no such category.
        """
        category = {category.name: category for category in self.categories}[name]
        return any(
            category.holds(pattern, form, "") for form in plain_forms(text) for pattern in category.patterns
        )


@cache
def load_outgoing() -> Outgoing:
    """The patterns as shipped; read once.

    Raises:
        DataError: The file is missing, or a category has no sentence that takes a blocked one's place.
    """
    raw = shipped_toml("outgoing.toml")
    words, instead = raw["words"], {name: tuple(said) for name, said in raw["instead"].items()}
    categories = tuple(
        _Category(
            one["name"],
            one["about"],
            one.get("in_danger", False),
            tuple(_pattern(pattern, words) for pattern in one["patterns"]),
            re.compile(rf"(?<![a-z])(?:{expanded(one['unless'], words)})") if "unless" in one else None,
            re.compile(expanded(one["after"], words)) if "after" in one else None,
        )
        for one in raw["category"]
    )
    for category in categories:
        if not instead.get(category.name):
            raise DataError(f"agent/safety/outgoing.toml: nothing is said instead of {category.name!r}.")
    return Outgoing(categories, instead)


def _pattern(pattern: str, words: Mapping[str, str]) -> str:
    # A pattern may begin with the full stop before it.
    return rf"(?:(?<![a-z])|(?![a-z]))(?:{expanded(pattern, words)})(?![a-z])"


@cache  # at first use: all of them take half a second, and most are never needed
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
