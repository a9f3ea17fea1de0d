"""An agent without an event loop."""

from __future__ import annotations

import pytest

from agent.errors import InputError, StoreError
from agent.events import ReplyFinished, Token
from agent.generator import create as openai
from agent.testing import ScriptedGenerator
from tests.fake_llm_server import WAIT, FakeLLMServer, says
from tests.loop_parts import SAID, PlainComposer, an_agent


def test_that_it_answers_and_streams_and_closes_at_the_end():
    with an_agent(ScriptedGenerator("One.", "Two words.")) as agent:
        turn = agent.respond_sync(SAID)
        events = list(agent.stream_sync(SAID, conversation_id=turn.conversation_id))
    assert "".join(event.text for event in events if isinstance(event, Token)) == "Two words."
    assert isinstance(events[-1], ReplyFinished)
    assert events[-1].turn.index == 1
    with pytest.raises(StoreError, match="closed"):
        agent.store.conversations()


async def test_that_it_answers_inside_a_running_loop_too():
    assert an_agent(ScriptedGenerator("One.")).respond_sync(SAID).reply.text == "One."  # type: ignore[union-attr]


def test_that_errors_come_out_as_they_are():
    with pytest.raises(InputError):
        an_agent(ScriptedGenerator()).respond_sync(" ")
    with pytest.raises(InputError):
        next(an_agent(ScriptedGenerator()).stream_sync(" "))


def test_that_stopping_early_stores_what_was_said_and_lets_go_of_the_llm():
    with FakeLLMServer(says("Well. ", WAIT)) as server:
        agent = an_agent(openai(server.settings()), composer=PlainComposer())
        events = agent.stream_sync(SAID, conversation_id="c")
        for event in events:
            if isinstance(event, Token):
                break
        events.close()  # type: ignore[attr-defined]
        assert server.client_left.wait(10)
    assert agent.store.turns("c")[0].reply.finish_reason == "interrupted"  # type: ignore[union-attr]
