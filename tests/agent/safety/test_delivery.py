"""Packets on their way: signed, tried again, never lost, never under two ids."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.build import build_agent
from agent.certificates import authorities
from agent.decisions import Handoff
from agent.errors import SettingsError, WiringError
from agent.memory_sqlite import SQLiteStore
from agent.safety.delivery import LEASE, MOST_TRIES, Delivered, deliver, wait_after
from agent.safety.handoff import HandoffPacket, from_json
from agent.safety.webhook import TOLERANCE, Webhook, sign, verify_signature
from tests.contracts.store_contract import recalled_turn, said
from tests.fake_llm_server import Exchange, FakeLLMServer, Step, answers

SECRET = "a secret of a good length"  # noqa: S105 - of these tests
WORDS = "Zorvan said it again."
SENT = answers("", path="/handoffs", beside=True)
SILENT = Step(Exchange.wait, "/handoffs", beside=True)
DROPS = Step(Exchange.drop, "/handoffs", beside=True)


def now() -> datetime:
    return datetime.now(UTC)


def failing(status: int) -> Step:
    return answers(WORDS, status=status, path="/handoffs", beside=True)


def hook(server: FakeLLMServer, **changes: Any) -> Webhook:
    return Webhook(f"http://{server.host}/handoffs", SECRET, **changes)


def raw(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talks.db"


@pytest.fixture
def store(path: Path):
    with closing(SQLiteStore(path)) as store:
        yield store


def called(store: SQLiteStore, text: str = WORDS, conversation: str = "c") -> str:
    wanted = {"id": f"{conversation}-1", "conversation_id": conversation, "handoff": Handoff("plan")}
    return store.append(recalled_turn(store, text, reply=said("I hear you."), **wanted)).id


async def test_that_a_packet_arrives_once_with_a_signature_that_holds(store: SQLiteStore):
    store.append(recalled_turn(store, "Before.", reply=said("Yes?")))
    name = called(store)
    called_again = store.append(recalled_turn(store, "After."))
    with FakeLLMServer(SENT) as server:
        assert await deliver(store, hook(server), now()) == Delivered(sent=1)
        assert await deliver(store, hook(server), now() + timedelta(days=9)) == Delivered()
    (request,) = server.requests
    body = raw(request.body)
    packet = from_json(body)
    assert request.headers["idempotency-key"] == packet.id == name
    assert [turn.seeker for turn in packet.turns] == ["Before.", WORDS]
    assert called_again.text not in body.decode()
    assert verify_signature(body, request.headers, SECRET, now().timestamp())
    assert store.recall("c", turns=1).contact is not None
    assert [each.state for each in store.handoffs()] == ["sent"]


async def test_that_a_packet_that_is_not_taken_is_tried_again_later_with_the_same_bytes(store: SQLiteStore):
    called(store)
    start = now()
    with FakeLLMServer(failing(500), failing(401), DROPS, SENT) as server:
        times = [
            start,
            start + timedelta(seconds=31),
            start + timedelta(seconds=92),
            start + timedelta(seconds=213),
        ]
        for time in times[:-1]:
            assert await deliver(store, hook(server), time) == Delivered(waiting=1)
            assert await deliver(store, hook(server), time) == Delivered()  # not due yet
        assert await deliver(store, hook(server), times[-1]) == Delivered(sent=1)
    assert len({raw(request.body) for request in server.requests}) == 1
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1


async def test_that_a_receiver_that_is_gone_or_silent_costs_a_try_and_no_word_is_told(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    called(store)
    with FakeLLMServer(SILENT) as server:
        assert await deliver(store, hook(server, timeout=1.0), now()) == Delivered(waiting=1)
    (queued,) = store.handoffs()
    assert queued.problem in {"TimeoutError", "ReadTimeout"}
    later = now() + timedelta(hours=1)
    assert await deliver(store, hook(server), later) == Delivered(waiting=1)  # it is not there any more
    (queued,) = store.handoffs()
    assert (queued.problem, queued.attempts) == ("ConnectError", 2)
    assert "Zorvan" not in caplog.text + str(store.handoffs())


async def test_that_tries_have_an_end_and_who_asks_again_learns_of_it(store: SQLiteStore):
    called(store)
    time = now()
    with FakeLLMServer(*[failing(503)] * MOST_TRIES) as server:
        for number in range(MOST_TRIES):
            last = number == MOST_TRIES - 1
            assert await deliver(store, hook(server), time) == Delivered(failed=last, waiting=not last)
            time += timedelta(hours=7)
        assert await deliver(store, hook(server), time) == Delivered()
    contact = store.recall("c", turns=1).contact
    assert contact is not None
    assert contact.handoff == "failed"


async def test_that_packets_of_a_round_go_over_one_client_which_is_closed_at_the_end(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
):
    made: list[httpx2.AsyncClient] = []

    class Counted(httpx2.AsyncClient):
        """Is remembered."""

        def __init__(self, *arguments: Any, **given: Any) -> None:
            super().__init__(*arguments, **given)
            made.append(self)

    monkeypatch.setattr(httpx2, "AsyncClient", Counted)
    authorities()  # read before, by an LLM or a packet
    monkeypatch.setattr(httpx2, "create_ssl_context", None)
    for name in ("a", "b", "c"):
        called(store, conversation=name)
    with FakeLLMServer(SENT, DROPS, SENT, SENT) as server:
        async with hook(server) as sink:
            assert await deliver(store, sink, now()) == Delivered(sent=2, waiting=1)
            assert [each.is_closed for each in made] == [False]
        assert [each.is_closed for each in made] == [True]
        async with sink:  # another round
            assert await deliver(store, sink, now() + timedelta(hours=1)) == Delivered(sent=1)
    assert [each.is_closed for each in made] == [True, True]


async def test_that_a_redirect_takes_the_packet_nowhere(store: SQLiteStore):
    called(store)
    away = answers("", status=307, headers={"Location": "/elsewhere"}, path="/handoffs", beside=True)
    with FakeLLMServer(away) as server:
        assert await deliver(store, hook(server), now()) == Delivered(waiting=1)
    assert store.handoffs()[0].problem == "HTTP 307"


WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from agent.memory_sqlite import SQLiteStore
from agent.safety.delivery import deliver
from agent.safety.webhook import Webhook
asyncio.run(deliver(SQLiteStore(Path(sys.argv[1])), Webhook(sys.argv[2], sys.argv[3]), datetime.now(UTC)))
"""


