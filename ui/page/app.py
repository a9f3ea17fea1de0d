"""The application: the page in each language, and the way to the one that suits a browser."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from agent.build import build_agent
from agent.in_sync import result_of
from agent.loop import Agent
from agent.parts import warm
from agent.settings import Settings
from ui.http.errors import ApiError
from ui.page.desk import Desk, Reach
from ui.page.door import Door
from ui.page.gradio_import import import_gradio
from ui.page.latch import Latch
from ui.page.markup import compile_all
from ui.page.reports import add_reports
from ui.page.shell import Shell
from ui.page.texts import COOKIE, LANGUAGES, preferred, texts_in

__all__ = ["build_desk", "make_page"]

# No argument of Gradio's switches off all that it sends home, nor that it sums up its last 10,000 events by pandas
# after each: the page for that is shut (`ui.page.door`).
_GRADIO = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**31),
}
_AT_ONCE, _WAITING = 64, 512  # replies that are made, and messages that wait for one


def build_desk(settings: Settings, reach: Reach = Reach()) -> Desk:
    """What all visitors share, from settings.

    Raises:
        HeartlineError: As `agent.build.build_agent`.
    """
    return Desk(build_agent(settings), settings, reach)


def make_page(
    desk: Desk, *, hosts: Collection[str] | None = None, shut: Callable[[], None] | None = None
) -> ASGIApp:
    """The application, to be served by any ASGI server. It closes the desk when the server stops.

    Args:
        desk: What all visitors share.
        hosts: Names that it may be called by; None takes any.
        shut: Called once where the page was for everybody and a key is made meanwhile: it lets nobody in any more.
    """
    os.environ.update(_GRADIO)
    os.environ.setdefault("MPLBACKEND", "agg")  # else Gradio's first event looks for a screen

    async def page() -> ASGIApp:
        return _page(desk, hosts, shut)

    return result_of(page)  # outside of an event loop Gradio makes eight of its own, and closes none


def _page(desk: Desk, hosts: Collection[str] | None, shut: Callable[[], None] | None) -> ASGIApp:
    import_gradio()
    import gradio as gr

    from ui.page.frame import made, shell, theme

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await asyncio.to_thread(_warm, desk.agent)
        yield
        await desk.aclose()

    app = FastAPI(title="Heartline", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)

    @app.get("/")
    async def to_language(request: Request) -> RedirectResponse:
        """To the language that was chosen here before, or else the one that the browser asks for."""
        language = preferred(request.headers.get("accept-language", ""), request.cookies.get(COOKIE, ""))
        return RedirectResponse(f"{desk.reach.root_path}/{language}/", status_code=307)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "ok"}

    @app.get("/favicon.ico")
    async def no_icon() -> Response:
        """None: the page brings its own. Browsers ask for it where a report is open."""
        return Response(status_code=204)

    if desk.evaluations is not None:
        add_reports(app, desk.evaluations)
    keys = getattr(desk.agent.store, "api_keys", None)

    def admitted(tenant: str, key: str) -> bool:
        """Whether the key opens the conversations of the tenant."""
        try:
            return desk.gate.admitted(key).name == tenant
        except ApiError:
            return False

    shells = {}
    for language in LANGUAGES:
        texts = texts_in(language)
        shells[f"{desk.reach.root_path}/{language}/"] = shell(desk, texts)
        blocks = made(desk, texts)
        blocks.queue(max_size=_WAITING, default_concurrency_limit=_AT_ONCE)
        gr.mount_gradio_app(
            app,
            blocks,
            path=f"/{language}",
            footer_links=[],
            run_history=False,
            show_error=False,
            auth=admitted if desk.reach.keys else None,
            auth_message=texts("latch.sign_in"),
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            theme=theme(),
        )
    page: ASGIApp = Shell(app, shells)
    if keys is not None and not desk.reach.keys:
        page = Latch(page, keys, shut)
    return Door(page, hosts, root_path=desk.reach.root_path)


def _warm(agent: Agent) -> None:
    """Do once what the first message would wait for."""
    warm(agent)
    compile_all()
    with suppress(ImportError):  # Gradio sets its backend around each event, where it is installed
        importlib.import_module("matplotlib")
