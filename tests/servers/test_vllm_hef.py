"""The hybrid loop against a real vLLM: a second look with probabilities, examples, drafts looked at, the grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.build import build_agent
from agent.options import Options
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from tests.evals.small_sets import small_sets
from tests.servers.serving import Served
from tests.ui.faces import start

pytestmark = pytest.mark.vllm

MINUTES = 4
SAID = "They moved my desk next to the boiler and nobody said a word."


def settings_of(served: Served, **settings: Any) -> dict[str, Any]:
    return {"store": "memory", "llm_url": served.url, "llm_model": "tiny", "llm_max_tokens": 24} | settings


async def test_that_a_second_look_is_one_bound_answer_with_probabilities(vllm: Served):
    async with build_agent(**settings_of(vllm)) as agent:
        turn = await agent.respond(SAID, options=Options(two_stage="adjudicated"))
    assert turn.failures == ()
    found = turn.adjudication
    assert found is not None
    assert found.said in EMPATHETIC_DIALOGUES.labels
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert turn.emotion == found.after
    assert turn.reply is not None
    assert turn.reply.speaker == "tiny"


async def test_that_an_inline_request_costs_one_call(vllm: Served):
    async with build_agent(**settings_of(vllm)) as agent:
        before = len(vllm.received())
        turn = await agent.respond(SAID, options=Options(two_stage="inline"))
    assert turn.adjudication is None
    assert len(vllm.received()) == before + 1


async def test_that_drafts_of_a_model_that_babbles_are_set_aside_and_the_turn_is_sound(vllm: Served):
    async with build_agent(**settings_of(vllm, verifier="checks", two_stage="inline")) as agent:
        turn = await agent.respond(SAID)
    assert turn.reply is not None
    assert turn.reply.text.strip()
    assert all(objection.feedback for objection in turn.objections)


def test_that_the_grid_fills_its_tables(vllm: Served, tmp_path: Path):
    pytest.importorskip("sacrebleu", reason="metrics of replies need the `evals` extra")
    data = small_sets(tmp_path / "sets")
    wanted = ("--limit", "3", "--llm", vllm.url, "--data", str(data), "--out", str(tmp_path / "grid"))
    arms = [word for arm in ("labels", "hef+strategy", "shuffled", "adaptive") for word in ("--arm", arm)]
    with start("eval", "hef", *wanted, *arms, home=tmp_path) as process:
        out, err = process.communicate(timeout=MINUTES * 60)
    assert process.returncode == 0, err.decode()[-2000:]
    for words in ("hef/emotion", "hef/cause", "hef/reply", "LLM tiny", "LLM alone", "+ labels", "both pooled"):
        assert words in out.decode()
    assert {path.name for path in (tmp_path / "grid" / "reply").iterdir()} == {
        "plain.json", "hef+strategy.json", "labels.json", "shuffled.json",
    }  # fmt: skip
