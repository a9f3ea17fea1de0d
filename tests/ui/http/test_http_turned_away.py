"""Whoever gets no reply to a message is told where help is to be had, whatever the reason."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from danger_word import DangerWord
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import PATIENCE, Serving, events_in, serving, serving_all
from loop_parts import PlainComposer, an_agent, offline

from agent.errors import GenerationError, StoreError
from agent.generator import create
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.safety.guard import ProtocolGuard
from agent.settings import load_settings

COMPLETIONS = "/v1/chat/completions"
TITLE = '### Task:\nGenerate a concise, 3-5 word title with an emoji.\nJSON format: { "title": "x" }'
KEPT = {"heartline": {"conversation_id": "c"}}


class Failing:
    """A speaker that says something and fails, as often as it is told to."""

    name, reads = "failing", frozenset({"text"})

    def __init__(self, *pieces: str, error: Exception | None = None) -> None:
        self.pieces, self.error = pieces, error or GenerationError("no")

    async def generate(self, turn: Any):
        for piece in self.pieces:
            yield piece
        raise self.error


class Store(InMemoryStore):
    """One that can be broken."""

    broken: Exception | None = None

    def recall(self, conversation_id: str, *, turns: int) -> Any:
        if self.broken is not None:
            raise self.broken
        return super().recall(conversation_id, turns=turns)


class BrokenKeys:
    """Keys in a database that is away."""

    def exist(self) -> bool:
        raise StoreError("away")


def agent(store: Any, country: str = "GB", **parts: Any) -> Any:
    given: dict[str, Any] = {"plugins": [DangerWord()], "generator": offline(*["I hear you."] * 50)}
    return an_agent(store=store, **(given | {"guard": ProtocolGuard(country)} | parts))


@pytest.fixture
def store() -> Any:
    return Store()


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    agents = {
        "heartline": (agent(store), load_settings(store="memory")),
        "us": (agent(store, "US"), load_settings(store="memory")),
        "mute": (agent(store, "US", generator=Failing()), load_settings(store="memory")),
    }
    with serving_all(agents, max_body_bytes=30_000) as running:
        yield running


def sent(text: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **fields}


def helped(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status, and the country whose lines are named."""
    lines = "".join(answer.json()["error"].get("help_lines", ()))
    countries = [country for country, known in (("GB", "116 123"), ("US", "988")) if known in lines]
    return answer.status_code, countries[0] if countries else None


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_failing_speaker_and_a_broken_store_name_help_lines(store: Store, server: Serving, *, stream: bool):
    def post(**fields: Any) -> tuple[int, str | None]:
        return helped(server.post(COMPLETIONS, sent(stream=stream, **fields)))

    if not stream:
        assert post(model="mute") == (502, "US")
    store.broken = StoreError("away")
    assert post(**KEPT) == (503, "GB")
    assert post(model="us", **KEPT) == (503, "US")
    store.broken = None
    assert post(model="gone") == (404, "GB")


def test_that_a_stream_that_breaks_names_help_lines_in_its_last_event(server: Serving):
    answer = server.post(COMPLETIONS, sent(model="mute", stream=True))
    assert "988" in "".join(events_in(answer.text)[-1][1]["error"]["help_lines"])


def test_that_what_breaks_inside_names_help_lines(store: Store, server: Serving):
    store.broken = RuntimeError("inside")
    assert helped(server.post(COMPLETIONS, sent(model="us", **KEPT))) == (500, "US")
    store.broken = None


def test_that_who_comes_while_the_same_message_is_answered_is_given_help_lines(store: Store):
    with FakeLLMServer(says("One. ", WAIT)) as llm, ThreadPoolExecutor(1) as clients:
        speaking = agent(store, generator=create(llm.settings()), composer=PlainComposer(), fallback=offline())
        with serving(speaking, llm_url=llm.url, llm_retries=0) as server:
            asked = partial(server.post, COMPLETIONS, sent(**KEPT), idempotency_key="k")
            first = clients.submit(asked)
            assert llm.asked.wait(PATIENCE)
            second = asked()
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200
    assert helped(second) == (409, "GB")


def test_that_what_is_too_long_names_help_lines(server: Serving):
    assert helped(server.post(COMPLETIONS, sent("x" * 40_000))) == (413, "GB")
    assert helped(server.post(COMPLETIONS, sent("x" * 25_000, model="us"))) == (413, "US")


def test_that_a_server_that_stops_names_help_lines(server: Serving):
    server.service.drain.begin()
    assert helped(server.post(COMPLETIONS, sent())) == (503, "GB")
    assert "help_lines" not in server.post("/v1/heartline/analyze", {"input": "x"}).json()["error"]


def test_that_keys_that_cannot_be_read_name_help_lines():
    store = Store()
    store.api_keys = BrokenKeys()  # type: ignore[attr-defined]
    with serving(agent(store)) as server:
        assert helped(server.post(COMPLETIONS, sent())) == (503, "GB")
        assert "help_lines" not in server.http.get("/v1/models").json()["error"]


def test_that_a_client_that_is_wrong_or_asks_for_itself_gets_none(store: Store, server: Serving):
    for wrong in ({"messages": []}, sent(n=2), sent(" ")):
        assert helped(server.post(COMPLETIONS, wrong)) == (400, None)
    store.broken = RuntimeError("inside")
    for path in ("conversations/c", "conversations/c/people"):
        assert "help_lines" not in server.http.get(f"/v1/heartline/{path}").text


def test_that_a_front_end_that_asks_for_a_title_is_given_none(tmp_path: Path):
    with closing(SQLiteStore(tmp_path / "c.db")) as store, serving(agent(store)) as server:
        key = f"Bearer {store.api_keys.create('acme', rights=['chat'], per_minute=2)[0]}"
        refused = [
            server.post(COMPLETIONS, sent(), authorization=key, x_heartline_task="title"),
            server.post(COMPLETIONS, sent(TITLE), authorization=key),
            server.post(COMPLETIONS, sent(TITLE), authorization=key),
            server.post(COMPLETIONS, sent(), authorization=key),
        ]
        assert [each.status_code for each in refused] == [403, 200, 429, 429]
        assert [helped(each)[1] for each in refused if each.status_code != 200] == [None, None, "GB"]
