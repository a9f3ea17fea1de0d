"""`/v1/heartline/…`: readings, conversations, feedback, erasure, handoff."""

from __future__ import annotations

from typing import Any

import pytest
from http_serving import Serving, serving
from loop_parts import AskingPlanner, an_agent, offline

from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import Affect, RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin, ScriptedGuard, a_reading
from agent.tracker import SmoothedTracker


def talk(server: Serving, name: str, *texts: str) -> list[dict[str, Any]]:
    """What `heartline` says of each turn."""
    answers = [server.ask(text, extra_body={"heartline": {"conversation_id": name}}) for text in texts]
    return [answer.model_extra["heartline"] for answer in answers]


def of(server: Serving, path: str) -> Any:
    answer = server.http.get(f"/v1/heartline/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def agent(*scripts: str, **parts: Any) -> Any:
    readings = {"emotion": a_reading(), "affect": Affect(-0.5, 0.1, 0.0), "risk": RiskReading("none", (), ())}
    given = {
        "plugins": [FixedPlugin(name, reading) for name, reading in readings.items()],
        "planner": AskingPlanner(),
        "tracker": SmoothedTracker(),
        "guard": ScriptedGuard(),
        "fallback": offline(*["Take care."] * 3),
    }
    return an_agent(offline(*scripts), **(given | parts))


def test_that_messages_are_read_without_an_answer():
    with serving(agent()) as server:
        answer = server.post("/v1/heartline/analyze", {"input": ["One.", "Two."], "top": 1})
        assert answer.json()["version"] == 1
        assert [each["readings"]["emotion"]["probabilities"] for each in answer.json()["data"]] == [
            {"anxious": 0.7}, {"anxious": 0.7},
        ]  # fmt: skip
        assert len(server.post("/v1/heartline/analyze", {"input": "One."}).json()["data"]) == 1
        assert server.post("/v1/heartline/analyze", {"input": []}).status_code == 400
        assert server.post("/v1/heartline/analyze", {"input": " "}).json()["error"]["code"] == "invalid_message"
        assert server.service.store.conversations() == ()


def test_that_conversations_are_listed_in_pages_the_newest_first():
    with serving(agent("A.", "B.", "C.")) as server:
        for name in ("one", "two", "three"):
            talk(server, name, "Hello.")
        page = of(server, "conversations?limit=2")
        assert ([each["id"] for each in page["data"]], page["has_more"]) == (["three", "two"], True)
        page = of(server, "conversations?limit=2&after=two")
        assert ([each["id"] for each in page["data"]], page["has_more"]) == (["one"], False)
        assert server.http.get("/v1/heartline/conversations?after=zero").status_code == 404


def test_that_a_conversation_is_told_with_what_was_understood():
    with serving(agent("A.", "B.")) as server:
        first, second = talk(server, "one", "Hello.", "Again.")
        whole = of(server, "conversations/one")
        newest = of(server, "conversations/one?limit=1")
        server.http.post(
            "/v1/heartline/handoff", json={"action": "hold", "conversation_id": "one", "by": "Amy"}
        ).raise_for_status()
        (act,) = of(server, "conversations/one")["people"]
    assert [(turn["text"], turn["reply"]) for turn in whole["turns"]] == [("Hello.", "A."), ("Again.", "B.")]
    assert [turn["heartline"]["turn_id"] for turn in whole["turns"]] == [first["turn_id"], second["turn_id"]]
    assert whole["turns"][0]["heartline"]["plan"]["strategy"] == "question"
    assert ([turn["text"] for turn in newest["turns"]], newest["total_turns"]) == (["Again."], 2)
    assert (whole["people"], act["by"], act["did"], act["turns"]) == ([], "Amy", "took_over", 2)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_that_a_long_conversation_is_told_in_pages(kind: str, tmp_path):
    store = InMemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "c.db")
    with serving(agent(*"ABCDE", store=store)) as server:
        told = talk(server, "one", "1", "2", "3")
        for turn in told:
            rating = {"conversation_id": "one", "turn_id": turn["turn_id"], "rating": 1}
            assert server.post("/v1/heartline/feedback", rating).status_code == 204
        store.hold("one", by="Amy")
        store.release("one")
        told += talk(server, "one", "4", "5")
        store.hold("one", by="Ben")

        def page(query: str) -> tuple[Any, ...]:
            found = of(server, f"conversations/one?{query}")
            assert (found["total_turns"], found["held_by"]) == (5, "Ben")
            return (
                [turn["text"] for turn in found["turns"]],
                [each["turn_id"] for each in found["feedback"]],
                [(each["by"], each["did"]) for each in found["people"]],
                found["has_more"],
            )

        rated = [turn["turn_id"] for turn in told[:3]]
        amy, ben = [("Amy", "took_over"), ("Amy", "gave_back")], [("Ben", "took_over")]
        assert page("") == (["1", "2", "3", "4", "5"], rated, amy + ben, False)
        assert page("limit=1") == (["5"], [], ben, True)
        assert page(f"limit=2&before={told[4]['index']}") == (["3", "4"], rated[2:], amy, True)
        assert page(f"limit=2&before={told[2]['index']}") == (["1", "2"], rated[:2], [], False)
        assert page("before=0") == ([], [], [], False)
        for wrong in ("limit=0", "limit=1001", "before=-1"):
            assert server.http.get(f"/v1/heartline/conversations/one?{wrong}").status_code == 400
        assert server.http.get("/v1/heartline/conversations/two?before=0").status_code == 404


