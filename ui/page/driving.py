"""The page in a thread, and a browser that uses it: for pictures, for measuring and for tests.

Debian's Chromium is driven by Playwright (extra `dev`).
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.errors import SettingsError

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ui.page.desk import Desk

__all__ = ["FLAGS", "SAID", "browser_path", "open_tab", "running_page", "say"]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""With these Chromium starts anywhere, and asks nobody for anything."""

SAID = (
    "I worked all weekend and nobody even noticed.",
    "My dad has been in hospital since Tuesday and I can't concentrate on anything.",
    "He is coming home tomorrow!! I could cry, I'm so happy.",
)
"""The made-up conversation."""

_PATIENCE = 30_000  # milliseconds


def browser_path() -> str | None:
    """Where Chromium is; None where it is not."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_page(desk: Desk) -> Iterator[str]:
    """The page in a thread; gives its address.

    Args:
        desk: What visitors share. It is closed at the end.
    """
    import uvicorn

    from ui.http.connections import send_at_once
    from ui.page.app import make_page

    listening = socket.create_server(("127.0.0.1", 0))
    send_at_once(listening)
    app = make_page(desk, hosts={"127.0.0.1", "localhost"})
    config = uvicorn.Config(app, lifespan="on", log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise SettingsError("The page did not start.")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def say(page: Page, text: str) -> None:
    """Send a message, and wait until its turn is over."""
    before = page.locator("#talk .turn").count()
    page.fill("#box textarea", text)
    page.press("#box textarea", "Enter")
    page.wait_for_function(
        "n => document.querySelectorAll('#talk .turn').length > n && !document.querySelector('#live .turn')",
        arg=before,
        timeout=_PATIENCE,
    )


def open_tab(page: Page, name: str) -> None:
    """Open a tab."""
    page.click(f"#tab-{name}-button")
