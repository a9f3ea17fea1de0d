"""When the LLM is gone, and when too many come: over real sockets, with nothing lost and nothing stored twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from answering_llm import AnsweringLLM
from fake_llm_server import WAIT, FakeLLMServer, says, stays_silent
from http_serving import PATIENCE, Serving, serving, sockets_of, wait_until
from loop_parts import PlainComposer, an_agent, offline
from test_http_serve import QUIET, served

from agent.breaker import BreakerLimits
from agent.generator import create
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.course import RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.settings import load_settings
from agent.testing import FixedPlugin, a_turn

ONE_SLOT = {"running": 1, "waiting": 1, "waiting_per_tenant": 1}


def settings(url: str, **changes: Any) -> dict[str, Any]:
    return {"llm_url": url, "llm_model": "tiny", "llm_retries": 0, "llm_context": 8192, **changes}


def agent(chosen: dict[str, Any], **parts: Any) -> Any:
    given = {"fallback": offline(*["Take care."] * 1000), "composer": PlainComposer()}
    return an_agent(create(load_settings(store="memory", **chosen)), **(given | parts))


def body(conversation: str, text: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": text}],
        "heartline": {"conversation_id": conversation},
        **fields,
    }


def turn(server: Serving, conversation: str, text: str = "Hello.", **headers: str) -> httpx2.Response:
    return server.post("/v1/chat/completions", body(conversation, text), **headers)


def failures_in(response: httpx2.Response) -> list[str]:
    """What failed, as the words that tell one failure from another."""
    told = response.json()["heartline"]["failures"]
    kinds = ("left alone", "cannot be reached", "The time that the turn had")
    return [next((kind for kind in kinds if kind in each), each) for each in told]


def test_that_beyond_slots_and_queue_429_is_told_before_anything_is_stored():
    store = InMemoryStore()
    with FakeLLMServer(says("One. ", WAIT), says("Two. ")) as llm, ThreadPoolExecutor(2) as clients:
        chosen = settings(llm.url, server_load=ONE_SLOT)
        with serving(agent(chosen, store=store), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            second = clients.submit(turn, server, "b")
            wait_until(lambda: server.service.admission.waiting == 1)
            refused = turn(server, "c")
            analysed = server.post("/v1/heartline/analyze", {"input": "Hello."})
            assert server.http.get("/v1/models").status_code == 200
            assert server.http.get("/v1/heartline/conversations").status_code == 200
            assert store.conversations() == ()
            llm.go_on()
            assert [first.result(PATIENCE).status_code, second.result(PATIENCE).status_code] == [200, 200]
            assert set(store.conversations()) == {"a", "b"}
            assert server.post("/v1/heartline/analyze", {"input": "Hello."}).status_code == 200
    for response in (refused, analysed):
        assert (response.status_code, response.json()["error"]["code"]) == (429, "overloaded")
        assert response.json()["error"]["type"] == "rate_limit_error"
        assert int(response.headers["retry-after"]) >= 1


def test_that_a_full_queue_names_help_lines_to_whoever_writes_and_to_nobody_else():
    with FakeLLMServer(says("One. ", WAIT)) as llm, ThreadPoolExecutor(1) as clients:
        chosen = settings(llm.url, server_load={**ONE_SLOT, "wait": 0.05})
        talking = agent(chosen, guard=ProtocolGuard("GB"), plugins=[FixedPlugin("risk", RiskReading("none"))])
        with serving(talking, **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            stateless = server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello."}]})
            streamed = server.post("/v1/chat/completions", body("b", stream=True))
            analysed = server.post("/v1/heartline/analyze", {"input": "Hello."})
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200
    for response in (stateless, streamed):
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (429, "overloaded")
        assert "999" in error["help_lines"][0]
        assert "Samaritans: call 116 123" in "".join(error["help_lines"])
    assert (analysed.status_code, "help_lines" in analysed.json()["error"]) == (429, False)


def test_that_a_stream_is_refused_before_it_begins():
    with FakeLLMServer(says("One. ", WAIT)) as llm, ThreadPoolExecutor(2) as clients:
        chosen = settings(llm.url, server_load={**ONE_SLOT, "wait": 0.05})
        with serving(agent(chosen), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            refused = server.post("/v1/chat/completions", body("b", stream=True))
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
    assert refused.headers["retry-after"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/heartline/analyze"])
@pytest.mark.parametrize("stream", [False, True])
def test_that_a_client_that_leaves_the_queue_is_not_answered_and_its_place_is_free(path: str, *, stream: bool):
    store = InMemoryStore()
    sent = {"input": "Hello."} if path.endswith("analyze") else body("b", stream=stream)
    with FakeLLMServer(says("One. ", WAIT), says("Three. ")) as llm, ThreadPoolExecutor(2) as clients:
        chosen = settings(llm.url, server_load=ONE_SLOT)
        with serving(agent(chosen, store=store), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            server.leaving(path, sent, lambda: server.service.admission.waiting == 1)
            wait_until(lambda: server.service.admission.waiting == 0)
            third = clients.submit(turn, server, "c")
            wait_until(lambda: server.service.admission.waiting == 1)
            llm.go_on()
            assert [first.result(PATIENCE).status_code, third.result(PATIENCE).status_code] == [200, 200]
            assert set(store.conversations()) == {"a", "c"}


def test_that_turns_of_one_conversation_that_wait_for_each_other_hold_one_slot():
    with (
        FakeLLMServer(says("One. ", WAIT), says("Other. "), says("Two. ")) as llm,
        ThreadPoolExecutor(2) as clients,
    ):
        chosen = settings(llm.url, server_load={"running": 2})
        with serving(agent(chosen), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            second = clients.submit(turn, server, "a")
            wait_until(lambda: server.service.admission.waiting == 1)
            assert turn(server, "b").status_code == 200
            llm.go_on()
            indexes = [each.result(PATIENCE).json()["heartline"]["index"] for each in (first, second)]
    assert indexes == [0, 1]


def test_that_words_of_death_are_answered_when_no_slot_is_free():
    with FakeLLMServer(says("One. ", WAIT), says("I am here. ")) as llm, ThreadPoolExecutor(2) as clients:
        chosen = settings(llm.url, server_load={**ONE_SLOT, "waiting": 1})
        with serving(agent(chosen), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            assert turn(server, "b", "I want to kill myself.").status_code == 200
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200


@pytest.mark.parametrize("stateless", [False, True], ids=["kept", "brought"])
def test_that_who_was_in_danger_is_answered_when_no_slot_is_free(tmp_path: Path, *, stateless: bool):
    course = RiskCourse(level="watch", peak="ideation")
    asked = body("b")
    if stateless:
        asked = {"messages": [{"role": "user", "content": said} for said in ("I want to kill myself.", "Hello.")]}
    with (
        FakeLLMServer(says("One. ", WAIT), says("I am here. ")) as llm,
        ThreadPoolExecutor(2) as clients,
        closing(SQLiteStore(tmp_path / "c.db")) as store,
    ):
        # By another process, as far as this one knows.
        store.append(a_turn("It is over.", conversation_id="b", course=course))
        store.append(a_turn("I am late.", conversation_id="c", id="turn-2"))
        chosen = settings(llm.url, server_load={**ONE_SLOT, "wait": 0.05})
        with serving(agent(chosen, store=store), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            assert server.post("/v1/chat/completions", asked).status_code == 200
            assert turn(server, "c").status_code == 429
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200


@pytest.fixture(scope="module")
def warmed() -> None:
    """What the first turn of a process imports and compiles is there: on a busy machine it takes longer than a
    deadline, and then no LLM is asked at all.
    """
    with FakeLLMServer(says("I hear you. ")) as llm:
        chosen = settings(llm.url)
        with serving(agent(chosen), **chosen) as server:
            assert turn(server, "first").status_code == 200


@pytest.mark.usefixtures("warmed")
@pytest.mark.parametrize(
    ("headers", "own"),
    [({"X-Heartline-Deadline-Ms": "1500"}, {}), ({"x-envoy-expected-rq-timeout-ms": "1500"}, {}), ({}, {"turn_deadline": 1.5})],
    ids=["header", "envoy", "profile"],
)  # fmt: skip
def test_that_when_the_deadline_passes_the_fallback_answers(headers: dict[str, str], own: dict[str, Any]):
    store = InMemoryStore()
    with FakeLLMServer(stays_silent()) as llm:
        chosen = settings(llm.url, llm_timeout=60.0, **own)
        with serving(agent(chosen, store=store), **chosen) as server:
            answer = turn(server, "a", **headers)
            assert llm.client_left.wait(PATIENCE)
            assert len(store.turns("a")) == 1
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "Take care."
    assert failures_in(answer) == ["The time that the turn had"]


@pytest.mark.usefixtures("warmed")
def test_that_a_request_shortens_the_deadline_of_its_profile_and_does_not_lengthen_it():
    with FakeLLMServer(stays_silent()) as llm:
        chosen = settings(llm.url, llm_timeout=60.0, turn_deadline=1.5)
        with serving(agent(chosen), **chosen) as server:
            assert failures_in(turn(server, "a", **{"X-Heartline-Deadline-Ms": "60000"})) == [
                "The time that the turn had"
            ]


def test_that_a_request_whose_deadline_passes_in_the_queue_is_told_so():
    store = InMemoryStore()
    with FakeLLMServer(says("One. ", WAIT)) as llm, ThreadPoolExecutor(1) as clients:
        chosen = settings(llm.url, server_load=ONE_SLOT)
        with serving(agent(chosen, store=store), **chosen) as server:
            first = clients.submit(turn, server, "a")
            assert llm.asked.wait(PATIENCE)
            late = turn(server, "b", **{"X-Heartline-Deadline-Ms": "50"})
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200
            assert store.conversations() == ("a",)
    assert (late.status_code, late.json()["error"]["code"]) == (429, "overloaded")


@pytest.mark.parametrize("value", ["0", "-5", "soon", "3600001", "1e3"])
def test_that_a_deadline_that_is_none_is_refused(value: str):
    with serving(an_agent(offline("I hear you."))) as server:
        refused = turn(server, "a", **{"X-Heartline-Deadline-Ms": value})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")


def test_that_an_llm_that_goes_under_load_and_comes_back_leaves_every_turn_answered_and_stored_once():
    up = [True]
    store = InMemoryStore()
    with AnsweringLLM(says="I hear you.", first=lambda: up[0]) as llm, ThreadPoolExecutor(8) as clients:
        limits = BreakerLimits(failures=3, wait=0.2)
        chosen = settings(llm.url, llm_breaker=limits)
        with serving(agent(chosen, store=store), **chosen) as server:

            def talk(number: int, turns: int = 6) -> list[httpx2.Response]:
                return [turn(server, f"talk{number}", f"{n}.") for n in range(turns)]

            before = [each for talks in clients.map(talk, range(8)) for each in talks]
            up[0], asked = False, len(llm.bodies)
            began = time.monotonic()
            during = [each for talks in clients.map(lambda n: talk(n, 20), range(8, 16)) for each in talks]
            took, asked = time.monotonic() - began, len(llm.bodies) - asked
            assert server.http.get("/readyz").json()["llm"] in {"open", "half-open"}
            assert server.http.get("/readyz").status_code == 200
            up[0] = True
            after: list[httpx2.Response] = []

            def used_again() -> bool:
                after.append(turn(server, "talk16", f"{len(after)}."))
                return failures_in(after[-1]) == []

            wait_until(used_again)
            assert server.http.get("/readyz").json()["llm"] == "closed"
            answered = Counter({f"talk{n}": 6 for n in range(8)} | {f"talk{n}": 20 for n in range(8, 16)})
            answered["talk16"] = len(after)
            assert {each.status_code for each in [*before, *during, *after]} == {200}
            assert {each.json()["choices"][0]["message"]["content"] for each in before} == {"I hear you."}
            assert {each.json()["choices"][0]["message"]["content"] for each in during} == {"Take care."}
            assert {error for each in during for error in failures_in(each)} == {
                "cannot be reached",
                "left alone",
            }
            # Three and those under way open it; then one is tried in each wait.
            assert asked <= 3 + 8 + took / limits.wait + 1
            for conversation, turns in answered.items():
                assert [kept.text for kept in store.turns(conversation)] == [f"{n}." for n in range(turns)]


async def _burst(url: str, keys: dict[str, str], coming: list[tuple[str, str]]) -> list[httpx2.Response]:
    """Everything at once, each on a connection of its own."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=300.0, limits=limits) as http:

        async def one(tenant: str, conversation: str) -> httpx2.Response:
            headers = {"authorization": f"Bearer {keys[tenant]}"}
            return await http.post("/v1/chat/completions", json=body(conversation), headers=headers)

        return await asyncio.gather(*(one(tenant, conversation) for tenant, conversation in coming))


