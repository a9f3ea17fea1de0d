"""The course of risk over a conversation: a state machine with memory.

    none < watch < distress < ideation < plan < acute

It rises at once, to whatever a message shows or an answer to a safety question says. It falls one step at a time,
after as many quiet messages as `COOLS_AFTER` says, and after danger never below `watch` in the same conversation.
Danger that was suspected a single time, in words that need not mean it, falls sooner, and to `distress` at once
where the question about it is answered with a plain no; a second sign bears it out. Else a denial, a joke
or a change of subject is a quiet message and no more. Danger to others has a ladder of its own, which works alike.

It is a record of what was said, and no assessment of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from agent.errors import ReadingError
from agent.readings import RiskReading
from agent.safety.answered import Answer, Question, answer_to, denies, misread
from agent.safety.signs import Known, Sign, signs_of
from agent.safety.situations import Around, stands
from agent.safety.steps import STEPS, Ladder, Step, Why, higher, reaches

__all__ = ["COOLS_AFTER", "SUSPICION_COOLS_AFTER", "RiskChange", "RiskCourse", "advance"]

COOLS_AFTER: Mapping[Step, int] = MappingProxyType(
    {"acute": 4, "plan": 4, "ideation": 4, "distress": 3, "watch": 6}
)
"""Quiet messages in a row after which the record falls by one step."""

SUSPICION_COOLS_AFTER = 2
"""Quiet messages in a row after which danger falls that was suspected once, and neither said nor answered; one
more where messages show distress, but no danger. It was asked about, and nothing bore it out. What remains is
`watch`, as after any danger, or the distress that is shown."""

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
        return higher(self.level, self.others)

    @property
    def in_danger(self) -> bool:
        """Whether one of them stands at ideation or above."""
        return reaches(self.highest, "ideation")

    @property
    def known(self) -> Known:
        """On which ladders danger is known. What is only suspected is not."""
        return Known(
            reaches(self.level, "ideation") and not self.suspected,
            reaches(self.others, "ideation") and not self.others_suspected,
        )

    @property
    def was_in_danger(self) -> bool:
        """Whether one of them ever stood there in this conversation."""
        return reaches(higher(self.peak, self.others_peak), "ideation")


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
    own, of_others = signs_of(
        reading,
        text,
        known=course.known,
        answer=answer,
        asked=course.asked,
        around=around,
    )
    shown, for_others = own.step, of_others.step
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


def _suspected(shown: Sign, *, peak: Step, so_far: bool) -> bool:
    """Whether all the danger that a ladder showed is a single suspicion. A second one bears the first out."""
    if not reaches(shown.step, "ideation"):
        return so_far
    return shown.why == "suspected" and not reaches(peak, "ideation")


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
    in_doubt = suspected and reaches(level, "ideation")
    # Distress bears no suspicion out: most whom it is wrong about are in distress.
    unborne = in_doubt and not course.unread and not reaches(shown, "ideation")
    count, stood = count + 1 if quiet else 0, stood + 1 if quiet or unborne else 0
    after: Step = level
    if STEPS.index(shown) > STEPS.index(level):
        after, stood = shown, 0
    elif in_doubt and no:
        after, why, evidence, stood = "distress", "denied", (), int(quiet)
    elif in_doubt and (count >= SUSPICION_COOLS_AFTER or stood > SUSPICION_COOLS_AFTER):
        after, why, evidence, stood = higher(shown, "watch"), "cooled", (), 0
    elif level != "none" and stood >= COOLS_AFTER[level]:
        floor: Step = "watch" if reaches(peak, "ideation") else "none"
        after, why, evidence = higher(STEPS[STEPS.index(level) - 1], floor), "cooled", ()
        stood = 0
    changes = course.changes
    if after != level:
        changes = (*changes, RiskChange(turn, ladder, level, after, why, evidence))[-_MOST:]
    peak = higher(peak, after)
    if own:
        return replace(course, level=after, peak=peak, quiet=count, stood=stood, changes=changes)
    return replace(course, others=after, others_peak=peak, others_quiet=count, others_stood=stood, changes=changes)
