"""The published protocol: up to date, whole, and without a pattern."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.safety.answered import QUESTIONS
from agent.safety.outgoing import load_outgoing
from agent.safety.protocol import load_protocol
from agent.safety.protocol_page import protocol_page
from agent.safety.steps import STEPS

ROOT = Path(__file__).parents[3]


def test_that_the_page_is_up_to_date():
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert page == protocol_page(), "run `heartline safety protocol --out docs/protocol.md`"


@pytest.mark.parametrize("step", [*STEPS, "others"])
def test_that_every_step_is_told(step: str):
    assert f"### {step}\n\n{load_protocol().about[f'step.{step}']}" in protocol_page()


def test_that_every_act_and_question_and_category_is_told_in_words():
    page, protocol = protocol_page(), load_protocol()
    for plan in protocol.steps.values():
        for act in (*plan.first, *plan.later):
            assert f"- {protocol.about[f'act.{act}']}" in page
    for question in QUESTIONS:
        assert f"| {protocol.about[f'ask.{question}']} |" in page
    for category in load_outgoing().categories:
        assert f"- {category.about}\n" in page
        assert not any(pattern in page for pattern in category.patterns)
    for source in protocol.sources:
        assert source in page
    assert protocol.reviewed in page
