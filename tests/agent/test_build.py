"""From settings to an agent, and the front door that leads there."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import heartline
from agent.build import build_agent, build_perception
from agent.decisions import Reply
from agent.errors import DataError, HeartlineError, InputError, SettingsError, WeightsError, WiringError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.settings import Settings, load_settings
from agent.turn import Message
from tests.fake_llm_server import FakeLLMServer, says, tells

PUBLIC = [
    "Affect",
    "Agent",
    "CauseReading",
    "ChatHeartline",
    "EmotionReading",
    "EmotionalState",
    "EmpathyMiddleware",
    "EmpathyReading",
    "Event",
    "ExpressionReading",
    "FailureNoted",
    "FeltReading",
    "HeartlineError",
    "Message",
    "NoticeGiven",
    "Options",
    "Plan",
    "Rationale",
    "Reply",
    "ReplyFinished",
    "RiskReading",
    "SenseReading",
    "Settings",
    "StageFinished",
    "StageStarted",
    "StrategyReading",
    "Token",
    "Turn",
    "UndertoneReading",
    "__version__",
    "agent_runnable",
    "build_agent",
    "empathy_reader",
    "explainer",
    "load_settings",
    "ontology",
    "rationale_of",
    "retrace",
]

SAID = "My exam is tomorrow and I can't sleep."
MEMORY: dict[str, Any] = {"store": "memory"}
BARE: dict[str, Any] = {"plugins": ["risk"], "store": "memory", "tracker": None}
"""An agent that loads no weights. Only `Settings` itself takes None for an answer."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty: no settings are found there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a server that is down."""
    with socket.socket() as taken:  # bound and not listening: nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


# --- without an LLM ----------------------------------------------------------------------------


def test_that_without_settings_everything_is_there_and_the_offline_responder_answers():
    agent = build_agent(store="memory")
    turn = agent.respond_sync(SAID)
    assert turn.reply is not None
    assert (turn.reply.speaker, turn.reply.stood_in_for) == ("offline", None)
    assert turn.failures == ()
    for name in ("emotion", "expression", "affect", "cause", "risk", "state", "plan"):
        assert getattr(turn, name) is not None, name
    assert turn.course is not None
    assert not turn.escalated
    assert (agent.generator.name, agent.fallback, agent.composer) == ("offline", None, None)


def test_that_conversations_are_kept_where_the_settings_say(folder: Path):
    first = build_agent(store_path=folder / "kept.db")
    assert isinstance(first.store, SQLiteStore)
    first.respond_sync(SAID, conversation_id="c")
    first.store.close()
    again = build_agent(store_path=folder / "kept.db")
    turn = again.respond_sync("Are you there?", conversation_id="c")
    again.store.close()
    assert turn.index == 1
    assert turn.history[0] == Message("seeker", SAID)


def test_that_the_parts_are_those_that_are_named():
    agent = build_agent(**MEMORY, plugins=["risk", "affect", "emotion", "expression"])
    assert sorted(plugin.name for plugin in agent.perception.plugins) == [
        "affect",
        "emotion",
        "expression",
        "risk",
    ]
    assert isinstance(agent.store, InMemoryStore)
    assert agent.tracker is not None
    assert agent.planner is not None
    assert agent.guard is not None
    assert (agent.tracker.name, agent.planner.name, agent.guard.name) == ("filter", "rules", "protocol")


def test_that_numbers_reach_the_agent():
    agent = build_agent(**MEMORY, history_turns=3, max_message_characters=40, plugin_seconds=2.5)
    assert (agent.history_turns, agent.max_message_characters, agent.perception.seconds) == (3, 40, 2.5)
    with pytest.raises(InputError, match="the limit is 40"):
        agent.respond_sync("k" * 41)


def test_that_a_part_that_is_none_is_left_out():
    agent = build_agent(Settings(**BARE, planner=None, guard=None))
    assert (agent.tracker, agent.planner, agent.guard) == (None, None, None)
    assert agent.respond_sync(SAID).verdicts == ()


def test_that_ready_settings_can_be_overridden_one_by_one():
    settings = Settings(**BARE, history_turns=3)
    agent = build_agent(settings, history_turns=5, planner=None)
    assert agent.history_turns == 5
    assert agent.tracker is None, "what was switched off came back"
    assert agent.planner is not None, "an argument of None means: not given"
    assert [plugin.name for plugin in agent.perception.plugins] == ["risk"]
    assert settings.history_turns == 3


def test_that_an_override_is_checked_like_any_setting():
    with pytest.raises(SettingsError, match="`history_turns`"):
        build_agent(Settings(**BARE), history_turns=-1)
    with pytest.raises(SettingsError, match="No setting is called `planer`"):
        build_agent(Settings(**BARE), planer="rules")


@pytest.mark.parametrize("name", ["tracker", "planner", "guard", "store"])
def test_that_a_part_that_is_not_registered_is_answered_with_the_choices(name: str):
    with pytest.raises(SettingsError, match=rf"No {name} is called 'missing'\. Registered are: \w+"):
        build_agent(**MEMORY | {name: "missing"})


def test_that_plugins_that_do_not_fit_are_refused():
    with pytest.raises(WiringError, match="'undertone' reads `affect`, which nothing before it writes"):
        build_agent(plugins=["undertone"], store="memory")
    with pytest.raises(WiringError, match="'protocol' reads `risk`"):
        build_agent(plugins=["emotion", "expression", "affect"], store="memory")


