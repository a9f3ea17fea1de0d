"""What the person's message says as an answer to the safety question before it. English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.safety.course import Step

__all__ = ["QUESTIONS", "Answer", "Question", "answer_to", "answers", "denies", "misread", "speaks_of_death"]

Question = Literal["thoughts", "plan", "means", "safe", "company", "others"]
"""Whether they think of suicide; whether they have a plan; whether means are within reach; whether they are safe
now; whether somebody is with them; whether they mean to hurt somebody else."""

QUESTIONS: tuple[Question, ...] = ("thoughts", "plan", "means", "safe", "company", "others")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered.

    Attributes:
        step: The step that it tells of; None where it raises nothing.
        helped: Somebody is there, or help was called.
    """

    step: Step | None = None
    helped: bool = False


_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`", "'''''")

_DONT_KNOW = r"idk|dunno|(i )?(don'?t|do not) know|not sure|hard to say"
_NO = r"no+|nope|nah|not (at all|really|anymore|any more)|never"
_I_AM = r"(i'?m|i am)"

_YES = re.compile(
    r"^(well[, ]+)?(yes|yeah|yea|yep|yup|ye|y|sometimes|a little|a bit|kind ?of|kinda|sort of|maybe|perhaps|"
    rf"probably|possibly|{_DONT_KNOW}|honestly yes|often|always|every day|all the time|"
    r"i (think so|guess|suppose|do|have|did|am|might|already)|they do|it is|it has|at times|on and off|"
    r"now and then|most (days|nights)|lately)\b"
)
_FIRM_NO = re.compile(rf"^(well[, ]+|oh[, ]+|god[, ]+)?({_NO}|i haven'?t|{_I_AM} not|i don'?t(?! know))\b")
_UNSAFE = re.compile(
    rf"\b(not|don'?t feel|isn'?t|never) (really |very |so )?safe\b|\bunsafe\b"
    rf"|^({_NO}|i can'?t|{_DONT_KNOW})\b(?!.*\b(fine|safe|ok|okay|good|worr(y|ies))\b)"
    rf"|^{_I_AM} not[\s.!]*$|^i (don'?t|do not) (think so|feel safe)\b"
)
_HELPED = re.compile(
    rf"^(yes|yeah|yep|ok(ay)?|i (am|will|did|have))\b|\b{_I_AM} safe\b"
    r"|\b(coming (over|here|now)|on (his|her|their|the|my|its) way)\b"
    r"|\b(is|are) (here|with me|next to me|in the (house|next room))\b"
    r"|\b(i|have|i've|i'?m|just) (call|ring|phon|text)(ed|ing)\b|\b(spoke|speaking|talking) (to|with)\b"
    r"|\b(ambulance|hospital|doctor|paramedics)\b"
)
_SAFE = re.compile(rf"\b{_I_AM} (completely |totally |really |quite )?(safe|okay|ok|fine|all right|alright)\b")
_DENIAL = re.compile(
    rf"\b(just|only|was) (kidding|joking|joke|a joke|messing|being dramatic|being stupid)\b|\bjk\b|\blol\b|\bhaha"
    rf"|\b(forget|ignore) (it|that|what i (said|wrote)|i said)\b|\bnever ?mind\b|\bnvm\b"
    rf"|\b(didn'?t|don'?t|did not|do not) (really |actually )?mean (it|that|anything)\b"
    rf"|\b({_I_AM}|i feel) (totally |perfectly |completely |really |much )?"
    r"(fine|ok|okay|good|better|alright) now\b"
    rf"|\bi (would|'?d) never (really |actually )?(do|hurt|harm|kill)\b|\b{_I_AM} not (going to|gonna|suicidal)\b"
    rf"|^({_NO})\b"
)
_MISREAD = re.compile(
    r"\b(that'?s|this is|it'?s|that is) not what i (meant|mean|said)\b"
    r"|\byou('?ve| have)? (misread|misunderstood|misunderstand|got (me|it|that) wrong|are reading too much)\b"
    r"|\b(just|only) an? (expression|figure of speech|saying|joke|song|lyric|quote)\b"
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
    "others": "ideation",
}


def answer_to(question: Question, text: str) -> Answer:
    """What a message says as an answer.

    Whatever is no clear "no" counts as "yes" for thoughts, plan and means: an evasion is no reassurance. A message
    that is no answer at all, e.g. on another subject, gives an empty `Answer`.
    """
    said = _straight(text)
    helped = _HELPED.search(said) is not None
    if question == "safe":
        return Answer("acute" if _UNSAFE.search(said) and not helped else None, helped)
    if question == "company":
        return Answer(None, helped)
    if question == "others":
        return Answer(None)  # a ladder of its own: what is said outright is read there
    if _FIRM_NO.search(said) or _SAFE.search(said) or not _YES.search(said):
        return Answer(None, helped)
    return Answer(_STEP_OF_YES[question], helped)


def answers(question: Question, text: str) -> bool:
    """Whether a message begins as an answer to the question: yes, no, somebody is here, and the like."""
    said = _straight(text)
    return any(pattern.search(said) for pattern in (_YES, _FIRM_NO, _SAFE, _HELPED)) or (
        question == "safe" and _UNSAFE.search(said) is not None
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
