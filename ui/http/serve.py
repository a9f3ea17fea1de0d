"""`heartline serve`: the HTTP server. Heavy imports stay inside, so that `heartline --help` answers at once."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.errors import SettingsError

__all__ = ["app", "called_by", "check_reach", "given_settings", "run"]

app = typer.Typer(
    help="Serve an OpenAI-compatible API over HTTP.", invoke_without_command=True, rich_markup_mode=None
)


_NEAR = ("127.0.0.1", "localhost", "[::1]")


@app.callback()
def serve(  # noqa: PLR0917 - typer names them all
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    profile: Annotated[
        str, typer.Option(help="Profile for requests that name none (docs/server.md).")
    ] = "heartline",
    llm: Annotated[str | None, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="The LLM's name; default: its first.")] = None,
    store: Annotated[Path | None, typer.Option(help="File that keeps conversations.")] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing on disk.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name that a proxy calls it by, beside those of this machine (may be given again)."),
    ] = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long running replies may go on after SIGTERM.")
    ] = 30.0,
) -> None:
    """Serve an OpenAI-compatible API over HTTP: /v1/chat/completions, /v1/models, /v1/heartline."""
    from agent.settings import Settings, load_settings
    from ui.http.cors import check_origins
    from ui.http.tenancy import has_keys

    given = given_settings(llm=llm, model=model, store=store, ephemeral=ephemeral)

    def read() -> Settings:
        found = load_settings(**given)
        # Many speak at once: passes side by side share the cores better than threads within one.
        return found if found.threads else found.model_copy(update={"threads": 1})

    settings = read()
    keys = has_keys(settings)
    check_reach(host, keys=keys)
    check_origins(settings.allow_origins, keys=keys)
    run(
        settings,
        read=read,
        host=host,
        port=port,
        profile=profile,
        hosts=None if keys else called_by(host, allow_host),
        drain_seconds=drain_seconds,
    )


def given_settings(*, llm: str | None, model: str | None, store: Path | None, ephemeral: bool) -> dict[str, Any]:
    """Settings that options of the command line give; None: not given."""
    given: dict[str, Any] = {"llm_url": llm, "llm_model": model, "store_path": store}
    return given | {"store": "memory"} if ephemeral else given


def called_by(host: str, allow_host: Collection[str] | None) -> frozenset[str]:
    """Names that a server which needs no key may be called by: no page of another site can then use it by leading
    its own name here.

    Args:
        host: Address that it listens at.
        allow_host: Further names.
    """
    return frozenset({*_NEAR, host.lower(), *(name.lower() for name in allow_host or ())})


def check_reach(host: str, *, keys: bool) -> None:
    """Refuse to listen where others can reach it while nobody needs a key.

    Args:
        host: Address to listen at.
        keys: Whether somebody has one.

    Raises:
        SettingsError: The address is not of this machine alone.
    """
    try:
        near = ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near and not keys:
        raise SettingsError(
            f"`--host` is {host!r}, which other machines can reach, and there are no keys: everybody could read "
            "every conversation. Make one with `heartline keys create`, or listen at 127.0.0.1."
        )


def run(
    settings: Any,
    *,
    read: Callable[[], Any],
    host: str,
    port: int,
    profile: str,
    hosts: Collection[str] | None,
    drain_seconds: float,
) -> None:
    """Serve until a signal comes. SIGHUP has the configuration read again.

    Args:
        settings: Of the agents.
        read: Reads them again.
        host: Address to listen at.
        port: 0 takes a free one.
        profile: For requests that name none.
        hosts: Names that it may be called by; None takes any.
        drain_seconds: How long running replies may go on after the signal.

    Raises:
        HeartlineError: The agents cannot be built.
    """
    import uvicorn
    from prometheus_client import disable_created_metrics

    from agent.parts import prepare_aside
    from ui.http import logs
    from ui.http.allocator import bound_heaps
    from ui.http.app import make_app
    from ui.http.connections import Connection
    from ui.http.profiles import build_service
    from ui.http.reloading import Reloading
    from ui.http.tracing import export_spans
    from ui.http.waking import read_wakes_in_pieces

    bound_heaps()
    logs.set_up(settings.operations)
    export_spans()
    # A second series for each, which hardly anybody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    hang_up = getattr(signal, "SIGHUP", None)  # not on Windows
    if hang_up is not None:
        signal.signal(hang_up, signal.SIG_IGN)  # until there is something to reload
    service = build_service(settings, default=profile)
    drain = service.drain

    class Server(uvicorn.Server):
        """Drains before it stops: uvicorn alone would refuse connections at once."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            if drain.began is None:
                drain.begin()
            else:  # asked twice: at once
                super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            read_wakes_in_pieces(asyncio.get_running_loop())
            if hang_up is not None:
                again = Reloading(service, read)
                asyncio.get_running_loop().add_signal_handler(hang_up, again.ask)
            address = sockets[0].getsockname() if sockets else (host, port)
            shown = f"[{address[0]}]" if ":" in address[0] else address[0]
            prepare_aside(lambda: bool(drain.running))
            typer.echo(f"Serving at http://{shown}:{address[1]}/v1 (models: {', '.join(service.profiles)})")

        async def on_tick(self, counter: int) -> bool:
            return await super().on_tick(counter) or drain.done(within=drain_seconds)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await drain.cut()  # before the store is closed, which keeps what was said
            await super().shutdown(sockets)

    config = uvicorn.Config(
        make_app(service, max_body_bytes=settings.max_body_bytes, hosts=hosts),
        host=host,
        port=port,
        lifespan="on",
        http=Connection,
        access_log=False,  # paths hold ids of conversations; `Observed` writes the lines
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,  # by then whatever still runs has had its time
    )
    Server(config).run(sockets=[config.bind_socket()])
