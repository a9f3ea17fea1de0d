"""What the guard makes of a turn, whatever happens to the guard, and when its notices are told."""

from __future__ import annotations

from dataclasses import replace

from agent.decisions import Verdict
from agent.events import NoticeGiven
from agent.perception import failure_of
from agent.protocols import Guard
from agent.safety.sitting import without_notices
from agent.safety.takeover import with_takeover
from agent.turn import Turn

__all__ = ["notices_after", "notices_before", "screened", "unsaid"]


def screened(turn: Turn, guard: Guard | None) -> Turn:
    """The turn as the guard leaves it, with the fixed words of a conversation that a person has taken over.

    A guard that fails takes the cautious path.
    """
    return with_takeover(_guarded(turn, guard), getattr(guard, "country", None))


def _guarded(turn: Turn, guard: Guard | None) -> Turn:
    if guard is None:
        return turn
    try:
        return guard.screen(turn)
    except Exception as error:  # noqa: BLE001 - whatever happened, the cautious path is known
        cautious = Verdict("escalate", guard.name, ("the guard failed",))
        return replace(turn, course=turn.course_before).note(cautious, failure_of("screen", guard.name, error))


def notices_before(turn: Turn) -> list[NoticeGiven]:
    """The notices that come before the reply's first token."""
    return [] if _answer_comes_first(turn) else [NoticeGiven(words) for words in turn.notices]


def notices_after(turn: Turn) -> list[NoticeGiven]:
    """The notices that come after its last one."""
    return [NoticeGiven(words) for words in turn.notices] if _answer_comes_first(turn) else []


def unsaid(turn: Turn) -> Turn:
    """A turn that broke off, without the notices that would have followed it: they are due again."""
    return without_notices(turn) if _answer_comes_first(turn) else turn


def _answer_comes_first(turn: Turn) -> bool:
    """In danger nothing stands between the person and the answer."""
    return turn.course is not None and turn.course.in_danger
