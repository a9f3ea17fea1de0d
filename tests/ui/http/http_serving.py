"""A server on the loopback in a thread, for tests of everything over HTTP.

with serving(an_agent(offline("I hear you."))) as server:
    server.client.chat.completions.create(...)
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import openai
import uvicorn

from agent.loop import Agent
from agent.settings import Settings, load_settings
from ui.http.app import make_app
from ui.http.connections import Connection
from ui.http.profiles import DEFAULT, Profile, Service

__all__ = [
    "NO_TLS",
    "PATIENCE",
    "Serving",
    "events_in",
    "said",
    "serving",
    "serving_all",
    "sockets_of",
    "wait_until",
]

PATIENCE = 60.0
"""Seconds before a test that waits in vain fails: a busy machine is slow, not wrong."""

NO_TLS = httpx2.create_ssl_context(verify=False)
"""For clients of servers on the loopback: else each reads all authorities that the machine trusts."""


class Serving:
    """A running server and the means to talk to it."""

    def __init__(self, service: Service, port: int) -> None:
        self.service, self.port = service, port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, verify=NO_TLS)
        self.client = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key="unused", max_retries=0, timeout=PATIENCE,
            http_client=httpx2.Client(trust_env=False, verify=NO_TLS),
        )  # fmt: skip

    def ask(self, *messages: dict[str, Any] | str, **fields: Any) -> Any:
        """The answer to a conversation; a plain text is the user's."""
        return self.client.chat.completions.create(
            model=fields.pop("model", "heartline"), messages=[said(each) for each in messages], **fields
        )

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """Raw bytes, or anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, content=content, headers={"content-type": "application/json"} | named)

    def leaving(self, path: str, body: Any, until: Any, **headers: str) -> None:
        """Send a request, and leave once something is true, whatever was answered by then."""
        content = json.dumps(body).encode()
        named = {"Host": "x", "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
            wait_until(until)

    def raw(self, *parts: bytes, shut: bool = False) -> bytes:
        """What comes back on a bare connection until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            for part in parts:
                connection.sendall(part)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        return answer


@contextmanager
def serving(
    agent: Agent,
    *,
    limits: dict[str, Any] | None = None,
    connection: type[Connection] = Connection,
    **settings: Any,
) -> Iterator[Serving]:
    """Serve one agent as the profile `heartline`."""
    made = load_settings(store="memory", **settings)
    with serving_all({DEFAULT: (agent, made)}, connection=connection, **(limits or {})) as server:
        yield server


@contextmanager
def serving_all(
    agents: dict[str, tuple[Agent, Settings]], *, connection: type[Connection] = Connection, **limits: Any
) -> Iterator[Serving]:
    """Serve several, on the store of the first."""
    profiles = {name: Profile(name, agent, settings) for name, (agent, settings) in agents.items()}
    service = Service(profiles, next(iter(profiles.values())).agent.store)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        make_app(service, **limits),
        lifespan="on",
        http=connection,
        log_config=None,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=300,  # no test ends by it
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    running = Serving(service, listening.getsockname()[1])
    try:
        yield running
    finally:
        running.http.close()
        running.client.close()
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def wait_until(true: Any) -> None:
    """Wait, but not for ever: a broken test fails instead of hanging."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.005)


def sockets_of(pid: int) -> int:
    """Sockets that a process has open (Linux)."""
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found += str(each.readlink()).startswith("socket:")
    return found


def said(message: dict[str, Any] | str) -> dict[str, Any]:
    """A message; a plain text is the user's."""
    return {"role": "user", "content": message} if isinstance(message, str) else message


def events_in(text: str) -> list[tuple[str | None, Any]]:
    """Names and data of server-sent events."""
    found: list[tuple[str | None, Any]] = []
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        data = lines["data"]
        found.append((lines.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found
