"""Bad input over HTTP: every error in OpenAI's form, with an id, and without a word of the person."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from http_serving import Serving, serving
from loop_parts import an_agent, offline

from agent.decisions import Reply
from agent.memory import InMemoryStore
from ui.http.edge import MOST_NESTED, too_nested
from ui.http.schemas import ChatRequest
from ui.http.side_schemas import AnalyzeRequest, EraseRequest, FeedbackRequest, HandoffRequest


class Always:
    """Answers whatever is said."""

    name, reads = "offline", frozenset({"text"})

    async def generate(self, turn: Any):
        yield Reply("I hear you.", "offline")


NAME = "Quillonby"
COMPLETIONS = "/v1/chat/completions"


LIMITS = {"max_body_bytes": 20_000, "body_seconds": 0.3}


@pytest.fixture(scope="module")
def server():
    with serving(an_agent(offline(), max_message_characters=10_000), limits=LIMITS) as running:
        yield running


def user(content: Any = f"My dog {NAME} died.") -> dict[str, Any]:
    return {"role": "user", "content": content}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "heartline", "messages": [user()]} | fields


BAD: list[tuple[Any, str | None, str]] = [
    (b"", None, "invalid_request"),
    (b"{", None, "invalid_json"),
    (b"\xff\xfe", None, "invalid_json"),
    (b"[]", None, "invalid_request"),
    (b'"text"', None, "invalid_request"),
    (b'{"n": ' + b"9" * 6000 + b"}", None, "invalid_json"),
    (b'{"temperature": NaN, "messages": [{"role": "user", "content": "x"}]}', "temperature", "invalid_request"),
    (b"[" * 5000, None, "nested_too_deeply"),
    (body(messages=[]), "messages", "invalid_request"),
    (body(messages=NAME), "messages", "invalid_request"),
    (body(messages=[{"role": NAME, "content": "x"}]), "messages[0].role", "invalid_request"),
    (body(messages=[{"role": "user", "content": {NAME: 1}}]), None, "invalid_request"),
    (body(messages=[{"role": "system", "content": "x"}]), "messages", "no_message"),
    (body(messages=[user(" \n")]), "messages", "invalid_message"),
    (body(messages=[user("x" * 15_000)]), "messages", "over_limit"),
    (body(messages=[user(None)]), "messages", "invalid_message"),
    (body(messages=[user(), {"role": "assistant", "content": "And"}]), "messages", "not_the_users_turn"),
    (
        body(messages=[user([{"type": "image_url", "image_url": {"url": "x"}}])]),
        "messages[0].content[0].type",
        "unsupported_content",
    ),
    (body(n=2), "n", "unsupported_value"),
    (body(temperature=3), "temperature", "invalid_request"),
    (body(max_tokens=0), "max_tokens", "invalid_request"),
    (body(stop=["a", "b", "c", "d", "e"]), "stop", "unsupported_value"),
    (body(response_format={"type": "json_object"}), "response_format", "unsupported_value"),
    (body(tools=[{"type": "function", "function": {"name": "f"}}]), "tools", "tools_unsupported"),
    (body(functions=[{"name": "f"}]), "functions", "tools_unsupported"),
    (body(heartline={"conversation_id": "a b"}), "heartline.conversation_id", "invalid_request"),
    (body(heartline={"conversation_id": "x\r\nSet-Cookie: a"}), "heartline.conversation_id", "invalid_request"),
    (body(heartline={"variant": NAME}), "heartline.variant", "unsupported_value"),
    (body(heartline={"strategy": NAME}), "heartline.strategy", "unsupported_value"),
    (body(heartline={"strategy": 7}), "heartline.strategy", "invalid_request"),
    (body(heartline=NAME), "heartline", "invalid_request"),
]


@pytest.mark.parametrize(("sent", "param", "code"), BAD)
def test_that_a_bad_request_is_told_what_is_wrong_and_where(
    server: Serving, sent: Any, param: str | None, code: str
):
    answer = server.post(COMPLETIONS, sent)
    assert answer.status_code == (413 if code == "over_limit" else 400)
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    assert param is None or error["param"] == param
    assert NAME not in answer.text
    assert answer.headers["x-request-id"]


def test_that_two_names_of_a_conversation_are_refused(server: Serving):
    answer = server.post(COMPLETIONS, body(heartline={"conversation_id": "a"}), x_heartline_conversation="b")
    assert answer.json()["error"]["code"] == "conversation_twice"


def test_that_a_body_that_is_not_sent_as_json_is_refused(server: Serving):
    # What a page of another site may send without asking.
    answer = server.http.post(COMPLETIONS, content=json.dumps(body()), headers={"content-type": "text/plain"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "unknown_path"),
        ("GET", "/v1/heartline/conversations/none", 404, "conversation_not_found"),
        ("GET", "/v1/heartline/conversations/none/trace", 404, "conversation_not_found"),
        ("DELETE", "/v1/heartline/conversations/none", 404, "conversation_not_found"),
        ("GET", COMPLETIONS, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/heartline/conversations?limit=0", 400, "invalid_request"),
        ("GET", "/docs", 404, "unknown_path"),
        ("GET", f"/v1/models/{NAME}", 404, "model_not_found"),
    ],
)
def test_that_what_is_not_there_is_told_in_the_same_form(
    server: Serving, method: str, path: str, status: int, code: str
):
    answer = server.http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert NAME not in answer.text
    assert answer.headers["x-request-id"]


def test_that_a_long_body_is_refused_before_it_is_read(server: Serving):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = server.raw(head + b"Content-Length: 20001\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"body_too_long"' in answer


def test_that_a_long_body_that_does_not_say_so_is_refused(server: Serving):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
    assert server.raw(head, chunk, chunk, chunk).startswith(b"HTTP/1.1 413")


@pytest.fixture(scope="module")
def patient():
    with serving(an_agent(offline()), limits=LIMITS | {"body_seconds": 20.0}) as running:
        yield running


@pytest.mark.parametrize("announced", [True, False])
def test_that_who_goes_on_sending_a_refused_body_sees_the_answer(patient: Serving, *, announced: bool):
    # Proxies and simple clients read no answer before they have sent everything.
    size = 8_000_000  # more than all buffers between the two hold
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
    if announced:
        parts = [head + b"Content-Length: %d\r\n\r\n" % size, b"x" * size]
    else:
        chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
        parts = [head + b"Transfer-Encoding: chunked\r\n\r\n", chunk * (size // 10_000), b"0\r\n\r\n"]
    answer = patient.raw(*parts)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_long"


def test_that_a_refused_body_without_end_is_not_heard_out(patient: Serving):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    with pytest.raises(ConnectionError):
        patient.raw(head, *[b"x" * 1_000_000] * 1000)


def test_that_a_body_that_does_not_come_is_not_waited_for(server: Serving):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{"
    assert server.raw(head).startswith(b"HTTP/1.1 408")


def test_that_a_body_that_breaks_off_stores_nothing_and_the_server_goes_on(server: Serving):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    server.raw(head + b'{"messages": [', shut=True)
    assert server.http.get("/healthz").json() == {"status": "ok"}
    assert server.service.store.conversations() == ()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_that_what_is_no_http_does_not_stop_the_server(server: Serving, garbage: bytes):
    server.raw(garbage, shut=True)
    assert server.http.get("/healthz").status_code == 200


def test_that_the_id_of_a_request_is_given_back_where_it_can_stand_in_a_header(server: Serving):
    assert server.http.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = server.http.get("/healthz", headers={"x-request-id": "a b<script>"}).headers["x-request-id"]
    assert re.fullmatch(r"req-[0-9a-f]{32}", made)
    assert server.http.get("/healthz", headers={"x-request-id": "x" * 129}).headers["x-request-id"] != "x" * 129


class Broken(InMemoryStore):
    """Fails as nothing of ours does, with the person's words."""

    def conversations(self, **_: Any) -> Any:
        raise ValueError(f"cannot list {NAME}")


