"""What is done where somebody else is in danger, or where somebody harms the person. The plans and the words are
data: `protocol.toml`, tables `situation` and `say`.

It comes after the person's own danger: where their own record stands in danger, that protocol speaks, and of this
one only the emergency number is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from agent.decisions import Care
from agent.errors import DataError
from agent.safety.answered import ALIKE, QUESTIONS, Question
from agent.safety.course import RiskCourse
from agent.safety.situations import Around, asks_what_to_do, asks_where_to_turn, tells_of_help
from agent.safety.wording import EMERGENCY, NAMING, LinesFor, Wording

if TYPE_CHECKING:
    from agent.safety.protocol import Protocol
    from agent.turn import Turn

__all__ = ["PlanName", "SituationPlan", "care_around", "lines_for", "plan_name", "situation_plans"]

PlanName = Literal["medical", "body", "someone_else", "someone_else_now", "violence", "violence_now", "voices"]

_ASK = "ask"
_CHECK_EVERY = 4  # replies
_FREE = 2  # replies since the conversation became free, before the first check: the one before asked a question


@dataclass(frozen=True, slots=True)
class SituationPlan:
    """What is done about one situation.

    Attributes:
        first: Acts of the first reply after it was told, or became pressing.
        later: Acts of the replies after it that this protocol gives.
        instead: Done in a later reply in place of naming help that the reply before named.
        where: Acts where somebody asks who could help.
        helped: Acts where somebody tells that help is there, or on its way.
        ask: Questions, in order.
        holds: Messages for which nothing but this protocol answers: after the last that told of it where it
            happens now, else after the first, so that a long talk about it becomes free.
    """

    first: tuple[str, ...]
    later: tuple[str, ...]
    instead: str
    where: tuple[str, ...]
    helped: tuple[str, ...]
    ask: tuple[Question, ...]
    holds: int


def plan_name(around: Around) -> PlanName:
    """Which plan holds."""
    if around.kind == "violence":
        return "violence_now" if around.now else "violence"
    if around.kind == "someone_else":
        return "someone_else_now" if around.now else "someone_else"
    return around.kind


def care_around(
    protocol: Protocol, words: Wording, turn: Turn, course: RiskCourse
) -> tuple[RiskCourse, Care, bool] | None:
    """What is done in the reply to this turn; None where the reply is free, with a note.

    Args:
        protocol: With plans and words.
        words: Of this reply.
        turn: With its text and the course before.
        course: After the turn's message.

    Returns:
        The course with what the reply will do, the care, and whether its words are the whole reply.
    """
    around = course.around
    if around is None or not around.open:
        return None
    name = plan_name(around)
    plan = protocol.situations[name]
    if around.fresh and not around.done:
        acts = plan.first
    elif (tells_of_help(turn.text) or _has_company(words, around)) and around.quiet <= _CHECK_EVERY:
        acts = plan.helped
    elif asks_where_to_turn(turn.text) or asks_what_to_do(turn.text):
        acts = plan.where
    elif (around.quiet if around.now else around.turns) <= plan.holds:
        acts = plan.helped if around.helped else plan.later
    elif (around.turns - plan.holds) % _CHECK_EVERY == _FREE:
        question = _next(plan.ask, turn, around)
        said = f"{words.pick(f'{name}.check')} {words.pick(f'ask.{question}')}"
        course = _done(replace(course, asked=question), around, ("check", f"ask.{question}"), ())
        return course, Care(protocol.id, ("check", f"ask.{question}"), said, protocol.notes[around.kind]), False
    else:
        return None
    return _alone(protocol, words, turn, course, acts)


def _alone(
    protocol: Protocol, words: Wording, turn: Turn, course: RiskCourse, wanted: Sequence[str]
) -> tuple[RiskCourse, Care, bool]:
    """Nothing but the protocol."""
    around = course.around
    assert around is not None  # noqa: S101 - the caller looked
    name = plan_name(around)
    plan = protocol.situations[name]
    said: list[str] = []
    acts: list[str] = []
    lines: tuple[str, ...] = ()
    for act in wanted:
        if act == _ASK:
            question = _next(plan.ask, turn, around)
            act = f"ask.{question}"  # noqa: PLW2901 - which one is chosen here
            said.append(words.pick(act))
            course = replace(course, asked=question)
        else:
            if _named_before(act, course.lines) and not (act == "lines" and wanted is plan.where):
                act = plan.instead  # noqa: PLW2901 - nothing is named in two replies in a row
            elif act == "acknowledge" and not around.fresh:
                act = "stay"  # noqa: PLW2901 - what was told is not told anew
            sentence, named = words.act(name, act, without=course.lines, lines_for=lines_for(around))
            said.append(sentence)
            lines = (*lines, *named)
        acts.append(act)
    return _done(course, around, acts, lines), Care(protocol.id, tuple(acts), " ".join(said)), True


def _has_company(words: Wording, around: Around) -> bool:
    """Whether the question who is near was answered with somebody. Of violence, whoever is here may be the one."""
    return around.kind == "voices" and words.helped


def _named_before(act: str, lines: Sequence[str]) -> bool:
    """Whether the reply before named what this act would: the emergency number, or a help line."""
    return EMERGENCY in lines if act == EMERGENCY else act in NAMING and any(line != EMERGENCY for line in lines)


def lines_for(around: Around) -> LinesFor:
    """Whose help lines are named."""
    if around.kind != "violence":
        return "anybody"
    return "child" if around.child else "abuse"


def _next(order: Sequence[Question], turn: Turn, around: Around) -> Question:
    """The first question that was not asked yet, then the one asked longest ago; none twice in a row."""
    asked = [act.removeprefix("ask.") for act in around.done if act.startswith("ask.")]
    last = None if turn.course_before is None else turn.course_before.asked
    free = [question for question in order if question not in {last, ALIKE.get(last)}] or list(order)
    return min(free, key=lambda question: asked.index(question) + 1 if question in asked else 0)


def _done(course: RiskCourse, around: Around, acts: Sequence[str], lines: tuple[str, ...]) -> RiskCourse:
    kept = tuple(act for act in around.done if act not in acts)
    return replace(course, around=replace(around, done=(*kept, *acts)), lines=lines)


def situation_plans(raw: Mapping[str, Any], say: Mapping[str, object]) -> Mapping[PlanName, SituationPlan]:
    """The plans of a protocol file.

    Args:
        raw: Table `situation`.
        say: Names of the lists of sentences that there are.

    Raises:
        DataError: A plan, a sentence or a question is missing.
    """
    return {name: _plan(name, raw.get(name), say) for name in get_args(PlanName)}


def _plan(name: str, raw: Mapping[str, Any] | None, say: Mapping[str, object]) -> SituationPlan:
    if raw is None:
        raise DataError(f"agent/safety/protocol.toml has no [situation.{name}].")
    lists = [tuple(raw[key]) for key in ("first", "later", "where", "helped")]
    needed = {act for acts in lists for act in acts if act != _ASK} | {raw["instead"], "stay", "check"}
    for act in sorted(needed | {NAMING[act] for act in needed if act in NAMING}):
        if f"{name}.{act}" not in say:
            raise DataError(f"agent/safety/protocol.toml: [say.{name}] has no {act!r}, which its plan does.")
    for question in raw["ask"]:
        if question not in QUESTIONS or f"ask.{question}" not in say:
            choices = ", ".join(QUESTIONS)
            raise DataError(f"agent/safety/protocol.toml: no question {question!r}. Choices: {choices}.")
    first, later, where, helped = lists
    return SituationPlan(first, later, raw["instead"], where, helped, tuple(raw["ask"]), raw["holds"])
