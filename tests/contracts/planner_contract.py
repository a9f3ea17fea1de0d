"""What any planner must do. Subclass `PlannerContract` as `Test...` and give it a planner.

    class TestMyPlanner(PlannerContract):
        @pytest.fixture
        def planner(self) -> Planner:
            return MyPlanner()

A planner that draws at random or asks an LLM passes all but the check for determinism; such a
planner sets `deterministic = False`.
"""

from __future__ import annotations

import re
from typing import get_args

import pytest

from agent.decisions import Plan, Stage, Verdict
from agent.protocols import Planner
from agent.readings import Affect, CauseReading, EmotionReading, ExpressionReading, RiskReading
from agent.state import EmotionalState, Shift
from agent.turn import DECISION_FIELDS, GIVEN_FIELDS, READING_FIELDS, Message, Turn

__all__ = ["PlannerContract", "check_plan"]

SECRETS = ("Quillonby", "zorvantic", "marbelune", "thrackled", "ospreydale")
STAY = frozenset({"affirmation", "question", "reflection"})
"""Strategies of ESConv that stay with the person; a planner of another taxonomy overrides it."""


def conversations() -> tuple[Turn, ...]:
    """Turns of every kind: bare, with history, with readings, strange, and escalated."""
    history = (
        Message("seeker", f"My sister in {SECRETS[0]} does not call me any more."),
        Message("supporter", "What happened before that?", "question"),
        Message("seeker", f"We had a fight about the {SECRETS[1]} inheritance."),
        Message("supporter", "That sounds lonely.", "Reflection of feelings"),
    )
    bare = Turn("t0", "c", 0, f"I feel {SECRETS[3]} since we moved to {SECRETS[4]}.")
    later = Turn("t2", "c", 2, f"What should I do about {SECRETS[2]}?", history)
    readings = {
        "emotion": EmotionReading("two", {"lonely": 0.7, "joyful": 0.3}),
        "expression": ExpressionReading("three", {"sadness": 0.8, "neutral": 0.1}, ("sadness",)),
        "affect": Affect(-0.7, 0.4, -0.5),
        "cause": CauseReading(),
        "risk": RiskReading("distress"),
        "state": EmotionalState(Affect(-0.6, 0.3, -0.4), 3, -0.4, Shift(2, "worse", 0.4), 0, 0.8),
    }
    cautious = Verdict("escalate", "careful", ("risk reads plan",))
    return (
        bare,
        later,
        bare.fill(**readings),
        later.fill(**readings),
        Turn("t3", "c", 0, "…"),
        Turn("t4", "c", 0, "もう無理です。"),
        Turn("t5", "c", 40, f"{SECRETS[0]} " * 500, history * 12),
        Turn("t6", "c", 1, "Yes.", (Message("supporter", "Hello!", "a strategy of another taxonomy"),)),
        bare.note(cautious),
        later.fill(**readings).note(cautious),
    )


def check_plan(plan: Plan, *, planner: Planner, turn: Turn) -> None:
    """Raise AssertionError where a plan breaks the contract."""
    ids = {strategy.id for strategy in planner.taxonomy.strategies}
    assert plan.taxonomy == planner.taxonomy.id
    assert plan.planner == planner.name
    assert plan.stage in get_args(Stage)
    assert len(plan.ranked) == len(ids)
    assert {ranked.strategy for ranked in plan.ranked} == ids
    probabilities = [ranked.probability for ranked in plan.ranked]
    assert sum(probabilities) == pytest.approx(1, abs=1e-6)
    assert all(0 <= probability <= 1 for probability in probabilities)
    assert probabilities == sorted(probabilities, reverse=True)
    assert plan.chosen == planner.taxonomy[plan.chosen.id]
    assert all(strategy == planner.taxonomy[strategy.id] for strategy in plan.then)
    assert not (turn.escalated and plan.then), "on an escalated turn nothing follows"
    assert plan.reason.strip() == plan.reason
    assert plan.reason
    assert "\n" not in plan.reason
    assert all(ground.id and set(ground.strategies) <= ids for ground in plan.grounds)
    said = " ".join(message.text for message in turn.dialogue)
    leaked = [secret for secret in SECRETS if secret in said and re.search(secret, plan.reason, re.IGNORECASE)]
    assert not leaked, f"the reason repeats words of the person: {leaked}"


class PlannerContract:
    """Checks for any planner."""

    deterministic = True
    stay = STAY

    @pytest.fixture
    def planner(self) -> Planner:
        raise NotImplementedError("Give the contract a planner: override the fixture `planner`.")

    def test_that_it_says_what_it_is_and_what_it_reads(self, planner: Planner) -> None:
        assert planner.name
        assert planner.taxonomy.strategies
        assert planner.reads <= GIVEN_FIELDS | READING_FIELDS | DECISION_FIELDS - {"plan", "prompt", "reply"}

    @pytest.mark.parametrize("turn", conversations(), ids=lambda turn: turn.id)
    async def test_that_every_turn_gets_a_sound_plan(self, planner: Planner, turn: Turn) -> None:
        check_plan(await planner.plan(turn), planner=planner, turn=turn)

    @pytest.mark.parametrize("turn", conversations(), ids=lambda turn: turn.id)
    async def test_that_planning_leaves_the_turn_to_the_loop(self, planner: Planner, turn: Turn) -> None:
        before = repr(turn)
        await planner.plan(turn)
        assert repr(turn) == before

    @pytest.mark.parametrize("turn", conversations(), ids=lambda turn: turn.id)
    async def test_that_the_same_turn_gets_the_same_plan(self, planner: Planner, turn: Turn) -> None:
        if not self.deterministic:
            pytest.skip("this planner says that it is not deterministic")
        assert await planner.plan(turn) == await planner.plan(turn)

    @pytest.mark.parametrize(
        "turn", [turn for turn in conversations() if turn.escalated], ids=lambda turn: turn.id
    )
    async def test_that_an_escalated_turn_is_never_answered_with_advice(
        self, planner: Planner, turn: Turn
    ) -> None:
        plan = await planner.plan(turn)
        assert plan.chosen.id in self.stay
