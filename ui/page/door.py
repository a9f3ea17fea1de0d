"""What every request passes first: who may call, from which page, and what browsers may do with the answer."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Door"]

# Gradio compiles its templates in the browser. All else comes from here, whatever a reply holds.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
# Gradio's; nothing here takes files, and nothing is fetched for anybody.
_SHUT = ("/gradio_api/upload", "/gradio_api/proxy=", "/gradio_api/component_server", "/monitoring")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_BODY = 2_000_000


class Door:
    """Around the application.

    Args:
        app: The application.
        hosts: Names that it may be called by; None takes any. Where nobody needs a key, this keeps pages of other
            sites out that lead their own name here.
        root_path: What a proxy puts before every path, whether it takes it off again or not.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, *, root_path: str = "") -> None:
        self._app, self._hosts = app, None if hosts is None else frozenset(hosts)
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer[name] = value
            await send(message)

        if self._root:
            path = self._root + scope["path"].removeprefix(self._root)
            scope = {**scope, "root_path": self._root, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, sent)

    def _refused(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name(f"//{host}") not in self._hosts:
            return PlainTextResponse("It is not called by this name here (see `--allow-host`).", 421)
        origin = headers.get("origin")
        if scope["method"] not in _SAFE and origin is not None and urlsplit(origin).netloc != self._here(headers):
            return PlainTextResponse("Another page may not do this.", 403)
        if any(shut in scope["path"] for shut in _SHUT):
            return PlainTextResponse("There is nothing here.", 404)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LONGEST_BODY:
            return PlainTextResponse("That is too long.", 413)
        return None

    def _here(self, headers: Headers) -> str:
        """What the browser calls it: a proxy may tell."""
        return headers.get("x-forwarded-host", headers.get("host", "")).partition(",")[0].strip()


def _name(address: str) -> str:
    """The host of an address, as `hosts` writes it."""
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name
