"""What the page says, in each of its languages: `texts.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

from ui.columns import in_calendar

__all__ = ["COOKIE", "LANGUAGES", "OF_DATA", "Given", "Texts", "preferred", "texts_in"]

OF_DATA = frozenset({"country", "evaluate_about", "line", "notice", "place", "verdict"})
"""Groups of what data say in English themselves: other languages have words for it, and English needs none."""

COOKIE = "heartline_language"
"""Where a browser keeps the language that was chosen."""

_FALLBACK = "en"
_RANGE = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]*)?(?:;q=([0-9.]+))?", re.IGNORECASE)


class Given(NamedTuple):
    """What data say, in the language of the page where it has words for it, and else as they are.

    Attributes:
        words: To be shown.
        language: ISO 639 code of the language that they are in.
    """

    words: str
    language: str


class Texts:
    """What the page says in one language.

    Args:
        language: ISO 639 code.
        said: Key, e.g. `"chat.send"`, to text; `{…}` stands for what a call gives.

    Example:
        >>> texts_in("en")("chat.too_fast", seconds=3)
        'That was quick. Please send it again in 3 seconds; it is still in the box.'
    """

    def __init__(self, language: str, said: Mapping[str, str]) -> None:
        self.language, self.said = language, MappingProxyType(dict(said))

    def __call__(self, key: str, **given: object) -> str:
        """The text of a key.

        Raises:
            KeyError: There is none.
        """
        text = self.said[key]
        return text.format(**given) if given else text

    def given(self, group: str, english: str, name: str = "") -> Given:
        """What data of ours say in English.

        Args:
            group: One of `OF_DATA`.
            english: As they say it.
            name: Under which the words stand; empty where that is the English itself.
        """
        ours = self.said.get(f"{group}.{name or english}")
        return Given(english, _FALLBACK) if ours is None else Given(ours, self.language)

    def when(self, at: float | None) -> str:
        """A time in UTC, which it says; empty where nobody said, or no calendar has it."""
        found = in_calendar(at)
        return "" if found is None else self("moment", at=found)

    def number(self, value: float, form: str = "+.2f") -> str:
        """A number as people write it, by default with its sign; what rounds to nothing has a plus.

        Args:
            value: The number.
            form: How many places it has, as `format` takes it.
        """
        places = int(form.partition(".")[2][:-1])
        return format(round(value, places) + 0.0, form).replace(".", self("point"))

    def word(self, group: str, name: str) -> str:
        """The word for a name of ours, e.g. of an emotion; the name itself where the language has none."""
        return self.said.get(f"{group}.{name}", name.replace("_", " "))


def preferred(accepted: str, chosen: str = "") -> str:
    """The language of the page that suits a browser best.

    Args:
        accepted: The header `Accept-Language`, e.g. `"de-AT,de;q=0.9,en;q=0.8"`; may be empty or nonsense.
        chosen: The code that was chosen here before, which counts where there is such a language.
    """
    if chosen in LANGUAGES:
        return chosen
    best, found = 0.0, _FALLBACK
    for part in accepted[:400].replace(" ", "").split(","):
        matched = _RANGE.fullmatch(part)
        if matched is None or matched[1].lower() not in LANGUAGES:
            continue
        try:
            weight = float(matched[2] or 1)
        except ValueError:
            continue
        if weight > best:
            best, found = weight, matched[1].lower()
    return found


def texts_in(language: str) -> Texts:
    """The texts of a language that there is."""
    return _all()[language]


@cache
def _all() -> Mapping[str, Texts]:
    content = tomllib.loads(files("ui.page").joinpath("texts.toml").read_text(encoding="utf-8"))
    return {language: Texts(language, dict(_flat(said))) for language, said in content.items()}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


LANGUAGES = tuple(_all())
"""Codes of those there are, the first of the file first."""
