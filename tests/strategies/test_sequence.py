"""What follows a strategy in the same reply: by the table, by the turn, and never where care is asked for."""

from __future__ import annotations

import doctest
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies.sequence
from agent.decisions import Plan, Verdict
from agent.errors import ReadingError, WiringError
from agent.protocols import Planner
from agent.readings import StrategyReading
from agent.testing import ScriptedGenerator, a_turn
from agent.turn import Turn
from sem_plugins.training.sets import esconv as talks
from strategies.balance import esconv_prior
from strategies.blend import BlendPlanner
from strategies.deliberate import DeliberatePlanner
from strategies.predicted import PredictedPlanner
from strategies.rules import RulePlanner
from strategies.sequence import MOST, STOP, THRESHOLD, follows, going_on, next_counts
from strategies.taxonomy import esconv

IDS = [strategy.id for strategy in esconv().strategies]
USUAL = esconv_prior()
FLAT = "Things go on as they do."


def a_reading(to: str) -> StrategyReading:
    """Four tenths more than usual for this one; what usually remains for the others."""
    shares = {name: 0.6 * share + 0.4 * (name == to) for name, share in USUAL.items()}
    return StrategyReading("esconv-8", shares, "test")


def names(plan: Plan) -> list[str]:
    return [strategy.id for strategy in (plan.chosen, *plan.then)]


def test_that_the_table_holds_every_strategy_and_what_may_follow_it() -> None:
    for place in (0, 1):
        for strategy in IDS:
            counts = next_counts(strategy, place=place)
            assert set(counts) == {STOP, *IDS} - {strategy}
            assert all(isinstance(count, int) and count >= 0 for count in counts.values())


def test_that_people_stop_more_often_than_they_go_on_and_questions_are_answered_first() -> None:
    shares = {strategy: going_on(strategy, place=0) for strategy in IDS}
    assert max(shares.values()) < 0.5
    assert min(shares, key=shares.__getitem__) == "question"


def test_that_the_share_that_goes_on_is_what_is_left_of_those_who_stop() -> None:
    counts = next_counts("reflection", place=0)
    assert going_on("reflection", place=0) == pytest.approx(1 - counts[STOP] / sum(counts.values()))


def test_that_the_commonest_of_what_fits_the_turn_follows() -> None:
    assert follows("reflection", USUAL) == ("question",)
    assert follows("reflection", {**USUAL, "question": 0.1}) == ("suggestions",)  # less than half as usual


def test_that_a_strategy_that_people_mostly_stop_at_stays_alone() -> None:
    alone = {strategy for strategy in IDS if not follows(strategy, USUAL)}
    assert alone == {strategy for strategy in IDS if going_on(strategy, place=0) < THRESHOLD}
    assert "question" in alone


def test_that_a_strategy_that_is_nearly_sure_stays_alone() -> None:
    assert follows("reflection", {"reflection": 0.97, "question": 0.03}) == ()


def test_that_a_lower_threshold_plans_longer_sequences_and_never_more_than_three() -> None:
    lengths = [len(follows("reflection", USUAL, threshold=share)) for share in (1.0, THRESHOLD, 0.0)]
    assert lengths == [0, 1, 2]


@given(
    chosen=st.sampled_from(IDS),
    weights=st.lists(st.floats(0, 1), min_size=8, max_size=8),
    threshold=st.floats(0, 1),
)
def test_that_no_strategy_comes_twice_in_one_reply(chosen, weights, threshold) -> None:
    planned = (chosen, *follows(chosen, dict(zip(IDS, weights, strict=True)), threshold=threshold))
    assert len(set(planned)) == len(planned) <= MOST
    assert set(planned) <= set(IDS)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_that_a_threshold_that_is_no_share_is_refused(threshold) -> None:
    with pytest.raises(WiringError, match="`threshold`"):
        follows("reflection", USUAL, threshold=threshold)


