"""Notices, whether somebody is a minor, and limits, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from http_serving import Serving, events_in, serving
from loop_parts import an_agent, offline

from agent.events import NoticeGiven, Token
from agent.limits import Limits
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.policies import load_policy
from agent.testing import FixedPlugin
from agent.turn import Message
from ui.http.notices import InContent, without_notices

POLICY = load_policy("default")
TOLD = f"{POLICY.disclosure}\n\nI hear you."
KEPT = {"heartline": {"conversation_id": "one"}}


def guarded(*replies: str, risk: str = "none", **parts: Any) -> Any:
    given = {"plugins": [FixedPlugin("risk", RiskReading(risk))], "guard": ProtocolGuard(), "fallback": offline()}
    return an_agent(offline(*replies), **(given | parts))


def answered(server: Serving, *messages: Any, stream: bool, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The content of an answer, and what `heartline` says of it."""
    if not stream:
        whole = server.ask(*messages, **fields)
        return whole.choices[0].message.content, whole.model_extra["heartline"]
    chunks = list(server.ask(*messages, stream=True, **fields))
    content = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return content, chunks[-1].model_extra["heartline"]


@pytest.mark.parametrize("stream", [False, True])
def test_that_it_stands_in_the_field_and_as_a_paragraph_and_the_reply_is_kept_without_it(*, stream: bool):
    store = InMemoryStore()
    with serving(guarded("I hear you.", "Go on.", store=store)) as server:
        content, about = answered(server, "Hello there.", stream=stream, extra_body=KEPT)
        assert (content, about["safety"]["notices"]) == (TOLD, [POLICY.disclosure])
        content, about = answered(server, "Hello again.", stream=stream, extra_body=KEPT)
        assert (content, about["safety"]["notices"]) == ("Go on.", [])
        shown = server.http.get("/v1/heartline/conversations/one").json()["turns"]
        assert [turn["reply"] for turn in shown] == ["I hear you.", "Go on."]


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_client_that_shows_the_field_gets_the_reply_alone(*, stream: bool):
    with serving(guarded("I hear you."), notices_in_content=False) as server:
        content, about = answered(server, "Hello there.", stream=stream)
    assert (content, about["safety"]["notices"]) == ("I hear you.", [POLICY.disclosure])


@pytest.mark.parametrize("stream", [False, True])
def test_that_in_danger_the_answer_comes_first(*, stream: bool):
    with serving(guarded(risk="plan")) as server:
        content, about = answered(server, "Hello there.", stream=stream)
    assert about["safety"]["action"] == "escalate"
    assert content.endswith(f"\n\n{POLICY.disclosure}")
    assert content.count(POLICY.disclosure) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_that_without_a_conversation_it_is_said_once_and_the_agent_does_not_read_it(*, stream: bool):
    speaker = offline("I hear you.", "Go on.")
    agent = guarded()
    agent.generator = speaker
    with serving(agent) as server:
        content, _ = answered(server, "Hello there.", stream=stream)
        history = ["Hello there.", {"role": "assistant", "content": content}]
        content, about = answered(server, *history, "Hello again.", stream=stream)
    assert (content, about["safety"]["notices"]) == ("Go on.", [])
    assert [message.text for message in speaker.turns[1].history] == ["Hello there.", "I hear you."]


def test_that_only_what_a_notice_added_is_taken_out_of_a_history():
    quoted = f"You read: {POLICY.disclosure}"
    history = [Message("seeker", TOLD), Message("supporter", quoted), Message("supporter", POLICY.reminder)]
    both = Message("supporter", f"{POLICY.reminder}\n\n{POLICY.break_prompt}\n\nYes.\n\n{POLICY.disclosure}")
    kept = without_notices([*history, both], ProtocolGuard())
    assert kept == (*history[:2], Message("supporter", "Yes."))
    assert without_notices(history, None) == tuple(history)


def test_that_a_notice_waits_for_the_first_word_since_a_call_of_a_tool_is_not_kept():
    content = InContent(wanted=True)
    assert list(content.added(NoticeGiven("This is an AI."))) == []
    assert list(content.added(Token("Yes"))) == ["This is an AI.\n\nYes"]
    assert list(content.added(Token("."))) == ["."]


def test_that_whoever_asks_for_stages_is_told_of_a_notice_too():
    with serving(guarded("I hear you.")) as server:
        body = {"messages": [{"role": "user", "content": "Hello."}], "stream": True, "heartline": {"events": True}}
        events = events_in(server.post("/v1/chat/completions", body).text)
    (told,) = [data["heartline"] for name, data in events if name == "heartline.notice"]
    assert told["text"] == POLICY.disclosure


@pytest.mark.parametrize("minor", [True, False, None])
def test_that_whether_somebody_is_a_minor_comes_with_the_request(minor: bool | None):  # noqa: FBT001
    speaker = offline("I hear you.")
    with serving(an_agent(speaker)) as server:
        server.ask("Hello.", extra_body={"heartline": {"minor": minor}})
    assert speaker.turns[0].options.minor is minor


@pytest.mark.parametrize("stream", [False, True])
def test_that_messages_that_come_too_fast_are_refused_with_a_time_to_wait(*, stream: bool):
    agent = an_agent(offline("One.", "Two."), limits=Limits(turns_per_minute=1), clock=lambda: 1_790_000_000.0)
    body = {"messages": [{"role": "user", "content": "Quillonby left."}], "stream": stream, **KEPT}
    with serving(agent) as server:
        assert server.post("/v1/chat/completions", body).status_code == 200
        refused = server.post("/v1/chat/completions", body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert (refused.json()["error"]["code"], refused.json()["error"]["type"]) == ("too_fast", "rate_limit_error")
    assert "Quillonby" not in refused.text


def test_that_what_waiting_does_not_help_is_refused_as_too_large():
    agent = an_agent(offline("One.", "Two."), limits=Limits(turns=1))
    with serving(agent) as server:
        for status in (200, 413):
            body = {"messages": [{"role": "user", "content": "Hello."}], **KEPT}
            answer = server.post("/v1/chat/completions", body)
            assert answer.status_code == status
        assert answer.json()["error"]["code"] == "over_limit"
        assert "retry-after" not in answer.headers
        long = {"input": "x" * 30_000}
        assert server.post("/v1/heartline/analyze", long).status_code == 413
