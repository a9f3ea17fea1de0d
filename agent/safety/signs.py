"""What one message shows of danger, read with what is known from before: the reading of it, its answer to a safety
question, danger around the person, and words that mean little unless danger is known.
"""

from __future__ import annotations

from typing import NamedTuple

from agent.readings import DANGER, RiskReading
from agent.safety.answered import Answer, Question, speaks_of_death
from agent.safety.nearer import nearer, nearer_to_others, orders_harm
from agent.safety.situations import Around
from agent.safety.steps import STEPS, Step, Why, reaches
from agent.safety.whose import admits_own, of_another, own_threat, own_wish

__all__ = ["Known", "Sign", "signs_of"]

_HINT = 0.2  # of ideation, by the risk model; see `evals/safety` for what that finds
_SURE_OF_OTHERS = 0.6  # of danger to others: above it the model is believed although somebody else is spoken of


class Sign(NamedTuple):
    """What a message shows on one ladder.

    Attributes:
        step: How high.
        why: How it is known.
        evidence: The words, as character spans.
    """

    step: Step
    why: Why = "said"
    evidence: tuple[tuple[int, int], ...] = ()


class Known(NamedTuple):
    """On which ladders danger is known from before. A suspicion is not known."""

    to_self: bool
    to_others: bool


def signs_of(
    reading: RiskReading | None,
    text: str,
    *,
    known: Known,
    answer: Answer,
    asked: Question | None,
    around: Around | None,
) -> tuple[Sign, Sign]:
    """What a message shows of danger to the person, and to others.

    Args:
        reading: Of the message alone; None where it could not be read.
        text: The message.
        known: From before.
        answer: To the safety question that was asked before it.
        asked: That question.
        around: The danger around the person, after this message.
    """
    own, of_others = _of_self(reading, text), _of_others(reading)
    told = around is not None and around.open
    if around is not None and told:
        own = _of_themselves(own, around, text)
    # A suspicion without a threat of their own mostly tells of company, or of help on its way.
    unsure = of_others.why == "suspected" or (of_another(text) and not _sure_of_others(reading))
    doubtful = not _is_heard(around) and (told or unsure)
    if reaches(of_others.step, "ideation") and doubtful and not own_threat(text):
        of_others = Sign("watch")  # what others do is no danger from the person
    if answer.step is not None and asked == "others":
        of_others = _or_answered(of_others, answer.step)
    elif answer.step is not None:
        own = _or_answered(own, answer.step)
    return _nearer(own, of_others, known, text)


def _of_self(reading: RiskReading | None, text: str) -> Sign:
    """What a message shows by itself of danger to the person."""
    if reading is None:
        return Sign("ideation") if speaks_of_death(text) else Sign("watch", "unread")
    own = reading.for_self
    if own in DANGER:
        return Sign(own, "said" if reading.sure else "suspected", reading.evidence)
    hinted = reading.probabilities.get("self:ideation", 0.0) >= _HINT
    if own == "distress":
        return Sign("distress")
    return Sign("watch", "hinted") if hinted else Sign("none")


def _of_others(reading: RiskReading | None) -> Sign:
    """What it shows by itself of danger to others."""
    if reading is None:
        return Sign("none")
    suspected = reading.others in DANGER and not reading.sure
    return Sign(reading.others, "suspected" if suspected else "said", reading.evidence)


def _sure_of_others(reading: RiskReading | None) -> bool:
    return reading is not None and reading.probabilities.get("others:ideation", 0.0) >= _SURE_OF_OTHERS


def _is_heard(around: Around | None) -> bool:
    """Whether what is told of is what they hear or feel themselves: it is about nobody else."""
    return around is not None and around.kind == "voices"


def _of_themselves(own: Sign, around: Around, text: str) -> Sign:
    """What a message shows of the person's own danger, where danger around them is told of.

    Somebody else's wish to die, and what is done to them this minute, is their distress and no wish of their own,
    unless words of theirs say so. A voice that orders them to harm themselves is danger of their own.
    """
    if _is_heard(around):
        ordered = orders_harm(text) and not reaches(own.step, "ideation")
        return Sign("ideation") if ordered else _at_least_distress(own, around)
    anothers = around.now or (around.fresh and around.kind != "violence")
    if around.kind != "violence" and admits_own(text):
        return _or_answered(own, "ideation")
    if anothers and reaches(own.step, "ideation") and not own_wish(text):
        return Sign("distress")
    return _at_least_distress(own, around) if around.kind == "violence" else own


def _at_least_distress(own: Sign, around: Around) -> Sign:
    """Whoever tells of violence against them, or of what torments them, is in distress."""
    return Sign("distress") if around.fresh and not reaches(own.step, "distress") else own


def _nearer(own: Sign, of_others: Sign, known: Known, text: str) -> tuple[Sign, Sign]:
    """What a message shows, read by somebody who knows of the danger, from it or from before."""
    to_self, to_others = known.to_self or _is_said(own), known.to_others or _is_said(of_others)
    step = nearer(text, others=to_others) if to_self or to_others else None
    if step is not None and STEPS.index(step) > STEPS.index(own.step):
        own = Sign(step)
    step = nearer_to_others(text) if to_others else None
    if step is not None and STEPS.index(step) > STEPS.index(of_others.step):
        of_others = Sign(step)
    return own, of_others


def _is_said(shown: Sign) -> bool:
    return reaches(shown.step, "ideation") and shown.why != "suspected"


def _or_answered(said: Sign, answered: Step) -> Sign:
    """The higher of what a message shows and what it answers."""
    return said if reaches(said.step, answered) else Sign(answered, "answered")
