"""Agents with other parts, and agents that are warm before they are asked."""

from __future__ import annotations

from threading import Event

import pytest

from agent import parts
from agent.build import build_agent
from agent.memory import InMemoryStore
from agent.parts import prepare_aside, warm, warm_meanwhile, with_parts
from agent.safety import situations
from agent.settings import load_settings
from agent.testing import ScriptedGenerator


def test_that_another_part_is_the_others_alone():
    agent = build_agent(load_settings(store="memory", plugins=[], guard="none"))
    other = with_parts(agent, store=InMemoryStore())
    assert other.store is not agent.store
    assert other.perception is agent.perception


def test_that_warming_answers_nobody_and_calls_no_llm():
    llm = ScriptedGenerator()
    agent = build_agent(load_settings(store="memory", plugins=[], guard="none"))
    agent.generator, agent.fallback = llm, agent.generator
    warm(agent)
    assert not llm.turns
    assert not agent.store.conversations()


def test_that_who_waits_goes_on_once_it_is_warm():
    begun, may_end = Event(), Event()

    class Slow(ScriptedGenerator):
        async def generate(self, turn):
            begun.set()
            assert may_end.wait(30)
            async for piece in super().generate(turn):
                yield piece

    agent = build_agent(load_settings(store="memory", plugins=[], guard="none"))
    agent.generator = slow = Slow("Good morning.")
    ready = warm_meanwhile(agent)
    assert begun.wait(30)
    may_end.set()
    ready()
    assert len(slow.turns) == 1


def test_that_once_it_is_warm_a_message_about_danger_waits_for_no_pattern():
    warm(build_agent(load_settings(store="memory", plugins=[], guard="none")))
    compiled = situations._compiled.cache_info().currsize
    assert situations.read_situation("My husband just hit me and he is at the door with a knife.") is not None
    assert situations.asks_where_to_turn("Who can I call?")
    assert situations._compiled.cache_info().currsize == compiled


def test_that_patterns_are_compiled_aside_while_nobody_is_answered_and_in_the_end_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    waited: list[float] = []
    monkeypatch.setattr(parts.time, "sleep", waited.append)
    asked: list[bool] = []
    prepare_aside(lambda: bool(asked.append(True))).join(30)
    assert (waited, len(asked) > 30) == ([], True)
    situations._compiled.cache_clear()
    prepare_aside(lambda: True).join(30)  # streams may stand open for hours
    assert 0 < sum(waited) < 30
    compiled = situations._compiled.cache_info().currsize
    assert situations.read_situation("My husband just hit me and he is at the door with a knife.") is not None
    assert situations._compiled.cache_info().currsize == compiled
