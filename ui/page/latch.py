"""A page that began without keys, once there is one: it lets nobody in any more, until it begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.errors import StoreError
from ui.page.markup import filled
from ui.page.texts import preferred, texts_in

if TYPE_CHECKING:
    from agent.api_keys import ApiKeys

__all__ = ["Latch"]

_FILES = ("/assets/", "/static/")  # the same for everybody, and of nobody
_SECONDS = "3"


class Latch:
    """Around the application. It asks the store at each request for more than a file, as `heartline serve` does.

    Args:
        app: The application.
        keys: Of the store.
        shut: Called once, when there is a key: whoever serves the application starts it anew.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys, shut: Callable[[], None] | None = None) -> None:
        self._app, self._keys, self._shut = app, keys, shut
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http" and await self._is_shut(scope["path"]):
            await self._refusal(scope)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_shut(self, path: str) -> bool:
        if self._closed or any(part in path for part in _FILES):
            return self._closed
        try:
            there = await asyncio.to_thread(self._keys.exist)
        except StoreError:
            return False  # no conversation can be read either, which is told where it is asked for
        if there and not self._closed:
            self._closed = True
            if self._shut is not None:
                self._shut()
        return self._closed

    def _refusal(self, scope: Scope) -> Response:
        headers = Headers(scope=scope)
        texts = texts_in(preferred(headers.get("accept-language", "")))
        waits = {"retry-after": _SECONDS, "cache-control": "no-store"}
        if "text/html" not in headers.get("accept", ""):
            return PlainTextResponse(texts("latch.shut"), 401, headers=waits)
        return HTMLResponse(filled("latch", texts, seconds=_SECONDS), 503, headers=waits)
