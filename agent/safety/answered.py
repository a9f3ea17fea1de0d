"""What the person's message says as an answer to the safety question before it. English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from agent.safety.steps import Step

__all__ = [
    "ALIKE",
    "QUESTIONS",
    "Answer",
    "Question",
    "answer_to",
    "answers",
    "denies",
    "misread",
    "speaks_of_death",
]

Question = Literal["thoughts", "plan", "means", "safe", "company", "others", "away", "them", "known"]
"""Whether they think of suicide; whether they have a plan; whether means are within reach; whether they are safe
now; whether somebody is with them; whether they mean to hurt somebody else; whether they are safe from whoever
harms them; whether somebody is with the one they fear for; whether somebody near them knows of it."""

QUESTIONS: tuple[Question, ...] = get_args(Question)

ALIKE: Mapping[Question | None, Question] = MappingProxyType({"safe": "away", "away": "safe"})
"""Questions that whoever is asked both in a row hears twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered.

    Attributes:
        step: The step that it tells of; None where it raises nothing. To the question about others it is a step of
            their ladder.
        helped: Somebody is with them, or help was called. Whoever is told so stays all the same, and names the
            same help no second time; the record cools no faster for it, since company can leave.
        unsafe: They are not safe from whoever harms them. It is no danger from themselves.
        no: Thoughts, a plan, means or a wish to harm are plainly denied. "I won't do anything" and "forget it" are
            no plain answers.
    """

    step: Step | None = None
    helped: bool = False
    unsafe: bool = False
    no: bool = False


_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`", "'''''")

_FILLER = (
    r"(?:(?:well|u[mh]+|er+m*|hm+|oh|god|honestly|look|actually|i mean|to be honest|tbh|ok(?:ay)?|"
    r"unfortunately|sadly)\b[,. \u2026]*)*"
)
_DONT_KNOW = r"idk|dunno|(i )?(don'?t|do not) know|(i'?m |i am )?not sure|(it'?s )?hard to say|no idea"
# "No one cares" and "no matter what" begin alike, and are no answers.
_NO = (
    r"(no+|nope|nah|not (at all|really|anymore|any more)|never)"
    r"(?! (one|body|idea|matter|point|sleep|again|mind)\b)"
)
_I_AM = r"(i'?m|i am)"
_THINKS = (
    r"(i'?ve|i have|i)( (often|sometimes|always|just|already|been))* (thought|think|thinking|consider(ed"
    r"|ing)?) (about|of)"
    r"|(it |that |they )?(does |do |has |have )?(cross(es|ed)?|go(es)? through|gone through) my (mind|head)"
)
_EVADES = (
    r"(i'?d|i would) (rather|prefer) not|rather not|prefer not to|can we (not|talk about|change)"
    r"|why (do|are|would|does) (you|it)|(i )?(don'?t|do not) (want|wanna|feel like) (to )?(say|talk|answer"
    r"|go there)"
    r"|(does|do) (it|that) (even )?matter|what if i|none of your|next question"
)

_YES = re.compile(
    rf"^{_FILLER}(yes|yeah|yea|yep|yup|ye|ya|y|m+-?hm+|uh-? ?huh|of course(?! not)|definitely(?! not)"
    rf"|absolutely(?! not)|"
    r"sometimes|a little|a bit|a lot|more than (i|you)|kind ?of|kinda|sort of|maybe|perhaps|not exactly|"
    rf"probably|possibly|{_DONT_KNOW}|often|always|every (day|night)|all the time|"
    r"i (think so|guess|suppose|do|have|did|am(?! not)|might|already)|they do|it is|it has|at times|on and off|"
    rf"now and then|most (days|nights)|lately|{_THINKS}|{_EVADES})\b"
)
_YES_OF: dict[str, re.Pattern[str]] = {
    "plan": re.compile(
        r"^(tonight|tomorrow|this (week|weekend|evening|month)|i know (how|when|where)"
        r"|(i'?ve|i have) (picked|set|chosen|written|bought|got|decided|planned))\b"
    ),
    "others": re.compile(
        r"^((very|really|so|too|pretty|quite|scarily|dangerously) )*close\b(?! to (nobody|no one|my)\b)"
        r"|^(tonight|tomorrow|today|this (week|weekend|evening|month)|when(ever)? (he|she|they|i)\b"
        r"|if (he|she|they)\b|as soon as|the (next|first) (time|chance))\b"
        r"|^(i'?m|i am|i) (going to|gonna|mean (it|to)|ready|know (how|when|where)|(got|have|brought) (it|one))\b"
        r"|^i('ll| will|'d| would| could)( do it)?( (if|when|tonight|today)\b|[\s.!]*$)"
        r"|^(he|she|they|the \w+|that \w+) (deserves?|ha(s|ve) it coming|had it coming|asked for it)\b"
        r"|^(a|the|my) (gun|knife|bat|pistol|rifle|hammer|axe|bottle)\b"
    ),
    "means": re.compile(
        r"^(?!.*(\b(not|nothing|no|never|nowhere|away|threw|gave)\b|n't\b))"
        r".*(\b(is|are|it'?s|they'?re) (right |still |all )?(here|near|nearby|with me|next to me)\b|\bin (my"
        r"|the|our) \w+"
        r"|\bi (could|can) (get|reach)\b|\bwithin reach\b|^right here\b)"
    ),
}
_FIRM_NO = re.compile(
    rf"^{_FILLER}({_NO}|i haven'?t|{_I_AM} not(?! sure)|(i )?don'?t(?! (know|want|wanna|feel like)))\b"
)
_BUT_YES = re.compile(
    rf"^{_FILLER}({_NO})\b(\W+(wait|well|actually|i mean))*\W+(yes|yeah|maybe|sometimes)\b"
    r"|\b(but|though|although|except)\b.{0,120}\b(sometimes|at times|maybe|might|often|yes|lately|used to"
    r"|i (do|have|did|think|could)|i'?ve|cross(es|ed)? my mind)\b"
)
# No plain no to whether they think of it: that they won't act, and what shuts the question out.
_NOT_PLAIN = re.compile(
    rf"^{_FILLER}(no\W+)*({_I_AM} not|not|don'?t worry)\b.{{0,20}}\b(going to|gonna|do|doing|will|act)\b"
    r"|\b(won'?t|wouldn'?t|would never)\b|\b(forget|leave|drop|stop|never ?mind|nvm|whatever|matter)\b"
)
_UNSAFE = re.compile(
    r"\b(not|don'?t feel|isn'?t|never|hardly|barely) (really |very |so |that |feeling |entirely )?safe\b"
    r"|\bunsafe\b"
    rf"|^{_FILLER}({_NO}|i can'?t|{_DONT_KNOW})(?!.*\b({_I_AM}|it'?s|all|everything'?s|feel|no) "
    r"(completely |totally |really |quite |perfectly )?(fine|safe|ok|okay|good|worr(y|ies)|problem|need)\b)"
    r"(?! (worr(y|ies)|problem|need)\b)\b"
    rf"|^{_FILLER}({_I_AM} not|not (at the moment|right now|exactly|sure|now)|hardly|barely|i doubt it)[\s.!]*$"
    r"|\bi (don'?t|do not) (think so|feel safe|think (i'?m|i am|i'?ll be|i will be|i can))\b"
)
# Of company. "Ok" and "I will" promise it, and nobody is there yet.
_AGREES = re.compile(rf"^{_FILLER}(yes|yeah|yep|yup|i (am|did|have))\b(?! not\b)(?!,? but\b)")
_HELPED = re.compile(
    rf"\b{_I_AM} safe\b"
    r"|\b(coming (over|here|now)|on (his|her|their|the|my|its) way)\b"
    r"|(?<!\bit)(?<!\bthat)(?<!\bwhat)( is| are|'s|'re) (here|home|coming|with me|next to me|in the (house"
    r"|next room))\b"
    rf"|\b{_I_AM} with (my|a|some)\b|\bjust arrived\b"
    r"|\b(i|have|i've|i'?m|just) ((call|phon|text)(ed|ing)|rang|ringing)\b"
    r"|\b(spoke|speaking|talking) (to|with)\b(?! you)"
    r"|\b(at|in|to) (the |a )?(hospital|er|emergency room|clinic)\b"
)
_CLAUSE = re.compile(r"[.,;!?\n]+|\bbut\b|\band\b")
_WITHOUT = re.compile(
    r"\b(not|no|nobody|noone|none|never|without|cannot|hate|alone|if|when|nor)\b|n't\b|\b(wo|ca|do|is|did)nt\b"
)
_SAFE = re.compile(
    rf"^{_FILLER}{_I_AM} (completely |totally |really |quite )?(safe|okay|ok|fine|all right|alright)\b"
)
_DENIAL = re.compile(
    rf"\b(just|only|was) (kidding|joking|joke|a joke|messing|being dramatic|being stupid)\b|\bjk\b|\blol\b|\bhaha"
    r"|(?<!can't )(?<!cannot )(?<!never )\b(forget|ignore) (it|that|what i (said|wrote)|i said)\b"
    r"|\bnever ?mind\b|\bnvm\b"
    rf"|\b(didn'?t|don'?t|did not|do not) (really |actually )?mean (it|that|anything)\b"
    rf"|\b({_I_AM}|i feel) (totally |perfectly |completely |really |much )?"
    r"(fine|ok|okay|good|better|alright) now\b"
    rf"|\bi( would|'?d) never (really |actually )?(do|hurt|harm|kill)\b|\b{_I_AM} not (going to|gonna|suicidal)\b"
    r"|\bi'?m over it\b|\b(it'?s|it was) nothing\b"
    rf"|^{_FILLER}({_NO})\b"
)
_MISREAD = re.compile(
    r"\b(that'?s|this is|it'?s|that is) not what i('?m)? (meant|mean|said|saying|trying to say)\b"
    r"|\byou('?ve| have)? (misread|misunderstood|misunderstand|got (me|it|that) wrong|are reading too much)\b"
    r"|\b(just|only) an? (expression|figure of speech|saying|joke|song|lyric|quote)\b|\ba (song )?lyric\b"
    r"|\byou (took|take) (it|this|that|me) (the )?wrong\b|\b(got|get|have) the wrong idea\b"
    r"|\bi didn'?t mean it like that\b"
    r"|\b(didn'?t|don'?t) mean (it|that) (literally|seriously)\b|\bnot literally\b"
    r"|\byou('re| are) (over ?reacting|taking (it|this|that|me) (too|the wrong))\b"
)

_DEATH = re.compile(
    r"\bkill(ing)? my ?self\b|\bsuicid\w*|\bend(ing)? (my (own )?life|it all)\b|\btak(e|ing) my (own )?life\b"
    r"|\b((want|wanted|going|wish) to|wanna) die\b|\bbetter off (dead|without me)\b|\bwish i (was|were) dead\b"
    r"|\b(don'?t|do not) (want|wanna) (to )?(live|be alive|be here|exist|wake up)\b|\bno reason to (live|go on)\b"
    r"|\b(hurt|harm|cut)(ing|ting)? my ?self\b|\bself.?harm\w*"
)

_STEP_OF_YES: dict[Question, Step] = {
    "thoughts": "ideation",
    "plan": "plan",
    "means": "plan",
    "others": "plan",
}
"""It is asked of others once thoughts of harm were told: what is left to ask is whether they mean it."""


def answer_to(question: Question, text: str) -> Answer:
    """What a message says as an answer.

    Whatever is no clear "no" counts as "yes" for thoughts, plan, means and others: an evasion is no reassurance. A
    message that is no answer at all, e.g. on another subject, gives an empty `Answer`.
    """
    said = _straight(text)
    helped = _help_is_there(said)
    if question == "safe":
        return Answer("acute" if _UNSAFE.search(said) and not helped else None, helped)
    if question == "away":
        return Answer(None, helped, unsafe=_UNSAFE.search(said) is not None and not helped)
    if question in ("company", "them", "known"):
        return Answer(None, helped or _AGREES.search(said) is not None)
    no = (_FIRM_NO.search(said) or _SAFE.search(said)) and not _BUT_YES.search(said)
    yes = _YES.search(said) or _BUT_YES.search(said) or (question in _YES_OF and _YES_OF[question].search(said))
    plainly = _FIRM_NO.search(said) and not (_BUT_YES.search(said) or _NOT_PLAIN.search(said))
    return Answer(None if no or not yes else _STEP_OF_YES[question], helped, no=bool(plainly))


def _help_is_there(said: str) -> bool:
    """Whether a clause tells of help or company, and does not tell of its want."""
    return any(_HELPED.search(clause) and not _WITHOUT.search(clause) for clause in _CLAUSE.split(said))


def answers(question: Question, text: str) -> bool:
    """Whether a message begins as an answer to the question: yes, no, somebody is here, and the like."""
    said = _straight(text)
    return (
        any(pattern.search(said) for pattern in (_YES, _FIRM_NO, _SAFE, _AGREES))
        or _help_is_there(said)
        or (question in ("safe", "away") and _UNSAFE.search(said) is not None)
        or (question in _YES_OF and _YES_OF[question].search(said) is not None)
    )


def denies(text: str) -> bool:
    """Whether a message takes danger back."""
    return _DENIAL.search(_straight(text)) is not None


def misread(text: str) -> bool:
    """Whether the person says that they were misread."""
    return _MISREAD.search(_straight(text)) is not None


def speaks_of_death(text: str) -> bool:
    """Whether a message has plain words of suicide or self-harm: for where no model and no rules could read it."""
    return _DEATH.search(_straight(text)) is not None


def _straight(text: str) -> str:
    return text.translate(_QUOTES).lower().strip()