def test_that_a_worker_that_is_killed_loses_nothing(store: SQLiteStore, path: Path):
    name = called(store)
    with FakeLLMServer(SILENT, SENT) as server:
        url = f"http://{server.host}/handoffs"
        child = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), url, SECRET], cwd=Path(__file__).parents[3]
        )
        assert server.asked.wait(60)
        child.kill()
        child.wait()
        assert (
            asyncio.run(deliver(store, hook(server), now())) == Delivered()
        )  # the dead one still has it to itself
        assert asyncio.run(deliver(store, hook(server), now() + LEASE)) == Delivered(sent=1)
    assert [request.headers["idempotency-key"] for request in server.requests] == [name, name]


async def test_that_two_workers_do_not_send_the_same_packet(store: SQLiteStore, path: Path):
    called(store)
    taken = store.claim(now(), until=now() + LEASE)
    assert taken is not None
    with closing(SQLiteStore(path)) as other:
        assert other.claim(now(), until=now() + LEASE) is None
    store.settle(taken.id, "sent", next_try=now())
    store.settle(taken.id, "queued", next_try=now())  # a slow one that comes late
    assert [each.state for each in store.handoffs()] == ["sent"]


async def test_that_a_turn_that_is_stored_again_is_queued_and_counted_once(store: SQLiteStore):
    turn = recalled_turn(store, WORDS, handoff=Handoff("asked", consent=True))
    store.append(turn)
    store.append(turn)
    (queued,) = store.handoffs()
    assert (queued.id, queued.reason, queued.consent, queued.position) == (turn.id, "asked", True, 0)
    ((_, counts),) = store.counts().items()
    assert counts["handoff"] == 1


