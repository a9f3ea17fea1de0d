"""The conversation as it is seen: messages, replies, and what is told beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.feedback import Feedback
from agent.planning import bound
from agent.safety.help_lines import Country
from agent.safety.policies import Policy
from agent.turn import Turn
from ui.page.answering import Moment
from ui.page.help_lines import as_shown
from ui.page.markup import filled
from ui.page.people import NOBODY, People, rows_of
from ui.page.texts import Texts

__all__ = ["coming", "greeting", "other_ways", "speaker", "transcript"]

_SPEAKERS = ("offline", "protocol")
_ENDINGS = {"interrupted": "turn.interrupted", "cut": "turn.cut", "length": "turn.length"}
_EXAMPLES = ("work", "alone", "news", "quarrel")


def greeting(texts: Texts, policy: Policy) -> str:
    """What stands where nothing was said yet: the notice that this is an AI, and how one might begin.

    Args:
        texts: In the language of the page.
        policy: Whose notice is shown.
    """
    examples = [texts(f"example.{name}") for name in _EXAMPLES]
    return filled(
        "greeting",
        texts,
        notice=texts.given("notice", policy.disclosure),
        styles=_styles(policy),
        examples=examples,
    )


def transcript(
    turns: Sequence[Turn],
    texts: Texts,
    *,
    policy: Policy,
    country: Country,
    feedback: Mapping[str, Feedback] | None = None,
    unkept: frozenset[str] = frozenset(),
    people: People = NOBODY,
) -> str:
    """A conversation so far.

    Args:
        turns: Oldest first; a greeting stands where there are none.
        texts: In the language of the page.
        policy: How notices look.
        country: Whose help lines stand beneath a reply that is about danger.
        feedback: What was said of replies, by turn.
        unkept: Turns that the store could not keep.
        people: What people did in it.
    """
    if not turns:
        return greeting(texts, policy)
    said = feedback or {}
    rows = [
        _row(turn, texts, said.get(turn.id), last=turn is turns[-1], lost=turn.id in unkept)
        | {"people": rows_of(people.acts, texts, after=place, last=turn is turns[-1])}
        for place, turn in enumerate(turns, 1)
    ]
    course = turns[-1].course
    danger = course is not None and (course.in_danger or course.others in {"ideation", "plan", "acute"})
    help_lines = as_shown(country, texts) if danger else None
    watch = len(people.acts) if people.watched else None
    return filled("transcript", texts, rows=rows, styles=_styles(policy), help=help_lines, watch=watch)


def coming(moment: Moment, texts: Texts, policy: Policy, *, text: str) -> str:
    """A turn that is being made: the message, and as much of the reply as there is.

    Args:
        moment: As it stands.
        texts: In the language of the page.
        policy: How notices look.
        text: The message.
    """
    return filled(
        "coming",
        texts,
        text=text,
        said=moment.said,
        notices=moment.notices,
        styles=_styles(policy),
        failed_over=moment.failed_over,
    )


def _row(turn: Turn, texts: Texts, said: Feedback | None, *, last: bool, lost: bool) -> dict[str, Any]:
    reply = turn.reply
    danger = turn.course is not None and turn.course.in_danger
    return {
        "id": turn.id,
        "text": turn.text,
        "before": () if danger else turn.notices,
        "after": turn.notices if danger else (),
        "reply": None if reply is None else reply.text,
        "speaker": "" if reply is None else speaker(turn, texts),
        "ending": "" if reply is None else texts(_ENDINGS[reply.finish_reason]) if reply.finish_reason in _ENDINGS
        else "",
        "rating": None if said is None else said.rating,
        "reason": "" if said is None or said.reason is None else said.reason,
        "last": last,
        "again": last and (reply is None or reply.finish_reason == "interrupted"),
        "ways": [_way(strategy, texts) for strategy in other_ways(turn)] if last and reply is not None else [],
        "lost": lost,
    }  # fmt: skip


def other_ways(turn: Turn) -> tuple[str, ...]:
    """Ids of strategies by which it might be answered instead, the likeliest first; none where safety decides."""
    if turn.plan is None or bound(turn):
        return ()
    return tuple(one.strategy for one in turn.plan.ranked if one.strategy != turn.plan.chosen.id)


def _way(strategy: str, texts: Texts) -> tuple[str, str, str]:
    """Its id, its name, and what a supporter does who uses it."""
    return strategy, texts.word("strategy", strategy), texts.said.get(f"strategy_means.{strategy}", "")


def speaker(turn: Turn, texts: Texts) -> str:
    """Who spoke, and for whom."""
    if turn.reply is None:
        return ""
    name = turn.reply.speaker
    said = texts(f"speaker.{name}") if name in _SPEAKERS else texts("speaker.llm", name=name)
    return said + (f" {texts('speaker.stood_in')}" if turn.reply.stood_in_for else "")


def _styles(policy: Policy) -> str:
    """Classes for how a notice looks, as the policy asks."""
    known = {"bold": "bold", "at least 16 point": "large", "conspicuous": "framed"}
    return " ".join(known[style] for style in policy.style if style in known)
