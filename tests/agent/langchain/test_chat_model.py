"""The chat model: whose conversation it is, what its messages carry, how it ends and fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from agent.errors import GenerationError, InputError, SettingsError
from agent.langchain.chat_model import ChatHeartline
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.record import from_record
from agent.resumed import NEWEST, SPOKEN_OUT
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin, ScriptedGenerator, a_reading
from tests.danger_word import DangerWord
from tests.fake_llm_server import WAIT, FakeLLMServer, hangs_up, says
from tests.loop_parts import AskingPlanner, Waiting, offline

# A busy machine makes reading slow, and risk that could not be read asks no LLM.
UNHURRIED = {"store": "memory", "second_reader": "none", "llm_context": 8192, "plugin_seconds": 60}
SAID = "My dog died and the flat is so quiet."


def agent(*scripts: Any, **parts: Any) -> Agent:
    given: dict[str, Any] = {
        "plugins": [FixedPlugin("emotion", a_reading())],
        "generator": ScriptedGenerator(*scripts),
        "planner": AskingPlanner(),
        "store": InMemoryStore(),
    }
    return Agent(**(given | parts))


def in_thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def turn_of(message: AIMessage) -> Any:
    return from_record(message.response_metadata["heartline"])


# --- what a message carries ------------------------------------------------------------------------


def test_that_the_reply_carries_the_typed_record_without_prompt_and_history():
    message = ChatHeartline(agent=agent("I hear you.")).invoke(
        [("human", "Hello."), ("ai", "Hi."), ("human", SAID)]
    )
    turn = turn_of(message)
    assert (message.content, turn.reply.text) == ("I hear you.", "I hear you.")
    assert turn.emotion.top(1)[0][0] == "anxious"
    assert turn.plan.chosen.id == "question"
    assert (turn.prompt, turn.history, turn.index) == (None, (), 1)
    assert message.response_metadata["model_name"] == "scripted"
    assert message.usage_metadata is None


def test_that_a_stream_adds_up_to_the_reply_and_its_record():
    whole: AIMessageChunk | None = None
    for chunk in ChatHeartline(agent=agent("I hear you.")).stream(SAID):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    assert whole.text == "I hear you."
    assert turn_of(whole).reply.text == "I hear you."  # type: ignore[arg-type]


def test_that_tokens_are_counted_where_the_server_counts():
    with FakeLLMServer(says("I hear ", "you.", usage=(40, 4))) as server:
        model = ChatHeartline(base_url=server.url, model="tiny", settings=UNHURRIED)
        message = model.invoke(SAID)
    assert message.usage_metadata == {"input_tokens": 40, "output_tokens": 4, "total_tokens": 44}
    assert message.response_metadata["model_name"] == "tiny"


# --- whose conversation it is ------------------------------------------------------------------------


def test_that_a_thread_is_kept_by_the_store_of_the_agent():
    parts = agent("One.", "Two.")
    model = ChatHeartline(agent=parts)
    model.invoke("First.", in_thread("a"))
    turn = turn_of(model.invoke("Second.", in_thread("a")))
    assert turn.index == 1
    assert [stored.text for stored in parts.store.turns("a")] == ["First.", "Second."]


def test_that_threads_do_not_know_of_each_other():
    parts = agent("One.", "Two.")
    model = ChatHeartline(agent=parts)
    model.invoke("First.", in_thread("a"))
    assert turn_of(model.invoke("Second.", in_thread("b"))).index == 0
    assert parts.generator.turns[-1].history == ()  # type: ignore[attr-defined]


def test_that_without_a_thread_nothing_is_stored_and_the_messages_are_the_conversation():
    parts = agent("Three.")
    messages = [
        HumanMessage("First."),
        AIMessage("One."),
        HumanMessage("Second."),
        AIMessage("Two."),
        HumanMessage(SAID),
    ]
    turn = turn_of(ChatHeartline(agent=parts).invoke(messages))
    assert turn.index == 2
    (spoken,) = parts.generator.turns  # type: ignore[attr-defined]
    assert [message.text for message in spoken.history] == ["First.", "One.", "Second.", "Two."]
    assert parts.store.conversations() == ()


def test_that_messages_along_with_a_thread_are_its_history_and_the_store_keeps_the_record():
    parts = agent("One.", "Two.")
    model = ChatHeartline(agent=parts)
    model.invoke([HumanMessage("Before."), AIMessage("Ah."), HumanMessage("First.")], in_thread("a"))
    model.invoke(
        [
            HumanMessage("Before."),
            AIMessage("Ah."),
            HumanMessage("First."),
            AIMessage("One."),
            HumanMessage("Next."),
        ],
        in_thread("a"),
    )
    first, second = parts.generator.turns  # type: ignore[attr-defined]
    assert [message.text for message in first.history] == ["Before.", "Ah."]
    assert [message.text for message in second.history] == ["Before.", "Ah.", "First.", "One."]
    assert [turn.index for turn in parts.store.turns("a")] == [0, 1]
    (plugin,) = parts.perception.plugins
    assert [turn.text for turn in plugin.seen] == ["Before.", "First.", "Next."]


def test_that_danger_in_earlier_messages_is_not_forgotten_without_a_store():
    parts = agent(guard=ProtocolGuard("GB"), fallback=offline(), plugins=[DangerWord()])
    model = ChatHeartline(agent=parts)
    messages = [HumanMessage("I want to kill myself."), AIMessage("Oh."), HumanMessage("That was a joke.")]
    turn = turn_of(model.invoke(messages))
    assert turn.course.was_in_danger
    assert turn.reply.speaker == "protocol"


def test_that_a_conversation_that_grows_is_read_once_a_turn():
    parts = agent("One.", "Two.", "Three.")
    (plugin,) = parts.perception.plugins
    model = ChatHeartline(agent=parts)
    messages: list[Any] = []
    for text in ("First.", "  Second. ", "Third."):
        messages.append(HumanMessage(text))
        messages.append(model.invoke(messages))
    assert [turn.text for turn in plugin.seen] == ["First.", "Second.", "Third."]
    assert turn_of(messages[-1]).index == 2


def test_that_what_is_read_of_a_long_conversation_is_bounded():
    parts = agent("Yes.")
    (plugin,) = parts.perception.plugins
    said = [message for n in range(100) for message in (HumanMessage(f"I want to die, {n}."), AIMessage("Oh."))]
    turn = turn_of(ChatHeartline(agent=parts).invoke([*said, HumanMessage("Bye.")]))
    assert len(plugin.seen) == NEWEST + SPOKEN_OUT + 1
    assert turn.index == 100


def test_that_a_notice_is_given_once_in_a_conversation_that_grows():
    said = ["One. Two.", "Three.", "Four."]
    parts = agent(*said, guard=ProtocolGuard("GB"), plugins=[DangerWord()], fallback=offline())
    model = ChatHeartline(agent=parts, stop=[" Two"])
    first = model.invoke("First.")
    second = model.invoke([HumanMessage("First."), first, HumanMessage("Second.")])
    elsewhere = model.invoke([HumanMessage("First."), AIMessage("Another reply."), HumanMessage("Second.")])
    assert [len(turn_of(message).notices) for message in (first, second, elsewhere)] == [1, 0, 1]


def test_that_the_strategy_of_our_own_replies_is_known_again():
    parts = agent("One.", "Two.")
    model = ChatHeartline(agent=parts)
    first = model.invoke("First.")
    model.invoke([HumanMessage("First."), first, HumanMessage("Second.")])
    assert parts.generator.turns[-1].history[-1].strategy == "question"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "metadata", [{"heartline": 3}, {"heartline": {"plan": None}}, {"heartline": {"plan": {"chosen": {"id": 5}}}}]
)
def test_that_strange_metadata_of_others_is_passed_over(metadata: dict[str, Any]):
    parts = agent("Two.")
    said = [HumanMessage("First."), AIMessage("One.", response_metadata=metadata), HumanMessage("Second.")]
    ChatHeartline(agent=parts).invoke(said)
    assert parts.generator.turns[-1].history[-1].strategy is None  # type: ignore[attr-defined]


def test_that_instructions_and_results_of_tools_are_no_part_of_the_dialogue():
    parts = agent("Yes.")
    messages = [
        SystemMessage("Be rude."),
        HumanMessage("First."),
        AIMessage("", tool_calls=[{"name": "x", "args": {}, "id": "1"}]),
        ToolMessage("secret", tool_call_id="1"),
        HumanMessage("Second."),
    ]
    ChatHeartline(agent=parts).invoke(messages)
    assert [message.text for message in parts.generator.turns[-1].history] == ["First."]  # type: ignore[attr-defined]


async def test_that_many_conversations_at_once_stay_apart():
    parts = agent(*["Yes."] * 10)
    model = ChatHeartline(agent=parts)
    calls = [([f"Message {n}."], in_thread(f"t{n}")) for n in range(10)]
    messages = await asyncio.gather(*(model.ainvoke(text, config) for text, config in calls))
    assert [turn_of(message).text for message in messages] == [f"Message {n}." for n in range(10)]
    assert len(parts.store.conversations()) == 10


def test_that_a_batch_may_name_a_thread_for_each():
    parts = agent("Yes.", "Yes.")
    ChatHeartline(agent=parts).batch(["A.", "B."], [in_thread("a"), in_thread("b")])
    assert {turn.text for name in ("a", "b") for turn in parts.store.turns(name)} == {"A.", "B."}


# --- how a reply ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [["hear"], ["zzz", "hear you"], ["r you"]])
def test_that_a_reply_ends_before_a_stop_text_whole_or_streamed(stop: list[str]):
    expected = "I hear you. Go on.".partition(stop[-1])[0]
    model = ChatHeartline(agent=agent("I hear you. Go on.", "I hear you. Go on."), stop=stop)
    assert model.invoke(SAID).text == expected
    assert "".join(chunk.text for chunk in model.stream(SAID)) == expected


def test_that_no_stop_text_cuts_the_words_of_the_protocol_off():
    parts = agent(guard=ProtocolGuard("GB"), fallback=offline(), plugins=[DangerWord()])
    model = ChatHeartline(agent=parts, stop=["\n", ". ", "e"])
    message = model.invoke("I want to kill myself.")
    assert message.text == turn_of(message).reply.text
    assert message.text.count(". ") >= 1
    chunks = list(model.stream("I want to kill myself.", stop=[" "]))
    assert "".join(chunk.text for chunk in chunks) == turn_of(chunks[-1]).reply.text
    assert " " in "".join(chunk.text for chunk in chunks)


def test_that_the_record_holds_what_was_said_and_not_what_a_stop_text_cut_off():
    parts = agent("I hear you. Go on.")
    message = ChatHeartline(agent=parts).invoke(SAID, in_thread("a"), stop=[" Go"])
    (kept,) = parts.store.turns("a")
    assert message.text == turn_of(message).reply.text == kept.reply.text == "I hear you."  # type: ignore[union-attr]


def test_that_where_the_llm_breaks_off_the_fallback_s_reply_stands_in_the_record():
    parts = agent(["I think ", GenerationError("gone")], fallback=offline("I am here."))
    chunks = list(ChatHeartline(agent=parts).stream(SAID))
    assert "".join(chunk.text for chunk in chunks) == "I think \n\nI am here."
    assert turn_of(chunks[-1]).reply.text == "I am here."
    parts = agent(["I think ", GenerationError("gone")], fallback=offline("I am here."))
    assert ChatHeartline(agent=parts).invoke(SAID).text == "I am here."


def test_that_a_dead_server_costs_no_reply():
    with FakeLLMServer(hangs_up()) as server:
        model = ChatHeartline(base_url=server.url, model="tiny", max_retries=0, settings=UNHURRIED)
        turn = turn_of(model.invoke(SAID))
    assert turn.reply.speaker == "offline"
    assert turn.reply.stood_in_for == "openai"


async def test_that_leaving_a_stream_stores_what_was_said():
    waiting = Waiting("Well")
    parts = agent(generator=waiting)
    stream = ChatHeartline(agent=parts).astream(SAID, in_thread("a"))
    assert (await anext(stream)).text == "Well"
    await stream.aclose()  # type: ignore[attr-defined]
    assert waiting.closed
    assert parts.store.turns("a")[0].reply.finish_reason == "interrupted"  # type: ignore[union-attr]


def test_that_leaving_a_synchronous_stream_lets_go_of_the_llm():
    with FakeLLMServer(says("Well. ", "I am", WAIT)) as server:
        model = ChatHeartline(base_url=server.url, model="tiny", settings=UNHURRIED)
        stream = model.stream(SAID)
        assert next(stream).text == "Well."
        stream.close()  # type: ignore[attr-defined]
        assert server.client_left.wait(10)


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages", [[AIMessage("Hi.")], [HumanMessage("Hi."), AIMessage("Hi.")], [SystemMessage("Be.")]]
)
def test_that_the_last_message_must_be_the_person_s(messages: list[Any]):
    with pytest.raises(InputError, match="HumanMessage"):
        ChatHeartline(agent=agent()).invoke(messages)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07"])
def test_that_an_empty_message_is_refused(text: str):
    with pytest.raises(InputError):
        ChatHeartline(agent=agent()).invoke([HumanMessage(text)])


def test_that_unknown_arguments_of_a_call_are_refused_with_the_choices():
    with pytest.raises(SettingsError, match=r"'top_p'.*thread_id.*variant"):
        ChatHeartline(agent=agent()).invoke(SAID, top_p=0.3)


def test_that_a_wrong_setting_shows_when_the_model_is_made():
    with pytest.raises(SettingsError, match="llm_temperature"):
        ChatHeartline(temperature=7)
    with pytest.raises(SettingsError, match="contry"):
        ChatHeartline(settings={"contry": "GB"})


def test_that_settings_beside_a_ready_agent_are_refused():
    with pytest.raises(SettingsError, match=r"llm_temperature, store"):
        ChatHeartline(agent=agent(), temperature=0.5, settings={"store": "memory"})


def test_that_no_key_and_no_address_shows_in_the_model_s_text():
    model = ChatHeartline(
        base_url="http://user:pass@127.0.0.1:9/v1", api_key="hidden", settings={"store": "memory"}
    )
    assert "hidden" not in repr(model) + str(model.asdict())
    assert "pass@" not in repr(model) + str(model.asdict())


def test_that_a_cache_of_everybody_s_does_not_answer_for_the_agent():
    set_llm_cache(InMemoryCache())
    try:
        model = ChatHeartline(agent=agent("One.", "Two."))
        assert [model.invoke(SAID).text, model.invoke(SAID).text] == ["One.", "Two."]
    finally:
        set_llm_cache(None)


async def test_that_closing_it_closes_the_agent_that_it_made_and_no_other():
    parts = agent("One.")
    model = ChatHeartline(agent=parts)
    await model.aclose()
    assert (await model.ainvoke(SAID)).text == "One."
