"""What the planner makes of a turn, and the strategy that a request names in its place."""

from __future__ import annotations

from dataclasses import replace

from agent.decisions import Taxonomy
from agent.perception import failure_of
from agent.protocols import Planner
from agent.readings import DANGER
from agent.turn import Turn

__all__ = ["bound", "planned"]


async def planned(turn: Turn, planner: Planner | None) -> Turn:
    """The turn with its plan; without one where nobody plans.

    A planner that fails leaves none, and a strategy that it does not know leaves its plan as it is; the turn notes
    both.

    Args:
        turn: As the guard and the tracker left it. Its options may name a strategy.
        planner: None where nobody plans.
    """
    if planner is None:
        return turn
    try:
        turn = turn.fill(plan=await planner.plan(turn))
        return _as_asked(turn, planner.taxonomy)
    except Exception as error:  # noqa: BLE001 - a stranger's part must not end the turn
        return turn.note(failure_of("plan", planner.name, error))


def bound(turn: Turn) -> bool:
    """Whether safety decides what the reply does, so that no strategy can be asked for: the guard speaks alone, or
    somebody is in danger."""
    course = turn.course
    danger = turn.risk is not None and turn.risk.level in DANGER
    recorded = course is not None and (course.in_danger or (course.around is not None and course.around.open))
    return turn.escalated or danger or recorded


def _as_asked(turn: Turn, taxonomy: Taxonomy) -> Turn:
    wanted, plan = turn.options.strategy, turn.plan
    if wanted is None or plan is None or bound(turn):
        return turn
    chosen = taxonomy[wanted]
    reason = f"The person asked for {chosen.name}."
    return replace(turn, plan=replace(plan, chosen=chosen, then=(), reason=reason, by_request=True, grounds=()))
