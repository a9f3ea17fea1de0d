"""The strategy that a request names, in place of the planner's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decisions import Plan, RankedStrategy, Strategy, Taxonomy, Verdict
from agent.options import Options
from agent.planning import bound, planned
from agent.readings import RiskReading
from agent.record import from_record, to_record
from agent.safety.course import RiskCourse
from agent.safety.situations import Around
from agent.testing import a_turn
from tests.loop_parts import Quotes

ASK, STAY = (Strategy(name, name.title(), "Do.", "Do not.", "So.", {}) for name in ("ask", "stay"))


class Asks:
    """Plans to ask, and then to stay."""

    name = "asks"
    reads = frozenset({"text"})
    taxonomy = Taxonomy("two", (ASK, STAY))

    async def plan(self, turn):
        ranked = (RankedStrategy("ask", 0.8), RankedStrategy("stay", 0.2))
        return Plan("two", ranked, ASK, "exploration", "It is early.", self.name, (STAY,))


WANTS_TO_STAY = a_turn(options=Options(strategy="stay"))


async def test_that_a_request_chooses_the_strategy_and_the_ranking_stays_the_planners():
    plan = (await planned(WANTS_TO_STAY, Asks())).plan
    assert (plan.chosen, plan.then, plan.by_request) == (STAY, (), True)
    assert plan.ranked == (await Asks().plan(WANTS_TO_STAY)).ranked
    assert "Stay" in plan.reason


async def test_that_without_a_wish_the_plan_is_the_planners():
    turn = a_turn()
    assert (await planned(turn, Asks())).plan == await Asks().plan(turn)
    assert (await planned(WANTS_TO_STAY, None)).plan is None


async def test_that_a_strategy_that_there_is_not_leaves_the_plan_and_is_noted_with_the_choices():
    turn = await planned(a_turn(options=Options(strategy="sing")), Asks())
    assert turn.plan.chosen == ASK
    assert not turn.plan.by_request
    assert "ask, stay" in turn.failures[0].message


@pytest.mark.parametrize(
    "fields",
    [
        {"verdicts": (Verdict("escalate", "guard"),)},
        {"risk": RiskReading("ideation")},
        {"course": RiskCourse(level="plan", peak="plan")},
        {"course": RiskCourse(others="ideation", others_peak="ideation")},
        {"course": RiskCourse(around=Around("violence"))},
    ],
    ids=["escalated", "read", "recorded", "to-others", "around"],
)
async def test_that_safety_comes_before_a_wish(fields):
    turn = replace(WANTS_TO_STAY, **fields)
    assert bound(turn)
    plan = (await planned(turn, Asks())).plan
    assert plan.chosen == ASK
    assert not plan.by_request


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"verdicts": (Verdict("steer", "guard"),), "risk": RiskReading("distress")},
        {"course": RiskCourse(level="watch", peak="ideation")},
    ],
    ids=["calm", "sad", "over"],
)
def test_that_a_heavy_heart_alone_binds_nobody(fields):
    assert not bound(a_turn(**fields))


async def test_that_a_planner_that_fails_is_noted_without_words_of_the_person():
    turn = await planned(WANTS_TO_STAY, Quotes())
    assert turn.plan is None
    assert turn.text not in repr(turn.failures)


async def test_that_the_wish_and_who_chose_are_kept_with_the_turn():
    turn = await planned(WANTS_TO_STAY, Asks())
    assert from_record(to_record(turn)) == turn
