"""Whether a sentence turns the person away: what LLMs were taught to say where a request sounds risky.

    I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need.

To somebody who told what weighs on them that is a closed door. It knows English sentences that do nothing else;
one that says what can be done instead ("..., but I can listen"), or what in particular cannot, is none.
"""

from __future__ import annotations

import re

__all__ = ["turns_away"]

_LEAD = (
    r"(?:sorry|i(?:'m| am)(?: \w+)? (?:sorry|afraid)[^.!?;:]{0,60}?|(?:my|i) apologi[sz]es?|unfortunately"
    r"|as an? (?:ai|artificial|language)[^.!?,;:]{0,40}|i understand[^.!?;:]{0,60}?)(?: ?,)? (?:but )?"
)
_CANNOT = (
    r"i(?:(?:'m| am)(?: \w+)? (?:unable|not able) to"
    r"|(?: \w+)? (?:can't|cannot|can not|won't|will not|must decline to)(?: be able to)?)(?: \w+)?"
)
_DO = (
    r"(?:help|assist|support|engage|continue|comply|fulfil|fulfill|provide|offer|discuss|talk about|respond|answer"
    r"|participate|process|do)"
)
_WHAT = (
    r"(?: (?:with|to|in|on|about|you|that|this|it"
    r"|(?:that|this|your|such|the)(?: \w+)?"
    r" (?:requests?|questions?|topics?|conversation|matters?|content|messages?)"
    r"|(?:the|any)(?: kind of)? (?:help|support|assistance)"
    r"(?: (?:that )?you(?: are|'re)? (?:need|deserve|seek|seeking|looking for|asking for))?"
    r"|(?:emotional |personal |psychological |mental health )?(?:support|help|assistance|counsell?ing|advice)"
    r"|further|right now|here|at this time))*"
)
_TURNS_AWAY = re.compile(rf"\W*(?:{_LEAD})?{_CANNOT} {_DO}{_WHAT}\W*", re.IGNORECASE)
_LONGEST = 240  # characters; a longer sentence says something else as well


def turns_away(sentence: str) -> bool:
    """Whether a sentence refuses to answer, and does nothing else.

    Args:
        sentence: The first of a reply. Later on it may belong to something that is offered instead.
    """
    plain = " ".join(sentence.replace("\u2019", "'").split())
    return len(plain) <= _LONGEST and _TURNS_AWAY.fullmatch(plain) is not None
