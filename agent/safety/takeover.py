"""A person takes a conversation over, and gives it back.

While it is held, the agent answers with a fixed line: the first time it says who answers from now on, later that
the message was kept. It does not fall silent, since somebody who writes into a silence cannot tell whether
anything arrived; and it says nothing of its own, since two voices at once confuse whoever needs one. No LLM is
asked. Risk is read and recorded as ever, and where a message shows danger, the line says where help is until the
person answers.

What the person who took over says is kept (`TakeoverStore.say`), and faces show it to whoever writes there.
"""

from __future__ import annotations

from dataclasses import replace

from agent.decisions import Care, Contact, Verdict
from agent.errors import InputError
from agent.safety.course import RiskCourse
from agent.safety.help_lines import UNKNOWN, Country
from agent.turn import Turn

__all__ = ["GIVEN_BACK", "KEPT", "TAKEN_OVER", "checked_name", "given_back", "taken_over", "told", "with_takeover"]

TAKEN_OVER = (
    "A person has taken over this conversation and will answer you. I'm the AI you were writing with; from now "
    "on I only keep what you write for them."
)
KEPT = "I've kept this for the person who has taken over."
GIVEN_BACK = (
    "The person who had taken over has handed this conversation back, so it is the AI that answers you again."
)

_DANGER = "If you could come to harm before they answer, don't wait for them: call {emergency}."
_ANY_EMERGENCY = "your local emergency number, or a crisis line where you live"
_ID = "takeover"
_LONGEST = 200


def with_takeover(turn: Turn, country: Country | None) -> Turn:
    """The turn with the fixed words of a conversation that is held or was just given back; else as it is.

    Args:
        turn: As the guard left it.
        country: Whose emergency number is named.
    """
    contact = turn.contact
    if contact is None:
        return turn
    if contact.held_by is not None:
        words = [TAKEN_OVER if contact.untold else KEPT]
        if turn.course is not None and (turn.course.fresh or _pressing(turn.course)):
            known = country is not None and country.code != UNKNOWN and country.emergency
            words.append(_DANGER.format(emergency=country.emergency[0] if country and known else _ANY_EMERGENCY))
        # What the protocol meant to do is not done: it begins anew once the conversation is given back.
        course = None if turn.course is None else _undone(turn.course)
        care = Care(_ID, ("taken_over",) if contact.untold else ("kept",), " ".join(words))
        handoff = turn.handoff if turn.handoff is not None and turn.handoff.reason != "asked" else None
        held = replace(turn, course=course, care=care, handoff=handoff)
        return held.note(Verdict("escalate", _ID, ("a person has taken the conversation over",)))
    if not contact.untold or (turn.escalated and (turn.care is None or not turn.care.words)):
        return turn  # where the guard failed, nothing must stand before the careful reply: told next time
    if turn.care is None:
        turn = turn.note(Verdict("steer", _ID, ("the conversation was given back",)))
    care = turn.care or Care(_ID)
    words = [GIVEN_BACK, care.words] if care.words else [GIVEN_BACK]
    return replace(turn, care=replace(care, acts=("given_back", *care.acts), words=" ".join(words)))


def _undone(course: RiskCourse) -> RiskCourse:
    around = None if course.around is None else replace(course.around, done=())
    return replace(course, asked=None, done=(), lines=(), around=around)


def _pressing(course: RiskCourse) -> bool:
    """Whether the message tells of danger around the person at this minute."""
    return course.around is not None and course.around.fresh and course.around.now


# --- what is kept of it ----------------------------------------------------------------------------


def taken_over(before: Contact, by: str) -> Contact:
    """After somebody took the conversation over: whoever talks has to be told, unless they believe it held."""
    if before.held_by is not None:
        return replace(before, held_by=by)
    return replace(before, held_by=by, untold=not before.untold)


def given_back(before: Contact) -> Contact:
    """After it was given back: whoever talks has to be told, unless they never knew."""
    if before.held_by is None:
        return before
    return replace(before, held_by=None, untold=not before.untold)


def told(before: Contact, turn: Turn) -> Contact:
    """After a turn was stored: what it said is told. It may have been given back, or taken over, meanwhile."""
    acts = () if turn.care is None or turn.reply is None else turn.care.acts
    if "taken_over" in acts:
        return replace(before, untold=before.held_by is None)
    if "given_back" in acts:
        return replace(before, untold=before.held_by is not None)
    return before


def checked_name(by: str) -> str:
    """Who takes over, without outer white space.

    Raises:
        InputError: It is empty, or longer than 200 characters.
    """
    name = by.strip()
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise InputError(f"`by` says who takes over, in 1 to {_LONGEST} printable characters. It has {len(name)}.")
    return name
