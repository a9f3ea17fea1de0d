"""`heartline serve`: the HTTP server. Heavy imports stay inside, so that `heartline --help` answers at once."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.errors import SettingsError

if TYPE_CHECKING:
    from agent.settings import Settings
    from ui.http.workers import Link

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
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that answer; as many as cores for the most turns.")
    ] = 1,
) -> None:
    """Serve an OpenAI-compatible API over HTTP: /v1/chat/completions, /v1/models, /v1/heartline."""
    from agent.settings import load_settings
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
    check_workers(workers)
    run(
        settings,
        read=read,
        host=host,
        port=port,
        profile=profile,
        hosts=None if keys else called_by(host, allow_host),
        drain_seconds=drain_seconds,
        workers=workers,
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


def check_workers(number: int) -> None:
    """Refuse what this system cannot do.

    Raises:
        SettingsError: There are to be several, and processes cannot be forked here.
    """
    if number > 1 and not hasattr(os, "fork"):
        raise SettingsError(
            f"`--workers` is {number}, and this system cannot fork processes. Leave it out, and start several "
            "servers on ports of their own behind a proxy."
        )


def run(settings: Settings, *, host: str, port: int, workers: int, **how: Any) -> None:
    """Serve at an address, with one process or several.

    Args:
        settings: Of the agents.
        host: Address to listen at.
        port: 0 takes a free one.
        workers: Processes, from 1.
        **how: As `ui.http.server.serve` takes it.

    Raises:
        SettingsError: Nobody can listen there.
        HeartlineError: As `ui.http.server.serve`.
    """
    from ui.http import logs
    from ui.http.workers import Workers

    names = ", ".join(dict.fromkeys(("heartline", *settings.profiles)))
    with _bound(host, port) as listening:
        logs.set_up(settings.operations)
        if hasattr(signal, "SIGHUP"):  # not on Windows
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
        told = partial(typer.echo, f"Serving at http://{_address_of(listening)}/v1 (models: {names})")

        def work(taken_from: socket.socket | Link, **more: Any) -> None:
            from ui.http.server import serve as answer  # what is heavy is loaded by who answers

            answer(settings, listening=taken_from, **how, **more)

        if workers == 1:
            work(listening, ready=told)
            return
        with _counted_together() as died:
            status = Workers(work, workers, listening, died=died).run(told)
    raise typer.Exit(status)


def _bound(host: str, port: int) -> socket.socket:
    """A socket at the address, which does not listen yet.

    Raises:
        SettingsError: The address is taken, or none of this machine's.
    """
    bare = host.strip("[]")
    found = socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((bare, port))
    except OSError as error:
        found.close()
        raise SettingsError(
            f"Nobody can listen at `--host` {host!r}, `--port` {port}: {error.strerror or error}. "
            "Take another port (0 takes a free one), or end what listens there."
        ) from None
    return found


def _address_of(listening: socket.socket) -> str:
    """Host and port as they stand in a URL."""
    host, port, *_ = listening.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _counted_together() -> Iterator[Callable[[int], None]]:
    """Have what processes count kept where each of them can read it, for as long as this one lives.

    Gives what is to be called with the number of a process that died.
    """
    folder, owner = tempfile.mkdtemp(prefix="heartline-metrics-"), os.getpid()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before its library is imported, by each worker

    def died(pid: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]

    try:
        yield died
    finally:
        if os.getpid() == owner or os.getppid() != owner:  # the first process, or a worker that outlives it
            shutil.rmtree(folder, ignore_errors=True)
