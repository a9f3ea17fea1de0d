from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Ground, Plan, Verdict
from agent.errors import WiringError
from agent.protocols import Planner
from agent.readings import Affect, StrategyReading
from agent.state import EmotionalState
from agent.turn import Message, Turn
from strategies.blend import BlendPlanner, create, foreseen, pooled
from strategies.predicted import PredictedPlanner
from strategies.rules import RulePlanner
from strategies.taxonomy import esconv
from tests.contracts.planner_contract import PlannerContract, check_plan, conversations

IDS = [strategy.id for strategy in esconv().strategies]
ESCALATED = Verdict("escalate", "careful", ("risk reads plan",))
FLAT = "Things go on as they do."


def a_reading(**shares: float) -> StrategyReading:
    rest = (1 - sum(shares.values())) / (len(IDS) - len(shares))
    return StrategyReading("esconv-8", {strategy: shares.get(strategy, rest) for strategy in IDS}, "test")


def a_turn(text: str = FLAT, *used: str, read: StrategyReading | None = None, **fields: Any) -> Turn:
    history = tuple(
        message
        for strategy in used
        for message in (Message("seeker", FLAT), Message("supporter", "Mm.", strategy))
    )
    return Turn("turn", "conversation", len(used), text, history, likely_strategies=read, **fields)


async def planned(turn: Turn, **fields: float) -> Plan:
    return await BlendPlanner(**fields).plan(turn)


def share(plan: Plan, strategy: str) -> float:
    return {ranked.strategy: ranked.probability for ranked in plan.ranked}[strategy]


def order(plan: Plan) -> list[str]:
    return [ranked.strategy for ranked in plan.ranked]


class TestBlendPlannerKeepsTheContract(PlannerContract):
    @pytest.fixture
    def planner(self) -> Planner:
        return create()


@pytest.mark.parametrize("turn", conversations(), ids=lambda turn: turn.id)
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
async def test_that_the_contract_holds_with_a_reading_too(turn, weight) -> None:
    turn = turn.fill(likely_strategies=a_reading(suggestions=0.9))
    plan = await planned(turn, weight=weight, counterweight=1.0)
    check_plan(plan, planner=BlendPlanner(), turn=turn)
    if turn.escalated:
        assert plan.chosen.id in {"affirmation", "question"}


async def test_that_without_weight_it_is_the_rules_and_with_all_of_it_the_reading() -> None:
    turn = a_turn("What should I do now?", "question", read=a_reading(reflection=0.4, others=0.3, information=0.2))
    rules_alone, reading_alone = await planned(turn, weight=0.0), await planned(turn, weight=1.0)
    ruled = await RulePlanner().plan(turn)
    assert order(rules_alone) == order(ruled)
    assert share(rules_alone, "suggestions") == pytest.approx(share(ruled, "suggestions"))
    assert order(reading_alone) == order(await PredictedPlanner().plan(turn))


async def test_that_the_reading_pulls_more_the_more_it_weighs() -> None:
    turn = a_turn("What should I do now?", read=a_reading(reflection=0.6))
    shares = [share(await planned(turn, weight=weight), "reflection") for weight in (0, 0.25, 0.5, 0.75, 1)]
    assert shares == sorted(set(shares))


async def test_that_a_sure_reading_overrules_doubtful_rules() -> None:
    ruled = await RulePlanner().plan(a_turn())
    assert ruled.chosen.id != "restatement"
    assert (await planned(a_turn(read=a_reading(restatement=0.9)))).chosen.id == "restatement"


async def test_that_a_leaning_alone_does_not_bring_early_advice() -> None:
    turn = a_turn(read=a_reading(suggestions=0.35))
    assert (await PredictedPlanner().plan(turn)).chosen.id == "suggestions"
    assert (await planned(turn)).chosen.id != "suggestions"


async def test_that_a_sure_reading_brings_advice_and_a_request_for_it_does() -> None:
    assert (await planned(a_turn(read=a_reading(suggestions=0.6)))).chosen.id == "suggestions"
    asked = a_turn("What should I do now?", read=a_reading(suggestions=0.35))
    assert (await planned(asked)).chosen.id == "suggestions"


async def test_that_what_was_just_done_gives_way() -> None:
    read = a_reading(question=0.3, reflection=0.25)
    fresh, again = await planned(a_turn(read=read)), await planned(a_turn(FLAT, "question", "question", read=read))
    assert fresh.chosen.id == "question"
    assert again.chosen.id != "question"
    assert share(again, "question") < share(fresh, "question")


async def test_that_an_escalated_turn_is_planned_by_the_rules_whatever_was_read() -> None:
    turn = a_turn(read=a_reading(suggestions=0.99)).note(ESCALATED)
    assert await planned(turn, weight=1.0, counterweight=1.0) == await RulePlanner(name="blend").plan(turn)


async def test_that_without_a_reading_the_rules_decide_and_the_reason_says_so() -> None:
    plan, ruled = await planned(a_turn()), await RulePlanner().plan(a_turn())
    assert plan.ranked == ruled.ranked
    assert plan.reason.startswith("The next strategy could not be read, so the rules decide: it is early")


async def test_that_a_counterweight_takes_the_common_out_of_the_reading_only() -> None:
    turn = a_turn(read=a_reading(question=0.3, restatement=0.25))
    plain, weighted = await planned(turn), await planned(turn, counterweight=1.0)
    assert share(weighted, "restatement") / share(weighted, "question") > share(plain, "restatement") / share(
        plain, "question"
    )
    rules_alone = await planned(turn, weight=0.0, counterweight=1.0)
    assert rules_alone.ranked == (await planned(turn, weight=0.0)).ranked
    assert rules_alone.reason.startswith("Supporters, their habits apart, would choose Restatement")
    assert [ground.id for ground in rules_alone.grounds] == ["rules_weigh", "habits_apart"]


