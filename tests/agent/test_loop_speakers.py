"""Who speaks: the generator, or the fallback where that fails or care is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agent.decisions import Plan, Reply, StageFailure, Verdict
from agent.errors import GenerationError, LLMUnreachableError
from agent.events import FailureNoted, Token
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import BrokenPlugin, FixedPlugin, ScriptedGenerator, ScriptedGuard, a_reading
from agent.turn import Message, Turn
from tests.loop_parts import (
    SAID,
    AskingPlanner,
    PlainComposer,
    Quotes,
    Speechless,
    an_agent,
    events_of,
    finished_turn,
    offline,
    told,
)


async def test_that_a_generator_that_fails_at_once_is_stood_in_for():
    failing = ScriptedGenerator([LLMUnreachableError("The LLM at 127.0.0.1 is gone.")])
    fallback = offline("I am here.")
    events = await events_of(an_agent(failing, fallback=fallback))
    assert [told(event) for event in events[15:-3]] == [
        "scripted failed",
        "'I'",
        "' am'",
        "' here.'",
        "generate .",
    ]
    turn = finished_turn(events)
    assert turn.reply == Reply("I am here.", "offline", stood_in_for="scripted")
    assert turn.failures == (
        StageFailure("generate", "scripted", "LLMUnreachableError", "The LLM at 127.0.0.1 is gone."),
    )
    fallback.verify()


async def test_that_a_generator_that_breaks_off_has_its_words_discarded():
    failing = ScriptedGenerator(["I he", GenerationError("It broke off.")])
    events = await events_of(an_agent(failing, fallback=offline("I am here.")))
    assert [told(event) for event in events[15:-3]] == [
        "'I he'",
        "scripted failed, discard",
        *("'I'", "' am'", "' here.'"),
        "generate .",
    ]
    [noted] = [place for place, event in enumerate(events) if isinstance(event, FailureNoted)]
    reply = finished_turn(events).reply
    assert reply is not None
    kept = "".join(event.text for event in events[noted:] if isinstance(event, Token))
    assert kept == reply.text == "I am here."


async def test_that_the_fallback_is_not_asked_where_the_generator_answers():
    fallback = offline()
    turn = await an_agent(ScriptedGenerator("Yes."), fallback=fallback).respond(SAID)
    assert turn.reply == Reply("Yes.", "scripted")
    fallback.verify()


@pytest.mark.parametrize("pieces", [(), ("I he",)])
async def test_that_a_generator_that_ends_without_a_reply_is_stood_in_for(pieces: tuple[str, ...]):
    turn = await an_agent(Speechless(*pieces), fallback=offline("I am here.")).respond(SAID)
    assert turn.reply == Reply("I am here.", "offline", stood_in_for="speechless")
    message = "Generator 'speechless' ended without a reply."
    assert turn.failures == (StageFailure("generate", "speechless", "GenerationError", message),)


@pytest.mark.parametrize("script", ["", " \n", "\x1b\x07"])
async def test_that_a_reply_of_nothing_is_stood_in_for(script: str):
    turn = await an_agent(ScriptedGenerator([script]), fallback=offline("I am here.")).respond(SAID)
    assert turn.reply == Reply("I am here.", "offline", stood_in_for="scripted")
    assert [failure.message for failure in turn.failures] == ["Generator 'scripted' gave an empty reply."]


async def test_that_a_generator_that_fails_while_it_lets_go_has_said_what_it_said():
    class Clumsy(ScriptedGenerator):
        async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
            try:
                async for piece in super().generate(turn):
                    yield piece
            finally:
                raise OSError("connection reset")

    fallback = offline()
    events = await events_of(an_agent(Clumsy("Yes."), fallback=fallback))
    assert [told(event) for event in events[15:-3]] == ["'Yes.'", "scripted failed", "generate ."]
    turn = finished_turn(events)
    assert turn.reply == Reply("Yes.", "scripted")
    assert turn.failures == (StageFailure("generate", "scripted", "OSError"),)
    fallback.verify()


async def test_that_what_a_generator_says_is_as_clean_as_what_a_person_says():
    store = InMemoryStore()
    events = await events_of(an_agent(ScriptedGenerator(["\x1b[2JI he", "ar\x00 \u202eyou."]), store=store))
    assert [event.text for event in events if isinstance(event, Token)] == ["[2JI he", "ar you."]
    assert store.turns("c")[0].reply == Reply("[2JI hear you.", "scripted")


async def test_that_what_is_no_generator_at_all_is_stood_in_for():
    turn = await an_agent(FixedPlugin("emotion", None), fallback=offline("I am here.")).respond(SAID)
    assert turn.reply is not None
    assert turn.reply.stood_in_for == "fixed-emotion"
    assert [failure.error for failure in turn.failures] == ["AttributeError"]


async def test_that_each_speaker_s_failure_is_its_own():
    store = InMemoryStore()
    failing = ScriptedGenerator([LLMUnreachableError("It is gone.")])
    agent = an_agent(failing, fallback=Speechless(name="offline"), store=store)
    with pytest.raises(GenerationError, match="'offline' ended without a reply"):
        await agent.respond(SAID, conversation_id="c")
    assert [(failure.part, failure.error) for failure in store.turns("c")[0].failures] == [
        ("scripted", "LLMUnreachableError"),
        ("offline", "GenerationError"),
    ]


@pytest.mark.parametrize("pieces", [(), ("I he",)])
async def test_that_where_both_fail_the_message_is_kept_and_their_words_are_not(pieces: tuple[str, ...]):
    store = InMemoryStore()
    failing = ScriptedGenerator([*pieces, GenerationError("The first failed.")])
    fallback = offline([*pieces, GenerationError("The second failed.")])
    with pytest.raises(GenerationError, match=r"^The second failed\.$"):
        await an_agent(failing, fallback=fallback, store=store).respond(SAID, conversation_id="c")
    [stored] = store.turns("c")
    assert (stored.text, stored.reply, stored.emotion) == (SAID, None, a_reading())
    assert [failure.part for failure in stored.failures] == ["scripted", "offline"]


async def test_that_without_a_fallback_the_error_is_the_generator_s():
    store = InMemoryStore()
    failing = ScriptedGenerator(["I he", LLMUnreachableError("It is gone.")])
    with pytest.raises(LLMUnreachableError, match=r"It is gone\."):
        await an_agent(failing, store=store).respond(SAID, conversation_id="c")
    assert store.turns("c")[0].reply is None
    assert store.recall("c", turns=9).messages == (Message("seeker", SAID),)


async def test_that_a_stranger_s_error_becomes_ours_without_its_message():
    store = InMemoryStore()
    with pytest.raises(GenerationError) as caught:
        await an_agent(Quotes(), store=store).respond(SAID, conversation_id="c")
    assert str(caught.value) == "'quotes' could not answer (ValueError)."
    assert isinstance(caught.value.__cause__, ValueError)
    assert store.turns("c")[0].text == SAID


async def test_that_the_conversation_goes_on_after_a_turn_without_a_reply():
    agent = an_agent(ScriptedGenerator([GenerationError("Gone.")], "I am back."))
    with pytest.raises(GenerationError):
        await agent.respond("The tent leaks.", conversation_id="c")
    turn = await agent.respond("Are you there?", conversation_id="c")
    assert (turn.index, turn.history) == (1, (Message("seeker", "The tent leaks."),))


RISKY = FixedPlugin("risk", RiskReading("plan"))


@pytest.mark.parametrize(
    "risk", [RISKY, BrokenPlugin("risk"), FixedPlugin("risk", None)], ids=["danger", "failed", "cannot tell"]
)
async def test_that_a_turn_in_danger_never_reaches_the_generator(risk: Any):
    generator, fallback, guard = ScriptedGenerator(), offline("I am here."), ScriptedGuard(reads=("risk",))
    agent = an_agent(generator, plugins=[risk], guard=guard, composer=PlainComposer(), fallback=fallback)
    turn = await agent.respond(SAID)
    assert turn.escalated
    assert turn.reply == Reply("I am here.", "offline")
    assert [asked.escalated for asked in fallback.turns] == [True]
    generator.verify()
    fallback.verify()


async def test_that_a_turn_in_danger_does_not_turn_to_the_generator_where_the_fallback_fails():
    generator, store = ScriptedGenerator(), InMemoryStore()
    agent = an_agent(
        generator, plugins=[RISKY], guard=ScriptedGuard(), fallback=offline([GenerationError("No.")]), store=store
    )
    with pytest.raises(GenerationError, match="No"):
        await agent.respond(SAID, conversation_id="c")
    assert store.turns("c")[0].escalated
    generator.verify()


async def test_that_a_guard_that_fails_takes_the_cautious_path():
    generator, fallback = ScriptedGenerator(), offline("I am here.")
    turn = await an_agent(generator, guard=Quotes(), fallback=fallback).respond(SAID)
    assert turn.verdicts == (Verdict("escalate", "quotes", ("the guard failed",)),)
    assert turn.failures[0] == StageFailure("screen", "quotes", "ValueError")
    assert turn.reply is not None
    assert (turn.reply.speaker, turn.reply.finish_reason) == (
        "offline",
        "cut",
    )  # nobody could look at what it says
    generator.verify()


async def test_that_the_planner_knows_the_verdict():
    seen: list[Turn] = []

    class Watching(AskingPlanner):
        async def plan(self, turn: Turn) -> Plan:
            seen.append(turn)
            return await super().plan(turn)

    agent = an_agent(
        ScriptedGenerator(), plugins=[RISKY], guard=ScriptedGuard(), planner=Watching(), fallback=offline("Here.")
    )
    await agent.respond(SAID)
    assert [turn.escalated for turn in seen] == [True]


async def test_that_a_guard_that_allows_changes_nothing():
    agent = an_agent(
        ScriptedGenerator("Yes."),
        plugins=[FixedPlugin("risk", RiskReading("distress"))],
        guard=ScriptedGuard(),
        fallback=offline(),
    )
    turn = await agent.respond(SAID)
    assert turn.verdicts == (Verdict("allow", "scripted"),)
    assert turn.reply == Reply("Yes.", "scripted")


async def test_that_the_words_of_care_are_shown_as_they_are_stored():
    generator = ScriptedGenerator()
    events = await events_of(an_agent(generator, plugins=[RISKY], guard=ProtocolGuard(), fallback=offline()))
    reply = finished_turn(events).reply
    assert reply is not None
    assert reply.speaker == "protocol"
    assert "".join(event.text for event in events if isinstance(event, Token)) == reply.text
    generator.verify()
