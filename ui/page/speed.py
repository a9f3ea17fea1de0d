"""`python -m ui.page.speed`: how long people wait for the page, and what it bears, on the loopback.

It drives Debian's Chromium by Playwright (extra `dev`). Guests speak to the page as a browser does, without one.
It fails where a message was not answered. Other work on the machine makes people wait longer, but adds little to
the time of computing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from agent.errors import HeartlineError, SettingsError
from agent.settings import load_settings
from ui.page.driving import FLAGS, SAID, browser_path, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["main"]

_PATIENCE = 120_000
_TIMES = 5

# Milliseconds from sending to the first words of a reply and to its last ones, and from there to its panel.
_WATCH = """text => window.watched = new Promise((done, failed) => {
  const began = performance.now(), found = {}, before = document.querySelectorAll('#talk .turn').length;
  const panel = () => document.querySelector('#understood .panel-title')?.textContent;
  const old = panel();
  let words = '';
  const look = () => {
    const now = performance.now() - began;
    const said = document.querySelector('#live .ours .words')?.textContent;
    if (said && said !== words) { words = said; found.first ??= now; found.last = now; }
    if (document.querySelector('#trouble .trouble')) failed(new Error('trouble'));
    if (document.querySelectorAll('#talk .turn').length > before && panel() !== old) {
      watcher.disconnect();
      done({ first: found.first ?? now, panel: now - (found.last ?? now) });
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.querySelector('#room'), { childList: true, subtree: true, characterData: true });
  const box = document.querySelector('#box textarea');
  const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value');
  value.set.call(box, text);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  setTimeout(() => document.querySelector('#send').click(), 0);
})"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main(guests: int = 20, browsers: int = 0) -> int:
    """Print medians and the slowest, in milliseconds.

    Args:
        guests: Who chat at once without a browser.
        browsers: That chat at once. Each takes about 100 MB, and a second of a core to open the page.

    Returns:
        How many messages were not answered.

    Raises:
        SettingsError: There is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from ui.page.app import build_desk

    path = browser_path()
    if path is None:
        raise SettingsError("No `chromium` is on the path. Install it, e.g. `apt-get install chromium`.")
    failed = 0
    with running_page(build_desk(load_settings(store="memory"))) as address:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            _alone(browser, address)
            if browsers:
                failed += _side_by_side(browser, address, browsers)
            browser.close()
        if guests:
            failed += asyncio.run(_guests(address, guests))
    return failed


def _alone(browser: Browser, address: str) -> None:
    paints, first, panel = [], [], []
    computed = 0.0
    for _ in range(_TIMES):
        page = _opened(browser, address)
        paints.append(float(page.evaluate(_PAINT)))
        for text in SAID:
            began = time.process_time()
            times = page.evaluate(_WATCH, text)
            page.wait_for_selector("#send:visible", timeout=_PATIENCE)
            computed += time.process_time() - began
            first.append(float(times["first"]))
            panel.append(float(times["panel"]))
        page.context.close()
    _told("first paint", paints)
    _told("message to first words", first)
    _told("last words to panel", panel)
    print(f"computing of the server for a message: {computed * 1000 / len(first):.0f} ms (mean of {len(first)})")


def _side_by_side(browser: Browser, address: str, browsers: int) -> int:
    """Every browser sends its next message in the same moment."""
    pages = [_opened(browser, address) for _ in range(browsers)]
    first, failed = [], 0
    for text in SAID:
        for page in pages:
            page.evaluate(f"text => {{ ({_WATCH})(text); }}", text)
        for page in pages:
            try:
                first.append(float(page.evaluate("window.watched")["first"]))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                failed += 1
                print(f"not answered: {type(error).__name__}")
    for page in pages:
        page.context.close()
    print(f"{browsers} browsers at once: {len(first)} messages answered, {failed} not")
    _told("message to first words", first)
    return failed


async def _guests(address: str, guests: int) -> int:
    """Every guest sends the next message once the last one is answered."""
    import httpx2

    from ui.page.guest import Guest

    first: list[float] = []
    failed = 0
    async with httpx2.AsyncClient(
        base_url=f"{address}/en/",
        timeout=_PATIENCE / 1000,
        limits=httpx2.Limits(max_connections=None),
        trust_env=False,
    ) as http:
        there = [await Guest.come(http) for _ in range(guests)]

        async def chats(guest: Guest) -> None:
            nonlocal failed
            for text in SAID:
                try:
                    first.append((await guest.say(text)).first)
                except (HeartlineError, httpx2.HTTPError) as error:
                    failed += 1
                    print(f"not answered: {type(error).__name__}: {error}")

        began = time.process_time()
        await asyncio.gather(*map(chats, there))
        computed = time.process_time() - began
    print(f"{guests} guests at once: {len(first)} messages answered, {failed} not")
    _told("message to first words", first)
    print(f"computing of the server and the guests for a message: {computed * 1000 / max(1, len(first)):.0f} ms")
    return failed


def _opened(browser: Browser, address: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(_PATIENCE)
    page.goto(f"{address}/en/")
    page.wait_for_selector("#talk .greeting")
    return page


def _told(name: str, values: Sequence[float]) -> None:
    import numpy as np

    if values:
        half, most = np.percentile(values, [50, 99])
        print(f"{name}: p50 {half:.0f} ms, p99 {most:.0f} ms (of {len(values)})")


if __name__ == "__main__":
    import typer

    def _command(
        guests: Annotated[int, typer.Option(min=0, help="Who chat at once without a browser.")] = 20,
        browsers: Annotated[int, typer.Option(min=0, help="That chat at once; a heavy load.")] = 0,
    ) -> Any:
        """Measure how long people wait for the page."""
        sys.exit(1 if main(guests, browsers) else 0)

    typer.run(_command)