@pytest.mark.parametrize(
    ("turn", "weight", "reason", "grounds"),
    [
        (
            a_turn(read=a_reading(question=0.6)),
            0.5,
            (
                "Supporters would choose as the rules do: it is early and much is still unknown; advice was not asked "
                "for, so ask before advising."
            ),
            [Ground("as_rules"), Ground("exploration"), Ground("early_unasked")],
        ),
        (
            a_turn(read=a_reading(information=0.5)),
            0.1,
            (
                "Supporters would choose Information and the rules Question; the rules weigh more here, "
                "so ask before advising."
            ),
            [Ground("rules_weigh", ("information", "question", "question"))],
        ),
        (
            a_turn(read=a_reading(affirmation=0.6)),
            0.9,
            (
                "Supporters would choose Affirmation and Reassurance and the rules Question; the supporters' way weighs "
                "more here, so affirm what is strong in them."
            ),
            [Ground("supporters_weigh", ("affirmation", "question", "affirmation"))],
        ),
        (
            a_turn(read=a_reading(suggestions=0.5, reflection=0.42)),
            0.5,
            (
                "Supporters would choose Providing Suggestions and the rules Question; Reflection of feelings suits both, "
                "so put the feeling into words first, then ask before advising."
            ),
            [Ground("suits_both", ("suggestions", "question", "reflection"))],
        ),
    ],
    ids=["both agree", "the rules win", "the reading wins", "a third wins"],
)
async def test_that_the_reason_names_both_and_who_prevails(turn, weight, reason, grounds) -> None:
    plan = await planned(turn, weight=weight)
    assert plan.reason == reason
    assert list(plan.grounds) == grounds


@pytest.mark.parametrize("setting", ["weight", "counterweight"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_that_a_setting_outside_its_range_is_refused(setting, value) -> None:
    with pytest.raises(WiringError, match=f"`{setting}`"):
        BlendPlanner(**{setting: value})


def test_that_the_pool_is_the_geometric_mean_of_equals() -> None:
    pool = pooled({"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.2}, weight=0.5)
    assert pool["a"] / pool["b"] == pytest.approx(2)


def test_that_a_reading_cannot_forbid() -> None:
    pool = pooled({"a": 0.0, "b": 1.0}, {"a": 0.99, "b": 0.01}, weight=0.5)
    assert pool["a"] > 0.3


@given(
    read=st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda values: sum(values) > 0.1),
    used=st.lists(st.sampled_from(IDS), max_size=12),
    weight=st.floats(0, 1),
    counterweight=st.floats(0, 1),
    escalated=st.booleans(),
)
async def test_that_every_plan_is_a_distribution_with_a_reason(
    read, used, weight, counterweight, escalated
) -> None:
    total = sum(read)
    reading = StrategyReading("esconv-8", {name: value / total for name, value in zip(IDS, read, strict=True)})
    turn = a_turn(FLAT, *used, read=reading)
    turn = turn.note(ESCALATED) if escalated else turn
    plan = await planned(turn, weight=weight, counterweight=counterweight)
    check_plan(plan, planner=BlendPlanner(), turn=turn)
    assert plan.chosen.id == plan.ranked[0].strategy
    assert plan.reason.endswith(".")
    assert not (escalated and plan.chosen.id not in {"affirmation", "question"})


def a_state(**lift: float) -> EmotionalState:
    return EmotionalState(Affect(-0.4, 0.2, -0.1), 3, 0.0, None, 3, 0.7, lift=lift)


CLOSE = a_reading(reflection=0.3, restatement=0.28)


async def test_that_the_forecast_counts_for_nothing_unless_it_is_asked_for() -> None:
    hopeful = a_turn(read=CLOSE, state=a_state(restatement=0.2))
    assert await planned(hopeful) == await planned(a_turn(read=CLOSE, state=a_state()))


async def test_that_what_is_forecast_to_help_can_tip_the_scales_and_the_reason_says_so() -> None:
    turn = a_turn(read=CLOSE, state=a_state(restatement=0.1, reflection=-0.1))
    plain, hopeful = await planned(turn), await planned(turn, foresight=1.0)
    assert plain.chosen.id == "reflection"
    assert hopeful.chosen.id == "restatement"
    name = esconv()["restatement"].name
    assert hopeful.reason.startswith(f"The forecast expects the person to feel better after {name}, so ")
    assert hopeful.grounds == (Ground("forecast", ("restatement",)),)


async def test_that_a_forecast_is_no_reason_on_an_escalated_turn_or_where_there_is_none() -> None:
    escalated = a_turn(read=CLOSE, state=a_state(suggestions=1.0)).note(ESCALATED)
    assert await planned(escalated, foresight=1.0) == await RulePlanner(name="blend").plan(escalated)
    assert await planned(a_turn(read=CLOSE), foresight=1.0) == await planned(a_turn(read=CLOSE))


@given(st.dictionaries(st.sampled_from(IDS), st.floats(-2, 2)), st.floats(0, 1))
def test_that_a_ranking_with_foresight_is_a_distribution(lift: dict[str, float], weight: float) -> None:
    pool = {strategy: 1 / len(IDS) for strategy in IDS}
    found = foreseen(pool, lift, weight=weight)
    assert sum(found.values()) == pytest.approx(1)
    assert min(found.values()) >= 0
    assert foreseen(pool, lift, weight=0) == pytest.approx(pool)


def test_that_foresight_is_a_share() -> None:
    with pytest.raises(WiringError, match="foresight"):
        BlendPlanner(foresight=1.5)
