"""Keys and tenants over a real server: two who share it see nothing of each other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_serving import Serving, serving
from loop_parts import an_agent, offline
from typer.testing import CliRunner

from agent.api_keys import RIGHTS
from agent.errors import InputError, SettingsError
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.redacting_store import RedactingStore
from agent.settings import load_settings
from agent.testing import FixedPlugin
from ui.http.errors import ApiError
from ui.http.keys import app
from ui.http.tenancy import Gate, has_keys

REPLIES = tuple(f"Reply {number}." for number in range(12))
COMPLETIONS = "/v1/chat/completions"


class Client:
    """Somebody with a key, or without."""

    def __init__(self, server: Serving, key: str | None) -> None:
        self._http, self._key = server.http, key

    def send(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        return self._http.request(method, path, json=body, headers=headers)

    def talk(self, text: str, conversation: str | None = "c", **fields: Any) -> httpx2.Response:
        body = {"messages": [{"role": "user", "content": text}], "heartline": {"conversation_id": conversation}}
        return self.send("POST", COMPLETIONS, body | fields)


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    agent = an_agent(
        offline(*REPLIES), store=store, guard=ProtocolGuard(handoff_at="acute"), fallback=offline(),
        plugins=[FixedPlugin("risk", RiskReading("none"))],
    )  # fmt: skip
    with serving(agent, notices_in_content=False) as running:
        yield running


@pytest.fixture
def two(store: Any, server: Serving) -> tuple[Client, Client]:
    acme, other = (Client(server, store.api_keys.create(name, rights=RIGHTS)[0]) for name in ("acme", "other"))
    return acme, other


def test_that_each_talks_in_its_own_conversations(store: Any, two: tuple[Client, Client]):
    acme, other = two
    for client, text in ((acme, "Hello from acme."), (other, "Hello from the other."), (acme, "Again.")):
        assert client.talk(text).status_code == 200
    texts = [
        [turn["text"] for turn in client.send("GET", "/v1/heartline/conversations/c").json()["turns"]]
        for client in two
    ]
    assert texts == [["Hello from acme.", "Again."], ["Hello from the other."]]
    assert store.tenants() == ("acme", "other")
    assert store.conversations() == ()


def test_that_a_store_without_personal_data_asks_for_keys_and_keeps_tenants_apart(store: Any):
    redacting = RedactingStore(store)
    with serving(an_agent(offline(*REPLIES), store=redacting)) as server:
        for name in ("acme", "other"):
            answer = Client(server, store.api_keys.create(name)[0]).talk("Write to ada@example.org.")
            assert answer.status_code == 200
        assert Client(server, None).talk("Hello there.").status_code == 401
        texts = [store.for_tenant(name).turns("c")[0].text for name in ("acme", "other")]
    assert texts == ["Write to [email]."] * 2


SIDE: dict[str, Callable[[str], tuple[str, str, Any]]] = {
    "whole": lambda name: ("GET", f"/v1/heartline/conversations/{name}", None),
    "trace": lambda name: ("GET", f"/v1/heartline/conversations/{name}/trace", None),
    "people": lambda name: ("GET", f"/v1/heartline/conversations/{name}/people", None),
    "after": lambda name: ("GET", f"/v1/heartline/conversations?after={name}", None),
    "delete": lambda name: ("DELETE", f"/v1/heartline/conversations/{name}", None),
    "erase": lambda name: ("POST", "/v1/heartline/erase", {"conversation_ids": [name]}),
    "feedback": lambda name: (
        "POST", "/v1/heartline/feedback", {"conversation_id": name, "turn_id": "TURN", "rating": 1}
    ),
    "hold": lambda name: (
        "POST", "/v1/heartline/handoff", {"action": "hold", "conversation_id": name, "by": "Eve"}
    ),
    "say": lambda name: (
        "POST", "/v1/heartline/handoff", {"action": "say", "conversation_id": name, "words": "Hello."}
    ),
    "release": lambda name: ("POST", "/v1/heartline/handoff", {"action": "release", "conversation_id": name}),
}  # fmt: skip


@pytest.mark.parametrize("what", SIDE)
def test_that_anothers_conversation_answers_as_an_unknown_one(two: tuple[Client, Client], what: str):
    acme, other = two
    turn = acme.talk("Hello there.", "secret").json()["heartline"]["turn_id"]

    def told(name: str) -> tuple[int, str, set[str]]:
        method, path, body = SIDE[what](name)
        body = {**body, "turn_id": turn} if body and "turn_id" in body else body
        answer = other.send(method, path, body)
        return answer.status_code, answer.text.replace(name, "ID"), set(answer.headers)

    assert told("secret") == told("nobody")
    whole = acme.send("GET", "/v1/heartline/conversations/secret").json()
    assert (whole["total_turns"], whole["held_by"], whole["feedback"]) == (1, None, [])


def test_that_lists_show_ones_own_alone(two: tuple[Client, Client]):
    acme, other = two
    acme.talk("Can I talk to a human please?", "a")
    other.talk("Hello there.", "o")
    lists = [client.send("GET", "/v1/heartline/conversations").json()["data"] for client in two]
    assert [[each["id"] for each in data] for data in lists] == [["a"], ["o"]]
    packets = [client.send("GET", "/v1/heartline/handoff").json()["data"] for client in two]
    assert [[each["conversation_id"] for each in data] for data in packets] == [["a"], []]


def test_that_whoever_takes_over_is_called_as_their_key_whatever_they_write(
    store: Any, server: Serving, two: tuple[Client, Client]
):
    two[0].talk("Hello there.", "c")

    def key(name: str) -> str:
        made: str = store.api_keys.create("acme", name=name, rights=["handoff"])[0]
        return made

    amy, ben = Client(server, key("Amy")), Client(server, key("Ben"))
    nameless, made = store.api_keys.create("acme", rights=["handoff"])

    def act(who: Client, action: str, **given: Any) -> tuple[int, Any]:
        answer = who.send("POST", "/v1/heartline/handoff", {"action": action, "conversation_id": "c", **given})
        told = answer.json()
        return answer.status_code, told["held_by"] if answer.status_code == 200 else told["error"]["code"]

    assert act(amy, "hold", by="Ben", unless_held=True) == (200, "Ben (Amy)")  # a desk with one key for its people
    assert act(amy, "release", by="Ben") == (200, None)
    assert act(amy, "hold", unless_held=True) == (200, "Amy")
    assert act(ben, "hold", unless_held=True) == (409, "held_by_another")
    assert act(ben, "release", by="Amy") == (409, "held_by_another")
    assert act(ben, "hold") == (200, "Ben")  # a shift ends
    assert act(ben, "release") == (200, None)
    assert act(Client(server, nameless), "hold") == (200, f"key {made.id}")


ALL = [
    ("GET", "/metrics"),
    ("POST", COMPLETIONS),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/heartline"),
    ("POST", "/v1/heartline/analyze"),
    ("GET", "/v1/heartline/conversations"),
    ("GET", "/v1/heartline/conversations/c"),
    ("GET", "/v1/heartline/conversations/c/trace"),
    ("GET", "/v1/heartline/conversations/c/people"),
    ("DELETE", "/v1/heartline/conversations/c"),
    ("POST", "/v1/heartline/erase"),
    ("POST", "/v1/heartline/feedback"),
    ("POST", "/v1/heartline/handoff"),
    ("GET", "/v1/heartline/handoff"),
]


def test_that_no_path_but_those_of_operations_opens_without_a_key(server: Serving, two: tuple[Client, Client]):
    document = server.http.get("/openapi.json").json()
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    named = (("/conversations/c", "/conversations/{conversation_id}"), ("models/heartline", "models/{model_id}"))
    tried = {(method, path.replace(*named[0]).replace(*named[1])) for method, path in ALL}
    assert listed - tried == {("GET", "/healthz"), ("GET", "/readyz")}
    for method, path in ALL:
        assert Client(server, None).send(method, path, {}).status_code == 401, path
    assert two[0].talk("Hello there.").status_code == 200


@pytest.mark.parametrize("kind", ["missing", "wrong", "revoked", "long", "other scheme", "empty"])
def test_that_who_has_no_key_that_opens_is_told_so_as_openai_does(
    store: Any, server: Serving, two: tuple[Client, Client], kind: str
):
    secret, key = store.api_keys.create("acme")
    if kind == "revoked":
        assert Client(server, secret).talk("Hello there.").status_code == 200
        store.api_keys.revoke(key.id)
    sent = {
        "wrong": f"Bearer {secret[:-4]}0000", "revoked": f"Bearer {secret}", "long": f"Bearer {'x' * 5000}",
        "other scheme": f"Basic {secret}", "empty": "Bearer",
    }  # fmt: skip
    headers = {"Authorization": sent[kind]} if kind in sent else {}
    answer = server.http.post(
        COMPLETIONS, json={"messages": [{"role": "user", "content": "Hi."}]}, headers=headers
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="heartline"'
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
    assert secret not in answer.text
    assert two[0].talk("Hello there.").status_code == 200


def test_that_the_openai_client_sends_its_key(store: Any, server: Serving):
    import openai

    secret, _ = store.api_keys.create("acme")
    with pytest.raises(openai.AuthenticationError):
        server.ask("Hello there.")
    answer = server.client.with_options(api_key=secret).chat.completions.create(
        model="heartline", messages=[{"role": "user", "content": "Hello there."}]
    )
    assert answer.choices[0].message.content == REPLIES[0]


def test_that_without_any_key_everybody_of_this_machine_is_let_in_and_a_revoked_one_does_not_open_it_again(
    store: Any, server: Serving
):
    assert Client(server, None).talk("Hello there.").status_code == 200
    assert store.conversations() == ("c",)
    _, key = store.api_keys.create("acme")
    store.api_keys.revoke(key.id)
    assert Client(server, None).talk("Hello there.").status_code == 401


def test_that_a_gate_asks_whether_there_are_keys_until_there_are_and_remembers_it_then():
    class Keys:
        asked, there = 0, False

        def exist(self) -> bool:
            self.asked += 1
            return self.there

        def opened_by(self, key: str) -> None:
            assert key == "hl_none"

    keys = Keys()
    gate = Gate(keys)  # type: ignore[arg-type]
    assert [gate.admitted().name for _ in range(3)] == [None] * 3
    assert keys.asked == 3  # the first key shuts the server from the next request on
    keys.there = True
    for _ in range(3):
        with pytest.raises(ApiError) as refused:
            gate.admitted("hl_none")
        assert refused.value.status == 401
    assert keys.asked == 4


def test_that_a_stateless_history_of_another_tenant_is_not_known(server: Serving, two: tuple[Client, Client]):
    first = {"role": "user", "content": "Hello there."}
    reply = two[0].send("POST", COMPLETIONS, {"messages": [first]}).json()["choices"][0]["message"]
    body = {"messages": [first, {"role": "assistant", "content": reply["content"]}, first]}
    told = [client.send("POST", COMPLETIONS, body).json()["heartline"]["safety"]["notices"] for client in two]
    assert told[0] == []  # it was said to acme before
    assert len(told[1]) == 1


def test_that_no_log_holds_a_key(
    server: Serving, two: tuple[Client, Client], store: Any, caplog: pytest.LogCaptureFixture
):
    secret, key = store.api_keys.create("acme")
    with caplog.at_level(logging.DEBUG):
        Client(server, secret).talk("Hello there.")
        store.api_keys.revoke(key.id)
        Client(server, secret).talk("Hello there.")
    assert secret not in caplog.text
    assert secret[3:] not in str([record.__dict__ for record in caplog.records])


def test_that_the_command_makes_lists_and_revokes_keys(tmp_path: Path):
    file = tmp_path / "talks.db"

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--store", str(file)])
        assert result.exception is None, result.exception
        return result

    assert "There are no keys" in run("list").output
    assert not has_keys(load_settings(store_path=file))
    secret = run("create", "--tenant", "acme", "--name", "shop").stdout.strip()
    assert secret.startswith("hl_")
    assert has_keys(load_settings(store_path=file))
    (line,) = run("list").stdout.splitlines()
    key_id, tenant, name, *_ = line.split("\t")
    assert (tenant, name) == ("acme", "shop")
    assert "never used" in line
    assert secret not in line
    with closing(SQLiteStore(file)) as store:
        assert store.api_keys.opened_by(secret).tenant == "acme"
    assert "opens nothing" in run("revoke", key_id).stdout
    assert "revoked" in run("list").stdout
    assert not has_keys(load_settings(store_path=file))
    assert isinstance(CliRunner().invoke(app, ["revoke", "x", "--store", str(file)]).exception, InputError)


def test_that_a_store_without_keys_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_STORE", "memory")
    failed = CliRunner().invoke(app, ["list"]).exception
    assert isinstance(failed, SettingsError)
    assert "'memory' keeps no keys" in str(failed)
    assert not has_keys(load_settings(store="memory"))
