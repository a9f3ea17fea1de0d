"""What people say over HTTP who took a conversation over, and how the client of whoever writes there learns of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import PATIENCE, Serving, serving, wait_until
from loop_parts import PlainComposer, an_agent, offline
from postgres import Cluster, a_cluster

from agent.generator import create
from agent.memory import InMemoryStore
from agent.memory_postgres import PostgresStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.human_acts import LONGEST_WORDS
from agent.safety.redacting_store import RedactingStore
from agent.safety.takeover import KEPT, TAKEN_OVER
from agent.testing import FixedPlugin
from ui.http.doorbells import Doorbells

HANDOFF = "/v1/heartline/handoff"
PEOPLE = "/v1/heartline/conversations/c/people"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster() as running:
        yield running


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemoryStore()
        return
    with ExitStack() as stack:
        if request.param == "sqlite":
            store: Any = SQLiteStore(tmp_path / "any.db")
        else:
            store = PostgresStore(request.getfixturevalue("cluster").emptied())
        yield stack.enter_context(closing(store))


def guarded(**parts: Any) -> Any:
    given: dict[str, Any] = {"plugins": [FixedPlugin("risk", RiskReading("none"))], "fallback": offline()}
    given |= {"guard": ProtocolGuard(), "generator": offline(*[f"Reply {n}." for n in range(9)])}
    return an_agent(**(given | parts))


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    with serving(guarded(store=store)) as running:
        yield running


def talk(server: Serving, text: str = "Hello there.", *, stream: bool = False, key: str = "") -> tuple[str, Any]:
    """The content of an answer in the conversation `c`, and the people in its field."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    given = {"extra_body": {"heartline": {"conversation_id": "c"}}, "extra_headers": headers}
    if not stream:
        answer = server.ask(text, **given)
        return answer.choices[0].message.content, answer.model_extra["heartline"]["people"]
    chunks = list(server.ask(text, stream=True, **given))
    content = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return content, chunks[-1].model_extra["heartline"]["people"]


