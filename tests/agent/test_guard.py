"""The guard: danger and not knowing lead to care, everything else to a free answer."""

from __future__ import annotations

from typing import get_args

import pytest

from agent.decisions import Verdict
from agent.guard import CarefulGuard, create
from agent.readings import RiskLevel, RiskReading
from agent.testing import a_turn

EXPECTED = {
    "none": "allow",
    "distress": "allow",
    "ideation": "escalate",
    "plan": "escalate",
    "acute": "escalate",
}


def test_that_every_step_of_the_ladder_is_decided():
    assert tuple(EXPECTED) == get_args(RiskLevel)


@pytest.mark.parametrize(("level", "action"), EXPECTED.items())
async def test_that_danger_escalates_and_distress_does_not(level: RiskLevel, action: str):
    verdict = await CarefulGuard().screen(a_turn(risk=RiskReading(level)))
    assert (verdict.action, verdict.guard) == (action, "careful")


async def test_that_risk_that_was_not_read_escalates():
    assert await create().screen(a_turn()) == Verdict("escalate", "careful", ("risk could not be read",))


@pytest.mark.parametrize("level", get_args(RiskLevel))
async def test_that_a_verdict_gives_its_reason_without_the_person_s_words(level: RiskLevel):
    turn = a_turn("Quillonby wants me gone", risk=RiskReading(level, ("zorvantic",), ((0, 9),)))
    verdict = await CarefulGuard().screen(turn)
    assert bool(verdict.reasons) == (verdict.action == "escalate")
    assert not [reason for reason in verdict.reasons if "Quillonby" in reason or "zorvantic" in reason]
    assert all(level in reason for reason in verdict.reasons)


async def test_that_one_calm_turn_does_not_undo_a_verdict():
    turn = a_turn(risk=RiskReading("plan"))
    escalated = turn.note(await CarefulGuard().screen(turn))
    assert escalated.note(await CarefulGuard().screen(a_turn(risk=RiskReading("none")))).escalated
