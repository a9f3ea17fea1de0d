"""What a message asks for, as far as a few English phrases show it.

Cues are hints for a planner, not readings: they are found or not, and text in another language
simply has none. Every pattern looks at whole words and has bounded repeats, so that a long
message costs time in proportion to its length.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

__all__ = ["Cue", "find_cues"]

Cue = Literal["greeting", "farewell", "thanks", "asks_advice", "asks_fact", "rejects", "good_news"]

_COURTESY_WORDS = 14  # thanks or a goodbye in a longer message is not what the message is about

_ADVICE = r"(?:advice|suggestions?|tips?|recommendations?|ideas|solutions?)"
_SOME = r"(?:(?:any|some|your|other|more|good|practical|a bit of|a few) ){0,3}"
_I = r"(?:i|we)"
_WITHOUT_EFFECT = r"(?:(?:wo|would|does|do|did|ca)n'?t|(?:will|would|does|do|did) not|cannot|never)"
_JUST = r"(?:(?:just|really|actually|finally|probably|still|already|even|all|now|going to) ){0,3}"
_MUCH = r"(?:so |much |a bit |a little |a lot |way ){0,2}"
_NOT_YET = r"(?<!n't )(?<!nt )(?<!not )(?<!never )"  # what was never tried is not turned down
_ANY_OF_IT = r"(?<!if )(?:that|this|it|those|these|nothing|none of (?:that|this|it|them))"
_NOBODY_SAID = r"(?<!no )(?<!said )(?<!say )(?<!saying )"  # thanks that are told of are not given
_ASKED = r"(?= *(?:\?|$))"
_CLAUSE_END = r"(?= *(?:[.,;:!?)]|$|and |but |already|before|too))"

_PATTERNS: dict[Cue, tuple[str, ...]] = {
    "farewell": (
        # "I never got to say goodbye" tells of a loss.
        r"(?<!say )(?<!saying )(?<!said )(?<!my )(?:good ?)?bye(?:[ -]bye)?",
        r"good ?night(?!'?s| of | out)",
        r"see (?:you|ya)(?: later| soon| tomorrow| around)",
        r"(?:talk|speak)(?: to you)? (?:later|soon|tomorrow)",
        rf"(?:have to|need to|should|must|gotta|better) (?:go|run|get going|head off)(?: now| soon)?{_CLAUSE_END}",
        r"signing off",
        r"that(?:'?s| is) all for (?:now|today)",
    ),
    "thanks": (
        rf"{_NOBODY_SAID}(?:thanks|thank (?:you|u)|thx)(?! to (?:him|her|them|my|the|this))",
        r"appreciate (?:it|that|this|your|you)",
    ),
    "asks_advice": (
        rf"what (?:else )?(?:should|can|could|do|shall) {_I} {_JUST}(?:do|try|say|tell|change|start)",
        r"what (?:do|would|can) you (?:do|try|say|suggest|recommend|advise)",
        rf"(?:got|need|want|like|use|you have|give me|looking for|asking for) {_SOME}{_ADVICE}",
        rf"any {_SOME}{_ADVICE}",
        # "How could I be so blind" and "how do I go on" ask for no plan.
        rf"how (?:do|can|should|could|would) {_I} (?!be |have |ever |even |live |not |go on|keep going)[a-z]+",
        rf"should {_I} (?!have\b|be ashamed\b)[a-z]+\b[^.!?]{{0,200}}\?",
        rf"is there (?:anything|something)(?: else)?(?: that)? (?:{_I}|you) (?:can|could|should)",
        rf"is there (?:any|a) way (?:to|for me|{_I})",
        r"(?:please|can you|could you) (?:help|advise) me (?:to )?(?:decide|find|choose|figure|plan|with|on)",
        r"can you (?:suggest|recommend|advise)",
        # "What do you think he meant" asks about him, and "what do you think you are doing" for nothing.
        rf"what (?:do|would) (?:you|u) (?:really )?think(?: (?:of|about) (?:it|this|that|all this))?{_ASKED}",
        rf"do you (?:really )?think (?:that )?{_I} (?:should|ought to|could|can)\b[^.!?]{{0,200}}\?",
        r"what(?:'?s| is| would be) your (?:honest )?(?:opinion|take|view|advice|thoughts?)",
        rf"any (?:other )?thoughts(?: on (?:it|this|that))?{_ASKED}",
    ),
    "asks_fact": (
        r"(?:is|isn'?t) (?:it|this|that) (?:really |even |so )?(?:normal|common|usual|typical|natural|true)",
        r"am i (?:normal|the only one)",
        r"how (?:long|often) (?:does|do|will|can) (?:it|this|that|grief|panic|people|most)",
        r"how (?:common|many people|normal)",
        r"what (?:is|are) an? [^.!?]{2,60}\?",
        r"what (?:does|do) [^.!?]{2,60} mean",
        r"how (?:does|do) (?!i\b|we\b)[^.!?]{2,60} work",
        r"(?:can|does|do) (?!i\b|we\b|you\b)[a-z ]{2,30} (?:cause|lead to|affect) [^.!?]{1,100}\?",
        r"why (?:do|does) (?:people|the body|the brain|someone|everyone)",
    ),
    "rejects": (
        rf"{_NOT_YET}tried {_JUST}(?:doing |to do )?(?:that|this|it|those|them|everything|already){_CLAUSE_END}",
        r"already (?:tried|did|done|do|doing) (?:all )?(?:that|this|it|those)",
        # "It didn't work out between us" turns nothing down.
        rf"{_ANY_OF_IT} {_JUST}{_WITHOUT_EFFECT} {_JUST}(?:work(?! out)|help(?! that)|change|fix|do anything)",
        r"nothing (?:works|worked|helps|helped|is working|is helping)",
        r"(?:that|this|it)(?:'?s| is| was)? (?:not|(?:is|was)n'?t) (?:[a-z]+ )?(?:helpful|helping|useful)",
        r"easier said than done",
        r"(?:can'?t|cannot|won'?t) (?:just )?do (?:that|any of that)",
        rf"(?:(?:do|did)n'?t|not) (?:really )?(?:want|need|ask for|asking for|looking for) {_SOME}{_ADVICE}",
        rf"(?:please,? no|no more|enough|stop with the|spare me the) {_SOME}{_ADVICE}",
        r"just (?:want|wanted|need|needed) (?:to vent|to be heard|someone to listen|you to listen)",
    ),
    "good_news": (
        r"(?<!no )(?:good|great|wonderful|happy) news",
        rf"i {_JUST}got (?:the|a|that|my) (?:new |dream )?(?:job|offer|place|promotion|raise)",
        rf"i {_JUST}passed (?:my|the|it|all|every)",
        # Feeling better off without oneself is no good news.
        rf"i(?:'?m| am| do)? {_JUST}feel(?:ing)? {_MUCH}(?:better(?! off)|happier|lighter|relieved)",
        rf"it {_JUST}(?:worked(?! out for| for you)|helped(?! to)|went (?:really |so )?well)",
    ),
}

_GREETING = (
    r"(?:\b(?:hi+|hello|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|there|again|everyone|"
    r"nice to meet you|how are you(?: doing)?(?: today)?|how(?:'?s| is) it going|are you there|anyone there)"
    r"\b[ ,.!?:)-]*)+"
)


@cache
def _compiled() -> dict[Cue, re.Pattern[str]]:
    return {cue: re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)") for cue, patterns in _PATTERNS.items()}


def find_cues(text: str) -> frozenset[Cue]:
    """The cues that a message shows.

    Rejecting advice silences asking for it ("I don't want advice"). A greeting counts only where
    the message is nothing else; thanks and goodbyes only in short messages that neither ask nor
    reject.

    Args:
        text: The seeker's message.

    Returns:
        What was found; empty where nothing was, or where the text is not English.
    """
    plain = " ".join(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    found = {cue for cue, pattern in _compiled().items() if pattern.search(plain)}
    if "rejects" in found:
        found.discard("asks_advice")
    if found & {"asks_advice", "asks_fact", "rejects"} or len(plain.split()) > _COURTESY_WORDS:
        found -= {"thanks", "farewell"}
    if re.fullmatch(_GREETING, plain):
        found.add("greeting")
    return frozenset(found)
