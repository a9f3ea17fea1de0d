"""What brings danger nearer that is known: words that mean little unless it is. The patterns are data:
`nearer.toml`.

"I know how I would" says nothing by itself; said by somebody who spoke of wishing to die, it is a plan. "He said
step off" is a driving lesson, and from somebody who hears a voice an order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from agent.safety.steps import Step
from agent.safety.toml_fields import any_of, shipped_toml

__all__ = ["nearer", "nearer_to_others", "orders_harm"]

_STRAIGHT = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_LONGEST = 4000
_BEFORE = 40  # characters of the same clause before a match, where what denies it stands
_CLAUSE = re.compile(r"[.!?;,\n]|\bbut\b")
_DENIED = re.compile(
    r"\b(?:not|never|no|nothing|nobody|none|without|if|used to|had|threw|stopped)\b"
    r"|n't\b|\b(?:dont|havent|didnt|wont|cant|isnt)\b"
)
# The answer to the question that one puts to oneself: "Have I picked a day? No."
_ASKED = re.compile(r"[^.!?;\n]{0,20}\?\W*")
_NO = re.compile(r"no\b(?! one| idea)|nope|nah|not\b(?! exactly| yet| quite)")


def nearer(text: str, *, others: bool = False) -> Step | None:
    """The step that a message tells of, by somebody whose danger is known; None where it tells of none.

    Args:
        text: The message.
        others: Danger from them to others is known: then whoever is to come after them counts, too.
    """
    plain = _plain(text)
    if _told("acute", plain):
        return "acute"
    return "plan" if _told("plan", plain) or (others and _told("after_them", plain)) else None


def nearer_to_others(text: str) -> Step | None:
    """The same on the ladder of danger to others, by somebody whose danger to others is known."""
    return "plan" if _told("others", _plain(text)) else None


def orders_harm(text: str) -> bool:
    """Whether a voice orders the person to harm themselves, told by somebody who hears one."""
    return _patterns()["ordered"].search(_plain(text)) is not None


def _told(name: str, plain: str) -> bool:
    """Whether it stands there, and is not denied: before it in its clause, or by the answer that follows."""
    for match in _patterns()[name].finditer(plain):
        before = _CLAUSE.split(plain[max(0, match.start() - _BEFORE) : match.start()])[-1]
        asked = _ASKED.match(plain, match.end())
        if not _DENIED.search(before) and not (asked and _NO.match(plain, asked.end())):
            return True
    return False


def _plain(text: str) -> str:
    return " ".join(text[-_LONGEST:].translate(_STRAIGHT).lower().split())


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """The patterns as shipped; read once.

    Raises:
        DataError: The file is missing or damaged.
    """
    raw = shipped_toml("nearer.toml")
    return {
        name: re.compile(any_of(one["patterns"], raw["words"])) for name, one in raw.items() if name != "words"
    }
