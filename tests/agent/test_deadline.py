"""The deadline of a turn: what asks an LLM is given up in time, and somebody answers all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from fake_llm_server import FakeLLMServer, says, stays_silent
from loop_parts import PlainComposer, Waiting, an_agent, offline

from agent.deadline import Deadline, in_time, pieces_in_time
from agent.decisions import Objection
from agent.errors import DeadlineError, LLMUnreachableError
from agent.generator import create
from agent.memory import InMemoryStore
from agent.options import Options
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard
from agent.turn import Turn

BOUND = 15.0
"""Seconds within which a turn with a deadline of a second is surely through, on a busy machine."""


def soon() -> Options:
    return Options(deadline=Deadline.within(1.0))


def passed() -> Options:
    return Options(deadline=Deadline.within(0))


class SlowReader:
    """A second reader that never comes back."""

    name = "slow"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.asked = self.ended = False

    async def look_again(self, turn: Turn) -> Turn:
        self.asked = True
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
        return turn


class SlowWindow(ScriptedGenerator):
    """Never learns how much its model can hold."""

    async def context_tokens(self) -> int | None:
        await asyncio.Event().wait()
        return None


class SlowVerifier:
    """Looks at a draft until it is let go."""

    name = "slow"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
        self.go_on.wait(BOUND)
        return None


async def test_that_work_in_time_gives_its_result_and_work_that_is_late_is_cancelled():
    ended = asyncio.Event()

    async def late() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    async def prompt() -> str:
        return "done"

    assert await in_time(Deadline.within(BOUND), prompt) == "done"
    assert await in_time(None, prompt) == "done"
    with pytest.raises(DeadlineError):
        await in_time(Deadline.within(0.01), late)
    assert ended.is_set()


async def test_that_work_is_not_begun_without_time():
    with pytest.raises(DeadlineError):
        await in_time(Deadline.within(0), lambda: pytest.fail("it was begun"))


async def test_that_a_limit_of_the_work_itself_is_not_taken_for_the_deadline():
    async def impatient() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await in_time(Deadline.within(BOUND), impatient)


async def test_that_pieces_come_until_the_time_is_over_and_their_source_is_closed():
    source = Waiting("One. ")
    turn: Any = None
    pieces = pieces_in_time(Deadline.within(1.0), source.generate(turn))
    assert await anext(pieces) == "One. "
    with pytest.raises(DeadlineError):
        await anext(pieces)
    assert source.closed


async def test_that_a_silent_llm_is_given_up_and_the_fallback_answers_in_time():
    store = InMemoryStore()
    with FakeLLMServer(says("I hear you."), stays_silent()) as llm:
        made = create(llm.settings(llm_timeout=60.0, llm_deadline=60.0))
        agent = an_agent(made, fallback=offline("Take care."), composer=PlainComposer(), store=store)
        await agent.respond("Hi.")  # the first request takes long on a busy machine: it loads a library
        began = time.monotonic()
        options = Options(deadline=Deadline.within(2.0))
        turn = await agent.respond("Hello.", conversation_id="a", options=options)
        assert time.monotonic() - began < BOUND
        assert llm.client_left.wait(BOUND)
        assert made._server.breaker.state == "closed"
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.stood_in_for) == ("Take care.", "openai")
    assert [(failure.stage, failure.error) for failure in turn.failures] == [("generate", "DeadlineError")]
    assert [kept.reply.text for kept in store.turns("a") if kept.reply] == ["Take care."]


async def test_that_short_deadlines_of_requests_do_not_make_the_llm_count_as_gone():
    with FakeLLMServer(says("Hi."), *[stays_silent()] * 6, says("I hear you.")) as llm:
        made = create(llm.settings())
        agent = an_agent(made, fallback=offline(*["Take care."] * 6), composer=PlainComposer())
        await agent.respond("Hi.")  # loads a library
        for asked in range(2, 8):
            turning = asyncio.create_task(agent.respond("Hello.", options=Options(deadline=Deadline.within(1.5))))
            await turning
            assert len(llm.requests) == asked
        turn = await agent.respond("Hello.")
    assert turn.reply is not None
    assert turn.reply.text == "I hear you."


async def test_that_what_was_said_in_time_is_the_reply_where_it_can_end_there():
    said = Waiting("I am sorry. That is a lot. And then", name="slow")
    agent = an_agent(said, fallback=offline("Take care."), guard=ScriptedGuard())
    turn = await agent.respond("Hello.", options=soon())
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.finish_reason) == ("I am sorry. That is a lot.", "cut")
    assert [failure.error for failure in turn.failures] == ["DeadlineError"]


async def test_that_the_fallback_begins_anew_where_it_cannot_end_there():
    agent = an_agent(Waiting("Two things help:", name="slow"), fallback=offline("Take care."))
    turn = await agent.respond("Hello.", options=soon())
    assert turn.reply is not None
    assert turn.reply.text == "Take care."


async def test_that_a_second_reader_is_given_up_and_the_llm_is_not_asked_any_more():
    reader, generator = SlowReader(), ScriptedGenerator("I hear you.")
    agent = an_agent(generator, second_reader=reader, fallback=offline("Take care."))
    turn = await agent.respond("Hello.", options=soon())
    assert reader.ended
    assert [failure.stage for failure in turn.failures] == ["reread", "generate"]
    assert {failure.error for failure in turn.failures} == {"DeadlineError"}
    assert turn.reply is not None
    assert turn.reply.text == "Take care."


async def test_that_without_time_nobody_is_asked_but_the_message_is_read_and_stored():
    store, reader = InMemoryStore(), SlowReader()
    agent = an_agent(
        ScriptedGenerator("I hear you."), second_reader=reader, fallback=offline("Take care."), store=store
    )
    turn = await agent.respond("Hello.", conversation_id="a", options=passed())
    assert not reader.asked
    assert turn.emotion is not None
    (kept,) = store.turns("a")
    assert kept.reply is not None
    assert kept.reply.text == "Take care."


async def test_that_how_much_a_model_holds_is_not_waited_for_beyond_the_deadline():
    generator = SlowWindow("I hear you.")
    agent = an_agent(generator, composer=PlainComposer(), fallback=offline("Take care."))
    turn = await agent.respond("Hello.", options=soon())
    assert turn.prompt is not None
    assert turn.reply is not None
    assert turn.reply.text == "Take care."


async def test_that_a_draft_that_could_not_be_looked_at_in_time_does_not_go_out():
    verifier = SlowVerifier()
    agent = an_agent(
        ScriptedGenerator("I hear you."), verifier=verifier, fallback=offline("Take care."), verifier_seconds=60.0
    )
    turn = await agent.respond("Hello.", options=soon())
    verifier.go_on.set()
    assert turn.reply is not None
    assert turn.reply.text == "Take care."
    assert [failure.error for failure in turn.failures] == ["DeadlineError"]


async def test_that_in_danger_the_protocol_answers_without_time_too():
    agent = an_agent(
        ScriptedGenerator("I hear you."),
        plugins=[FixedPlugin("risk", RiskReading("plan"))],
        guard=ProtocolGuard(),
        fallback=offline("Take care."),
    )
    turn = await agent.respond("Hello.", options=passed())
    assert turn.reply is not None
    assert turn.reply.speaker == "protocol"
    assert turn.failures == ()


async def test_that_with_nobody_to_stand_in_the_speaker_has_the_time_that_it_needs():
    agent = an_agent(ScriptedGenerator("I hear you."))
    turn = await agent.respond("Hello.", options=passed())
    assert turn.reply is not None
    assert turn.reply.text == "I hear you."


async def test_that_an_llm_that_fails_in_time_is_told_as_it_failed():
    broken = ScriptedGenerator([LLMUnreachableError("no connection")])
    agent = an_agent(broken, fallback=offline("Take care."))
    turn = await agent.respond("Hello.", options=Options(deadline=Deadline.within(BOUND)))
    assert [failure.error for failure in turn.failures] == ["LLMUnreachableError"]
