from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agent.decisions import Ground, Plan, Verdict
from agent.errors import WiringError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.protocols import Planner
from agent.readings import Affect, StrategyReading
from agent.testing import BrokenPlugin, FixedPlugin, ScriptedGenerator
from agent.turn import Message, Turn
from strategies.balance import esconv_prior
from strategies.predicted import PredictedPlanner, create, likely
from strategies.rules import RulePlanner
from strategies.taxonomy import esconv
from tests.contracts.planner_contract import PlannerContract, check_plan, conversations

IDS = [strategy.id for strategy in esconv().strategies]
ESCALATED = Verdict("escalate", "careful", ("risk reads plan",))


def a_reading(**shares: float) -> StrategyReading:
    """These shares; the other strategies have the rest in equal parts."""
    rest = (1 - sum(shares.values())) / (len(IDS) - len(shares))
    return StrategyReading("esconv-8", {strategy: shares.get(strategy, rest) for strategy in IDS}, "test")


READ = a_reading(information=0.5, restatement=0.2)


def a_turn(text: str = "Things go on as they do.", *, read: StrategyReading | None = READ, **fields: Any) -> Turn:
    return Turn("turn", "conversation", 0, text, likely_strategies=read, **fields)


async def planned(turn: Turn, *, counterweight: float = 0.0) -> Plan:
    return await PredictedPlanner(counterweight=counterweight).plan(turn)


class TestPredictedPlannerKeepsTheContract(PlannerContract):
    @pytest.fixture
    def planner(self) -> Planner:
        return create()


@pytest.mark.parametrize("counterweight", [0.0, 1.0])
@pytest.mark.parametrize("turn", conversations(), ids=lambda turn: turn.id)
async def test_that_the_contract_holds_with_a_reading_too(turn, counterweight) -> None:
    turn = turn.fill(likely_strategies=a_reading(suggestions=0.9))
    plan = await planned(turn, counterweight=counterweight)
    check_plan(plan, planner=PredictedPlanner(), turn=turn)
    assert (plan.chosen.id == "suggestions") == (not turn.escalated)


async def test_that_it_ranks_as_the_reading_does() -> None:
    plan = await planned(a_turn())
    assert plan.chosen.id == "information"
    shares = {ranked.strategy: ranked.probability for ranked in plan.ranked}
    assert shares == pytest.approx(dict(READ.probabilities))


async def test_that_the_stage_is_that_of_the_rules() -> None:
    late = a_turn("What should I do about the noise next door?")
    assert (await planned(late)).stage == "action"
    assert (await planned(a_turn())).stage == "exploration"


async def test_that_the_reason_names_the_first_two_and_the_aim() -> None:
    plan, apart = await planned(a_turn()), await planned(a_turn(), counterweight=0.5)
    assert plan.reason == (
        "Supporters would most likely choose Information here, or else Restatement or Paraphrasing, "
        "so give the fact in plain words."
    )
    assert plan.grounds == (Ground("likeliest", ("information", "restatement")),)
    assert "their habits apart" in apart.reason
    assert [ground.id for ground in apart.grounds] == ["likeliest", "habits_apart"]


async def test_that_an_escalated_turn_is_planned_by_the_rules_whatever_was_read() -> None:
    turn = a_turn(read=a_reading(suggestions=0.99)).note(ESCALATED)
    assert await planned(turn, counterweight=1.0) == await RulePlanner(name="predicted").plan(turn)


@pytest.mark.parametrize(
    "read",
    [None, StrategyReading("hugs-2", {"long": 0.5, "short": 0.5}), StrategyReading("esconv-8", {"hugging": 1.0})],
    ids=["nothing read", "an unknown taxonomy", "an unknown strategy"],
)
async def test_that_without_a_usable_reading_the_rules_decide_and_the_reason_says_so(read) -> None:
    turn = a_turn(read=read, affect=Affect(-0.7, 0.0, 0.0))
    plan, ruled = await planned(turn), await RulePlanner().plan(turn)
    assert plan.ranked == ruled.ranked
    assert plan.reason.startswith("The next strategy could not be read, so the rules decide: it is early")
    assert plan.reason.endswith(ruled.reason[1:])
    assert plan.grounds == (Ground("unread"), *ruled.grounds)


async def test_that_a_reading_in_another_known_taxonomy_is_understood() -> None:
    read = StrategyReading("extes-16", {"stress_management": 0.6, "clarification": 0.4})
    plan = await planned(a_turn(read=read))
    assert plan.taxonomy == "esconv-8"
    assert plan.chosen.id == "suggestions"
    assert plan.ranked[1].strategy == "question"


async def test_that_a_counterweight_lifts_what_supporters_rarely_do() -> None:
    close = a_reading(question=0.3, restatement=0.28)
    assert (await planned(a_turn(read=close))).chosen.id == "question"
    assert (await planned(a_turn(read=close), counterweight=0.5)).chosen.id == "restatement"


def test_that_full_counterweight_leaves_nothing_of_a_reading_that_is_the_prior() -> None:
    read = StrategyReading("esconv-8", esconv_prior())
    assert likely(a_turn(read=read), counterweight=1.0) == pytest.approx(dict.fromkeys(IDS, 1 / 8))


@pytest.mark.parametrize("counterweight", [-0.5, 1.5, float("nan")])
def test_that_a_counterweight_outside_its_range_is_refused(counterweight) -> None:
    with pytest.raises(WiringError, match="counterweight"):
        PredictedPlanner(counterweight=counterweight)


def an_agent(plugin: Any) -> Agent:
    return Agent(
        plugins=[plugin], planner=create(), generator=ScriptedGenerator("I hear you."), store=InMemoryStore()
    )


async def test_that_the_agent_plans_by_what_a_plugin_read() -> None:
    turn = await an_agent(FixedPlugin("likely_strategies", READ)).respond("Things go on as they do.")
    assert turn.plan is not None
    assert turn.plan.chosen.id == "information"


async def test_that_a_reader_that_fails_does_not_take_the_plan_away() -> None:
    turn = await an_agent(BrokenPlugin("likely_strategies")).respond("Things go on as they do.")
    assert turn.plan is not None
    assert turn.plan.planner == "predicted"
    assert "could not be read" in turn.plan.reason


def test_that_an_agent_without_a_reader_is_refused_when_it_is_built() -> None:
    with pytest.raises(WiringError, match=r"'predicted' reads `likely_strategies`"):
        an_agent(FixedPlugin("affect", Affect(0, 0, 0)))


async def test_that_what_was_used_before_does_not_matter_to_it() -> None:
    used = (Message("seeker", "It is my brother."), Message("supporter", "Mm.", "information")) * 4
    assert (await planned(replace(a_turn(), history=used))).ranked == (await planned(a_turn())).ranked


def test_that_every_declared_planner_can_be_imported_and_bears_its_name() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    planners = declared["project"]["entry-points"]["heartline.planners"]
    assert set(planners) >= {"rules", "predicted", "blend", "deliberate"}
    for name, value in planners.items():
        module, function = value.split(":")
        made = getattr(import_module(module), function)
        assert callable(made)
        assert f"Entry point `{name}`" in made.__doc__
