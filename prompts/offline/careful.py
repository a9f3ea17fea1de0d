"""The careful reply: what is said where a person may be in danger.

Composed from fixed lines only. Nothing the seeker wrote is given back, no advice is given beyond
reaching people, and the conversation stays open.
"""

from __future__ import annotations

import re
from typing import Literal

from agent.turn import Turn
from prompts.offline.choice import Chooser
from prompts.offline.occasion import straightened
from prompts.offline.patterns import ALONE, EXPLICIT, FIRM_NO, HELPED, SPOKEN_OF_DEATH, UNSAFE, YES
from prompts.offline.phrases import Phrases

__all__ = ["CareLevel", "care_level", "careful_reply"]

CareLevel = Literal["unread", "watch", "ideation", "urgent"]
"""How the careful reply is made: nothing could be read; danger was spoken of earlier; thoughts of
suicide or self-harm; a plan, or danger right now."""

_RANK: tuple[CareLevel, ...] = ("unread", "watch", "ideation", "urgent")
_OF_READING: dict[str, CareLevel] = {"ideation": "ideation", "plan": "urgent", "acute": "urgent"}
_ASKED = ("thoughts", "plan", "safe", "company")
_CHECK_EVERY = 4  # replies; where risk stays unreadable, asking each time would wear the question out

_LONGEST_URGING = 3  # replies in a row, where nothing but the earlier urgency speaks for it


def care_level(turn: Turn, phrases: Phrases) -> CareLevel | None:
    """How careful the reply has to be; None where the turn may be answered freely.

    A guard's verdict and the risk reading come first. Beside them, two things are seen to here,
    so that the reply stays sound without a risk reader: plain words of suicide, and the answer to
    a safety question that the last careful reply asked. A bare "yes" shows no risk by itself.
    """
    levels: list[CareLevel] = []
    text = straightened(turn.text)
    if turn.risk is not None and turn.risk.level in _OF_READING:
        levels.append(_OF_READING[turn.risk.level])
    if turn.risk is None and SPOKEN_OF_DEATH.search(text):
        levels.append("ideation")
    answered = _answer_level(turn, phrases, text)
    if answered:
        levels.append(answered)
    if turn.escalated and not levels:
        chooser = Chooser(turn)
        before = any(chooser.uses(p) for name in _ASKED for p in phrases[f"careful.ask.{name}"])
        levels.append("watch" if before else "unread")
    return max(levels, key=_RANK.index, default=None)


def _answer_level(turn: Turn, phrases: Phrases, text: str) -> CareLevel | None:
    """What the message says as an answer to the safety question asked last; None if none was asked."""
    said = turn.said_by("supporter")
    if not said:
        return None
    last = said[-1]
    if last.startswith(phrases["careful.unread.check"]):
        return "urgent" if UNSAFE.search(text) else None
    asked = next((name for name in _ASKED if last.endswith(phrases[f"careful.ask.{name}"])), None)
    if asked is None:
        return None
    urged = [any(act in reply for act in phrases["careful.urgent.act"]) for reply in said[-_LONGEST_URGING:]]
    if urged[-1] and not HELPED.search(text):
        return "watch" if len(urged) == _LONGEST_URGING and all(urged) else "urgent"
    level = _meaning(asked, text)
    # A watchful reply does not bring about the next: else there would be no end to them.
    return None if level == "watch" and last.startswith(phrases["careful.watch.acknowledge"]) else level


def _meaning(asked: str, text: str) -> CareLevel:
    """What an answer says; one that says nothing either way still calls for watchfulness."""
    if asked == "plan":
        return "ideation" if FIRM_NO.search(text) else "urgent" if YES.search(text) else "watch"
    danger: dict[str, tuple[re.Pattern[str], CareLevel]] = {
        "thoughts": (YES, "ideation"),
        "safe": (UNSAFE, "urgent"),
        "company": (ALONE, "ideation"),
    }
    pattern, level = danger[asked]
    return level if pattern.search(text) else "watch"


def careful_reply(turn: Turn, level: CareLevel, *, phrases: Phrases, attempt: int = 0) -> str:
    """The reply for a level: acknowledge, point to people, ask; nothing else.

    Args:
        turn: Its id and history decide which lines.
        level: From `care_level`.
        phrases: The lists.
        attempt: See `Chooser`.
    """
    chooser = Chooser(turn, attempt=attempt)

    def line(name: str) -> str:
        return chooser.pick(name, phrases[f"careful.{name}"])

    if level == "unread":
        recent = "\n".join(turn.said_by("supporter")[-_CHECK_EVERY + 1 :])
        checked = any(check in recent for check in phrases["careful.unread.check"])
        return (
            f"{line('unread.calm')} {line('unread.question')}"
            if checked
            else (f"{line('unread.check')} {line('unread.open')}")
        )
    if level == "urgent":
        return " ".join(
            (
                line("urgent.acknowledge"),
                line("urgent.act"),
                line(_next_question(chooser, phrases, "company", "safe")),
            )
        )
    if level == "watch":
        return " ".join((line("watch.acknowledge"), line("watch.support"), line("ask.safe")))
    order = ("plan", "safe", "company", "thoughts") if EXPLICIT.search(straightened(turn.text)) else _ASKED
    asked = _next_question(chooser, phrases, *order)
    return " ".join((line("ideation.acknowledge"), line("ideation.support"), line(asked)))


def _next_question(chooser: Chooser, phrases: Phrases, *names: str) -> str:
    lists = [phrases[f"careful.ask.{name}"] for name in names]
    return f"ask.{chooser.least_used(names, lists)}"
