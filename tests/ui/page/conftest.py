"""A real Chromium for tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ui.page.driving import FLAGS, browser_path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One for each module: while it runs, no test may have an event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(FLAGS))
        yield browser
        browser.close()
