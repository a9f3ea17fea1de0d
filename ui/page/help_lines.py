"""Help lines as the page shows them. They stand in the page itself: seeing them needs no server."""

from __future__ import annotations

import re
from typing import Any

from agent.safety.help_lines import UNKNOWN, Country
from ui.page.markup import filled
from ui.page.texts import Texts

__all__ = ["as_shown", "help_region"]

_DIALLED = re.compile(r"[0-9+*#][0-9 ()*#.-]*")
_MOST = 6


def as_shown(country: Country) -> dict[str, Any]:
    """A country's help lines for a template."""
    return {
        "name": "" if country.code == UNKNOWN else country.name,
        "words": country.words,
        "emergency": [(number, _dial(number)) for number in country.emergency],
        "lines": [
            {
                "name": line.name,
                "call": line.call,
                "dial": _dial(line.call),
                "text": line.text,
                "chat": line.chat,
                "web": line.web,
                "hours": line.hours,
                "note": line.note,
            }
            for line in country.lines[:_MOST]
        ],
        "checked": None if country.checked is None else country.checked.isoformat(),
    }


def help_region(country: Country, texts: Texts) -> str:
    """What opens under the button for help."""
    return filled("help", texts, help=as_shown(country))


def _dial(number: str | None) -> str | None:
    """The number for a link that dials; None where more than a number has to be dialled."""
    if number is None or not _DIALLED.fullmatch(number):
        return None
    return re.sub(r"[^0-9+*#]", "", number)