async def test_that_an_erased_conversation_is_handed_to_nobody(store: SQLiteStore):
    called(store)
    store.erase("c")
    assert store.handoffs() == ()

    class Erases:
        async def send(self, packet: HandoffPacket) -> None:
            raise AssertionError

    called(store)
    claim = store.claim

    def claim_and_erase(time: datetime, *, until: datetime) -> Any:
        taken = claim(time, until=until)
        if taken is not None:
            store.erase("c")
        return taken

    store.claim = claim_and_erase  # type: ignore[method-assign]
    assert await deliver(store, Erases(), now()) == Delivered()


async def test_that_a_sink_that_breaks_holds_up_no_other_packet(store: SQLiteStore):
    called(store, "one", "a")
    called(store, "two", "b")
    taken: list[str] = []

    class Breaks:
        async def send(self, packet: HandoffPacket) -> None:
            if packet.conversation == "a":
                raise ValueError(packet.turns)
            taken.append(packet.conversation)

    assert await deliver(store, Breaks(), now()) == Delivered(sent=1, waiting=1)
    assert taken == ["b"]
    assert {each.problem for each in store.handoffs()} == {None, "ValueError"}


@given(st.integers(-3, 10_000))
def test_that_waits_grow_and_stay_within_hours(attempts: int):
    assert timedelta(seconds=30) <= wait_after(attempts) <= wait_after(attempts + 1) <= timedelta(hours=6)


@given(st.binary(max_size=64), st.floats(0, 4e9), st.floats(-2 * TOLERANCE, 2 * TOLERANCE))
def test_that_a_signature_holds_for_its_body_secret_and_time_alone(body: bytes, time: float, off: float):
    headers = sign(body, SECRET, time)
    assert verify_signature(body, headers, SECRET, int(time) + off) == (
        abs(int(time) + off - int(time)) <= TOLERANCE
    )
    assert not verify_signature(body + b" ", headers, SECRET, time)
    assert not verify_signature(body, headers, SECRET + "x", time)
    later = headers | {"heartline-timestamp": str(int(time) + 1)}
    assert not verify_signature(body, later, SECRET, time)


@given(st.dictionaries(st.sampled_from(["Heartline-Timestamp", "heartline-signature"]), st.text(max_size=30)))
def test_that_headers_of_anybody_are_no_error(headers: dict[str, str]):
    assert not verify_signature(b"{}", headers, SECRET, 1_790_000_000)
    assert verify_signature(b"{}", {k.upper(): v for k, v in sign(b"{}", SECRET, 7).items()}, SECRET, float(7))


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://desk.example", SECRET),
        ("https://amy:swordfish@desk.example/x", SECRET),
        ("https://desk.example:swordfish", SECRET),
        ("https://desk.example", "swordfish"),
    ],
)
def test_that_an_unusable_address_or_secret_is_refused_without_showing_it(url: str, secret: str):
    with pytest.raises(SettingsError, match=r"handoff_(url|secret)") as caught:
        Webhook(url, secret)
    assert "swordfish" not in str(caught.value)


def test_that_an_agent_that_could_reach_nobody_is_not_built(path: Path):
    for given_ in ({"store": "memory"}, {"guard": "none", "store_path": path}):
        with pytest.raises(WiringError, match="`handoff_at` is 'plan'"):
            build_agent(plugins=("risk",), handoff_at="plan", **given_)
    with pytest.raises(SettingsError, match="`handoff_secret`"):
        build_agent(plugins=("risk",), handoff_url="https://desk.example", store_path=path)


async def test_that_a_wish_for_a_person_is_queued_with_its_turn(path: Path):
    async with build_agent(handoff_at="acute", store_path=path) as agent:
        turn = await agent.respond("Can I talk to a human?", conversation_id="c")
        assert isinstance(agent.store, SQLiteStore)
        (queued,) = agent.store.handoffs()
        assert (queued.id, queued.reason, queued.state) == (turn.id, "asked", "queued")
        assert turn.reply is not None
        assert "Nobody has answered yet" in turn.reply.text
        again = await agent.respond("Can I talk to a human?", conversation_id="c")
        assert again.reply is not None
        assert "hasn't arrived yet" in again.reply.text
        assert len(agent.store.handoffs()) == 1
