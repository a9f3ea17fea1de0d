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


def test_that_a_message_that_a_person_wrote_is_known_as_theirs_where_the_client_says_so():
    speaker = ScriptedGenerator("One.", "Two.", name="llm")
    made = agent()
    made.generator = speaker
    theirs = {"role": "assistant", "content": "I am Amy.", "heartline": {"human": True, "later": 1}}
    asked = [*sent("Hello.", "I hear you.", "Who is there?"), theirs, {"role": "user", "content": "Hi Amy."}]
    asked[0] = {**asked[0], "heartline": {"human": True}}  # only of what is not theirs can it be said
    with serving(made) as server:
        answer = server.ask(*asked)
        server.ask(*asked, {"role": "assistant", "content": answer.choices[0].message.content}, "Bye.")
        wrong = server.post(
            "/v1/chat/completions", {"messages": [*asked[:3], {**theirs, "heartline": {"human": "x"}}, asked[4]]}
        )
    marked = [[message.text for message in turn.history if message.human] for turn in speaker.turns]
    assert marked == [["I am Amy."], ["I am Amy."]]
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "messages[3].heartline.human")