def test_that_a_tenant_whose_llm_hangs_leaves_a_slot_to_another_one(tmp_path: Path):
    with (
        FakeLLMServer(says("One. ", WAIT), says("Two. ")) as llm,
        ThreadPoolExecutor(1) as clients,
        closing(SQLiteStore(tmp_path / "c.db")) as store,
    ):
        hangs, other = ({"authorization": f"Bearer {store.api_keys.create(name)[0]}"} for name in ("a", "b"))
        chosen = settings(llm.url, server_load={"running": 2, "wait": 0.05})
        with serving(agent(chosen, store=store), **chosen) as server:
            first = clients.submit(turn, server, "c1", **hangs)
            assert llm.asked.wait(PATIENCE)
            assert turn(server, "c2", **hangs).status_code == 429
            assert turn(server, "c3", **other).status_code == 200
            llm.go_on()
            assert first.result(PATIENCE).status_code == 200


def test_that_of_a_burst_of_two_tenants_the_small_one_is_answered_whole_and_nothing_breaks(tmp_path: Path):
    coming = [("small" if n % 25 == 12 else "big", f"c{n}") for n in range(250)]
    store = SQLiteStore(tmp_path / "c.db")
    keys = {tenant: store.api_keys.create(tenant)[0] for tenant in ("big", "small")}
    with AnsweringLLM(says="I hear you.", first=lambda: time.sleep(0.02) is None) as llm:
        load = {"running": 8, "waiting": 100, "waiting_per_tenant": 40, "wait": 300}
        chosen = settings(llm.url, server_load=load)
        with serving(agent(chosen, store=store), **chosen) as server:
            answers = asyncio.run(_burst(server.url, keys, coming))
            kept = {
                tenant: {name: len(own.turns(name)) for name in own.conversations()}
                for tenant, own in ((tenant, store.for_tenant(tenant)) for tenant in keys)
            }
            assert (server.service.admission.running, server.service.admission.waiting) == (0, 0)
    told = list(zip(coming, answers, strict=True))
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {answer.status_code for (tenant, _), answer in told if tenant == "small"} == {200}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.json()["error"]["code"] for answer in refused} == {"overloaded"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
    for tenant in keys:
        done = {name for (whose, name), answer in told if whose == tenant and answer.status_code == 200}
        assert kept[tenant] == dict.fromkeys(done, 1)
    assert len(llm.bodies) == sum(answer.status_code == 200 for answer in answers)


@pytest.mark.parametrize("seconds", ["0", "30"])
def test_that_a_server_that_stops_answers_who_waits_or_tells_them(tmp_path: Path, seconds: str):
    steps = [says("One. ", WAIT)] + ([says("Two. ")] if seconds == "30" else [])
    with FakeLLMServer(*steps) as llm, ThreadPoolExecutor(2) as clients:
        environment = {
            "HEARTLINE_LLM_CONTEXT": "8192",
            "HEARTLINE_TWO_STAGE": "inline",
            "HEARTLINE_SERVER_LOAD": '{"running": 1}',
            **QUIET,
        }
        arguments = ["--llm", llm.url, "--model", "tiny", "--store", str(tmp_path / "c.db")]
        with served(*arguments, "--drain-seconds", seconds, **environment) as server:
            post = lambda name: server.http.post("/v1/chat/completions", json=body(name))  # noqa: E731
            first = clients.submit(post, "a")
            assert llm.asked.wait(PATIENCE)
            open_before = sockets_of(server.process.pid)
            second = clients.submit(post, "b")
            wait_until(lambda: sockets_of(server.process.pid) > open_before)
            for _ in range(5):  # what is answered later was read later
                server.http.get("/v1/models")
            server.process.send_signal(signal.SIGTERM)
            if seconds == "30":
                wait_until(lambda: server.http.get("/readyz").json()["problem"] == "stopping")
                llm.go_on()
            ended = [first.result(PATIENCE), second.result(PATIENCE)]
            assert server.process.wait(PATIENCE) == 0
    assert [each.status_code for each in ended] == ([200, 200] if seconds == "30" else [503, 503])
    if seconds == "0":
        assert {each.json()["error"]["code"] for each in ended} == {"stopping"}
    with closing(SQLiteStore(tmp_path / "c.db")) as store:
        assert set(store.conversations()) == ({"a", "b"} if seconds == "30" else {"a"})
