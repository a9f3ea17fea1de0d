"""`/metrics`: every turn once, in few series, and for nobody but who runs the server."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fake_llm_server import WAIT, FakeLLMServer, fails, hangs_up, says
from http_serving import Serving, serving, wait_until
from loop_parts import PlainComposer, an_agent, offline
from prometheus_client.parser import text_string_to_metric_families

from agent.decisions import StageFailure
from agent.generator import create
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin, a_turn
from ui.http.metrics import Metrics

READ = RiskReading("plan", ("self-harm",))


def told(server: Serving, name: str, **labels: str) -> float:
    """The sum of the samples of a name that have these labels."""
    answer = server.http.get("/metrics")
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == f"heartline_{name}" and labels.items() <= sample.labels.items()
    )


def an_llm_agent(llm: FakeLLMServer):
    return an_agent(create(llm.settings()), composer=PlainComposer(), fallback=offline("Here I am."))


def test_that_turns_are_counted_once_whether_streamed_or_whole():
    with serving(an_agent(offline("I hear you.", "Go on."))) as server:
        server.ask("Hello.")
        list(server.ask("Hello again.", stream=True))
        assert told(server, "turns_total", profile="heartline", speaker="offline", outcome="answered") == 2
        assert told(server, "turns_total") == 2
        for stage in ("recall", "perceive", "generate", "remember"):
            assert told(server, "stage_seconds_count", stage=stage) == 2
        assert told(server, "first_token_seconds_count") == 2
        route = "/v1/chat/completions"
        assert told(server, "http_requests_total", method="POST", route=route, status="200") == 2
        assert told(server, "http_request_seconds_count", route=route) == 2


def test_that_a_stream_that_is_broken_off_is_counted_once_and_runs_no_more():
    with (
        FakeLLMServer(says("One. ", "Two. ", WAIT)) as llm,
        serving(an_llm_agent(llm), llm_url=llm.url, llm_model="tiny") as server,
    ):
        stream = server.ask("Hello.", stream=True)
        next(stream)
        next(stream)
        assert told(server, "http_requests_running") == 1
        stream.close()
        wait_until(lambda: told(server, "turns_total") == 1)
        assert told(server, "turns_total", outcome="interrupted", speaker="none") == 1
        wait_until(lambda: told(server, "http_requests_running") == 0)
        assert told(server, "stage_seconds_count", stage="perceive") == 1


def test_that_what_an_llm_said_and_how_it_failed_is_told_by_kind():
    script = says("I hear you.", usage=(11, 5), model="a-name-of-the-servers"), fails(503), hangs_up()
    with FakeLLMServer(*script) as llm:
        agent = an_agent(create(llm.settings()), composer=PlainComposer(), fallback=offline("Here.", "Here."))
        with serving(agent, llm_url=llm.url, llm_model="tiny") as server:
            for _ in range(3):
                server.ask("Hello.")
            assert told(server, "turns_total", speaker="llm") == 1
            assert told(server, "turns_total", speaker="offline") == 2
            assert told(server, "fallbacks_total", profile="heartline") == 2
            assert told(server, "failures_total", stage="generate", part="openai") == 2
            assert told(server, "llm_errors_total", kind="response") == 1
            assert told(server, "llm_errors_total", kind="unreachable") == 1
            assert told(server, "llm_tokens_total", kind="prompt") == 11
            assert told(server, "llm_tokens_total", kind="completion") == 5
            assert "a-name-of-the-servers" not in server.http.get("/metrics").text


def test_that_a_turn_that_nobody_could_answer_has_failed():
    with FakeLLMServer(fails(503)) as llm:
        agent = an_agent(create(llm.settings()), composer=PlainComposer())
        with serving(agent, llm_url=llm.url, llm_model="tiny") as server:
            assert server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}).is_error
            assert told(server, "turns_total", outcome="failed", speaker="none") == 1
            assert told(server, "http_requests_total", status="502") == 1
            assert told(server, "llm_errors_total") == 1


def test_that_a_message_that_is_not_taken_in_is_refused_and_no_failure():
    with serving(an_agent(offline())) as server:
        assert server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "\u200b"}]}).is_error
        assert told(server, "turns_total") == told(server, "turns_total", outcome="refused") == 1


def test_that_the_record_of_risk_is_told_by_step_and_the_guard_by_action():
    parts = {"guard": ProtocolGuard(), "fallback": offline(), "plugins": [FixedPlugin("risk", READ)]}
    with serving(an_agent(offline(), **parts)) as server:
        server.ask("I want to kill myself tonight, I have the pills here.")
        assert told(server, "risk_turns_total", ladder="self", step="plan") == 1
        assert told(server, "risk_turns_total", ladder="others", step="none") == 1
        assert told(server, "risk_turns_total") == 2
        assert told(server, "verdicts_total", action="escalate") == 1
        assert told(server, "turns_total", speaker="protocol") == 1


def test_that_labels_are_few_whatever_clients_write():
    with serving(an_agent(offline("I hear you."))) as server:
        for number in range(5):
            server.http.get(f"/v1/heartline/conversations/somebody-{number}")
            server.http.get(f"/nothing/{number}")
            server.http.request(f"BREW{number}", "/v1/models")
        server.post("/v1/models", b"[" * 40)
        text = server.http.get("/metrics").text
        assert told(server, "http_requests_total", route="other", status="404") == 5
        template = "/v1/heartline/conversations/{conversation_id}"
        assert told(server, "http_requests_total", route=template, status="404") == 5
        assert told(server, "http_requests_total", method="other", route="/v1/models", status="405") == 5
        # Turned away before it was routed, and yet known.
        assert told(server, "http_requests_total", route="/v1/models", status="400") == 1
    assert not re.search("somebody|nothing|BREW", text)


def test_that_no_label_names_who_or_what():
    allowed = {
        "action", "kind", "ladder", "le", "method", "outcome", "part", "profile", "reason", "result", "route",
        "speaker", "stage", "status", "step", "version",
    }  # fmt: skip
    with serving(an_agent(offline("I hear you."))) as server:
        server.ask("My dog Quillonby died.", extra_body={"heartline": {"conversation_id": "conv-77"}})
        text = server.http.get("/metrics").text
    assert set(re.findall(r'[{,](\w+)="', text)) <= allowed
    assert not re.search("Quillonby|conv-77", text)


def test_that_two_applications_count_for_themselves():
    with serving(an_agent(offline("A."))) as one, serving(an_agent(offline())) as other:
        one.ask("Hello.")
        assert (told(one, "turns_total"), told(other, "turns_total")) == (1, 0)


def test_that_readiness_is_told():
    with serving(an_agent(offline())) as server:
        assert told(server, "ready") == 1
        server.service.drain.begin()
        assert told(server, "ready") == 0  # metrics are told while it drains, too


def test_that_with_keys_metrics_need_one_that_has_the_right(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "c.db")) as store:
        customer, _ = store.api_keys.create("acme")
        operator, _ = store.api_keys.create("operations", rights=["chat", "metrics"])
        with serving(an_agent(offline(), store=store)) as server:

            def status(key: str | None) -> int:
                headers = {} if key is None else {"authorization": f"Bearer {key}"}
                return server.http.get("/metrics", headers=headers).status_code

            assert [status(key) for key in (None, "hl_wrong", customer, operator)] == [401, 401, 403, 200]
            refused = server.http.get("/metrics", headers={"authorization": f"Bearer {customer}"}).json()["error"]
            assert refused["code"] == "right_missing"
            assert "heartline keys create" in refused["message"]


def test_that_each_failure_is_counted_as_often_as_it_happened():
    metrics = Metrics("0")
    failed = StageFailure("perceive", "risk", "PluginError")
    metrics.failed([failed, replace(failed), StageFailure("generate", "openai", "EmptyReplyError")])
    metrics.turn("p", a_turn(), "answered", "llm")
    shown = metrics.shown().decode()
    assert 'heartline_failures_total{part="risk",stage="perceive"} 2.0' in shown
    assert 'heartline_llm_errors_total{kind="empty"} 1.0' in shown
    assert "heartline_risk_turns_total{" not in shown


@pytest.mark.parametrize("error", ["GenerationError", "Skipped", "ValueError", "StoreError", "annotations"])
def test_that_only_errors_of_an_llm_are_counted_as_such(error: str):
    metrics = Metrics("0")
    metrics.failed([StageFailure("generate", "x", error)])
    assert "heartline_llm_errors_total{" not in metrics.shown().decode()
