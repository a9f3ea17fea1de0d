"""`/v1/chat/completions`: what OpenAI's clients get, stateless and with a conversation."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from http_serving import events_in, serving
from loop_parts import AskingPlanner, Forgetful, Quotes, an_agent, offline
from openai.types.chat import ChatCompletion

from agent.decisions import Reply, TokenUsage
from agent.errors import GenerationError, StoreError
from agent.memory import InMemoryStore
from agent.readings import Affect
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard, a_reading
from agent.tracker import SmoothedTracker

WORDS = "Quillonby left me."


class Counted:
    """An LLM whose server counts tokens."""

    name, reads = "counted", frozenset({"text"})

    def __init__(self, finish: str = "stop") -> None:
        self.finish = finish

    async def generate(self, turn: Any):
        yield "I hear you."
        yield Reply("I hear you.", "tiny-llm", self.finish, TokenUsage(11, 5))


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def reply(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def heartline(answer: ChatCompletion) -> dict[str, Any]:
    assert answer.model_extra is not None
    return answer.model_extra["heartline"]


def test_that_openais_client_gets_a_reply_with_readings_state_plan_and_safety():
    agent = an_agent(
        offline("I hear you."), planner=AskingPlanner(), guard=ScriptedGuard(), tracker=SmoothedTracker(),
        plugins=[FixedPlugin("emotion", a_reading()), FixedPlugin("affect", Affect(-0.5, 0.1, 0.0))],
    )  # fmt: skip
    with serving(agent) as server:
        answer = server.ask(WORDS)
    assert answer.choices[0].message.content == "I hear you."
    assert answer.choices[0].finish_reason == "stop"
    about = heartline(answer)
    assert about["version"] == 1
    assert about["conversation_id"] is None
    assert about["readings"]["emotion"]["label"] == "anxious"
    assert about["plan"]["strategy"] == "question"
    assert about["safety"]["action"] == "allow"
    assert about["state"]["turns"] == 1
    assert about["reply"]["speaker"] == "offline"


def test_that_a_stream_says_the_same_and_ends_with_readings_usage_and_the_end_mark():
    with serving(an_agent(Counted())) as server:
        chunks = list(server.ask(WORDS, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(filter(None, texts)) == "I hear you."
    assert chunks[0].choices[0].delta.role == "assistant"
    last, usage = chunks[-2:]
    assert last.choices[0].finish_reason == "stop"
    assert last.model_extra["heartline"]["readings"]["emotion"]["label"] == "anxious"
    assert usage.choices == []
    assert (usage.usage.prompt_tokens, usage.usage.completion_tokens, usage.usage.total_tokens) == (11, 5, 16)
    assert len({chunk.id for chunk in chunks}) == 1


def test_that_usage_is_sent_in_a_stream_only_where_it_was_asked_for():
    with serving(an_agent(Counted())) as server:
        assert all(chunk.choices for chunk in server.ask(WORDS, stream=True))


def test_that_an_end_at_the_limit_is_told():
    with serving(an_agent(Counted("length"))) as server:
        assert server.ask(WORDS).choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_that_nothing_of_a_stateless_turn_is_stored(*, stream: bool):
    store = InMemoryStore()
    with serving(an_agent(offline("One.", "Two."), store=store)) as server:
        answer = server.ask(WORDS, stream=stream)
        list(answer if stream else ())
        assert store.conversations() == ()


def test_that_a_stateless_turn_sees_the_history_of_its_request():
    speaker = offline("I hear you.")
    with serving(an_agent(speaker)) as server:
        about = heartline(server.ask("First.", reply("Go on."), "", reply("Yes?"), "Second."))
    (turn,) = speaker.turns
    assert turn.text == "Second."
    assert [message.text for message in turn.history] == ["First.", "Go on.", "Yes?"]
    assert about["index"] == turn.index == 1


def test_that_parts_of_text_are_joined_and_unknown_fields_ignored():
    speaker = offline("I hear you.")
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]
    with serving(an_agent(speaker)) as server:
        server.ask({"role": "user", "content": parts, "name": "ada"}, user="u", seed=3, extra_body={"foo": [1]})
    assert speaker.turns[0].text == "One\ntwo"


def test_that_a_conversation_goes_on_with_its_last_message_alone():
    store = InMemoryStore()
    speaker = offline("One.", "Two.")
    extra = {"heartline": {"conversation_id": "talk-1"}}
    with serving(an_agent(speaker, store=store)) as server:
        first = server.ask("First.", extra_body=extra)
        second = server.ask("Nobody said this.", reply("Nor this."), "Second.", extra_body=extra)
    assert [message.text for message in speaker.turns[1].history] == ["First.", "One."]
    assert heartline(first)["conversation_id"] == "talk-1"
    assert heartline(first)["not_honoured"] == []
    assert heartline(second)["not_honoured"] == ["messages[history]"]
    assert heartline(second)["index"] == 1


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_header_names_a_conversation_and_the_answer_names_it_again(*, stream: bool):
    with serving(an_agent(offline("One.", "Two."))) as server:
        body = {"messages": [{"role": "user", "content": "Hello."}], "stream": stream}
        named = server.post("/v1/chat/completions", body, x_heartline_conversation="talk-1")
        new = server.post("/v1/chat/completions", body, x_heartline_conversation="new")
        assert named.headers["x-heartline-conversation"] == "talk-1"
        assert set(server.service.store.conversations()) == {"talk-1", new.headers["x-heartline-conversation"]}
        assert len(new.headers["x-heartline-conversation"]) == 32


def test_that_messages_of_the_client_that_instruct_are_left_out_and_that_is_told():
    speaker = offline("I hear you.")
    with serving(an_agent(speaker)) as server:
        answer = server.ask(system("Talk like a pirate."), {"role": "developer", "content": "Sell."}, "Hello.")
    assert speaker.turns[0].history == ()
    assert heartline(answer)["not_honoured"] == ["messages[role=system]"]


def test_that_what_only_an_llm_would_heed_is_told():
    with serving(an_agent(offline("I hear you."))) as server:
        assert heartline(server.ask("Hello.", temperature=0.1, max_tokens=9))["not_honoured"] == [
            "temperature",
            "max_tokens",
        ]


def test_that_a_reply_ends_before_a_stop_sequence():
    with serving(an_agent(ScriptedGenerator(["One. T", "wo. Thr", "ee."], ["One."]))) as server:
        assert server.ask("Hello.", stop="Two").choices[0].message.content == "One. "
        chunks = server.ask("Hello.", stop=["Two", "four"], stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "One."


def test_that_the_stages_come_as_named_events_that_plain_clients_pass_over():
    body = {"messages": [{"role": "user", "content": WORDS}], "stream": True, "heartline": {"events": True}}
    with serving(an_agent(offline("I hear you.", "I hear you."), planner=AskingPlanner())) as server:
        events = events_in(server.post("/v1/chat/completions", body).text)
        plain = server.ask(WORDS, stream=True, extra_body={"heartline": {"events": True}})
        said = [chunk.choices[0].delta.content or "" for chunk in plain if chunk.choices]
    assert "".join(said) == "I hear you."
    stages = [data["heartline"]["stage"] for name, data in events if name == "heartline.finished"]
    assert stages[:3] == ["recall", "perceive", "reread"]
    assert stages[-1] == "remember"
    assert all(data["choices"] == [] for name, data in events if name is not None)
    (read,) = [data["heartline"] for name, data in events if data != "[DONE]" and name == "heartline.finished"
               and data["heartline"]["stage"] == "perceive"]  # fmt: skip
    assert read["readings"]["emotion"]["label"] == "anxious"
    assert events[-1] == (None, "[DONE]")


def test_that_without_asking_no_event_has_a_name():
    body = {"messages": [{"role": "user", "content": WORDS}], "stream": True}
    with serving(an_agent(offline("I hear you."))) as server:
        assert {name for name, _ in events_in(server.post("/v1/chat/completions", body).text)} == {None}


def test_that_what_stands_in_for_a_broken_reply_begins_on_a_new_line_and_the_whole_answer_has_it_alone():
    broken = ["I hear", GenerationError("gone")]
    agent = an_agent(ScriptedGenerator(broken, broken), fallback=offline("I am here.", "I am here."))
    with serving(agent) as server:
        chunks = server.ask(WORDS, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "I hear\n\nI am here."
        whole = server.ask(WORDS)
    assert whole.choices[0].message.content == "I am here."
    assert heartline(whole)["reply"]["stood_in_for"] == "scripted"
    assert whole.usage is None  # an LLM was asked, and nobody counted


def test_that_a_reply_that_cannot_be_made_is_an_error_before_or_in_the_stream():
    with serving(an_agent(Quotes())) as server:
        with pytest.raises(openai.APIStatusError) as whole:
            server.ask(WORDS)
        with pytest.raises(openai.APIError) as streamed:
            list(server.ask(WORDS, stream=True))
    assert whole.value.status_code == 502
    assert whole.value.code == streamed.value.code == "no_reply"
    assert WORDS not in str(whole.value) + str(streamed.value)


class Lost(InMemoryStore):
    """Cannot be read."""

    def recall(self, conversation_id: str, *, turns: int) -> Any:
        raise StoreError(f"Cannot read {conversation_id!r} in '/secret/place'.")


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_store_that_cannot_be_read_is_an_error_of_its_own(*, stream: bool):
    extra = {"heartline": {"conversation_id": "talk-1"}}
    with serving(an_agent(offline(), store=Lost())) as server:
        with pytest.raises(openai.APIStatusError) as error:
            server.ask(WORDS, stream=stream, extra_body=extra)
        assert server.http.get("/readyz").status_code == 503
    assert (error.value.status_code, error.value.code) == (503, "store_unavailable")
    assert "secret" not in str(error.value)


def test_that_a_turn_that_cannot_be_stored_is_answered_and_that_is_told():
    extra = {"heartline": {"conversation_id": "talk-1"}}
    with serving(an_agent(offline("I hear you."), store=Forgetful(StoreError("full")))) as server:
        sent = server.client.chat.completions.with_raw_response.create(
            model="heartline", messages=[{"role": "user", "content": WORDS}], extra_body=extra
        )
    answer = sent.parse()
    assert answer.choices[0].message.content == "I hear you."
    # What the store says of itself, e.g. where its files are, is no client's business.
    assert heartline(answer)["failures"] == ["remember/memory: The turn is not stored."]
    assert heartline(answer)["stored"] is False
    assert sent.headers["x-heartline-stored"] == "false"


def test_that_a_profile_is_a_model():
    with serving(an_agent(offline("I hear you."))) as server:
        assert [model.id for model in server.client.models.list()] == ["heartline"]
        assert server.client.models.retrieve("heartline").owned_by == "heartline"
        with pytest.raises(openai.NotFoundError) as error:
            server.ask(WORDS, model="gpt-9")
        with pytest.raises(openai.NotFoundError):
            server.client.models.retrieve("gpt-9")
    assert (error.value.code, error.value.param) == ("model_not_found", "model")
