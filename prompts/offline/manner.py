"""How something is said, apart from what: as another's words, as a question, with a laugh, as a loss.

All read lower case, straight apostrophes (`occasion.straightened`).
"""

from __future__ import annotations

import re

__all__ = [
    "cries_for_joy",
    "has_helped",
    "is_asked",
    "is_eager",
    "is_owed",
    "is_reported",
    "laughs",
    "tells_of_loss",
]

_EAGER = re.compile(r"\b(can't|cant|cannot) wait\b|\blooking forward\b")
_LOSS = re.compile(
    r"\b(passed away|passed on|funeral|miscarriage|bereave\w*|put (him|her|(my|our)( \w+){1,3}) down|"
    r"stillborn|stillbirth|widow(ed|er)?|buried (him|her|my|our)|"
    r"would(?:'ve| have| of) (been|turned) (his|her|their|\w+'?s) \d+(st|nd|rd|th)|"
    r"(?<!it )(?<!that )(?<!this )would(?:'ve| have| of) (been|turned) \d{1,2}(st|nd|rd|th)?"
    r"(?! (?:am|pm|dollars|euros|pounds|bucks|minutes|hours|percent))(?= |[.,!?]|$)|"
    r"(?<!phone )(?<!battery )(?<!car )(?<!laptop )(?<!computer )(?<!plant )(?<!plants )died(?! laughing)|"
    r"lost (my|our) (\w+ )?(mum|mom|mother|dad|father|brother|sister|wife|husband|son|daughter|baby|child|"
    r"grandma|grandmother|grandpa|grandfather|nan|gran|aunt|uncle|dog|cat|pet)|death of (my|our)|"
    r"(christmas|birthday|anniversary|thanksgiving|easter|hanukkah|eid|diwali) without (my|our|him|her|them))\b"
)
_TEARS_OF_JOY = re.compile(
    r"\bcr(?:y|ied|ying)\b(?:(?!\bnot\b|n't\b|\bbut\b)[^.?;]){0,40}"
    r"\b(?:so (?:happy|glad|relieved|proud)|(?:for|of|with|from) (?:joy|happiness|relief))\b"
)
_HELPED = re.compile(
    r"\b(that|this|(say|typ|writ|talk|tell|hear)ing( \w+){0,5}) "
    r"((really|actually|kind of|already|does|did|has|just) )*help(s|ed)?\b"
    r"(?! (him|her|them|if|that|to|my|when|others|people))"
)
_REPORTED = re.compile(
    r"^((and|but|so|then|well|yeah|now|plus),? )*(he|she|they|everyone|everybody|people|mum|mom|dad|"
    r"my( \w+){1,2}|the( \w+){1,2}) ((just|always|only|keeps?|even|already) )*"
    r"(says?|said|saying|tells?|telling|told|thinks?|thought|wants?|wanted|suggest(s|ed))\b"
)
_ASKS = re.compile(
    r"^((and|but|so|then|well|ok|okay|yeah),? )*(how|what|why|when|where|who|is|are|am|do|does|did|will|would|"
    r"should|could|can|isn't|aren't|don't|doesn't)\b[^!]*$"
)
_OWED = re.compile(
    r"\b(should|ought to|supposed to) (be|feel)\b|\b(want|need|wanted|needed|like) to vent\b|\bi (guess|suppose)$"
)
_LAUGHS = re.compile(r"\b(haha\w*|hehe\w*|lol|lmao|rofl)\b|[\U0001F600-\U0001F606\U0001F923]")


def tells_of_loss(text: str) -> bool:
    """Whether somebody, or a pet, died."""
    return _LOSS.search(text) is not None


def is_eager(text: str) -> bool:
    """Whether something is looked forward to."""
    return _EAGER.search(text) is not None


def cries_for_joy(text: str) -> bool:
    """Whether tears are of gladness."""
    return _TEARS_OF_JOY.search(text) is not None


def has_helped(text: str) -> bool:
    """Whether something did the seeker good; not where that is asked."""
    return _HELPED.search(text) is not None and not text.endswith("?")


def is_reported(text: str) -> bool:
    """Whether it begins with what somebody else says or wants: the mood of that is theirs."""
    return _REPORTED.search(text) is not None


def is_asked(text: str) -> bool:
    """Whether it is a plain question, with or without its mark."""
    return _ASKS.search(text) is not None


def is_owed(text: str) -> bool:
    """Whether it tells what ought to be felt, or only half so: "I should be happy", "happy for them I guess"."""
    return _OWED.search(text) is not None


def laughs(text: str) -> bool:
    """Whether it is told with a laugh."""
    return _LAUGHS.search(text) is not None
