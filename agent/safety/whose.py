"""Whose danger a message speaks of: the person's own, or that of somebody whom they tell of.

A model that reads danger hears it in "she wants to die" and in "he said he would kill me" as well. Where somebody
else is spoken of, the record of danger from the person rises only by words of theirs; and while a situation around
them is told (`agent.safety.situations`), so does that of their own danger. The patterns are wide on purpose: where
they match, the reading stands as it is.
"""

from __future__ import annotations

import re

__all__ = ["admits_own", "of_another", "own_threat", "own_wish"]

_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`", "'''''")
_LONGEST = 4000
_I = r"\b(?:i|i'?m|i'?ve|i'?d|i'?ll|im|me|myself|we)\b"
_THEY = r"(?:he|she|they)"
_THEM = r"(?:him|her|them)"
# From the person to what they say of themselves, as far as nobody else comes in between.
_ON = rf"(?:(?!\b(?:{_THEY}|{_THEM}|his|their|who|it says|my \w+)(?:'\w+)?\b)[^.!?\n]){{0,50}}?"
_WEAPON = r"(?:gun|pistol|rifle|shotgun|knife|knives|bat|hammer|axe|machete|petrol|gasoline|pillow|poison)"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?:\b{pattern}\b)" for pattern in patterns))


_OWN_WISH = _any(
    (
        rf"{_I}{_ON}\b(?:die|dying|dead|suicid\w*|kill\w*|end (?:it|my|everything)|live|living|alive|exist\w*|"
        r"go on|follow|join|be with|the same|be next|wake up|disappear|cut|cutting|hurt myself|harm myself|worth|"
        r"burden|go (?:too|as well)|can'?t (?:do|take|go|bear|stand))"
    ),
    r"(?:no (?:point|reason|way out|hope|use)|hopeless|worthless|better off|give up|giving up|had enough)",
    rf"{_I}{_ON}\b(?:done|over it|tired|exhausted|numb|pills|overdose|jump|hang)",
    r"(?:my ?self|my (?:own )?life|without me|me too|me next|me neither|so (?:do|am|would) i|same here)",
    rf"lucky {_THEM}",
    rf"{_I} (?:get|understand|envy) (?:it|why|{_THEM})",
    rf"(?:miss|without|after|lose|lost) {_THEM}\b[^.!?\n]{{0,40}}\b(?:can'?t|no point|nothing|no reason)",
)
_OWN_THREAT = _any(
    (
        rf"{_I}{_ON}\b(?:kill|murder|stab|shoot|hurt|harm|beat|strangle|choke|smother|poison|hit|punch|attack|burn|"
        rf"destroy|slap|kick|crush|break (?:his|her|their)|ruin|end (?:{_THEM}|it|this)|get (?:{_THEM}|back)|pay|"
        rf"do (?:it|something)|shake|snap|lose (?:it|control)|explode|revenge|stop {_THEM}|make sure|ready|"
        r"waiting for)\w*"
    ),
    rf"(?:make|making) (?:{_THEM}|someone|everyone) (?:pay|suffer|hurt|regret|sorry)",
    rf"(?:i|i'?m|i'?ve|my|the|a|his|dad'?s) (?:\w+ ){{0,3}}{_WEAPON}",
    rf"(?:revenge|pay ?back|get even|wish {_THEY} (?:was|were|would))",
    (
        rf"{_THEY}(?:'?ll| should| deserves?| will| has to| have to| must| won'?t)(?: \w+)? "
        r"(?:die|suffer|pay|regret|wake|hurt|see)"
    ),
    rf"want(?:ed)? {_THEM} (?:dead|gone|to (?:die|suffer|pay|hurt))",
    rf"(?:when|while|once|after) {_THEY}(?:'?s| is|'?re| are)? (?:\w+ )?(?:asleep|sleep\w*|drunk|passed out)",
    r"(?:a|my|the) (?:list|plan)",
    (
        r"(?:i|i'?ve|i'?ll|i'?m) (?:\w+ ){0,2}(?:something|it|one|everything|a surprise)(?: \w+){0,4}? "
        r"(?:for|ready|(?:in|under) my (?:bag|locker|car|coat|jacket|backpack|pocket|bed))"
    ),
    r"(?:nobody|no one|none of them)(?: \w+){0,4} (?:will|would) (?:laugh|forget|ignore|leave|walk out)",
    (
        r"(?:they|he|she|people|everyone|everybody)(?: all)? (?:won'?t|wont|will not|never) (?:\w+ )?"
        r"(?:laugh|forget|ignore|see it)"
    ),
    r"(?:what|all) (?:i'?d|i would|i'?ll|i will) (?:bring|need|use|do)",
    rf"(?:{_THEM}|everyone|everybody|all of them|the \w+) first|me (?:straight |right )?after",
    rf"(?:stood|standing|parked|sat|sitting|waited) (?:next to|over|outside|across from|by|at) (?:{_THEM}|his)",
    r"(?:pictur\w+|imagin\w+|images?|visions?|urges?|thoughts?|voices?|dream\w*) (?:of|to|about|telling)",
    r"(?:everyone|everybody|they|all of them|that \w+)(?: \w+){0,4} will (?:know|see|remember|be sorry|learn)",
    (
        r"(?:blow|burn|shoot|take) (?:it|them|everything|everyone|this place|the \w+)(?: all)? "
        r"(?:up|down|out|with me)"
    ),
)
_ANOTHER = _any(
    r"(?:he|she|they|him|her|them|his|their|theirs|who)(?:'?s|'?re|'?d|'?ll|'?ve)?", r"some ?(?:one|body)"
)
_ARMED = _any(rf"{_THEY}(?:'?s| is| has|'?ve| have)(?: \w+){{0,2}} (?:a|the|his|her) (?:\w+ )?{_WEAPON}")
_ADMITS = _any(
    r"there(?:'?s| is| was|'?s never| never was| was never) no(?:t|t a|t any)? (?:\w+ )?friend",
    r"there (?:isn'?t|is not|wasn'?t)(?: a| any)? (?:\w+ )?friend",
    r"(?:the|that|my) friend (?:is|was) (?:me|myself|i)",
    r"(?:i'?m|i am|i was) (?:the|that) friend",
    r"(?:i'?m|i am|i was|i'?ve been) (?:\w+ )?(?:talking|speaking|asking) (?:about|for) (?:myself|me)",
    (
        r"it(?:'?s| is| was) (?:\w+ )?(?:me|about me|for me|not (?:for |about )?(?:a|my) friend)"
        r"(?=[.,;!?\n]|$| (?:not|i)\b)"
    ),
)


def own_wish(text: str) -> bool:
    """Whether the person may speak of their own wish to die, whatever else they tell."""
    return _OWN_WISH.search(_plain(text)) is not None


def own_threat(text: str) -> bool:
    """Whether the person may speak of harm that they mean to do, whatever else they tell."""
    return _OWN_THREAT.search(_ARMED.sub(" ", _plain(text))) is not None


def of_another(text: str) -> bool:
    """Whether a message speaks of somebody else."""
    return _ANOTHER.search(_plain(text)) is not None


def admits_own(text: str) -> bool:
    """Whether somebody says that the friend they asked for is themselves."""
    return _ADMITS.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return text[:_LONGEST].translate(_QUOTES).lower()
