"""What a hostile client sends over a bare socket, byte by byte or never reading: each ends in a defined way."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from http_serving import PATIENCE, Serving, serving, wait_until
from loop_parts import an_agent, offline

from agent.decisions import Reply
from agent.memory import InMemoryStore
from agent.turn import Turn
from ui.http.connections import Connection

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Impatient(Connection):
    """Waits for a quarter of a second, and has the system keep little for who does not read."""

    head_seconds = 0.25
    read_seconds = 0.25

    def connection_made(self, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        super().connection_made(transport)


@pytest.fixture
def server(store: Any) -> Iterator[Serving]:
    with serving(an_agent(offline(*["I hear you."] * 50), store=store), connection=Impatient) as running:
        yield running


def talk(*headers: bytes, **fields: Any) -> bytes:
    """A request to talk, whose connection closes after it."""
    body = json.dumps({"messages": [{"role": "user", "content": "Hello."}]} | fields).encode()
    head = [b"POST /v1/chat/completions HTTP/1.1", b"Host: x", b"Connection: close", *headers]
    head += [b"Content-Type: application/json", f"Content-Length: {len(body)}".encode()]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def head_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[0].lower()


INJECTED = [
    b"a\rSet-Cookie: x=1",
    b"a\nSet-Cookie: x=1",
    b"a%0d%0aSet-Cookie:x=1",
    b"a\x00b",
    b"a\xe5\x98\x8d",
    b"a b",
]
IDS = ["lone CR", "lone LF", "escaped", "NUL", "wide", "space"]


@pytest.mark.parametrize("value", INJECTED, ids=IDS)
@pytest.mark.parametrize("name", [b"X-Request-Id", b"X-Heartline-Conversation", b"X-Heartline-Task"])
def test_that_no_header_of_a_client_writes_one_of_ours(server: Serving, name: bytes, value: bytes):
    answer = server.raw(talk(name + b": " + value))
    assert status_of(answer) in {200, 400}
    assert b"set-cookie" not in head_of(answer)
    assert value.lower() not in head_of(answer)
    # After a line feed stands another header of the request, for whoever reads it as h11 does.
    assert set(server.service.store.conversations()) <= ({"a"} if b"\n" in value else set())
    assert server.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\x00", "a\n", "../a", "a" * 129, "\ud800"])
def test_that_no_field_of_a_client_writes_a_header(server: Serving, value: str):
    named = server.raw(talk(heartline={"conversation_id": value}))
    assert status_of(named) == 400
    unknown = server.raw(talk(model=value))
    assert status_of(unknown) in {400, 404}
    for answer in (named, unknown):
        assert b"set-cookie" not in answer.lower()
    assert server.service.store.conversations() == ()


def test_that_two_keys_are_none(store: Any, server: Serving):
    key, other = (store.api_keys.create(tenant)[0] for tenant in ("acme", "other"))

    def bearer(secret: str) -> bytes:
        return f"Authorization: Bearer {secret}".encode()

    assert status_of(server.raw(talk(bearer(key)))) == 200
    for first, second in ((key, other), (other, key), (key, key), (key, "")):
        answer = server.raw(talk(bearer(first), bearer(second)))
        assert status_of(answer) == 401
        assert b"came twice" in answer
    assert status_of(server.raw(talk(bearer(f"{key}, Bearer {other}")))) == 401


@pytest.mark.parametrize("length", [257, 30_000])
def test_that_a_very_long_key_opens_nothing(store: Any, server: Serving, length: int):
    store.api_keys.create("acme")
    assert status_of(server.raw(talk(b"Authorization: Bearer hl_" + b"x" * length))) == 401


def test_that_a_head_without_end_is_not_taken_in(server: Serving):
    try:
        answer = server.raw(talk(b"Authorization: Bearer hl_" + b"x" * 1_000_000))
    except (ConnectionResetError, BrokenPipeError):
        answer = b"HTTP/1.1 400 "  # it closed the connection before all was sent
    assert status_of(answer) in {400, 431}
    assert server.http.get("/healthz").status_code == 200


def test_that_keys_that_are_no_ascii_open_nothing(store: Any, server: Serving):
    store.api_keys.create("acme")
    for value in (b"\xff\xfe", "hl_\u00fc".encode(), b"hl_%00"):
        assert status_of(server.raw(talk(b"Authorization: Bearer " + value))) == 401


def test_that_a_head_that_comes_byte_by_byte_is_not_waited_for(server: Serving):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.settimeout(0.02)
        answer = b""
        for byte in b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1000:
            assert time.monotonic() - began < PATIENCE
            try:
                connection.sendall(bytes([byte]))
                answer += connection.recv(1000)  # waits a little, as nothing is there
            except TimeoutError:
                continue
            except OSError:
                break
            if answer:
                break
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert server.http.get("/healthz").status_code == 200


def test_that_a_connection_that_says_nothing_is_closed(server: Serving):
    assert server.raw().startswith(b"HTTP/1.1 408 ")


def test_that_a_head_after_an_answered_request_is_not_waited_for_either(server: Serving):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEALTH)
        first = b""
        while not first.endswith(b'{"status":"ok"}'):
            first += connection.recv(1000)
        connection.sendall(b"GET /heal")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert connection.recv(1000) == b""


def test_that_a_head_in_pieces_that_is_quick_enough_is_answered(server: Serving):
    request = talk()
    assert status_of(server.raw(*[request[n : n + 1] for n in range(len(request))])) == 200


def test_that_requests_in_a_row_are_answered_in_order(server: Serving):
    answer = server.raw(HEALTH * 2 + b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + talk())
    assert [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 200, 404, 200]


def test_that_a_request_that_is_cut_stores_nothing(server: Serving):
    whole = talk(heartline={"conversation_id": "c"})
    for length in (5, 30, len(whole) // 2, len(whole) - 1):
        server.raw(whole[:length], shut=True)
    assert server.service.store.conversations() == ()
    assert status_of(server.raw(whole)) == 200
    assert server.service.store.conversations() == ("c",)


def test_that_two_lengths_are_refused(server: Serving):
    assert status_of(server.raw(talk(b"Content-Length: 3"))) == 400


class Endless:
    """Speaks until it is stopped."""

    name = "endless"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.pieces = 0
        self.stopped = threading.Event()

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        try:
            while True:
                self.pieces += 1
                await asyncio.sleep(0)
                yield "And so on. " * 400
        finally:
            self.stopped.set()


def test_that_a_client_that_never_reads_holds_little_and_not_for_ever():
    endless, store = Endless(), InMemoryStore()
    with serving(an_agent(endless, store=store), connection=Impatient) as server:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(talk(stream=True, heartline={"conversation_id": "c"}))
            assert endless.stopped.wait(PATIENCE)
            wait_until(lambda: not server.service.drain.running)
        # What the system's buffers on both sides and uvicorn's 64 KB hold.
        assert endless.pieces * 4400 < 1_000_000
        (turn,) = store.turns("c")
        assert turn.reply.finish_reason == "interrupted"


def test_that_a_client_that_reads_slowly_gets_everything(server: Serving):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(talk(stream=True))
        answer = b""
        while chunk := connection.recv(16):
            answer += chunk
    assert answer.rstrip().endswith(b"[DONE]\n\n\r\n0") or b"[DONE]" in answer


def test_that_an_answer_goes_out_at_once_on_a_connection_that_is_kept():
    found: list[int] = []

    class Noting(Connection):
        """Tells how its socket is set."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            link = transport.get_extra_info("socket")
            found.append(link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    with serving(an_agent(offline()), connection=Noting) as running:
        running.http.get("/healthz").raise_for_status()
    assert found == [1]
