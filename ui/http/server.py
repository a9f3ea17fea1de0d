"""One process that serves: what `heartline serve` runs, and each of its workers where there are several."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Collection
from typing import Any

import uvicorn
from prometheus_client import disable_created_metrics

from agent.errors import SettingsError
from agent.parts import prepare_aside
from agent.settings import Settings
from ui.http import logs
from ui.http.allocator import bound_heaps
from ui.http.app import make_app
from ui.http.connections import Connection
from ui.http.profiles import Service, build_service
from ui.http.reloading import Reloading
from ui.http.tracing import export_spans
from ui.http.waking import read_wakes_in_pieces
from ui.http.workers import Link

__all__ = ["serve"]


def serve(
    settings: Settings,
    *,
    read: Callable[[], Settings],
    listening: socket.socket | Link,
    profile: str,
    hosts: Collection[str] | None,
    drain_seconds: float,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal comes. SIGHUP has the configuration read again.

    Args:
        settings: Of the agents.
        read: Reads them again.
        listening: Bound to the address; in a worker, what brings its connections.
        profile: For requests that name none.
        hosts: Names that it may be called by; None takes any.
        drain_seconds: How long running replies may go on after the signal.
        ready: Called when it listens.

    Raises:
        HeartlineError: The agents cannot be built.
        SettingsError: There are several, and the store is one that processes cannot share.
    """
    bound_heaps()
    logs.set_up(settings.operations)
    export_spans()
    # A second series for each, which hardly anybody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    service = build_service(settings, default=profile)
    if isinstance(listening, Link) and getattr(service.store, "leases", None) is None:
        raise SettingsError(
            f"`--workers` asks for several processes, which cannot share the store {service.store.name!r}. Take a "
            "file (`--store`) or Postgres, or leave `--workers` out."
        )
    config = uvicorn.Config(
        make_app(service, max_body_bytes=settings.max_body_bytes, hosts=hosts),
        lifespan="on",
        http=Connection,
        access_log=False,  # paths hold ids of conversations; `Observed` writes the lines
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,  # by then whatever still runs has had its time
    )
    link = listening if isinstance(listening, Link) else None
    server = _Server(config, service, read=read, drain_seconds=drain_seconds, ready=ready, link=link)
    server.run(sockets=[] if isinstance(listening, Link) else [listening])


class _Server(uvicorn.Server):
    """Drains before it stops: uvicorn alone would refuse connections at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        *,
        read: Callable[[], Settings],
        drain_seconds: float,
        ready: Callable[[], None],
        link: Link | None,
    ) -> None:
        super().__init__(config)
        self._drain, self._drain_seconds = service.drain, drain_seconds
        self._reloading = Reloading(service, read)
        self._ready, self._link = ready, link
        self._taken_in: set[asyncio.Task[object]] = set()

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self._drain.began is None:
            self._drain.begin()
        else:  # asked twice: at once
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        read_wakes_in_pieces(loop)
        if hasattr(signal, "SIGHUP"):  # not on Windows
            loop.add_signal_handler(signal.SIGHUP, self._reloading.ask)
        if self._link is not None:
            self._link.listen(self._take, orphaned=self._drain.begin)
        prepare_aside(lambda: bool(self._drain.running))
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._drain.done(within=self._drain_seconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain.cut()  # before the store is closed, which keeps what was said
        await super().shutdown(sockets)

    def _take(self, connection: socket.socket) -> None:
        """What uvicorn does with the connections that it takes in itself."""
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return Connection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        task = loop.create_task(loop.connect_accepted_socket(protocol, connection))
        self._taken_in.add(task)
        task.add_done_callback(self._taken_in.discard)
