"""The time to the first word, with the loop and without it: the same prompts, in the same order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from agent.settings import load_settings
from evals import llm_speed
from evals.llm_speed import app, compare, composing
from evals.timing import Spread, times
from tests.fake_llm_server import FakeLLMServer, Step, answers, fails, says

TURNS = 4
BLOCKS = 2


def settings_for(server: FakeLLMServer):
    known = {"llm_model": "tiny", "llm_context": 8192, "llm_retries": 0}
    return load_settings(llm_url=server.url, store="memory", two_stage="inline", **known)


def script(takes_salt: Step) -> list[Step]:
    """One conversation that warms up, the question after the salt, and one conversation a block, twice."""
    reply = says("I ", "hear you.")
    return [*[reply] * TURNS, takes_salt, *[reply] * (2 * TURNS * BLOCKS)]


@pytest.mark.parametrize("salted", [True, False])
async def test_that_the_prompts_of_the_loop_are_sent_again_byte_for_byte(*, salted: bool):
    with FakeLLMServer(*script(answers({}) if salted else fails(422))) as server:
        found = await compare(settings_for(server), at_once=1, conversations=1)
    assert found.ours.n == found.heard.n == found.alone.n == TURNS * BLOCKS
    assert 0 < found.alone.p50 <= found.alone.p95
    assert 0 < found.heard.p50 < found.ours.p50  # the guard held the first sentence back
    assert {"perceive", "compose", "hold"} <= set(found.stages)
    assert "generate" not in found.stages
    bodies = [request.body for request in server.requests][TURNS + 1 :]
    for block in range(BLOCKS):
        first = bodies[block * 2 * TURNS :][:TURNS]
        again = bodies[(block * 2 + 1) * TURNS :][:TURNS]
        assert [body["messages"] for body in again] == [body["messages"] for body in first]
        assert {"cache_salt" in body for body in again} == {salted}
        for name in ("model", "temperature", "max_tokens", "stream"):
            assert [body[name] for body in again] == [body[name] for body in first]


def test_that_a_prompt_after_200_turns_is_written_and_timed():
    with FakeLLMServer() as server:
        spread = composing(settings_for(server), runs=10)
    assert 0 < spread.p50 <= spread.p95
    assert spread.n == 10


def test_that_writing_a_prompt_takes_no_more_than_in_proportion_to_what_was_said(monkeypatch: pytest.MonkeyPatch):
    fastest: list[float] = []

    def kept(job: Callable[[int], object], *, runs: int) -> list[float]:
        taken = times(job, runs=runs)
        # Not the others: how long they had to wait for a core is the machine's matter.
        fastest.append(min(taken))
        return taken

    monkeypatch.setattr(llm_speed, "times", kept)
    with FakeLLMServer() as server:
        for turns in (100, 200):
            composing(settings_for(server), turns=turns, runs=40)
    assert fastest[1] <= 3 * fastest[0]


def test_that_a_server_that_is_not_there_is_told_of(unused_port: int):
    done = CliRunner().invoke(app, ["--llm", f"http://127.0.0.1:{unused_port}/v1"])
    assert done.exit_code == 1
    assert "cannot be reached" in done.stderr


def test_that_the_table_has_both_sides(monkeypatch: pytest.MonkeyPatch):
    async def quick(settings, *, at_once, conversations, pause):
        ours, heard = Spread(100.0 + at_once, 200.0, 8), Spread(95.0 + at_once, 180.0, 8)
        return llm_speed.Compared(ours, heard, Spread(90.0, 150.0, 8), {"perceive": 20.0})

    monkeypatch.setattr(llm_speed, "compare", quick)
    monkeypatch.setattr(llm_speed, "composing", lambda settings: Spread(1.5, 2.5, 10))
    done = CliRunner().invoke(app, ["--llm", "http://127.0.0.1:9/v1", "--two-stage", "inline"])
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("inline")]
    assert rows[0] == ["inline", "1", "shown,", "p50", "101.0", "90.0", "+11.0", "8+8"]
    assert rows[2] == ["inline", "1", "came,", "p50", "96.0", "90.0", "+6.0", "8+8"]
    assert rows[6][:7] == ["inline", "16", "came,", "p50", "111.0", "90.0", "+21.0"]
    assert "p50 1.50 ms" in done.stdout


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
