"""The public doubles are strict: too many calls fail, and so do too few."""

from __future__ import annotations

import pytest

from agent.decisions import Objection, Reply
from agent.errors import GenerationError, PluginError, TurnError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.readings import Affect, RiskReading
from agent.testing import BrokenPlugin, FixedPlugin, ScriptedGenerator, ScriptedVerifier, a_reading, a_turn
from agent.turn import Message
from tests.contracts.plugin_contract import PluginContract


async def pieces_of(generator: ScriptedGenerator) -> list[str | Reply]:
    return [piece async for piece in generator.generate(a_turn())]


async def test_that_a_script_is_said_word_by_word_and_then_whole():
    generator = ScriptedGenerator("I hear you.", name="echo")
    assert await pieces_of(generator) == ["I", " hear", " you.", Reply("I hear you.", "echo")]
    generator.verify()


async def test_that_scripts_are_said_in_turn():
    generator = ScriptedGenerator("One.", ["T", "wo."])
    assert (await pieces_of(generator))[-1] == Reply("One.", "scripted")
    assert await pieces_of(generator) == ["T", "wo.", Reply("Two.", "scripted")]
    generator.verify()


async def test_that_a_script_may_end_in_an_exception():
    pieces = ScriptedGenerator(["I", " hear", GenerationError("gone")]).generate(a_turn())
    assert [await anext(pieces), await anext(pieces)] == ["I", " hear"]
    with pytest.raises(GenerationError, match="gone"):
        await anext(pieces)


async def test_that_it_knows_the_turns_it_was_asked_for():
    generator = ScriptedGenerator("Yes.", reads=["text", "plan"])
    await pieces_of(generator)
    assert generator.turns == [a_turn()]
    assert generator.reads == {"text", "plan"}


async def test_that_asking_once_too_often_fails():
    generator = ScriptedGenerator("Only this.")
    await pieces_of(generator)
    with pytest.raises(AssertionError, match="'scripted' was asked 2 times and has no script left"):
        await pieces_of(generator)


async def test_that_asking_too_seldom_fails_in_the_end():
    generator = ScriptedGenerator("One.", "Two.", "Three.")
    await pieces_of(generator)
    with pytest.raises(AssertionError, match="'scripted' was never asked for 2 of its scripts"):
        generator.verify()


async def test_that_asking_too_often_is_seen_in_the_end_where_an_agent_went_on_without():
    generator, fallback = ScriptedGenerator("One."), ScriptedGenerator("Two.", name="offline")
    agent = Agent(plugins=[], generator=generator, fallback=fallback, store=InMemoryStore())
    for _ in range(2):
        await agent.respond("Are you there?")
    fallback.verify()
    with pytest.raises(AssertionError, match="'scripted' was asked 2 times; it had 1 script"):
        generator.verify()


def test_that_a_turn_for_tests_is_sound_and_takes_any_field():
    turn = a_turn("Hello.", index=3, history=(Message("seeker", "Hi."),), risk=RiskReading("none"))
    assert (turn.text, turn.index, turn.risk) == ("Hello.", 3, RiskReading("none"))
    assert a_turn() == a_turn()
    with pytest.raises(TurnError):
        turn.fill(risk=RiskReading("plan"))


@pytest.mark.parametrize("label", ["anxious", "content", "sad"])
@pytest.mark.parametrize("probability", [0.5, 0.7, 1.0])
def test_that_a_reading_for_tests_is_sound_for_every_label(label: str, probability: float):
    reading = a_reading(label, probability)
    assert reading.probabilities[label] == probability
    assert len(reading.probabilities) == 2


def test_that_a_fixed_plugin_keeps_the_turns_it_saw():
    plugin = FixedPlugin("emotion", a_reading())
    turns = [a_turn("one"), a_turn("two")]
    assert plugin(turns) == [a_reading(), a_reading()]
    assert plugin([a_turn("three")]) == [a_reading()]
    assert [turn.text for turn in plugin.seen] == ["one", "two", "three"]


def test_that_a_broken_plugin_breaks_on_its_word_only():
    plugin = BrokenPlugin("emotion", on="tent")
    assert plugin([a_turn("my bed"), a_turn("my chair")]) == [None, None]
    with pytest.raises(PluginError, match="'broken-emotion' fails on purpose"):
        plugin([a_turn("my bed"), a_turn("my tent")])


def test_that_a_broken_plugin_breaks_with_what_it_was_given():
    with pytest.raises(OSError, match="disk"):
        BrokenPlugin("emotion", error=OSError("disk"))([a_turn()])


class TestFixedEmotion(PluginContract):
    @pytest.fixture
    def plugin(self) -> FixedPlugin:
        return FixedPlugin("emotion", a_reading())


class TestFixedAffect(PluginContract):
    @pytest.fixture
    def plugin(self) -> FixedPlugin:
        return FixedPlugin("affect", Affect(-0.5, 0.5, 0.0), reads=["emotion", "expression"])


def test_that_a_scripted_verifier_answers_in_order_and_keeps_what_it_looked_at():
    objection = Objection("plan", "Follow the plan.")
    verifier = ScriptedVerifier(None, objection, ValueError("no"))
    turn = a_turn()
    assert verifier.check(turn, "Yes.", whole=False) is None
    assert verifier.check(turn, "Yes. No.", whole=True) == objection
    with pytest.raises(ValueError, match="no"):
        verifier.check(turn, "So.", whole=True)
    assert verifier.seen == [("Yes.", False), ("Yes. No.", True), ("So.", True)]
    assert verifier.turns == [turn] * 3
    verifier.verify()


def test_that_a_scripted_verifier_is_strict_in_both_directions():
    verifier = ScriptedVerifier(None)
    with pytest.raises(AssertionError, match="was asked 0 times; it had 1 answer"):
        verifier.verify()
    verifier.check(a_turn(), "Yes.", whole=True)
    with pytest.raises(AssertionError, match="no answer left"):
        verifier.check(a_turn(), "Yes.", whole=True)
    with pytest.raises(AssertionError, match="was asked 2 times"):
        verifier.verify()
