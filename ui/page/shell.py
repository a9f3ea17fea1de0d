"""The document that a browser gets first: with the page's language, its script, and help that needs nothing else.

Gradio draws the page once its own scripts have run. Until then, and wherever they do not, the shell is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Shell"]

# What Gradio says of itself there, with addresses at other hosts.
_FOREIGN = re.compile(rb"\s*<meta\s[^>]*(?:og:|twitter:)[^>]*>|\s*<link rel=\"manifest\"[^>]*>", re.IGNORECASE)
_SCRIPT = re.compile(rb"\s*<script>\s*\(\(\) => \{\s*const root = .*?iframeResizer.*?</script>", re.DOTALL)


class Shell:
    """Around the application: adds to the documents of some paths.

    Args:
        app: The application.
        shells: Path, e.g. `"/en/"`, to language, what goes into the head, and what goes into the body.
    """

    def __init__(self, app: ASGIApp, shells: Mapping[str, tuple[str, str, str]]) -> None:
        self._app, self._shells = app, dict(shells)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        shell = self._shells.get(scope.get("path", "")) if scope["type"] == "http" else None
        if shell is None or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        # It is read here, so it must not come packed.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        began: list[Message] = []
        body = bytearray()

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                began.append(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._sent(began[0], bytes(body), shell, send)

        await self._app({**scope, "headers": headers}, receive, held)

    async def _sent(self, start: Message, body: bytes, shell: tuple[str, str, str], send: Send) -> None:
        kind = Headers(raw=start["headers"]).get("content-type", "")
        if start["status"] == 200 and kind.startswith("text/html"):  # noqa: PLR2004
            body = _with(body, *shell)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _with(body: bytes, language: str, head: str, within: str) -> bytes:
    body = _SCRIPT.sub(b"", _FOREIGN.sub(b"", body))
    body = body.replace(b'lang="en"', f'lang="{language}"'.encode(), 1)
    body = body.replace(b"<style>", head.encode() + b"<style>", 1)
    return body.replace(b"<gradio-app", within.encode() + b"<gradio-app", 1)