def test_that_what_breaks_inside_is_logged_without_its_words(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with serving(an_agent(offline(), store=Broken())) as server:
        answer = server.http.get("/v1/heartline/conversations", headers={"x-request-id": "abc-1"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "request abc-1 broke: ValueError at test_http_errors.py:" in caplog.text
    assert NAME not in answer.text + caplog.text
    assert "Traceback" not in answer.text + caplog.text


def test_that_brackets_in_strings_do_not_nest():
    deep = b"[" * (MOST_NESTED + 1)
    assert too_nested(deep)
    assert too_nested(b'{"a":' * (MOST_NESTED + 1))
    assert not too_nested(b'{"text": "' + deep + b'"}')
    assert not too_nested(b'{"text": "\\"' + deep + b'\\\\"}')
    assert not too_nested(b"[]" * 1000)
    assert not too_nested(b"[" * MOST_NESTED + b"]" * MOST_NESTED)


def test_that_a_name_that_leads_here_from_elsewhere_is_refused():
    with serving(an_agent(offline()), limits={"hosts": {"127.0.0.1", "example.org"}}) as server:
        statuses = [
            server.http.get("/healthz", headers={"host": host}).status_code
            for host in ("127.0.0.1:9", "EXAMPLE.org", "evil.example", "example.org.evil.example:80")
        ]
    assert statuses == [200, 200, 421, 421]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = {
    "/v1/chat/completions": (*ChatRequest.model_fields, "seed"),
    "/v1/heartline/analyze": tuple(AnalyzeRequest.model_fields),
    "/v1/heartline/erase": tuple(EraseRequest.model_fields),
    "/v1/heartline/feedback": tuple(FeedbackRequest.model_fields),
    "/v1/heartline/handoff": tuple(HandoffRequest.model_fields),
}
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "assistant", "tool"]) | anything,
            "content": st.text() | anything,
        },
        optional={"tool_calls": anything, "name": anything},
    ),
    max_size=4,
)


