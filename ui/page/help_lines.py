"""Help lines as the page shows them. They stand in the page itself: seeing them needs no server."""

from __future__ import annotations

import re
from typing import Any

from agent.safety.help_lines import UNKNOWN, Country, urging
from ui.page.markup import filled
from ui.page.texts import Given, Texts

__all__ = ["as_shown", "help_region"]

_DIALLED = re.compile(r"[0-9+*#][0-9 ()*#.-]*")
_MOST = 6


def as_shown(country: Country, texts: Texts) -> dict[str, Any]:
    """A country's help lines for a template, in the language of the page where it has words for what they say."""

    def given(words: str | None) -> Given | None:
        return None if words is None else texts.given("line", words)

    return {
        "name": None if country.code == UNKNOWN else texts.given("country", country.name, country.code),
        "words": _urging(country, texts),
        "emergency": [(number, _dial(number)) for number in country.emergency],
        "lines": [
            {
                "name": line.name,
                "call": given(line.call),
                "dial": _dial(line.call),
                "text": given(line.text),
                "chat": line.chat,
                "web": line.web,
                "hours": given(line.hours),
                "note": given(line.note),
            }
            for line in country.lines[:_MOST]
        ],
        "checked": None if country.checked is None else country.checked.isoformat(),
    }


def help_region(country: Country, texts: Texts) -> str:
    """What opens under the button for help."""
    return filled("help", texts, help=as_shown(country, texts))


def _urging(country: Country, texts: Texts) -> Given:
    """What to do when life is in danger."""
    if country.emergency and country.words == urging(country.emergency):
        numbers = f" {texts('help.or')} ".join(country.emergency)
        return Given(texts("help.danger", numbers=numbers), texts.language)
    return texts.given("line", country.words)


def _dial(number: str | None) -> str | None:
    """The number for a link that dials; None where more than a number has to be dialled."""
    if number is None or not _DIALLED.fullmatch(number):
        return None
    return re.sub(r"[^0-9+*#]", "", number)
