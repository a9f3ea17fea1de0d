"""`heartline ui`: the page in the browser. Heavy imports stay inside: `heartline --help` answers at once."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.errors import SettingsError

if TYPE_CHECKING:
    from agent.settings import Settings
    from ui.page.desk import Reach

__all__ = ["app"]

app = typer.Typer(help="Chat in the browser, and see what it understood.", invoke_without_command=True,
                  rich_markup_mode=None)  # fmt: skip

_ROOT = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


@app.callback()
def ui(  # noqa: PLR0917 - typer names them all
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 7860,
    root_path: Annotated[str, typer.Option(help="What a proxy puts before every path, e.g. /heartline.")] = "",
    llm: Annotated[str | None, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="The LLM's name; default: its first.")] = None,
    store: Annotated[Path | None, typer.Option(help="File that keeps conversations.")] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing on disk.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name that a proxy calls it by, beside those of this machine (may be given again)."),
    ] = None,
) -> None:
    """Chat in the browser, and see what it understood (docs/page.md)."""
    from agent.settings import load_settings
    from ui.http.serve import called_by, check_reach, given_settings
    from ui.http.tenancy import has_keys

    settings = load_settings(**given_settings(llm=llm, model=model, store=store, ephemeral=ephemeral))
    root = _checked_root(root_path)
    keys = has_keys(settings)
    check_reach(host, keys=keys)
    near = not keys and not root and not allow_host
    run(
        settings,
        host=host,
        port=port,
        root_path=root,
        near=near,
        keys=keys,
        hosts=None if keys else called_by(host, allow_host),
    )


def _checked_root(root_path: str) -> str:
    root = root_path.rstrip("/")
    if root and not _ROOT.fullmatch(root):
        raise SettingsError(f"`--root-path` is {root_path!r}; it is a path, e.g. /heartline.")
    return root


def run(
    settings: Settings,
    *,
    host: str,
    port: int,
    root_path: str,
    near: bool,
    keys: bool,
    hosts: frozenset[str] | None,
) -> None:
    """Serve the page until a signal comes; anew, and for those who sign in, once there is a key.

    Args:
        settings: Of the agents.
        host: Address to listen at.
        port: 0 takes a free one.
        root_path: What a proxy puts before every path.
        near: Nobody but this machine reaches it.
        keys: A key is needed.
        hosts: Names that it may be called by; None takes any.

    Raises:
        HeartlineError: The agent cannot be built.
    """
    import uvicorn

    from ui.http.connections import send_at_once
    from ui.page.desk import Reach

    # It outlasts the server: whoever comes while the page starts anew waits.
    with uvicorn.Config("", host=host, port=port, log_level="warning").bind_socket() as listening:
        send_at_once(listening)
        if _served(settings, Reach(near, root_path, keys), listening, hosts):
            typer.echo("There is a key now: everybody has to sign in, and the page starts anew.")
            _served(settings, Reach(near=False, root_path=root_path, keys=True), listening, None)


def _served(settings: Settings, reach: Reach, listening: socket.socket, hosts: frozenset[str] | None) -> bool:
    """Serve until a signal comes, or a key is made where there was none; whether it was a key."""
    import uvicorn

    from ui.page.app import build_desk, make_page

    desk = build_desk(settings, reach)
    shut = False

    def end() -> None:
        nonlocal shut
        shut = server.should_exit = True

    class Server(uvicorn.Server):
        """Tells where it is."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            address = listening.getsockname()
            shown = f"[{address[0]}]" if ":" in address[0] else address[0]
            typer.echo(f"Open http://{shown}:{address[1]}{reach.root_path}/ in a browser. Ctrl-C ends.")

    config = uvicorn.Config(
        make_page(desk, hosts=hosts, shut=end),
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = Server(config)
    server.run(sockets=[listening.dup()])
    return shut