def test_that_a_trace_holds_no_words_unless_they_are_asked_for():
    with serving(agent("A.")) as server:
        talk(server, "one", "My dog Quillonby died.")
        trace = of(server, "conversations/one/trace")
        assert (trace["kind"], trace["conversation"], len(trace["turns"])) == ("trajectory", "one", 1)
        assert "Quillonby" not in str(trace)
        assert "Quillonby" in str(of(server, "conversations/one/trace?texts=true"))


def test_that_pages_of_a_trace_are_parts_of_the_whole():
    with serving(agent("A.", "B.", "C.", "D.")) as server:
        talk(server, "one", *(f"My dog Quillonby died, {number}." for number in range(4)))
        whole = of(server, "conversations/one/trace")
        newest = of(server, "conversations/one/trace?limit=2")
        oldest = of(server, f"conversations/one/trace?limit=2&before={whole['turns'][2]['index']}")
    assert (whole["has_more"], newest["has_more"], oldest["has_more"]) == (False, True, False)
    assert oldest["turns"] + newest["turns"] == whole["turns"]
    assert newest["opening"] == whole["turns"][1]["strategy"]["followed"]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_that_feedback_is_kept_replaced_and_erased_with_its_conversation(kind: str, tmp_path):
    store = InMemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "c.db")
    with serving(agent("A.", store=store)) as server:
        (turn,) = talk(server, "one", "Hello.")
        rating = {"conversation_id": "one", "turn_id": turn["turn_id"], "rating": -1, "reason": "Too\u202e short."}
        assert server.post("/v1/heartline/feedback", rating).status_code == 204
        (said,) = of(server, "conversations/one")["feedback"]
        assert (said["turn_id"], said["rating"], said["reason"]) == (turn["turn_id"], -1, "Too short.")
        assert server.post("/v1/heartline/feedback", rating | {"rating": 1, "reason": None}).status_code == 204
        (said,) = of(server, "conversations/one")["feedback"]
        assert (said["rating"], said["reason"]) == (1, None)
        for wrong in ({"turn_id": "x"}, {"conversation_id": "two"}):
            assert server.post("/v1/heartline/feedback", rating | wrong).status_code == 404
        for wrong in ({"rating": 2}, {"reason": "x" * 2001}):
            assert server.post("/v1/heartline/feedback", rating | wrong).status_code == 400
        assert server.http.delete("/v1/heartline/conversations/one").json()["data"] == [
            {"id": "one", "erased": True, "turns": 1}
        ]
        assert store.feedback("one") == ()


def test_that_several_are_erased_and_one_that_is_not_there_is_told():
    with serving(agent("A.", "B.", "C.")) as server:
        talk(server, "one", "Hello.")
        talk(server, "two", "Hello.", "Again.")
        answer = server.post("/v1/heartline/erase", {"conversation_ids": ["one", "none", "two"]}).json()
        assert [(each["id"], each["erased"], each["turns"]) for each in answer["data"]] == [
            ("one", True, 1), ("none", False, 0), ("two", True, 2),
        ]  # fmt: skip
        assert of(server, "conversations")["data"] == []


