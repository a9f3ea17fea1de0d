"""A real Chromium for tests of the page, and Gradio imported as the page imports it: before their modules are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ui.page.driving import FLAGS, browser_path
from ui.page.gradio_import import import_gradio

import_gradio()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One for each module: while it runs, no test may have an event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(FLAGS))
        yield browser
        browser.close()
