"""Pages of other origins: which may use the server from a browser, and what they may see of an answer."""

from __future__ import annotations

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from agent.errors import SettingsError

__all__ = ["check_origins", "with_cors"]

_EXPOSED = (
    "X-Request-Id",
    "X-Heartline-Conversation",
    "Retry-After",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
_REMEMBERED = 600  # seconds for which a browser need not ask again


def with_cors(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """The application, for pages of these origins; as it is where there are none.

    It stands around everything else, so that errors of every kind can be read by the page, and so that the
    browser's question whether it may ask, which comes without a key, is answered. Cookies are never asked for:
    a key comes in a header.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=tuple(origins),
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),  # OpenAI's client for browsers sends a dozen of its own
        allow_credentials=False,
        expose_headers=_EXPOSED,
        max_age=_REMEMBERED,
    )


def check_origins(origins: Collection[str], *, keys: bool) -> None:
    """Refuse to open the server to every page while nobody needs a key.

    Raises:
        SettingsError: Any page that somebody here looks at could read every conversation.
    """
    if "*" in origins and not keys:
        raise SettingsError(
            "`allow_origins` is `*`, and there are no keys: every page in a browser of this machine could read "
            "every conversation. Name the origins, or make a key with `heartline keys create`."
        )
