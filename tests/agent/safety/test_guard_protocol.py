"""The guard by protocol, alone and in a real agent in which parts break."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.build import build_agent
from agent.decisions import Blocked
from agent.errors import SettingsError, StoreError
from agent.events import Token
from agent.loop import Agent
from agent.perception import Perception
from agent.readings import RiskReading
from agent.safety.course import RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.safety.outgoing import load_outgoing
from agent.safety.protocol import load_protocol
from agent.testing import FixedPlugin, a_turn
from agent.turn import Turn
from tests.fake_llm_server import FakeLLMServer, says
from tests.loop_parts import events_of, finished_turn

SAID = "My sister moved away in March."
LEAK = "That is a lot to carry. Take all of your pills at once with vodka. Then lie down."
NOT_READ = load_protocol().say["unread.check"]


class Hangs:
    """Reads nothing until it is let go."""

    name, writes, reads = "hangs", "risk", frozenset({"text"})

    def __init__(self, let_go: threading.Event) -> None:
        self.let_go = let_go

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Any]:
        self.let_go.wait(60)
        return [RiskReading("none") for _ in turns]


class Breaks(FixedPlugin):
    """Raises what it was given."""

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Any]:
        raise self.reading


class Forgetting:
    """Lets a store recall and nothing else."""

    def __init__(self, store: Any) -> None:
        self.name, self.recall, self.close = store.name, store.recall, store.close

    def append(self, turn: Turn) -> Turn:
        raise StoreError("The disk is full.")


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def an_agent(tmp_path: Path, store: str = "memory", **given: Any) -> Agent:
    kept = {"store": "memory"} if store == "memory" else {"store_path": tmp_path / "kept.db"}
    return build_agent(**kept, plugins=["risk", "affect", "emotion", "expression"], second_reader="none", **given)


def with_risk(agent: Agent, plugin: Any, *, seconds: float = 5.0) -> Agent:
    others = [part for part in agent.perception.plugins if part.writes == "emotion"]
    agent.perception = Perception([*others, plugin], seconds=seconds)
    agent.tracker = None
    return agent


def asks_whether_safe(turn: Turn) -> bool:
    return turn.reply is not None and any(turn.reply.text.startswith(text) for text in NOT_READ)


# --- the guard alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risk", "text", "before", "action"),
    [
        (RiskReading("none"), SAID, None, "allow"),
        (RiskReading("distress"), SAID, None, "steer"),
        (RiskReading("none", probabilities={"self:ideation": 0.5}), SAID, None, "steer"),
        (RiskReading("ideation"), SAID, None, "escalate"),
        (RiskReading("acute", others="acute"), SAID, None, "escalate"),
        (None, SAID, None, "escalate"),
        (None, "I want to kill myself", None, "escalate"),
        (RiskReading("none"), SAID, RiskCourse("watch", peak="plan", quiet=9), "steer"),
        (RiskReading("none"), "just kidding", RiskCourse("acute", peak="acute"), "escalate"),
    ],
)
def test_that_a_verdict_follows_the_record(risk: Any, text: str, before: Any, action: str):
    turn = ProtocolGuard("GB").screen(a_turn(text, risk=risk, course_before=before))

    assert turn.verdicts[-1].action == action
    assert turn.course is not None
    assert (turn.care is None) == (action == "allow")
    assert text not in str(turn.verdicts)


@pytest.mark.parametrize("level", ["none", "watch", "distress"])
def test_that_whoever_asks_whether_it_is_an_ai_hears_it_once_and_nothing_beside(level: Any):
    guard = ProtocolGuard()
    before = RiskCourse(level=level, peak=level)
    turn = guard.screen(a_turn("Are you a real person?", risk=RiskReading("none"), course_before=before))
    assert turn.verdicts[-1].action == "escalate"  # the words of the guard are the whole reply
    assert turn.care is not None
    assert turn.care.words == guard.policy.on_asking


def test_that_a_reproach_for_being_a_program_is_answered_with_more_than_the_fact():
    guard = ProtocolGuard()
    reproached = guard.screen(a_turn("you're just a bot", risk=RiskReading("none"))).care
    asked = guard.screen(a_turn("are you a bot?", risk=RiskReading("none"))).care

    assert reproached is not None
    assert asked is not None
    assert reproached.words.startswith(asked.words)
    assert reproached.words.endswith(load_protocol().say["truth.told"])


def test_that_in_danger_the_truth_comes_with_the_care():
    guard = ProtocolGuard()
    before = RiskCourse(level="ideation", peak="ideation")
    turn = guard.screen(a_turn("Are you a real person?", risk=RiskReading("none"), course_before=before))
    assert turn.care is not None
    assert turn.care.words.startswith(guard.policy.on_asking)
    assert turn.verdicts[-1].reasons != ("asked whether it is an AI",)


def test_that_a_farewell_is_held_back_from_somebody_who_was_in_danger():
    guard = ProtocolGuard()
    course = RiskCourse("watch", peak="ideation")

    assert guard.check(a_turn(course=RiskCourse()), "", "Goodbye.") is None
    blocked = guard.check(a_turn(course=course), "", "Goodbye.")
    assert blocked is not None
    assert blocked.category == "farewell"


def test_that_what_is_said_instead_changes_from_turn_to_turn():
    guard = ProtocolGuard()
    blocked = [guard.check(a_turn(index=index), "", "You are worthless.") for index in range(3)]

    assert {one.instead for one in blocked if one} == set(load_outgoing().instead["shaming"])
    assert all(isinstance(one, Blocked) for one in blocked)


def test_that_an_unknown_country_is_refused_and_no_country_is_general():
    with pytest.raises(SettingsError, match="'XX'"):
        ProtocolGuard("XX")
    assert ProtocolGuard().country.emergency == ()


# --- in a real agent ---------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize(
    "plugin",
    [
        Breaks("risk", ValueError("broken")),
        FixedPlugin("risk", None),
        FixedPlugin("risk", float("nan")),
        FixedPlugin("risk", "none"),
    ],
    ids=["raises", "none", "nan", "text"],
)
def test_that_a_risk_reader_which_breaks_leads_to_the_question_whether_they_are_safe(
    tmp_path: Path, store: str, plugin: Any
):
    with FakeLLMServer() as server:  # nobody may ask the LLM
        agent = with_risk(
            an_agent(tmp_path, store, llm_url=server.url, llm_model="tiny", llm_context=8192), plugin
        )
        first = agent.respond_sync(SAID, conversation_id="c")
        second = agent.respond_sync("No.", conversation_id="c")
        agent.store.close()

    assert first.risk is None
    assert first.escalated
    assert asks_whether_safe(first)
    assert first.course is not None
    assert (first.course.level, first.course.asked) == ("watch", "safe")
    assert second.course_before == first.course
    assert second.course is not None
    assert second.course.level == "acute"
    assert second.reply is not None
    assert "emergency" in second.reply.text


def test_that_a_risk_reader_which_hangs_is_not_waited_for(tmp_path: Path, let_go: threading.Event):
    agent = with_risk(an_agent(tmp_path), Hangs(let_go), seconds=0.2)
    turn = agent.respond_sync(SAID)

    assert asks_whether_safe(turn)
    assert [(failure.part, failure.error) for failure in turn.failures] == [("hangs", "TimeoutError")]


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_that_danger_is_met_though_nothing_can_be_stored(tmp_path: Path, store: str):
    agent = with_risk(
        an_agent(tmp_path, store, country="GB"), FixedPlugin("risk", RiskReading("acute", ("self-harm",)))
    )
    kept, agent.store = agent.store, Forgetting(agent.store)
    turns = [agent.respond_sync(SAID, conversation_id="c") for _ in range(2)]
    kept.close()

    for turn in turns:
        assert turn.reply is not None
        assert "999" in turn.reply.text
        assert [failure.stage for failure in turn.failures] == ["remember"]


@pytest.mark.parametrize("size", [1, 3, 11])
async def test_that_what_an_llm_leaks_in_the_middle_is_never_shown_nor_stored(tmp_path: Path, size: int):
    pieces = [LEAK[start : start + size] for start in range(0, len(LEAK), size)]
    with FakeLLMServer(says(*pieces)) as server:
        agent = an_agent(tmp_path, "sqlite", llm_url=server.url, llm_model="tiny", llm_context=8192)
        with_risk(agent, FixedPlugin("risk", RiskReading("none")))
        events = await events_of(agent, SAID)
        turn = finished_turn(events)
        recalled = agent.store.recall("c", turns=4).messages
        await agent.aclose()

    shown = "".join(event.text for event in events if isinstance(event, Token))
    assert turn.reply is not None
    assert shown == turn.reply.text == recalled[-1].text
    assert shown.removeprefix("That is a lot to carry. ") in load_outgoing().instead["method"]
    assert "pills" not in repr(events)
    assert turn.reply.finish_reason == "cut"


async def test_that_an_llm_which_begins_with_harm_is_replaced_by_the_fallback(tmp_path: Path):
    with FakeLLMServer(says(*"You should kill yourself. I'm here.")) as server:
        agent = an_agent(tmp_path, llm_url=server.url, llm_model="tiny", llm_context=8192)
        with_risk(agent, FixedPlugin("risk", RiskReading("none")))
        turn = finished_turn(await events_of(agent, SAID))
        await agent.aclose()

    assert turn.reply is not None
    assert turn.reply.speaker == "offline"
    assert "kill" not in repr(turn)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_that_the_record_of_danger_outlives_free_turns_in_the_store(tmp_path: Path, store: str):
    plugin = FixedPlugin("risk", RiskReading("plan", ("self-harm",)))
    agent = with_risk(an_agent(tmp_path, store), plugin)
    turns = [agent.respond_sync("I have set a day.", conversation_id="c")]
    plugin.reading = RiskReading("none")
    turns += [agent.respond_sync("never mind, I was joking", conversation_id="c") for _ in range(14)]
    agent.store.close()

    levels = [turn.course.level for turn in turns if turn.course]
    assert levels == ["plan"] * 4 + ["ideation"] * 4 + ["distress"] * 3 + ["watch"] * 4
    assert [turn.escalated for turn in turns][:4] == [True, True, True, False]
    assert turns[-1].course is not None
    assert turns[-1].course.denials == 14
