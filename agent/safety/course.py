"""The course of risk over a conversation: a state machine with memory.

    none < watch < distress < ideation < plan < acute

It rises at once, to whatever a message shows or an answer to a safety question says. It falls one step at a time,
after as many quiet messages as `COOLS_AFTER` says, and after danger never below `watch` in the same conversation.
Danger that was suspected a single time, in words that need not mean it, falls to `watch` sooner, and to `distress`
at once where the question about it is answered with a plain no; a second sign bears it out. Else a denial, a joke
or a change of subject is a quiet message and no more. Danger to others has a ladder of its own, which works alike.

It is a record of what was said, and no assessment of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from agent.errors import ReadingError
from agent.readings import DANGER, RiskReading
from agent.safety.answered import Answer, Question, answer_to, denies, misread, speaks_of_death
from agent.safety.situations import Around, stands
from agent.safety.whose import admits_own, of_another, own_threat, own_wish

__all__ = [
    "COOLS_AFTER",
    "STEPS",
    "SUSPICION_COOLS_AFTER",
    "Ladder",
    "RiskChange",
    "RiskCourse",
    "Step",
    "Why",
    "advance",
    "reaches",
]

Step = Literal["none", "watch", "distress", "ideation", "plan", "acute"]
"""`watch`: a weak sign, the time after danger, or nothing could be read."""

STEPS: tuple[Step, ...] = get_args(Step)

Ladder = Literal["self", "others"]

Why = Literal["said", "answered", "suspected", "hinted", "unread", "cooled", "denied"]

COOLS_AFTER: Mapping[Step, int] = MappingProxyType(
    {"acute": 4, "plan": 4, "ideation": 4, "distress": 3, "watch": 6}
)
"""Quiet messages in a row after which the record falls by one step."""

SUSPICION_COOLS_AFTER = 2
"""Quiet messages in a row after which danger falls to `watch` that was suspected once, and neither said nor
answered: it was asked about, and nothing bore it out. What remains is `watch`, as after any danger."""

_HINT = 0.2  # of ideation, by the risk model; see `evals/safety` for what that finds
_SURE_OF_OTHERS = 0.6  # of danger to others: above it the model is believed although somebody else is spoken of
_MOST = 32  # changes that are kept: a conversation's record must not grow with its length


@dataclass(frozen=True, slots=True)
class RiskChange:
    """One change of the record.

    Attributes:
        turn: Index of the turn that brought it.
        ladder: `"self"` or `"others"`.
        before, after: The steps.
        why: `"said"` in the message, `"answered"` to a safety question, `"suspected"` in words that need not mean
            it, `"hinted"` at by a weak sign, `"unread"` since nothing could be read, `"cooled"` after quiet
            messages, or `"denied"` when it was asked about.
        evidence: The words, as character spans of that turn's text; empty where none stand for it.
    """

    turn: int
    ladder: Ladder
    before: Step
    after: Step
    why: Why
    evidence: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RiskCourse:
    """Where the record stands after a turn, and what was done about it. Its size does not depend on how many
    turns.

    Attributes:
        level, others: The steps of the two ladders.
        peak, others_peak: The highest that they ever reached.
        quiet, others_quiet: Quiet messages in a row.
        stood, others_stood: Those of them since the record last moved.
        fresh: This turn showed danger, or answered that there is some.
        unread: This turn's risk could not be read.
        denials: How often danger was denied after it had been shown.
        softer: The person said that they were misread: the tone is softer from then on, the record is not.
        asked: The safety question that this turn's reply asks; None where it asks none.
        done: What the replies did since the record last rose, e.g. `"lines"` or `"ask.thoughts"`.
        lines: Ids of the help lines that the last reply which named some named.
        changes: The newest changes, oldest first.
        suspected, others_suspected: The danger that was shown so far, to themselves or to others, was suspected,
            once.
        around: Danger around the person that is not of their making; None where nobody told of any.
    """

    level: Step = "none"
    others: Step = "none"
    peak: Step = "none"
    others_peak: Step = "none"
    quiet: int = 0
    others_quiet: int = 0
    stood: int = 0
    others_stood: int = 0
    fresh: bool = False
    unread: bool = False
    denials: int = 0
    softer: bool = False
    asked: Question | None = None
    done: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    changes: tuple[RiskChange, ...] = ()
    suspected: bool = False
    others_suspected: bool = False
    around: Around | None = None

    def __post_init__(self) -> None:
        for now, peak in ((self.level, self.peak), (self.others, self.others_peak)):
            if STEPS.index(now) > STEPS.index(peak):
                raise ReadingError(f"A course of risk at {now!r} cannot have its peak at {peak!r}.")

    @property
    def highest(self) -> Step:
        """The higher of both ladders."""
        return _higher(self.level, self.others)

    @property
    def in_danger(self) -> bool:
        """Whether one of them stands at ideation or above."""
        return reaches(self.highest, "ideation")

    @property
    def was_in_danger(self) -> bool:
        """Whether one of them ever stood there in this conversation."""
        return reaches(_higher(self.peak, self.others_peak), "ideation")


def reaches(step: Step, other: Step) -> bool:
    """Whether a step is as high as another."""
    return STEPS.index(step) >= STEPS.index(other)


def advance(before: RiskCourse | None, reading: RiskReading | None, text: str, *, turn: int) -> RiskCourse:
    """The record after a message.

    Args:
        before: The record before it; None at the start.
        reading: What the message itself shows; None where it could not be read.
        text: The message.
        turn: Its index.

    Returns:
        The record, with `asked` still empty: what the reply does is added by the protocol.
    """
    course = before or RiskCourse()
    answer = answer_to(course.asked, text) if course.asked else Answer()
    around = stands(course.around, text, unsafe=answer.unsafe)
    own, of_others = _sign(reading, text), _sign_of_others(reading)
    told = around is not None and around.open
    if around is not None and told:
        own = _of_themselves(own, around, text)
    doubtful = told or (of_another(text) and not _sure_of_others(reading))
    if reaches(of_others[0], "ideation") and doubtful and not own_threat(text):
        of_others = "watch", "said", ()  # what others do is no danger from the person
    if answer.step is not None and course.asked == "others":
        of_others = _or_answered(of_others, answer.step)
    elif answer.step is not None:
        own = _or_answered(own, answer.step)
    shown, for_others = own[0], of_others[0]
    quiet = reading is not None and shown == "none"
    denied = reaches(course.peak, "ideation") and not reaches(shown, "ideation") and denies(text)
    after = replace(
        course,
        fresh=reaches(shown, "ideation") or reaches(for_others, "ideation"),
        unread=reading is None,
        denials=course.denials + denied,
        softer=course.softer or misread(text),
        asked=None,
        suspected=_suspected(own, peak=course.peak, so_far=course.suspected),
        others_suspected=_suspected(of_others, peak=course.others_peak, so_far=course.others_suspected),
        around=around,
    )
    no = answer.no and course.asked == "thoughts" and not reaches(shown, "ideation")
    after = _moved(after, "self", *own, quiet=quiet, turn=turn, no=no)
    others_quiet = reading is not None and not reaches(for_others, "distress")
    after = _moved(after, "others", *of_others, quiet=others_quiet, turn=turn)
    rose = STEPS.index(after.highest) > STEPS.index(course.highest)
    return replace(after, done=()) if rose else after


def _suspected(shown: _Sign, *, peak: Step, so_far: bool) -> bool:
    """Whether all the danger that a ladder showed is a single suspicion. A second one bears the first out."""
    if not reaches(shown[0], "ideation"):
        return so_far
    return shown[1] == "suspected" and not reaches(peak, "ideation")


_Sign = tuple[Step, Why, tuple[tuple[int, int], ...]]


def _sign(reading: RiskReading | None, text: str) -> _Sign:
    """What a message shows by itself of danger to the person."""
    if reading is None:
        return ("ideation", "said", ()) if speaks_of_death(text) else ("watch", "unread", ())
    own = reading.for_self
    if own in DANGER:
        return own, "said" if reading.sure else "suspected", reading.evidence
    hinted = reading.probabilities.get("self:ideation", 0.0) >= _HINT
    if own == "distress":
        return "distress", "said", ()
    return ("watch", "hinted", ()) if hinted else ("none", "said", ())


def _sign_of_others(reading: RiskReading | None) -> _Sign:
    """What it shows by itself of danger to others."""
    if reading is None:
        return "none", "said", ()
    suspected = reading.others in DANGER and not reading.sure
    return reading.others, "suspected" if suspected else "said", reading.evidence


def _sure_of_others(reading: RiskReading | None) -> bool:
    return reading is not None and reading.probabilities.get("others:ideation", 0.0) >= _SURE_OF_OTHERS


def _of_themselves(own: _Sign, around: Around, text: str) -> _Sign:
    """What a message shows of the person's own danger, where danger around them is told of.

    Somebody else's wish to die, and what is done to them this minute, is their distress and no wish of their own,
    unless words of theirs say so.
    """
    anothers = around.now or (around.fresh and around.kind != "violence")
    if around.kind != "violence" and admits_own(text):
        return _or_answered(own, "ideation")
    if anothers and reaches(own[0], "ideation") and not own_wish(text):
        return "distress", "said", ()
    return own


def _or_answered(said: _Sign, answered: Step) -> _Sign:
    """The higher of what a message shows and what it answers."""
    return said if reaches(said[0], answered) else (answered, "answered", ())


def _moved(
    course: RiskCourse,
    ladder: Ladder,
    shown: Step,
    why: Why,
    evidence: tuple[tuple[int, int], ...],
    *,
    quiet: bool,
    turn: int,
    no: bool = False,
) -> RiskCourse:
    """One ladder moved by a sign, or cooled by the want of one, or by a plain no to the question about it."""
    own = ladder == "self"
    level, peak = (course.level, course.peak) if own else (course.others, course.others_peak)
    count, stood = (course.quiet, course.stood) if own else (course.others_quiet, course.others_stood)
    suspected = course.suspected if own else course.others_suspected
    count, stood = (count + 1, stood + 1) if quiet else (0, 0)
    after: Step = level
    if STEPS.index(shown) > STEPS.index(level):
        after, stood = shown, 0
    elif suspected and no and reaches(level, "ideation"):
        after, why, evidence, stood = "distress", "denied", (), int(quiet)
    elif suspected and reaches(level, "ideation") and stood >= SUSPICION_COOLS_AFTER:
        after, why, evidence, stood = "watch", "cooled", (), 0
    elif level != "none" and stood >= COOLS_AFTER[level]:
        floor: Step = "watch" if reaches(peak, "ideation") else "none"
        after, why, evidence = _higher(STEPS[STEPS.index(level) - 1], floor), "cooled", ()
        stood = 0
    changes = course.changes
    if after != level:
        changes = (*changes, RiskChange(turn, ladder, level, after, why, evidence))[-_MOST:]
    peak = _higher(peak, after)
    if own:
        return replace(course, level=after, peak=peak, quiet=count, stood=stood, changes=changes)
    return replace(course, others=after, others_peak=peak, others_quiet=count, others_stood=stood, changes=changes)


def _higher(one: Step, other: Step) -> Step:
    return max(one, other, key=STEPS.index)
