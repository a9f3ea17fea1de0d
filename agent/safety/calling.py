"""When a person is called: the record of risk rose, or somebody asked for one. And what is truthfully said then.

Nothing here says that somebody was reached before they were. A packet that is queued with a turn is on its way;
what became of the one before is known (`Contact.handoff`), and told when somebody asks again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, get_args

from agent.decisions import Care, Handoff, HandoffReason, Verdict
from agent.safety.asked import asks
from agent.safety.steps import STEPS, Step, reaches
from agent.sentences import sentences_of
from agent.turn import Turn

__all__ = ["HandoffAt", "asks_for_person", "with_handoff"]

HandoffAt = Literal["never", "ideation", "plan", "acute"]
"""The step at which a person is called; `"never"`: nobody is, whoever asks."""

_ID = "handoff"
_ON_ITS_WAY = (
    "I'm passing your wish to speak with a person on to the people who run this service, with what we wrote here. "
    "Nobody has answered yet, and I can't tell you when somebody will."
)
_STILL_WAITING = (
    "Your wish to speak with a person is on its way to the people who run this service, and it hasn't arrived "
    "yet. I can't tell you when somebody will answer."
)
_ARRIVED = (
    "Your earlier wish to speak with a person arrived with the people who run this service, and I'm passing it "
    "on to them again. I can't see whether somebody has read it yet."
)
_FAILED = (
    "I tried to tell the people who run this service before, and it did not reach them. I'm trying again now, "
    "and I can't promise that it works."
)
_NOBODY = (
    "I'm an AI, and I can't bring a person into this conversation: nobody was notified. Somebody you trust, a "
    "doctor or a crisis line where you live can talk with you as a person."
)
_MEANWHILE = "You can go on writing to me, and I'd be glad if somebody near you knew as well."
_TELLS = "I'm also letting the people who run this service know, so that a person can look at what you wrote."


def with_handoff(turn: Turn, at: HandoffAt) -> Turn:
    """The turn with `handoff` where a packet is to be queued with it, and with what is said about that.

    Args:
        turn: As the protocol left it.
        at: The step at which a person is called.
    """
    asked = asks_for_person(turn.text)
    rose = None if at == "never" else _risen(turn, at)
    before = None if turn.contact is None else turn.contact.handoff
    if rose is not None:
        turn = replace(turn, handoff=Handoff(rose, consent=True if asked else None))
    elif asked and at != "never" and before != "queued":
        turn = replace(turn, handoff=Handoff("asked", consent=True))
    if asked:
        return _answered(turn, _words(turn, at, before))
    if rose is not None and turn.care is not None and turn.care.words:
        *said, last = sentences_of(turn.care.words)  # the question stays last
        words = f"{''.join(said).rstrip()} {_TELLS} {last.strip()}".strip()
        return replace(turn, care=replace(turn.care, acts=(*turn.care.acts, "handoff"), words=words))
    return turn


def _risen(turn: Turn, at: Step) -> HandoffReason | None:
    """The highest step from `at` on that this turn brought one of the ladders to."""
    changes = () if turn.course is None else turn.course.changes
    steps = [
        change.after
        for change in changes
        if change.turn == turn.index
        and STEPS.index(change.after) > STEPS.index(change.before)
        and reaches(change.after, at)
    ]
    highest = max(steps, key=STEPS.index, default=None)
    return next((reason for reason in get_args(HandoffReason) if reason == highest), None)


def _words(turn: Turn, at: HandoffAt, before: str | None) -> str:
    if at == "never":
        return _NOBODY
    if turn.handoff is None:
        return _STILL_WAITING
    return {"sent": _ARRIVED, "failed": _FAILED}.get(before or "", _ON_ITS_WAY)


def _answered(turn: Turn, words: str) -> Turn:
    """Nothing but fixed words answer who asks for a person: an LLM would promise one, or play one."""
    care = turn.care or Care(_ID)
    acts = (*care.acts, "handoff" if turn.handoff is not None else "no_handoff")
    said = f"{words} {care.words or _MEANWHILE}"
    turn = replace(turn, care=replace(care, acts=acts, words=said))
    return turn if turn.escalated else turn.note(Verdict("escalate", _ID, ("they asked for a person",)))


# --- asking ----------------------------------------------------------------------------------------

_ADJECTIVES = r"(?:actual |actually |real |really |live |living |human |proper |different |trained |qualified )*"
_PERSON = (
    rf"(?:(?:an? |the |your |some |any |one of your |another )?{_ADJECTIVES}"
    r"(?:humans?(?: being)?|person|people|agent|operator|counsell?or|advisor|adviser|representative|rep|"
    r"staff(?: member)?|member of staff|supervisor|someone (?:real|human|else)|somebody (?:real|human|else)|human)"
    rf"|(?:someone|somebody|anyone|anybody) (?:who(?: i|')s |that(?: i|')s )?(?:actually |really |a )?"
    r"(?:real|human|alive|live|person))"
)
# "a person" alone is nobody in particular, but "a person from work" or "people who hurt me" is somebody they know.
_END = (
    r"(?= ?(?:$|[?!.,;:)\"'\u2026-]|(?:please|pls|plz|instead|now|right now|here|today|at all|rather|"
    r"about (?:this|it|that)|not (?:a|an|to a)|and not|rather than|or (?:is|are)|on (?:here|this|the (?:phone|"
    r"line)))\b))"
)
_TALK = (
    r"(?:talk|speak|chat|write|text|connect|get through|get connected|be connected|be transferred|be put through)"
)
_WITH = r"(?:to|with)"
_WISH = (
    r"(?:can|could|may|might|how (?:can|do|could) (?:i|we)|where can|is it possible (?:for me )?to|"
    r"is there (?:a|any) way (?:for me )?to|i(?:'d| would)? (?:really |just |only |rather )*(?:want|wanna|need|"
    r"like|prefer|love|rather)(?: to)?|i wish i could|let me|please let me|i'm asking to|can't i(?: just)?|"
    r"i have to|am i able to|would i be able to)"
)
_ASKS = re.compile(
    "|".join(
        (
            # "can I talk to a human?", "I want to speak with a real person", "let me talk to somebody real"
            rf"\b{_WISH} (?:i |we |please |just |maybe |to |perhaps )*{_TALK} {_WITH} {_PERSON}{_END}",
            # "connect me to an agent", "put me through to a person", "hand me over to a human"
            (
                r"\b(?:connect|transfer|switch|refer|forward|pass|hand|put|get|send) (?:me|us|this)(?: through|"
                r" over| on)?"
                rf" (?:{_WITH} )?{_PERSON}{_END}"
            ),
            # "I want a human", "I need a real person", "give me a human"
            (
                r"\b(?:i (?:really |just )?(?:want|need|demand)|give me|get me|i'd (?:like|prefer|rather have)) "
                rf"{_PERSON}(?= ?(?:$|[?!.,]|please|now|instead|not a|to (?:talk|speak|answer|help|read)\b))"
            ),
            # "is there a human I can talk to?", "is there anybody real I could speak with"
            (
                rf"\bis there {_PERSON} (?:here |there |available |around )?(?:that |who |whom )?(?:i|we) "
                r"(?:can|could|may) (?:talk|speak|chat|write|turn)"
            ),
            # "can a human take over?", "could a real person call me"
            (
                rf"\b(?:can|could|would|will) {_PERSON} (?:please )?"
                r"(?:take over|join|call me|contact me|reply|answer|read this|help me|talk to me|speak (?:to|"
                r"with) me)\b"
            ),
            # "human please", "real person now", "agent!"
            (
                rf"^(?:an? )?{_ADJECTIVES}(?:human|person|agent|operator|representative)"
                r"(?:,? ?(?:please|pls|now))[ .!]*$"
            ),
        )
    ),
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:(?:asked|asks|told|tells) (?!you\b)\w+(?: \w+)?|said|says|was like|goes)[:,]? ?[\"'\u201c\u2018]?$",
    re.IGNORECASE,
)


def asks_for_person(text: str) -> bool:
    """Whether an English message asks to be brought together with a person.

    Reads patterns, no meaning. To ask whether this is a person is another question
    (`agent.safety.disclosure.asks_whether_ai`). Where it errs, somebody is told truthfully whether a person can be
    had.
    """
    return asks(text, _ASKS, told=_TOLD)
