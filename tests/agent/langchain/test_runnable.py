"""The agent as a Runnable."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from agent.errors import InputError
from agent.langchain.runnable import agent_runnable
from agent.options import Options
from agent.testing import ScriptedGenerator
from tests.loop_parts import SAID, STAGES, an_agent

THREAD: Any = {"configurable": {"thread_id": "t"}}


def test_that_a_text_gives_the_finished_turn_in_the_thread_of_the_config():
    agent = an_agent(ScriptedGenerator("One.", "Two."))
    runnable = agent_runnable(agent)
    assert runnable.invoke(SAID, THREAD).reply.text == "One."  # type: ignore[union-attr]
    assert runnable.invoke(SAID, THREAD).index == 1


async def test_that_a_mapping_names_conversation_and_options():
    agent = an_agent(ScriptedGenerator("One."))
    options = Options(variant="plain")
    turn = await agent_runnable(agent).ainvoke({"text": SAID, "conversation_id": "c", "options": options}, THREAD)
    assert (turn.conversation_id, turn.options) == ("c", options)


@pytest.mark.parametrize("asked", [3, {}, {"text": 3}, {"text": "Hi.", "thread": "x"}])
def test_that_anything_else_is_refused(asked: Any):
    with pytest.raises(InputError, match="conversation_id"):
        agent_runnable(an_agent(ScriptedGenerator())).invoke(asked)


async def test_that_a_stream_gives_the_turn_as_it_grows():
    turns = [turn async for turn in agent_runnable(an_agent(ScriptedGenerator("One."))).astream(SAID)]
    assert len({turn.id for turn in turns}) == 1
    assert turns[0].emotion is None
    assert turns[2].emotion is not None
    assert turns[-1].reply.text == "One."  # type: ignore[union-attr]


async def test_that_events_tell_of_tokens_and_stages():
    runnable = agent_runnable(an_agent(ScriptedGenerator("One two.")))
    events = [event async for event in runnable.astream_events(SAID, version="v2")]
    custom = [event for event in events if event["event"] == "on_custom_event"]
    assert "".join(e["data"]["text"] for e in custom if e["name"] == "heartline_token") == "One two."
    assert [e["data"]["stage"] for e in custom if e["name"] == "heartline_stage"] == STAGES
    assert events[-1]["data"]["output"].reply.text == "One two."  # type: ignore[union-attr]


async def test_that_it_stands_in_a_chain_that_streams():
    chain = agent_runnable(an_agent(ScriptedGenerator("One."))) | RunnableLambda(lambda turn: turn.reply.text)
    assert [piece async for piece in chain.astream(SAID)] == ["One."]


async def test_that_it_answers_synchronously_within_a_running_loop():
    assert agent_runnable(an_agent(ScriptedGenerator("One."))).invoke(SAID).reply.text == "One."  # type: ignore[union-attr]
