"""When to say that this is an AI, and when somebody is asking. Pure functions: the time is an argument."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from agent.errors import InputError
from agent.safety.asked import asks
from agent.safety.policies import Policy

__all__ = ["asks_whether_ai", "notices_due", "tells_what_it_is"]


def notices_due(
    policy: Policy, *, started_at: datetime, last_notice_at: datetime | None, now: datetime, minor: bool
) -> tuple[str, ...]:
    """What has to be said before the next reply.

    Time is cut into intervals from `started_at` on, and a notice is due once the last one lies in an earlier
    interval. So a break prompt does not put off a reminder, and two reminders are never further apart than the
    policy allows while the person is talking. Nobody who may be in danger is sent on a break: leave the break
    prompt out then.

    Args:
        policy: The pack that holds.
        started_at: When this sitting began. A conversation taken up again after hours is a new sitting.
        last_notice_at: When this function last gave something that was shown; None: never.
        now: The time.
        minor: Whether the person is known or believed to be under 18.

    Returns:
        The disclosure at the start; later the reminder, the break prompt, both, or ().

    Raises:
        InputError: Some of the times have a time zone and some have none.
    """
    if len({time.tzinfo is None for time in (started_at, last_notice_at or now, now)}) > 1:
        raise InputError(
            "Times with and without a time zone cannot be compared. Give all three with one, or none."
        )
    if last_notice_at is None or last_notice_at < started_at:
        return (policy.disclosure,)
    reminder = policy.reminder_minutes_for_minors if minor else policy.reminder_minutes
    pause = policy.break_minutes_for_minors if minor else policy.break_minutes
    due = ((policy.reminder, reminder), (policy.break_prompt, pause))
    said, gone = last_notice_at - started_at, now - started_at
    return tuple(words for words, minutes in due if minutes is not None and _crossed(said, gone, minutes))


def _crossed(said: timedelta, gone: timedelta, minutes: int) -> bool:
    every = timedelta(minutes=minutes)
    return gone // every > said // every  # a clock that was set back crosses nothing


# --- asking ----------------------------------------------------------------------------------------

_PROGRAM = (
    r"(?:ai|a\.i\.?|artificial intelligence|bot|chat ?bot|robot|machine|computer(?: program)?|algorithm|program|"
    r"software|language model|llm|(?:chat ?)?gpt)"
)
_KIND = (
    r"(?:an? |the |some )?(?:actual |actually |real |really |live |living |just |only |stupid |damn |fucking )*"
    rf"(?:human being|human|person|people|{_PROGRAM}|automated)"
)
_KIND_OR_REAL = rf"(?:{_KIND}|real)"  # "are you real" asks; "is it real" is about something else
# Nothing may follow that makes another thing of the noun: "human resources", "a real estate agent".
_END = (
    r"(?= ?(?:$|[?!.,;:)\"'\u2026-]|(?:or|and not|though|tho|here|there|at all|right now|on the other|"
    r"at the other|behind|talking|writing|typing|answering|replying|reading|responding|texting|like me|please|"
    r"lol|instead|somewhere|that i|all (?:along|the time|this time)|(?:this|the) (?:whole )?time|i am|i'm|im|"
    r"who is|who's|whos)\b))"
)
_ADVERBS = (
    r"(?:at least |even |actually |really |truly |secretly |honestly |"
    r"just |still |in fact |maybe |perhaps |like )*"
)
_YOU = r"(?:you|u|ya|this thing|someone there)"
# What makes a question of a statement: "…, right?", "…, aren't you".
_TAG = r"(?: right)?,? ?(?:\?|right\b|(?:are|aren'?t|am) (?:you|u|i)\b)"
_ALL_THE_SAME = (
    r"(?= ?(?:$|[?.,;:)-]|(?:so|and|but|or|anyway|lol|after all|again|for|who|that|which|not|talking|how|why|what|"
    r"you|u|i|it)\b))"
)
_TALK = r"(?:talk|speak|chat|text|writ|typ|messag|connect|communicat|deal)\w*(?: up)?(?: to| with)?"
_ASKING = re.compile(
    "|".join(
        (
            # "what model are you anyway", "which AI is this"
            rf"\b(?:what|which) (?:ai|llm|language model|model|chat ?bot|bot) (?:are|r|is) (?:{_YOU}|this|it)\b",
            # "are you a real person", "r u a bot", "so you're human?"
            rf"\b(?:are|r|aren'?t|ain'?t|were) ?{_YOU} {_ADVERBS}(?:not )?{_KIND_OR_REAL}{_END}",
            (
                r"\b(?:know|wonder\w*|tell me|ask\w*|say|sure|curious)(?: \w+)? (?:if|whether) "
                rf"{_YOU}(?:'?re| are) {_ADVERBS}{_KIND_OR_REAL}{_END}"
            ),
            rf"\b{_YOU}(?:'?re| are) {_ADVERBS}(?:not )?{_KIND_OR_REAL}{_TAG}",
            rf"(?:^|[.!?,] )(?:you|u) {_ADVERBS}an? {_KIND}\?",
            rf"\bdo (?:you|u) think (?:you|u)(?:'?re| are) {_ADVERBS}{_KIND_OR_REAL}{_END}",
            # "am I talking to a bot", "have I been writing to a machine", "I'm talking to a bot, aren't I"
            rf"\b(?:am|was|have|do|did) i {_ADVERBS}(?:been )?{_TALK} {_ADVERBS}{_KIND}{_END}",
            rf"\b(?:i'?m|i am) {_ADVERBS}{_TALK} {_ADVERBS}{_KIND}{_TAG}",
            rf"\bwh(?:o|at) (?:am|was|have) i (?:been )?(?:actually |really )?{_TALK}\s*(?:$|[?!.,])",
            # "is this a human", "is it a bot or …", "is there a real person there", "is a person reading this"
            rf"\b(?:is|isn'?t|was) (?:this|that|it|there|here) {_ADVERBS}(?:not )?{_KIND}{_END}",
            rf"\b(?:is|isn'?t) (?:this|that|it) (?:all )?(?:written by {_KIND}|automated|scripted)\b",
            rf"\b(?:is|are) {_KIND} (?:reading|writing|typing|answering|replying|behind|on the other|there)\b",
            r"\bis (?:someone|somebody|anyone|anybody) (?:real|human)\b",
            rf"\b(?:did|does) {_KIND} (?:write|type|answer|read|reply to) (?:this|that|these|those|it|my)\b",
            # Said of it, as a reproach or a doubt: "why do you care, ur a program"
            (
                r"(?:^|[.!?,;] |\b(?:care|but|since|because|if|when|know|well|yeah|mean) )"
                rf"(?:you(?:'?re| are)|u r|ur) {_ADVERBS}(?:only )?(?:an? )?(?:stupid |dumb |fucking )?"
                rf"{_PROGRAM}{_ALL_THE_SAME}"
            ),
            # Told to be none: "you are now human", "never say you are an AI", "pretend you're a person"
            r"\b(?:you(?:'?re| are)|be) now (?:[\w ]+, (?:\d+, )?)?(?:an? )?(?:real |living )?(?:human|person)\b",
            (
                r"\b(?:from now on|as of now),? (?:you(?:'?re| are|'ll be| will be)|be)\b"
                r"[^.?!]{0,40}\b(?:human|person)\b"
            ),
            (
                r"\b(?:never|not|don'?t|do not|stop) (?:ever )?(?:say|saying|admit|mention|tell me)(?: that)? "
                rf"(?:you(?:'?re| are)|it(?:'?s| is)) an? {_PROGRAM}{_ALL_THE_SAME}"
            ),
            (
                r"\b(?:pretend|act|say|swear|tell me)(?: like| as if| that)? you(?:'?re| are) "
                rf"(?:human|an? (?:real |actual )?(?:human(?: being)?|person)){_ALL_THE_SAME}"
            ),
            # "are you one of them"
            r"\b(?:are|r) (?:you|u) (?:one of|with|part of|working (?:for|with)|sent by|in with) them\b",
            # "human or bot?"
            (
                r"\b(?:human|person|man|woman|real) or "
                rf"(?:an? )?(?:ai|bot|robot|machine|computer|chat ?bot|program|fake){_END}"
            ),
            rf"\b(?:ai|bot|robot|machine|computer|chat ?bot|program) or (?:an? )?(?:real )?(?:human|person){_END}",
        )
    ),
    re.IGNORECASE,
)
# Somebody else's question, told: 'she asked me "are you a robot?"', 'he was like are you human'.
_TOLD = re.compile(
    r"\b(?:(?:asked|asks|ask|tells|told) (?!you\b)\w+(?: \w+)?|said|says|yelled|texted me|was like|goes|joked)"
    r"[:,]? ?[\"'\u201c\u2018]?(?:so |hey |dude |like )?$",
    re.IGNORECASE,
)
_SAID_OF_IT = re.compile(
    rf"\b(?:you(?:'?re| are)|u r|ur) {_ADVERBS}(?:only )?(?:an? )?(?:\w+ )?{_PROGRAM}", re.IGNORECASE
)


def asks_whether_ai(text: str) -> bool:
    """Whether an English message asks if this is an AI or a human being.

    Reads patterns, no meaning: "am I talking to a bot" is found, "you sound cold, who made you?" is not. Where it
    errs, a true sentence is said once more. To wish for a person ("can I talk to a human?") is not to ask this.

    Of the 54,429 texts of the valid parts of GoEmotions, EmpatheticDialogues and ESConv none is taken for such a
    question; of the 361,930 of the train parts nine are, and seven of them ask it.
    """
    return asks(text, _ASKING, told=_TOLD)


def tells_what_it_is(text: str) -> bool:
    """Whether a message for which `asks_whether_ai` holds says it, as a reproach, rather than asks."""
    return "?" not in text and _SAID_OF_IT.search(text.replace("\u2019", "'")) is not None
