"""One sitting of a conversation: when it began, when it was last said that this is an AI, how fast messages come.

A pause of more than an hour begins a new one. Its size does not depend on how many messages there were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.errors import ReadingError
from agent.safety.disclosure import notices_due
from agent.safety.policies import Policy

if TYPE_CHECKING:
    from agent.turn import Turn

__all__ = ["PAUSE", "Sitting", "known_time", "moved_on", "with_notices", "without_notices"]

PAUSE = 3600.0
"""Seconds without a message after which a new sitting begins."""

_LATEST = 1e11  # seconds since 1970; a clock that says more is broken
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # only the time since a sitting began counts


@dataclass(frozen=True, slots=True)
class Sitting:
    """What is known after a turn.

    Attributes:
        began: When it began, in seconds since 1970; None where no time was known. So with the next two.
        latest: When the latest message came.
        noticed: When the latest notice was given.
        told: It was said in this sitting that this is an AI.
        allowance: Messages that may still come at once at `latest` (see `agent.limits`); None: nobody counted.
    """

    began: float | None = None
    latest: float | None = None
    noticed: float | None = None
    told: bool = False
    allowance: float | None = None

    def __post_init__(self) -> None:
        times = [each for each in (self.began, self.noticed, self.latest) if each is not None]
        if times and not (times == sorted(times) and times[-1] - times[0] <= _LATEST):
            raise ReadingError(f"A sitting begins, is noticed and goes on, in this order: {self!r}.")
        if self.allowance is not None and not 0 <= self.allowance < math.inf:
            raise ReadingError(f"`Sitting.allowance` is {self.allowance}; it is 0 or more.")


def known_time(at: float | None) -> float | None:
    """The time; None where there is none, or one that no clock shows."""
    return at if at is not None and 0 <= at <= _LATEST else None  # a NaN is within no bounds


def moved_on(before: Sitting | None, at: float | None) -> Sitting:
    """The sitting once a message has come; what was told in it and what may still come stay as they were.

    Args:
        before: After the message before; None at the start.
        at: When it came, in seconds since 1970; where it is not known everything stays as it was.
    """
    at = known_time(at)
    if at is None:
        return before or Sitting()
    if before is None or before.began is None or before.latest is None or abs(at - before.latest) > PAUSE:
        return Sitting(began=at, latest=at)
    # A clock that was set back a little: the sitting moves with it, so that no reminder has to wait until the
    # clock shows again what it had shown before.
    back = min(0.0, at - before.latest)
    noticed = None if before.noticed is None else min(at, before.noticed + back)
    return replace(before, began=min(at, before.began + back), latest=at, noticed=noticed)


def with_notices(turn: Turn, policy: Policy, *, minors: bool = False) -> Turn:
    """The turn with what has to be said before or after its reply, and with a sitting that knows that it is.

    Nobody who is or was in danger is sent on a break. While a person holds the conversation nothing is said: it is
    not the AI that answers. Where the time is unknown, it is said once, at the start.

    Args:
        turn: As the guard judged it.
        policy: Whose wording and minutes hold.
        minors: Everybody is treated as a minor; else whoever `Options.minor` says is one.
    """
    sitting = turn.sitting or moved_on(turn.sitting_before, turn.at)
    due: tuple[str, ...] = ()
    if turn.contact is None or turn.contact.held_by is None:
        due = _due(sitting, policy, minor=minors or turn.options.minor is True)
        if turn.course is not None and turn.course.was_in_danger:
            due = tuple(words for words in due if words != policy.break_prompt)
    if due:
        sitting = replace(sitting, noticed=sitting.latest, told=True)
    return replace(turn, sitting=sitting, notices=due)


def _due(sitting: Sitting, policy: Policy, *, minor: bool) -> tuple[str, ...]:
    if not sitting.told:
        return (policy.disclosure,)
    if sitting.began is None or sitting.latest is None or sitting.noticed is None:
        return ()
    noticed, now = (_ANY_DAY + timedelta(seconds=at - sitting.began) for at in (sitting.noticed, sitting.latest))
    return notices_due(policy, started_at=_ANY_DAY, last_notice_at=noticed, now=now, minor=minor)


def without_notices(turn: Turn) -> Turn:
    """The turn without its notices, where they were not shown: they are due again with the next message."""
    if not turn.notices or turn.sitting is None:
        return turn
    known = moved_on(turn.sitting_before, turn.at)
    return replace(turn, notices=(), sitting=replace(turn.sitting, noticed=known.noticed, told=known.told))
