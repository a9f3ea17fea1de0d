"""Rights, ends and limits of keys, and profiles of tenants, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from answering_llm import AnsweringLLM
from danger_word import DangerWord
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import Serving, serving, serving_all, wait_until
from loop_parts import PlainComposer, an_agent, offline
from typer.testing import CliRunner

from agent.api_keys import RIGHTS
from agent.errors import InputError
from agent.generator import OpenAICompatibleGenerator, create
from agent.memory_sqlite import SQLiteStore
from agent.probe import LLMServer
from agent.safety.guard import ProtocolGuard
from agent.settings import load_settings
from ui.http.keys import app
from ui.http.tenancy import has_keys

COMPLETIONS = "/v1/chat/completions"
SPOKEN = {"messages": [{"role": "user", "content": "Hello there."}]}
DANGER = {"messages": [{"role": "user", "content": "I want to kill myself."}]}
ONCE = {"per_minute": 1}
LIMIT = "x-ratelimit-limit-requests"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    with closing(SQLiteStore(tmp_path / "talks.db")) as opened:
        yield opened


def an_answering_agent(store: Any, **parts: Any) -> Any:
    given: dict[str, Any] = {"guard": ProtocolGuard(country="GB"), "fallback": offline(*["Here."] * 50)}
    given |= {"plugins": [DangerWord()], "generator": offline(*["I hear you."] * 50)}
    return an_agent(store=store, **(given | parts))


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    with serving(an_answering_agent(store)) as running:
        yield running


def send(server: Serving, key: str | None, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {} if key is None else {"authorization": f"Bearer {key}"}
    return server.http.request(method, path, json=body, headers=given | named)


def talk(server: Serving, key: str | None, body: Any = SPOKEN, **headers: str) -> httpx2.Response:
    answer: httpx2.Response = send(server, key, "POST", COMPLETIONS, body, **headers)
    return answer


def code_of(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["code"] if answer.status_code >= 400 else None


# Rights

NEEDED = {
    ("POST", COMPLETIONS): "chat",
    ("POST", "/v1/heartline/analyze"): "chat",
    ("GET", "/v1/heartline/conversations"): "read",
    ("GET", "/v1/heartline/conversations/c"): "read",
    ("GET", "/v1/heartline/conversations/c/trace"): "read",
    ("GET", "/v1/heartline/conversations/c/people"): "read",
    ("DELETE", "/v1/heartline/conversations/c"): "erase",
    ("POST", "/v1/heartline/erase"): "erase",
    ("POST", "/v1/heartline/feedback"): "feedback",
    ("POST", "/v1/heartline/handoff"): "handoff",
    ("GET", "/v1/heartline/handoff"): "handoff",
    ("GET", "/metrics"): "metrics",
}
BODIES: dict[str, Any] = {
    COMPLETIONS: SPOKEN,
    "/v1/heartline/analyze": {"input": "Hello."},
    "/v1/heartline/erase": {"conversation_ids": ["c"]},
    "/v1/heartline/feedback": {"conversation_id": "c", "turn_id": "t", "rating": 1},
    "/v1/heartline/handoff": {"action": "release", "conversation_id": "c"},
}


@pytest.mark.parametrize("right", RIGHTS)
def test_that_a_key_may_do_what_it_has_the_right_to_and_nothing_else(store: Any, server: Serving, right: str):
    key, _ = store.api_keys.create("acme", rights=[right])
    for (method, path), needed in NEEDED.items():
        answer = send(server, key, method, path, BODIES.get(path))
        assert (answer.status_code == 403) is (needed != right), path
        if answer.status_code == 403:
            error = answer.json()["error"]
            assert (error["type"], error["code"]) == ("permission_error", "right_missing")
            assert f"`{needed}`" in error["message"]
    assert send(server, key, "GET", "/v1/models").status_code == 200


def test_that_every_path_behind_a_key_is_in_that_list(server: Serving):
    document = server.http.get("/openapi.json").json()
    secured = {
        (method.upper(), path.replace("{conversation_id}", "c"))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("security")
    }
    assert secured == NEEDED.keys() | {("GET", "/v1/models"), ("GET", "/v1/models/{model_id}")}


def test_that_a_front_ends_own_tasks_need_a_right_and_known_templates_do_not(store: Any, server: Serving):
    usual, able = store.api_keys.create("acme")[0], store.api_keys.create("acme", rights=["chat", "tasks"])[0]
    field = SPOKEN | {"heartline": {"task": "title"}}
    assert code_of(talk(server, usual, x_heartline_task="title")) == (403, "right_missing")
    assert code_of(talk(server, usual, field)) == (403, "right_missing")
    assert talk(server, able, x_heartline_task="title").json()["heartline"] is None
    template = '### Task:\nGenerate a concise, 3-5 word title with an emoji.\nJSON format: { "title": "x" }'
    answer = talk(server, usual, {"messages": [{"role": "user", "content": template}]})
    assert answer.json()["heartline"] is None


def test_that_without_keys_everything_is_open_to_this_machine_and_nothing_is_counted(server: Serving):
    for _ in range(30):
        answer = talk(server, None, x_heartline_task="title")
        assert answer.status_code == 200
        assert LIMIT not in answer.headers


# Keys that end


def test_that_an_expired_key_answers_as_an_unknown_one(store: Any, server: Serving):
    store.api_keys.create("acme")
    key, made = store.api_keys.create("acme", expires=datetime.now(UTC) + timedelta(milliseconds=200))
    wait_until(lambda: talk(server, key).status_code != 200)
    expired, unknown = talk(server, key), talk(server, "hl_unknown")
    assert (expired.status_code, expired.text) == (401, unknown.text)
    assert set(expired.headers) == set(unknown.headers)
    assert expired.headers["www-authenticate"] == unknown.headers["www-authenticate"]
    assert store.api_keys.known()[-1].expires == made.expires


def test_that_the_command_makes_keys_that_end_with_rights_and_limits(tmp_path: Path):
    file = str(tmp_path / "talks.db")

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--store", file])
        assert result.exception is None, result.exception
        return result

    terms = ["--right", "read", "--right", "erase", "--expires", "90d", "--per-minute", "7", "--concurrent", "2"]
    told = run("create", "--tenant", "acme", *terms).stderr
    day = f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}"
    assert f"may erase, read, until {day}" in told
    run("create", "--tenant", "acme", "--expires", "2999-01-31")
    first, second = run("list").stdout.splitlines()
    assert first.split("\t")[5:] == ["erase,read", "7 a minute", "2 at once", f"expires {day}"]
    assert second.split("\t")[5:] == ["chat,feedback,read", "expires 2999-01-31"]
    assert has_keys(load_settings(store_path=file))


def test_that_the_list_shows_a_key_that_has_expired_and_the_server_is_shut_to_others(tmp_path: Path):
    file = tmp_path / "talks.db"
    with closing(SQLiteStore(file)) as store:
        store.api_keys.create("acme", expires=datetime.now(UTC) + timedelta(milliseconds=50))
        wait_until(lambda: not store.api_keys.known()[0].opens(datetime.now(UTC)))
    (line,) = CliRunner().invoke(app, ["list", "--store", str(file)]).stdout.splitlines()
    assert line.endswith(f"expired {datetime.now(UTC):%Y-%m-%d}")
    assert not has_keys(load_settings(store_path=file))


@pytest.mark.parametrize(
    "wrong", ["soon", "90", "-1d", "0d", "2020-01-01", "2027-13-01", "99999999d", "2027-1-1x"]
)
def test_that_an_end_that_is_none_is_refused(tmp_path: Path, wrong: str):
    arguments = ["create", "--tenant", "acme", f"--expires={wrong}", "--store", str(tmp_path / "talks.db")]
    assert isinstance(CliRunner().invoke(app, arguments).exception, InputError)


# Limits


def test_that_who_comes_too_often_is_told_when_to_come_again(store: Any, server: Serving):
    key, _ = store.api_keys.create("acme", **ONCE)
    first, second = talk(server, key), talk(server, key)
    assert (first.status_code, first.headers[LIMIT], first.headers["x-ratelimit-remaining-requests"]) == (
        200, "1", "0",
    )  # fmt: skip
    assert code_of(second) == (429, "rate_limit_exceeded")
    assert 50 < int(second.headers["retry-after"]) <= 60
    assert second.headers["x-ratelimit-reset-requests"]
    assert send(server, key, "GET", "/v1/models").status_code == 429
    with pytest.raises(openai.RateLimitError):
        server.client.with_options(api_key=key).models.list()
    assert talk(server, store.api_keys.create("acme")[0]).status_code == 200


def test_that_a_refusal_names_the_help_lines_of_the_profiles_country(store: Any, server: Serving):
    key, _ = store.api_keys.create("acme", **ONCE)
    talk(server, key)
    shown = talk(server, key).json()["error"]["help_lines"]
    assert "999" in shown[0]
    assert "Samaritans: call 116 123" in "".join(shown)
    assert (
        talk(server, "hl_wrong").json()["error"]["help_lines"] == shown
    )  # a key that ended: people wait behind it


@pytest.mark.parametrize("stream", [False, True])
def test_that_who_speaks_of_suicide_is_answered_whatever_the_limit(store: Any, server: Serving, *, stream: bool):
    key, _ = store.api_keys.create("acme", **ONCE)
    assert talk(server, key).status_code == 200
    assert talk(server, key).status_code == 429
    answer = talk(server, key, DANGER | {"stream": stream})
    assert answer.status_code == 200
    assert "116 123" in answer.text
    after = [*DANGER["messages"], {"role": "assistant", "content": "…"}, *SPOKEN["messages"]]
    assert talk(server, key, {"messages": after}).status_code == 200
    assert talk(server, key).status_code == 429
    assert code_of(talk(server, key, DANGER, x_heartline_task="title")) == (403, "right_missing")


def test_that_danger_on_record_is_answered_whatever_the_limit(store: Any, server: Serving):
    key, _ = store.api_keys.create("acme", **ONCE)
    assert talk(server, key, DANGER, x_heartline_conversation="c").status_code == 200
    assert talk(server, key, x_heartline_conversation="c").status_code == 200
    assert talk(server, key, x_heartline_conversation="other").status_code == 429


def test_that_a_stream_counts_until_it_ends(store: Any):
    with FakeLLMServer(says("I hear you. ", WAIT), says("Yes.")) as llm:
        agent = an_answering_agent(store, generator=create(llm.settings()), composer=PlainComposer())
        with serving(agent, key_limits={"concurrent": 1}, llm_url=llm.url, llm_retries=0) as server:
            key, _ = store.api_keys.create("acme")
            client = server.client.with_options(api_key=key)
            stream = client.chat.completions.create(model="heartline", messages=SPOKEN["messages"], stream=True)
            next(stream)
            refused = talk(server, key)
            assert code_of(refused) == (429, "too_many_at_once")
            assert refused.headers["retry-after"] == "1"
            stream.close()
            wait_until(lambda: talk(server, key).status_code == 200)


def test_that_wrong_keys_are_soon_not_looked_at_and_a_right_one_that_is_known_is(store: Any):
    with serving(an_answering_agent(store), key_limits={"wrong_per_minute": 3}) as server:
        key, made = store.api_keys.create("acme")
        assert talk(server, key).status_code == 200
        told = [code_of(talk(server, f"hl_{number}")) for number in range(5)]
        assert told == [(401, "invalid_api_key")] * 3 + [(429, "too_many_wrong_keys")] * 2
        assert code_of(talk(server, None)) == (401, "invalid_api_key")
        assert talk(server, key).status_code == 200
        store.api_keys.revoke(made.id)
        assert talk(server, key).status_code == 401


# Profiles of tenants


@pytest.fixture
def several(store: Any) -> Iterator[Serving]:
    rules = {"acme": {"profiles": ["gb", "us"], "default": "us"}, "other": {"profiles": ["gb"]}}
    made = load_settings(store="memory", profiles={"gb": {}, "us": {}}, tenants=rules)
    plain = {"plugins": [], "guard": None}
    agents = {
        name: (an_answering_agent(store, generator=offline(*[f"{name}."] * 9), **plain), made)
        for name in ("heartline", "gb", "us")
    }
    with serving_all(agents) as running:
        yield running


@pytest.mark.parametrize(
    ("tenant", "offered", "default"),
    [("acme", ["gb", "us"], "us"), ("other", ["gb"], "gb"), ("free", ["heartline", "gb", "us"], "heartline")],
)
def test_that_a_tenant_has_the_profiles_that_it_may_use(
    store: Any, several: Serving, tenant: str, offered: list[str], default: str
):
    key, _ = store.api_keys.create(tenant)
    assert [each["id"] for each in send(several, key, "GET", "/v1/models").json()["data"]] == offered
    assert talk(several, key).json()["model"] == default
    unknown = talk(several, key, SPOKEN | {"model": "nobody"})
    for name in ("heartline", "gb", "us"):
        answers = [
            talk(several, key, SPOKEN | {"model": name}),
            send(several, key, "GET", f"/v1/models/{name}"),
            send(several, key, "POST", "/v1/heartline/analyze", {"input": "Hello.", "model": name}),
        ]
        assert {each.status_code for each in answers} == ({200} if name in offered else {404})
        if name not in offered:
            assert {each.text for each in answers} == {unknown.text}
            assert name not in unknown.text


def test_that_with_an_llm_a_front_ends_task_reaches_it_only_with_the_right(store: Any):
    with AnsweringLLM() as llm:
        agent = an_answering_agent(store)
        agent.generator = OpenAICompatibleGenerator(LLMServer(llm.url), model="tiny", context=8192)
        with serving(agent, llm_url=llm.url, llm_model="tiny") as server:
            key, _ = store.api_keys.create("acme")
            before = len(llm.bodies)
            assert talk(server, key, x_heartline_task="title").status_code == 403
            assert len(llm.bodies) == before
            able, _ = store.api_keys.create("acme", rights=["chat", "tasks"])
            assert talk(server, able, x_heartline_task="title").status_code == 200
            assert len(llm.bodies) == before + 1
