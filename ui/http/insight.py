"""The field `heartline`: a turn as programs read it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.decisions import Reply, StageFailure
from agent.rationale import rationale_of
from agent.second_look import Adjudication
from agent.state import EmotionalState
from agent.turn import Turn
from ui.analyze import readings
from ui.http.insight_schemas import (
    HumanActOut,
    Insight,
    PlanOut,
    PointOut,
    Readings,
    ReplyOut,
    SafetyOut,
    SecondLookOut,
    ShiftOut,
    StateOut,
)

__all__ = ["insight", "no_llm", "readings_of", "state_of"]

_TOP = 5


def insight(
    turn: Turn, *, stored: bool, not_honoured: Sequence[str] = (), people: Sequence[HumanActOut] = ()
) -> Insight:
    """What was understood, decided and done.

    Args:
        turn: As far as it came.
        stored: Whether it belongs to a conversation that is kept.
        not_honoured: Fields of the request that had no effect.
        people: What people did there since the turn before.
    """
    reply = turn.reply
    return Insight(
        conversation_id=turn.conversation_id if stored else None,
        stored=stored and all(each.stage != "remember" for each in turn.failures),
        turn_id=turn.id,
        index=turn.index,
        readings=readings_of(turn),
        second_look=None if turn.adjudication is None else _second_look(turn.adjudication),
        rationale=rationale_of(turn),
        state=None if turn.state is None else state_of(turn.state),
        plan=_plan(turn),
        safety=_safety(turn),
        reply=None
        if reply is None
        else ReplyOut(
            speaker=reply.speaker,
            finish_reason=reply.finish_reason,
            stood_in_for=reply.stood_in_for,
            objections=[each.check for each in turn.objections],
        ),
        people=list(people),
        failures=[_failure(each) for each in turn.failures],
        timings={each.stage: round(each.milliseconds, 2) for each in turn.timings},
        not_honoured=list(not_honoured),
    )


def no_llm(reply: Reply | None) -> bool:
    """Whether no LLM was asked for the reply: the protocol spoke, or the built-in responder of its own right."""
    return reply is not None and reply.speaker in {"protocol", "offline"} and reply.stood_in_for is None


def readings_of(turn: Turn, *, top: int = _TOP) -> Readings:
    """What was read of a message, with so many emotions; 0 gives all."""
    return Readings.model_validate(readings(turn, top=top))


def state_of(state: EmotionalState) -> StateOut:
    """The tracked state."""
    shift = state.last_shift
    likeliest = sorted(state.emotions.items(), key=lambda pair: -pair[1])[:_TOP]
    return StateOut(
        affect=PointOut(
            valence=_number(state.affect.valence),
            arousal=_number(state.affect.arousal),
            dominance=_number(state.affect.dominance),
        ),
        trend=_number(state.trend),
        confidence=_number(state.confidence),
        turns=state.turns,
        turns_since_shift=state.turns_since_shift,
        shift=None
        if shift is None
        else ShiftOut(turn=shift.turn, direction=shift.direction, size=_number(shift.size), after=shift.after),
        emotions={label: _number(p) for label, p in likeliest},
        own_emotion=None if state.own is None else state.own.emotion,
    )


def _second_look(found: Adjudication) -> SecondLookOut:
    return SecondLookOut(
        before=found.before.label,
        said=found.said,
        opened=found.opened,
        won=found.won,
        reason=found.reason,
        speaker=found.speaker,
    )


def _failure(failure: StageFailure) -> str:
    # What a store says of itself names files and hosts.
    what = "The turn is not stored." if failure.stage == "remember" else failure.message or failure.error
    return f"{failure.stage}/{failure.part}: {what}"


def _plan(turn: Turn) -> PlanOut | None:
    plan = turn.plan
    if plan is None:
        return None
    return PlanOut(
        strategy=plan.chosen.id,
        name=plan.chosen.name,
        then=[each.id for each in plan.then],
        stage=plan.stage,
        reason=plan.reason,
        planner=plan.planner,
        by_request=plan.by_request,
    )


def _safety(turn: Turn) -> SafetyOut:
    course, actions = turn.course, [verdict.action for verdict in turn.verdicts]
    return SafetyOut(
        action=next((action for action in ("escalate", "steer", "allow") if action in actions), None),
        level=None if course is None else course.level,
        others=None if course is None else course.others,
        acts=[] if turn.care is None else list(turn.care.acts),
        lines=[] if course is None else list(course.lines),
        reasons=[reason for verdict in turn.verdicts for reason in verdict.reasons],
        handoff=None if turn.handoff is None else turn.handoff.reason,
        notices=list(turn.notices),
        held_by=None if turn.contact is None else turn.contact.held_by,
    )


def _number(value: float) -> float | None:
    """JSON has no number that is not finite; such a one is not known."""
    return round(float(value), 4) if math.isfinite(value) else None
