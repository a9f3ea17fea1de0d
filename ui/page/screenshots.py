"""`python -m ui.page.screenshots FOLDER`: a picture of every view, in both lights and on a narrow screen.

It starts the page with a made-up conversation, and drives Debian's Chromium by Playwright (extra `dev`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from agent.errors import SettingsError
from agent.settings import load_settings
from ui.page.driving import FLAGS, SAID, browser_path, open_tab, running_page, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["main"]

_DANGER = "I don't want to be alive any more."
_PATIENCE = 30_000  # milliseconds
_WIDE, _NARROW = (1440, 900), (360, 740)


def main(folder: Path) -> list[Path]:
    """Make all pictures.

    Args:
        folder: Where they go; it is made.

    Returns:
        Their paths.

    Raises:
        SettingsError: There is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from ui.page.app import build_desk

    path = browser_path()
    if path is None:
        raise SettingsError("No `chromium` is on the path. Install it, e.g. `apt-get install chromium`.")
    folder.mkdir(parents=True, exist_ok=True)
    desk = build_desk(load_settings(store="memory", country="GB"))
    with running_page(desk) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        found = [
            *_views(browser, address, folder / "light", size=_WIDE, light="light"),
            *_views(browser, address, folder / "dark", size=_WIDE, light="dark"),
            *_views(browser, address, folder / "narrow", size=_NARROW, light="light"),
            *_views(browser, address, folder / "narrow-dark", size=_NARROW, light="dark", language="de"),
        ]
        found += _operators(browser, folder)
        browser.close()
    return found


def _operators(browser: Browser, folder: Path) -> Iterator[Path]:
    """The tab of operators, and the chat of somebody whose conversation was taken over."""
    from ui.page.app import build_desk

    with TemporaryDirectory() as home:
        settings = load_settings(store_path=Path(home) / "talks.db", handoff_at="ideation", country="GB")
        with running_page(build_desk(settings)) as address:
            person, operator = (
                browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
                for _ in range(2)
            )
            _opened(person, f"{address}/en/")
            for text in (SAID[0], _DANGER, "Yes, sometimes.", "Can I talk to a real person?"):
                say(person, text)
            _taken_over(operator, f"{address}/en/")
            operator.fill("#operator-words textarea", "Hello, this is Amy. I have read what you wrote.")
            operator.click("#operator-send")
            person.wait_for_selector("#talk .said.human", timeout=_PATIENCE)
            operator.evaluate("scrollTo(0, 0)")
            person.wait_for_timeout(250)
            for page, name in ((operator, "light-17-operator"), (person, "light-18-taken-over")):
                page.screenshot(path=folder / f"{name}.png")
                yield folder / f"{name}.png"
            size = {"width": _NARROW[0], "height": _NARROW[1]}
            narrow = browser.new_context(viewport=size, color_scheme="dark", locale="de").new_page()  # type: ignore[arg-type]
            _taken_over(narrow, f"{address}/de/", do="open_case")
            narrow.screenshot(path=folder / "narrow-dark-17-operator.png", full_page=True)
            yield folder / "narrow-dark-17-operator.png"


def _opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#talk .greeting", timeout=_PATIENCE)


def _taken_over(page: Page, address: str, *, do: str = "take") -> None:
    """The first case of the queue, opened, and taken over where asked to."""
    _opened(page, address)
    open_tab(page, "operator")
    page.wait_for_selector(".cases button", timeout=_PATIENCE)
    page.fill("#operator-name input", "Amy")
    page.click(".cases button")
    page.wait_for_selector(".case", timeout=_PATIENCE)
    if do == "take":
        page.click('.case [data-do="take"]')
        page.wait_for_selector("#operator-words", timeout=_PATIENCE)


def _views(
    browser: Browser, address: str, start: Path, *, size: tuple[int, int], light: Any, language: str = "en"
) -> Iterator[Path]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=light,
        locale=language,
        reduced_motion="reduce",
    )
    page = context.new_page()
    narrow = size == _NARROW

    def shot(name: str) -> Path:
        path = start.with_name(f"{start.name}-{name}.png")
        page.wait_for_timeout(250)
        page.screenshot(path=path)
        return path

    page.goto(f"{address}/{language}/")
    page.wait_for_selector(".greeting", timeout=_PATIENCE)
    yield shot("1-greeting")
    for text in SAID:
        say(page, text)
    yield shot("2-chat")
    if narrow:
        page.click('#bar [data-do="panel"]')
        yield shot("3-understood")
        page.click('#bar [data-do="panel"]')
        page.click('#bar [data-do="list"]')
        yield shot("4-list")
        page.click('#bar [data-do="list"]')
    else:
        page.locator("#understood").evaluate("it => it.scrollTo(0, it.scrollHeight)")
        yield shot("3-understood")
    page.locator('#talk [data-do="bad"]').last.click()
    yield shot("5-feedback")
    page.locator('#talk [data-do="leave"]:visible').click()
    page.click("#help summary")
    yield shot("6-help")
    page.keyboard.press("Escape")
    yield from _what_if(page, shot)
    say(page, _DANGER)
    yield shot("9-danger")
    yield from _trace(page, shot)
    yield from _evaluate(page, shot)
    open_tab(page, "settings")
    page.wait_for_selector("form.settings:visible")
    page.check('form.settings:visible [name="speaker"][value="own"]')
    yield shot("15-settings")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    yield shot("16-settings-below")
    context.close()


def _what_if(page: Page, shot: Callable[[str], Path]) -> Iterator[Path]:
    open_tab(page, "what_if")
    page.select_option("#w-emotion", "furious")
    page.select_option("#w-strategy", "suggestions")
    page.click('[data-do="what_if"]')
    page.wait_for_selector("#what-if .pair", timeout=_PATIENCE)
    yield shot("7-what-if")
    open_tab(page, "chat")
    page.click("#talk .ways-on summary")
    yield shot("8-another-way")


def _evaluate(page: Page, shot: Callable[[str], Path]) -> Iterator[Path]:
    open_tab(page, "evaluate")
    page.wait_for_selector("form.evaluate", timeout=_PATIENCE)
    if not page.locator(".going").count():  # one run serves all pictures
        page.fill("#e-limit", "24")
        page.click("#e-run")
    page.wait_for_selector(".going .saved", timeout=4 * _PATIENCE)
    page.locator(".going").scroll_into_view_if_needed()
    yield shot("14-evaluate")


def _trace(page: Page, shot: Callable[[str], Path]) -> Iterator[Path]:
    open_tab(page, "trace")
    page.wait_for_selector(".talks button")
    yield shot("10-trace")
    page.locator(".talks button").first.click()
    page.wait_for_selector(".walk")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('.walked[data-turn="1"]')
    yield shot("11-walk")
    page.evaluate("scrollTo(0, 560)")
    yield shot("12-turn")
    page.locator('[data-trace="list"]').click()
    if page.locator('[data-trace="cohort"]').count():
        page.locator('[data-trace="cohort"]').click()
        page.wait_for_selector(".cohort")
        yield shot("13-cohort")


if __name__ == "__main__":
    for made in main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")):
        print(made)
