"""What tests of the page look at in a real Chromium, beside what they are about."""

from __future__ import annotations

import pytest

from ui.page.driving import browser_path

pytest.importorskip("playwright", reason="Playwright is not installed (extra `dev`)")
if browser_path() is None:
    pytest.skip("no `chromium` on the path", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

__all__ = ["PATIENCE", "violations", "watched"]

PATIENCE = 40_000  # milliseconds; a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE)


def violations(page: Page) -> list[str]:
    """What axe finds that keeps people from using a page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:4]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def watched(context: BrowserContext, address: str) -> list[str]:
    """Fills with what must not happen on any page of a browser: errors, and requests to elsewhere."""
    problems: list[str] = []
    ours = (f"{address}/", "data:", "blob:")
    context.set_default_timeout(PATIENCE)
    context.on("request", lambda asked: asked.url.startswith(ours) or problems.append(f"asked for {asked.url}"))
    context.on(
        "console", lambda said: said.type == "error" and problems.append(f"{said.text} {said.location['url']}")
    )
    context.on("weberror", lambda broken: problems.append(str(broken.error)))
    return problems