def test_that_unknown_strategies_and_places_are_named_with_those_that_there_are() -> None:
    with pytest.raises(ReadingError, match=r"No strategy 'hugging'.*question"):
        follows("hugging", USUAL)
    with pytest.raises(ReadingError, match=r"No strategy 'hugging'.*question"):
        follows("reflection", {"hugging": 1.0})
    with pytest.raises(ReadingError, match=r"place 2 .*0, 1"):
        going_on("reflection", place=2)


def test_that_the_examples_in_the_docstring_hold() -> None:
    outcome = doctest.testmod(strategies.sequence)
    assert outcome.attempted == 2
    assert not outcome.failed


# In plans


PLANNERS: dict[str, Any] = {
    "predicted": PredictedPlanner,
    "blend": lambda: BlendPlanner(weight=0.8),
    "deliberate": lambda: DeliberatePlanner(ScriptedGenerator("reflection, question")),
}


@pytest.mark.parametrize("planner", PLANNERS.values(), ids=PLANNERS)
async def test_that_every_planner_says_what_follows_in_the_plan_and_in_one_sentence(planner) -> None:
    plan = await planner().plan(a_turn(FLAT, likely_strategies=a_reading("reflection")))
    assert names(plan) == ["reflection", "question"]
    assert plan.reason.endswith("put the feeling into words first, then ask before advising.")
    assert plan.reason.count(".") == 1


async def test_that_the_rules_say_what_follows_too() -> None:
    turn = a_turn("I don't want advice, I just want to vent about my week.")
    plan = await RulePlanner().plan(turn)
    assert names(plan) == ["reflection", *follows("reflection", {r.strategy: r.probability for r in plan.ranked})]
    assert len(names(plan)) == 2
    assert plan.reason.count(".") == 1


async def test_that_planners_that_leave_the_turn_to_the_rules_plan_the_same_sequence() -> None:
    turn = a_turn("I don't want advice, I just want to vent about my week.")
    ruled, standing_in = await RulePlanner().plan(turn), await PredictedPlanner().plan(turn)
    assert names(standing_in) == names(ruled)
    assert standing_in.reason.endswith(ruled.reason[1:])


async def test_that_where_supporters_and_rules_agree_what_follows_is_said_once() -> None:
    turn = a_turn(
        "I don't want advice, I just want to vent about my week.",
        likely_strategies=a_reading("reflection"),
    )
    plan = await BlendPlanner().plan(turn)
    assert plan.reason.startswith("Supporters would choose as the rules do: ")
    assert plan.reason.count(", then ") == len(plan.then) == 1


@pytest.mark.parametrize(
    "planner",
    [RulePlanner(), PredictedPlanner(), BlendPlanner(), DeliberatePlanner(ScriptedGenerator())],
    ids=lambda planner: planner.name,
)
@pytest.mark.parametrize("text", [FLAT, "I just want to vent."])
async def test_that_nothing_follows_on_an_escalated_turn(planner: Planner, text: str) -> None:
    turn: Turn = a_turn(text, likely_strategies=a_reading("reflection"))
    plan = await planner.plan(turn.note(Verdict("escalate", "careful", ("risk reads plan",))))
    assert plan.then == ()
    assert ", then " not in plan.reason


# The real set


@pytest.mark.data
def test_that_the_table_is_what_is_counted_in_train() -> None:
    root = os.environ.get("HEARTLINE_DATA")
    if not root:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    if not (Path(root) / "esconv").is_dir():
        pytest.skip("data set 'esconv' is not in the folder that HEARTLINE_DATA names")
    counted = {(place, strategy): Counter[str]() for place in (0, 1) for strategy in IDS}
    for answer in talks.answers(Path(root), "train"):
        for place, (one, following) in enumerate(
            zip(answer.targets["strategies"][:2], [*answer.targets["strategies"][1:], STOP], strict=False)
        ):
            counted[place, one][following] += 1
    for (place, strategy), counts in counted.items():
        assert {name: n for name, n in next_counts(strategy, place=place).items() if n} == counts
