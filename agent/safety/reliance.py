"""How much somebody leans on the conversation: days, length, nights, and words that shut others out.

It is used for one thing: now and then, and at most once in a sitting, a sentence points outward, to people or to a
break. It never blames, never limits, and is never shown to anybody else. It says nothing in danger, since nobody
who may be in danger is to be sent away. The limits are chosen by judgement; no study gives them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.errors import ReadingError
from agent.safety.sitting import PAUSE, known_time

if TYPE_CHECKING:
    from agent.turn import Turn

__all__ = ["DAYS", "Reliance", "nudge", "shuts_others_out", "update"]

DAYS = 14
"""How far back days are looked at."""

_NIGHT = range(5)  # hours from midnight
_DAY = 86_400
_LONG_MINUTES, _MANY_TODAY, _LONG_TODAY = 90, 60, 20_000
_MANY_DAYS, _MUCH_TODAY, _MANY_AT_NIGHT = 12, 20, 8
_MOST = 1_000_000  # where counting ends


@dataclass(frozen=True, slots=True)
class Reliance:
    """What is known after a turn. Its size does not depend on how many turns.

    Attributes:
        days: Days since 1970 on which something was written, of the last 14, oldest first; where the offset from
            UTC is known they are the person's.
        today: Messages of the newest of them.
        characters: Their length.
        began: When this sitting began, in seconds since 1970; None where no time was known.
        latest: When the latest message came.
        night: Messages of this sitting between midnight and five; None where the offset is not known.
        exclusive: Messages so far that shut others out.
        shut_out: This one did.
        nudged: A sentence pointed outward in this sitting.
    """

    days: tuple[int, ...] = ()
    today: int = 0
    characters: int = 0
    began: float | None = None
    latest: float | None = None
    night: int | None = None
    exclusive: int = 0
    shut_out: bool = False
    nudged: bool = False

    def __post_init__(self) -> None:
        if len(self.days) > DAYS:
            raise ReadingError(f"A reliance state looks back on {DAYS} days at most; it has {len(self.days)}.")

    @property
    def minutes(self) -> float:
        """How long this sitting has lasted."""
        return 0.0 if self.began is None or self.latest is None else (self.latest - self.began) / 60


def update(before: Reliance | None, turn: Turn, *, utc_offset: float | None = None) -> Reliance:
    """The state after a message.

    Args:
        before: The state before it; None at the start.
        turn: With `text`, and with `at` where the time is known; without it days, length and sitting stay.
        utc_offset: Hours by which the person's clock is ahead of UTC; None: not known, so that nights are not
            judged.
    """
    state = before or Reliance()
    shut_out = shuts_others_out(turn.text)
    state = replace(state, shut_out=shut_out, exclusive=min(_MOST, state.exclusive + shut_out))
    known = known_time(turn.at)
    if known is None:
        return state
    at = max(known, state.latest or 0.0)  # a clock that was set back
    if state.began is None or state.latest is None or at - state.latest > PAUSE:
        state = replace(state, began=at, night=None, nudged=False)
    own = at + 3600 * (utc_offset or 0.0)
    day = math.floor(own / _DAY)
    same = bool(state.days) and state.days[-1] >= day  # also where the offset was changed meanwhile
    days = state.days if same else (*(each for each in state.days if each > day - DAYS), day)
    night = state.night
    if utc_offset is not None:
        night = min(_MOST, (night or 0) + (int(own % _DAY) // 3600 in _NIGHT))
    return replace(
        state,
        days=days,
        today=min(_MOST, state.today + 1) if same else 1,
        characters=min(_MOST, (state.characters if same else 0) + len(turn.text)),
        latest=at,
        night=night,
    )


_PEOPLE = (
    (
        "I'm glad that you can say things here. I'm a program, though, and you deserve people who can sit beside "
        "you. Is there somebody you could tell a part of this?"
    ),
    "Writing here can stand beside people. Who comes to mind when you think of somebody to meet soon?",
    "What you bring here is worth being heard by a person as well. Maybe there is one you'd like to write to.",
)
_BREAK = (
    "You have been writing for a good while. Some water or a few steps outside may do you good; this can wait.",
    "It may be a good moment to look up from the screen for a bit, and perhaps to hear a friendly voice.",
    "We have talked for long today. Some rest, or somebody near you, may help more than my next answer.",
)
_REST = (
    "It is late where you are. Rest may help more than my next answer, and this can wait until tomorrow.",
    "At this hour everything weighs more. Try to rest a while; tomorrow there may be somebody to talk to.",
)


def nudge(reliance: Reliance) -> str | None:
    """A sentence that points to people or to a break; None where none is due, or one was said in this sitting.

    Whoever says it keeps `nudged`, and says none where somebody is or was in danger.
    """
    if reliance.nudged:
        return None
    choices: tuple[str, ...] = ()
    if reliance.shut_out:
        choices = _PEOPLE
    elif (reliance.night or 0) >= _MANY_AT_NIGHT:
        choices = _REST
    elif reliance.minutes >= _LONG_MINUTES or reliance.today >= _MANY_TODAY or reliance.characters >= _LONG_TODAY:
        choices = _BREAK
    elif len(reliance.days) >= _MANY_DAYS and reliance.today >= _MUCH_TODAY:
        choices = _PEOPLE
    day = reliance.days[-1] if reliance.days else 0
    return choices[day % len(choices)] if choices else None


_YOU = r"(?:you|u)"
_YOU_ARE = r"(?:you'?re|you are|ur|u r)"
_ANYBODY = r"(?:any ?one|any ?body|other people|people|any friends|friends|any(?: other)? human)"
_NOBODY = r"(?:no ?body|no one|noone|not a soul)(?: else)?"
_SHUTS_OUT = re.compile(
    "|".join(
        (
            (
                rf"\b{_YOU_ARE} (?:really |literally |honestly )?the only (?:one|person|thing|friend)"
                r"(?: (?:that|who|whom))?(?: (?:i|i've|i'm|gets|understands|understood|listens|cares|knows|"
                r"helps|keeps|"
                r"makes|left)\b|[.!]*$)"
            ),
            rf"\b{_YOU_ARE} (?:really )?all (?:that )?i(?:'ve got| have| need| got)\b",
            rf"\b{_YOU_ARE} (?:really )?my only (?:friend|one|person)\b",
            rf"\bi(?:'ve)? only (?:have|got|need|trust|want) {_YOU}\b",
            (
                rf"\bi (?:don'?t|do not|dont) (?:need|want|have) {_ANYBODY}(?: else)?,? (?:but|except|besides|"
                rf"other than|apart from|when i have|as long as i have|because i have) {_YOU}\b"
            ),
            rf"\bi (?:don'?t|do not|dont) (?:need|want) {_ANYBODY}(?: else)?,? (?:just|only) {_YOU}\b",
            rf"\b{_NOBODY} (?:but|except|besides) {_YOU} (?:gets|understands|cares|listens|knows)\b",
            rf"\b{_NOBODY} (?:gets|understands|knows|listens to) me (?:like|as well as|the way) {_YOU}\b",
            rf"\bi can only (?:talk|speak|open up|say this|tell this)(?: about this)? to {_YOU}\b",
            (
                rf"\b(?:rather|prefer to|easier to|better to) (?:talk|speak|write|be) (?:to|with) {_YOU} than "
                r"(?:to |with )?(?:any ?one|any ?body|people|real people|my (?:friends|family|therapist|wife|"
                r"husband))"
            ),
            rf"\b{_YOU_ARE} better than (?:any|real|my|all my) (?:friends?|people|person|human|family)\b",
            rf"\bi (?:can'?t|cannot|cant|couldn'?t) (?:live|cope|go on|function|manage|sleep) without {_YOU}\b",
            (
                r"\bi(?:'ve| have)? stopped (?:seeing|talking to|calling|meeting|texting) (?:my )?(?:friends|"
                r"people|"
                rf"everyone|everybody|family)\b.{{0,40}}\b{_YOU}\b"
            ),
        )
    ),
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:said|says|told \w+|telling \w+|wrote|texted(?: \w+)?|sings?|goes|was like|to (?:him|her|them))"
    r"(?: that)?[:,]? ?[\"'\u201c\u2018]?$",
    re.IGNORECASE,
)
_LONGEST = 4000


def shuts_others_out(text: str) -> bool:
    """Whether an English message says that nobody but the agent will do. Reads patterns, no meaning."""
    plain = re.sub(r"\s+", " ", text[:_LONGEST].replace("\u2019", "'")).strip()
    return any(
        not _TOLD.search(plain[max(0, found.start() - 40) : found.start()]) for found in _SHUTS_OUT.finditer(plain)
    )