@pytest.mark.parametrize("path", FIELDS)
def test_that_no_body_breaks_it(path: str):
    with serving(an_agent(Always())) as server:

        @hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.too_slow])
        @hypothesis.given(st.data())
        def check(data: st.DataObject) -> None:
            fields = dict.fromkeys(FIELDS[path], anything) | {"messages": messages | anything}
            chosen = data.draw(st.fixed_dictionaries({}, optional=fields))
            answer = server.post(path, chosen)
            assert answer.status_code < 500, answer.text
            told = {"message", "type", "param", "code"}
            assert answer.status_code < 400 or set(answer.json()["error"]) - {"help_lines"} == told

        check()


def test_that_the_document_names_every_path_and_what_it_answers(server: Serving):
    document = server.http.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/healthz",
        "/metrics",
        "/readyz",
        "/v1/chat/completions",
        "/v1/heartline/analyze",
        "/v1/heartline/conversations",
        "/v1/heartline/conversations/{conversation_id}",
        "/v1/heartline/conversations/{conversation_id}/people",
        "/v1/heartline/conversations/{conversation_id}/trace",
        "/v1/heartline/erase",
        "/v1/heartline/feedback",
        "/v1/heartline/handoff",
        "/v1/models",
        "/v1/models/{model_id}",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"]["500"]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/ErrorAnswer"
            }
            # Malformed requests get 400.
            keyed = method == "post" and path.endswith(("/chat/completions", "/handoff"))
            assert ("422" in operation["responses"]) is keyed
    answers = document["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert set(answers) == {"application/json", "text/event-stream"}
    assert "Insight" in document["components"]["schemas"]