def act(server: Serving, action: str, *, again: str = "", key: str = "", **given: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    headers |= {"idempotency_key": again} if again else {}
    body = {"action": action, "conversation_id": "c", **({} if key else {"by": "Amy"}), **given}
    return server.post(HANDOFF, body, **headers)


def told(answer: httpx2.Response) -> tuple[int, Any]:
    """Who holds it then, or the code and the field of an error."""
    body = answer.json()
    if answer.status_code == 200:
        return 200, body["held_by"]
    return answer.status_code, (body["error"]["code"], body["error"]["param"])


def people(server: Serving, **asked: Any) -> Any:
    answer = server.http.get(PEOPLE, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("stream", [False, True])
def test_that_what_a_person_says_comes_with_the_next_answer_and_once(any_store: Any, *, stream: bool):
    with serving(guarded(store=any_store), notices_in_content=False) as quiet:
        assert talk(quiet, stream=stream)[1] == []
        assert told(act(quiet, "hold")) == (200, "Amy")
        assert told(act(quiet, "say", words="  I am Amy.\x00 ")) == (200, "Amy")
        content, news = talk(quiet, stream=stream)
        assert content == TAKEN_OVER
        assert [(each["number"], each["by"], each["did"], each["words"]) for each in news] == [
            (1, "Amy", "took_over", None),
            (2, "Amy", "said", "I am Amy."),
        ]
        assert talk(quiet, stream=stream) == (KEPT, [])
        whole = quiet.http.get("/v1/heartline/conversations/c").json()
        assert whole["people"] == news
        assert [turn["heartline"]["people"] for turn in whole["turns"]] == [[], news, []]


@pytest.mark.parametrize("stream", [False, True])
def test_that_a_client_that_knows_no_field_reads_it_in_the_content(server: Serving, *, stream: bool):
    talk(server)
    act(server, "hold")
    act(server, "say", words="I am Amy.\n\nHow are you?")
    act(server, "say", words="Take your time.")
    content, _ = talk(server, stream=stream)
    assert content == f"Amy wrote: I am Amy.\n\nHow are you?\n\nAmy wrote: Take your time.\n\n{TAKEN_OVER}"
    assert talk(server, stream=stream)[0] == KEPT
    act(server, "say", words="I have to go.")
    act(server, "release")
    content, news = talk(server, stream=stream)
    assert content.startswith("Amy wrote: I have to go.\n\n")
    assert [each["did"] for each in news] == ["said", "gave_back"]
    replies = [turn["reply"] for turn in server.http.get("/v1/heartline/conversations/c").json()["turns"]]
    assert "wrote" not in "".join(replies)


@pytest.mark.parametrize("stream", [False, True])
def test_that_what_is_said_while_an_llm_speaks_is_told_with_its_reply(store: Any, *, stream: bool):
    with FakeLLMServer(says("First."), says("I hear you. ", WAIT, "Yes.")) as llm:
        agent = guarded(store=store, generator=create(llm.settings()), composer=PlainComposer())
        with serving(agent, llm_url=llm.url, llm_retries=0) as server:
            talk(server)
            answers: list[Any] = []
            talking = threading.Thread(target=lambda: answers.append(talk(server, stream=stream)))
            talking.start()
            wait_until(lambda: len(llm.requests) == 2)
            act(server, "hold")
            act(server, "say", words="I am Amy.")
            llm.go_on()
            talking.join(PATIENCE)
            ((content, news),) = answers
    assert (content.count("Amy wrote: I am Amy."), [each["did"] for each in news]) == (1, ["took_over", "said"])


def test_that_an_answer_that_is_sent_again_has_what_people_did(server: Serving):
    talk(server)
    act(server, "hold")
    act(server, "say", words="I am Amy.")
    body = {"messages": [{"role": "user", "content": "Hi."}], "heartline": {"conversation_id": "c"}}
    first, again = (server.post("/v1/chat/completions", body, idempotency_key="k") for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["choices"] == again.json()["choices"]
    assert first.json()["heartline"]["people"] == again.json()["heartline"]["people"]


def test_that_news_are_read_from_where_a_client_left_off(server: Serving):
    talk(server)
    assert people(server) == {
        "version": 1, "object": "list", "conversation_id": "c", "held_by": None, "total_turns": 1, "data": [],
        "has_more": False,
    }  # fmt: skip
    act(server, "hold")
    act(server, "say", words="One.")
    act(server, "say", words="Two.")
    found = people(server, after=1, limit=1)
    assert ([each["words"] for each in found["data"]], found["has_more"]) == (["One."], True)
    found = people(server, after=found["data"][-1]["number"])
    assert ([each["words"] for each in found["data"]], found["has_more"]) == (["Two."], False)
    assert found["held_by"] == "Amy"
    assert people(server, after=99)["data"] == []
    for wrong in ({"after": -1}, {"wait": 61}, {"wait": "nan"}, {"limit": 0}):
        assert server.http.get(PEOPLE, params=wrong).status_code == 400
    assert server.http.get(PEOPLE.replace("/c/", "/d/"), params={"wait": 60}).status_code == 404


@pytest.mark.parametrize("here", [True, False], ids=["in this process", "in another one"])
def test_that_who_waits_is_told_as_soon_as_somebody_writes(
    store: Any, server: Serving, monkeypatch: pytest.MonkeyPatch, *, here: bool
):
    # Where it is told in this process, nobody has to look at the store; in another one they do.
    monkeypatch.setattr("ui.http.people._LOOKS_EVERY", 1e9 if here else 0.01)
    talk(server)
    act(server, "hold")
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(people(server, after=1, wait=60)))
    waiting.start()
    wait_until(lambda: len(server.service.doorbells) == 1)
    if here:
        act(server, "say", words="I am Amy.")
    else:
        store.say("c", "I am Amy.", by="Amy")
    waiting.join(PATIENCE / 2)
    assert [each["words"] for each in found[0]["data"]] == ["I am Amy."]
    wait_until(lambda: len(server.service.doorbells) == 0)


async def test_that_a_bell_wakes_those_who_wait_for_its_conversation_and_nobody_else():
    bells = Doorbells()
    bells.ring("acme", "c")  # nobody waits, and nothing is kept of it
    with bells.of("acme", "c") as one, bells.of("acme", "c") as two, bells.of("other", "c") as theirs:
        with bells.of("acme", "d") as elsewhere:
            assert len(bells) == 3
            bells.ring("acme", "c")
            assert [bell.is_set() for bell in (one, two, theirs, elsewhere)] == [True, True, False, False]
        assert len(bells) == 2
    assert len(bells) == 0


def test_that_nobody_waits_in_a_server_that_stops_and_nothing_looks_for_who_left(server: Serving):
    talk(server)
    running = server.service.drain.running
    with pytest.raises(httpx2.TimeoutException):
        server.http.get(PEOPLE, params={"wait": 60}, timeout=0.2)
    wait_until(lambda: not running and not len(server.service.doorbells))
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(people(server, wait=60)))
    waiting.start()
    wait_until(lambda: len(running) == 1)
    server.service.drain.begin()
    waiting.join(PATIENCE / 2)
    assert found[0]["data"] == []


def test_that_only_who_holds_it_says_something_under_the_name_of_their_key(store: Any, server: Serving):
    front, _ = store.api_keys.create("acme")
    amy, ben = (store.api_keys.create("acme", name=name, rights=["handoff"])[0] for name in ("Amy", "Ben"))
    talk(server, key=front)
    assert told(act(server, "say", key=amy, words="Hello.")) == (409, ("held_by_another", None))
    assert told(act(server, "hold", key=amy)) == (200, "Amy")
    assert told(act(server, "say", key=ben, words="Hello.")) == (409, ("held_by_another", None))
    assert told(act(server, "say", key=amy, by="Eve", words="Hello.")) == (409, ("held_by_another", None))
    assert told(act(server, "say", key=amy, words="Hello.")) == (200, "Amy")
    assert told(act(server, "say", key=front, words="Hello.")) == (403, ("right_missing", None))
    assert [each["by"] for each in talk(server, key=front)[1]] == ["Amy", "Amy"]
    shown = [(each.by, each.did) for each in store.for_tenant("acme").human_acts("c")]
    assert shown == [("Amy", "took_over"), ("Amy", "said")]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"words": "secret" * LONGEST_WORDS}, "words"),
        ({"words": " \x00 "}, "words"),
        ({}, "words"),
        ({"words": ["secret"]}, "words"),
        ({"words": "secret", "by": " "}, "by"),
        ({"words": "secret", "by": "A\nmy"}, "by"),
    ],
    ids=["long", "blank", "none", "list", "nobody", "line"],
)
def test_that_words_that_cannot_be_said_are_refused_and_not_repeated(server: Serving, given: Any, param: str):
    talk(server)
    act(server, "hold")
    answer = act(server, "say", **given)
    assert told(answer) == (400, ("invalid_request", param))
    assert "secret" not in answer.text
    assert len(people(server)["data"]) == 1