def test_that_a_person_takes_a_conversation_over_and_gives_it_back():
    with serving(agent("A.", "B.", guard=ProtocolGuard())) as server:
        talk(server, "one", "Hello.")
        taken = server.post("/v1/heartline/handoff", {"action": "hold", "conversation_id": "one", "by": "Ada"})
        assert taken.json()["held_by"] == "Ada"
        assert of(server, "conversations/one")["held_by"] == "Ada"
        (held,) = talk(server, "one", "Are you there?")
        assert held["safety"]["held_by"] == "Ada"
        assert held["reply"]["speaker"] == "protocol"
        other = server.post("/v1/heartline/handoff", {"action": "release", "conversation_id": "one", "by": "Ben"})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "held_by_another")
        given = server.post("/v1/heartline/handoff", {"action": "release", "conversation_id": "one"})
        assert given.json()["held_by"] is None
        nobody = server.post("/v1/heartline/handoff", {"action": "hold", "conversation_id": "one", "by": " "})
        assert nobody.status_code == 400
        unknown = server.post("/v1/heartline/handoff", {"action": "release", "conversation_id": "none"})
        assert unknown.status_code == 404


def test_that_packets_for_a_person_are_listed_and_a_store_without_them_says_so(tmp_path):
    said = "Can I talk to a human please?"
    with serving(agent(guard=ProtocolGuard(handoff_at="acute"), store=SQLiteStore(tmp_path / "c.db"))) as server:
        talk(server, "one", said)
        (packet,) = of(server, "handoff")["data"]
        assert (packet["conversation_id"], packet["reason"], packet["state"]) == ("one", "asked", "queued")
        stateless = server.ask(said)
        assert len(of(server, "handoff")["data"]) == 1
        talk(server, "two", said)
        newest = of(server, "handoff?limit=1")
        assert ([each["conversation_id"] for each in newest["data"]], newest["has_more"]) == (["two"], True)
        one = of(server, "handoff?conversation_id=one")
        assert ([each["id"] for each in one["data"]], one["has_more"]) == ([packet["id"]], False)
        assert of(server, "handoff?conversation_id=three")["data"] == []
    assert "nobody was notified" in stateless.choices[0].message.content
    with serving(agent()) as server:
        answer = server.http.get("/v1/heartline/handoff")
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "unsupported_by_store")


def test_that_a_packet_tells_who_waits_since_when_and_who_has_the_conversation(tmp_path):
    affect = FixedPlugin("affect", Affect(-0.5, 0.1, 0.0))
    risk = FixedPlugin("risk", RiskReading("acute", ("ideation",), ()))
    store = SQLiteStore(tmp_path / "c.db")
    with serving(agent(guard=ProtocolGuard(handoff_at="plan"), plugins=[affect, risk], store=store)) as server:
        for name in ("one", "two", "one"):
            talk(server, name, "Can I talk to a human please?")
        server.post("/v1/heartline/handoff", {"action": "hold", "conversation_id": "two", "by": "Amy"})
        packets = of(server, "handoff")["data"]
        assert [each["conversation_id"] for each in packets] == ["one", "two"]
        waiting, held = (each["call"] for each in packets)
        (taken,) = of(server, "conversations/two")["people"]
        assert waiting == {
            "state": "waiting", "since": packets[0]["created"], "level": "acute", "others": "none",
            "held_by": None, "held_since": None,
        }  # fmt: skip
        assert held == {
            "state": "held", "since": packets[1]["created"], "level": "acute", "others": "none",
            "held_by": "Amy", "held_since": taken["at"],
        }  # fmt: skip
        assert of(server, "handoff?limit=1")["data"][0]["call"] == held
        assert of(server, "handoff?conversation_id=two")["data"] == [packets[1]]
        server.post("/v1/heartline/handoff", {"action": "release", "conversation_id": "two"})
        (given_back,) = of(server, "handoff?conversation_id=two")["data"]
        assert (given_back["call"]["state"], given_back["call"]["held_since"]) == ("given_back", None)
