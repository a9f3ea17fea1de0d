"""What a person gets to know who is asked to come into a conversation: the packet.

It is made from the stored turns, and from them alone, so that the same packet comes out however often it is sent.
It holds a person's words: it goes to whoever the operator named, and into no log and no error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from agent.decisions import HandoffReason
from agent.errors import DataError, InputError, StoreError
from agent.intake import parsed
from agent.record import pack, unpack
from agent.safety.answered import Answer, Question, answer_to, answers
from agent.safety.course import RiskCourse
from agent.safety.steps import Ladder, Step, Why
from agent.turn import Turn

__all__ = [
    "AskedQuestion",
    "HandoffPacket",
    "LastTurn",
    "Offered",
    "RiskPoint",
    "from_json",
    "packet_of",
]

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """One change of the record of risk.

    Attributes:
        turn: Index of the turn that brought it.
        ladder: `"self"` or `"others"`.
        before, after: The steps.
        why: As `RiskChange.why`.
        words: The person's words that stand for it; empty where none do, or where the turn is gone.
    """

    turn: int
    ladder: Ladder
    before: Step
    after: Step
    why: Why
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A safety question.

    Attributes:
        turn: Index of the turn whose reply asked it.
        question: Which.
        answered: Whether the next message answered it, as far as that could be read.
        told: The step of danger that the answer told of; None where it told of none.
    """

    turn: int
    question: Question
    answered: bool = False
    told: Step | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """What was offered, and what came of it.

    Attributes:
        lines: Ids of the help lines that were named, in order.
        emergency: How often the emergency number was urged.
        questions: The safety questions, in order.
        denials: How often danger was denied after it had been shown.
    """

    lines: tuple[str, ...] = ()
    emergency: int = 0
    questions: tuple[AskedQuestion, ...] = ()
    denials: int = 0


@dataclass(frozen=True, slots=True)
class LastTurn:
    """What was said in one of the last turns; `supporter` is None where no reply came."""

    index: int
    at: float | None
    seeker: str
    supporter: str | None


@dataclass(frozen=True, slots=True)
class HandoffPacket:
    """What is handed to a person.

    Attributes:
        id: The same for every try: whoever receives it twice can tell by this.
        conversation: Its id, to take it over with.
        created: When it was queued, ISO 8601 in UTC.
        reason: The step that the record of risk rose to, or `"asked"`: the person asked for somebody.
        consent: Whether the person agreed; None where they were not asked.
        level, others: Where the record stands, on both ladders.
        peak, others_peak: The highest that it ever stood at.
        timeline: The changes of the record, oldest first.
        offered: What was offered, and what came of it.
        turns: The last turns, oldest first.
        schema: Version of this form.
    """

    id: str
    conversation: str
    created: str
    reason: HandoffReason
    consent: bool | None
    level: Step
    others: Step
    peak: Step
    others_peak: Step
    timeline: tuple[RiskPoint, ...]
    offered: Offered
    turns: tuple[LastTurn, ...]
    schema: Literal[1] = 1

    def as_json(self) -> bytes:
        """As it is sent: the same bytes each time."""
        packed = pack(self, at="packet")
        return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def from_json(body: bytes) -> HandoffPacket:
    """The packet that `HandoffPacket.as_json` wrote, for whoever receives it.

    Raises:
        DataError: It is none, or from another version. Nothing of it is in the error.
    """
    try:
        packed: Any = parsed(body)
        return unpack(HandoffPacket, packed, at="packet")
    except (ValueError, StoreError):  # without its cause, which may quote it
        raise DataError(f"This is no handoff packet of schema {_SCHEMA}. Nothing was taken from it.") from None


def packet_of(
    turns: Sequence[Turn], *, consent: bool | None, reason: HandoffReason, created: datetime, last: int = 6
) -> HandoffPacket:
    """The packet of a conversation.

    Args:
        turns: The stored turns, oldest first, up to the one that brought it about. At least one.
        consent: Whether the person agreed; None where they were not asked.
        reason: Why it is made.
        created: When.
        last: How many of the last turns it holds in words.

    Raises:
        InputError: There is no turn.
    """
    if not turns:
        raise InputError("A handoff packet needs the turns of its conversation, and there is none.")
    newest = turns[-1]
    course = newest.course or next((turn.course for turn in reversed(turns) if turn.course), None) or RiskCourse()
    return HandoffPacket(
        id=newest.id,
        conversation=newest.conversation_id,
        created=created.isoformat(timespec="seconds"),
        reason=reason,
        consent=consent,
        level=course.level,
        others=course.others,
        peak=course.peak,
        others_peak=course.others_peak,
        timeline=tuple(_timeline(turns, course)),
        offered=_offered(turns, course),
        turns=tuple(
            LastTurn(turn.index, turn.at, turn.text, None if turn.reply is None else turn.reply.text)
            for turn in turns[max(0, len(turns) - last) :]
        ),
    )


def _timeline(turns: Sequence[Turn], course: RiskCourse) -> list[RiskPoint]:
    points = []
    for change in course.changes:
        # Not by its number: a turn that was overtaken was stored under another one.
        source = next((turn for turn in turns if turn.course is not None and change in turn.course.changes), None)
        words: tuple[str, ...] = ()
        if source is not None:
            words = tuple(source.text[start:end] for start, end in change.evidence if source.text[start:end])
        points.append(RiskPoint(change.turn, change.ladder, change.before, change.after, change.why, words))
    return points


def _offered(turns: Sequence[Turn], course: RiskCourse) -> Offered:
    lines: dict[str, None] = {}
    emergency = 0
    questions = []
    for place, turn in enumerate(turns):
        acts = () if turn.care is None or turn.reply is None else turn.care.acts
        emergency += "emergency" in acts
        if turn.course is None:
            continue
        if "lines" in acts:
            lines |= dict.fromkeys(turn.course.lines)
        if turn.course.asked is not None:
            after = turns[place + 1] if place + 1 < len(turns) else None
            questions.append(_asked(turn.index, turn.course.asked, after))
    return Offered(tuple(lines), emergency, tuple(questions), course.denials)


def _asked(turn: int, question: Question, after: Turn | None) -> AskedQuestion:
    if after is None:
        return AskedQuestion(turn, question)
    answer = answer_to(question, after.text)
    # A message on another subject is no answer, and must not be read as one that told of no danger.
    answered = answer != Answer() or answers(question, after.text)
    return AskedQuestion(turn, question, answered, answer.step)