def test_that_words_that_come_twice_under_a_key_are_said_once(any_store: Any):
    with serving(guarded(store=any_store)) as server:
        talk(server)
        act(server, "hold")
        answers = [act(server, "say", again="k-1", words="I am Amy.") for _ in range(2)]
        assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true"]
        assert answers[0].json() == answers[1].json()
        assert told(act(server, "say", again="k-1", words="Else."))[1][0] == "idempotency_key_reused"
        assert told(act(server, "say", again="k-2", words="I am Amy.")) == (200, "Amy")
        body = {"messages": [{"role": "user", "content": "Hi."}], "heartline": {"conversation_id": "c"}}
        assert server.post("/v1/chat/completions", body, idempotency_key="k-1").status_code == 200
        act(server, "release")
        assert act(server, "say", again="k-1", words="I am Amy.").headers["idempotency-replayed"] == "true"
        assert [each["did"] for each in people(server)["data"]] == ["took_over", "said", "said", "gave_back"]
        server.http.delete("/v1/heartline/conversations/c").raise_for_status()
        talk(server)
        act(server, "hold")
        assert "idempotency-replayed" not in act(server, "say", again="k-1", words="I am Amy.").headers


def test_that_under_redaction_the_person_reads_what_is_kept(store: Any):
    with serving(guarded(store=RedactingStore(store))) as server:
        talk(server)
        act(server, "hold")
        act(server, "say", again="k", words="Write to amy@example.org.")
        assert act(server, "say", again="k", words="Write to amy@example.org.").headers["idempotency-replayed"]
        assert people(server)["data"][-1]["words"] == "Write to [email]."