def test_that_weights_that_are_not_there_are_told(folder: Path):
    with pytest.raises(WeightsError):
        build_agent(weights=folder, store="memory")


def test_that_reading_alone_opens_no_store(folder: Path):
    perception = build_perception(load_settings(plugins=["cause", "risk"]))
    assert perception.writes == {"cause", "risk"}
    assert not list(folder.iterdir())
    assert not list(Path.home().iterdir())


# --- with an LLM -------------------------------------------------------------------------------


def test_that_with_an_address_the_llm_comes_first_and_the_offline_responder_stands_in(nowhere: str):
    agent = build_agent(**MEMORY, llm_url=nowhere)
    assert agent.generator.name == "openai"
    assert agent.fallback is not None
    assert agent.fallback.name == "offline"
    assert agent.composer is not None
    assert agent.composer.name == "sections"


def test_that_an_address_in_the_environment_is_enough(nowhere: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_LLM_URL", nowhere)
    assert build_agent(**MEMORY).generator.name == "openai"


async def test_that_the_llm_is_asked_and_what_it_says_is_the_reply():
    with FakeLLMServer(says("That sounds ", "hard.", model="tiny-3b")) as server:
        agent = build_agent(**MEMORY, llm_url=server.url, llm_model="tiny", llm_context=8192)
        turn = await agent.respond(SAID)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.speaker, turn.reply.stood_in_for) == ("That sounds hard.", "tiny-3b", None)
    assert turn.prompt is not None
    sent = [{"role": message.role, "content": message.content} for message in turn.prompt.messages]
    assert server.requests[0].body["messages"] == sent
    assert sent[-1] == {"role": "user", "content": f"⟦{SAID}⟧"}, (
        "the likely cause is marked, and nothing else changed"
    )
    assert turn.failures == ()


async def test_that_where_the_llm_is_down_the_offline_responder_answers_and_the_turn_says_so(nowhere: str):
    agent = build_agent(**MEMORY, llm_url=nowhere, llm_model="tiny", llm_retries=0)
    turn = await agent.respond(SAID)
    assert turn.reply is not None
    assert (turn.reply.speaker, turn.reply.stood_in_for) == ("offline", "openai")
    [failure] = turn.failures
    assert (failure.stage, failure.part, failure.error) == ("generate", "openai", "LLMUnreachableError")
    assert SAID not in failure.message


async def test_that_a_message_of_danger_never_reaches_the_llm():
    with FakeLLMServer() as server:  # fails on any request
        agent = build_agent(**MEMORY, llm_url=server.url, llm_model="tiny", llm_context=8192)
        turn = await agent.respond("I want to kill myself.")
    assert turn.escalated
    assert isinstance(turn.reply, Reply)
    assert turn.reply.speaker == "protocol"


# --- the front door ----------------------------------------------------------------------------


def test_that_the_public_names_are_these():
    assert sorted(heartline.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_that_every_public_name_is_there(name: str):
    assert getattr(heartline, name) is not None
    assert name in dir(heartline)


def test_that_the_front_door_leads_to_the_real_things():
    assert heartline.build_agent is build_agent
    assert heartline.Agent is Agent
    assert heartline.Settings is Settings
    assert heartline.HeartlineError is HeartlineError


def test_that_any_other_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'heartline' has no attribute 'build_agnet'"):
        heartline.build_agnet  # noqa: B018 - looking it up is the test


HEAVY = ("torch", "gradio", "fastapi", "langchain", "onnxruntime", "sqlalchemy", "pydantic")


def test_that_importing_the_front_door_imports_nothing_heavy():
    program = "import heartline, sys; print(heartline.__version__, *sorted(sys.modules), sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    version, *imported = printed.split()
    assert version == heartline.__version__
    assert "heartline" in imported
    assert not {name.partition(".")[0] for name in imported} & set(HEAVY)


def test_that_the_names_of_the_front_door_come_one_by_one():
    program = "import heartline, sys; heartline.Turn; print(*sys.modules, sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    imported = set(printed.split())
    assert "agent.turn" in imported
    assert not imported & {*HEAVY, "agent.build", "agent.settings", "agent.loop"}


def test_that_an_llm_in_this_process_needs_no_url_and_says_what_it_needs():
    with pytest.raises(SettingsError, match=r"llm_model|heartline\[local\]"):
        build_agent(**MEMORY, generator="local")


def test_that_a_file_of_examples_brings_the_plugin_that_searches_it(tmp_path: Path):
    with pytest.raises(DataError, match="No file of examples at"):
        build_agent(**MEMORY, exemplars=tmp_path / "nowhere.npz")


async def test_that_a_second_look_is_asked_for_before_the_reply_and_kept_with_the_turn():
    with FakeLLMServer(tells("B"), says("That sounds hard.")) as server:
        settings = {"llm_url": server.url, "llm_model": "tiny", "llm_context": 8192, "two_stage": "adjudicated"}
        async with build_agent(**MEMORY, **settings) as agent:
            turn = await agent.respond(SAID, conversation_id="c")
            [stored] = agent.store.turns("c")
    assert turn.adjudication is not None
    assert turn.adjudication.said == turn.adjudication.before.primary[1]
    assert turn.emotion == turn.adjudication.after
    assert stored.adjudication == turn.adjudication
    assert turn.failures == ()
