"""Stateless conversations: the record of risk and the emotional state are rebuilt, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from http_serving import serving
from loop_parts import an_agent, offline

from agent.readings import Affect, RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import ScriptedGenerator
from agent.tracker import SmoothedTracker
from agent.turn import Turn


class Risk:
    """Takes "the pills" for a plan, and counts what it read."""

    name, reads, writes = "risk", frozenset({"text"}), "risk"

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, turns: Sequence[Turn]) -> list[RiskReading]:
        self.read.extend(turn.text for turn in turns)
        return [RiskReading("plan" if "the pills" in turn.text else "none") for turn in turns]


class Mood:
    """Reads affect."""

    name, reads, writes = "affect", frozenset({"text"}), "affect"

    def __call__(self, turns: Sequence[Turn]) -> list[Affect]:
        return [Affect(-0.8 if "sad" in turn.text else 0.8, 0.0, 0.0) for turn in turns]


def agent(*scripts: str, risk: Any = None, **parts: Any) -> Any:
    given = {"plugins": [risk or Risk(), Mood()], "guard": ProtocolGuard(), "tracker": SmoothedTracker()}
    return an_agent(
        ScriptedGenerator(*scripts, name="llm"), fallback=offline(*["Take care."] * 9), **(given | parts)
    )


def sent(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]


def heartline(answer: Any) -> dict[str, Any]:
    return answer.model_extra["heartline"]


def test_that_a_later_denial_does_not_clear_the_record_of_a_stateless_conversation():
    with serving(agent()) as server:
        about = heartline(server.ask(*sent("I have the pills here.", "I hear you.", "Just kidding, I'm fine.")))
    assert about["safety"]["level"] == "plan"
    assert about["safety"]["action"] == "escalate"
    assert about["reply"]["speaker"] == "protocol"


def test_that_state_and_record_are_the_same_as_of_a_conversation_that_is_kept():
    said = ["I feel sad.", "One.", "It's sunny today.", "Two.", "I feel sad again."]
    with serving(agent("One.", "Two.", "Three.")) as server:
        for text in said[::2]:
            kept = server.ask(text, extra_body={"heartline": {"conversation_id": "a"}})
    with serving(agent("Three.")) as server:
        given = server.ask(*sent(*said))
    assert heartline(kept)["state"] == heartline(given)["state"]
    # Nobody knows when a history from elsewhere was said, so that a sitting begins with it.
    assert heartline(kept)["safety"].pop("notices") == []
    assert len(heartline(given)["safety"].pop("notices")) == 1
    assert heartline(kept)["safety"] == heartline(given)["safety"]
    assert heartline(kept)["index"] == heartline(given)["index"] == 2


def test_that_who_comes_back_with_one_exchange_more_has_one_message_read():
    risk = Risk()
    with serving(agent("One.", "Two.", risk=risk)) as server:
        server.ask(*sent("First."))
        server.ask(*sent("First.", "One.", "Second."))
    assert risk.read == ["First.", "Second."]


def test_that_who_comes_with_another_history_has_all_of_it_read():
    risk = Risk()
    with serving(agent("One.", "Two.", risk=risk)) as server:
        server.ask(*sent("First."))
        server.ask(*sent("First.", "Another reply.", "Second."))
    assert risk.read == ["First.", "First.", "Second."]
