"""The tab for evaluations in a real Chromium, with a stand-in for the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.settings import load_settings
from tests.ui.page.seen import violations, watched
from tests.ui.page.test_page_evaluating import PRETENDED
from ui.page.app import build_desk
from ui.page.driving import open_tab, running_page
from ui.page.eval_process import EvalCommand
from ui.page.evaluating import Evaluations
from ui.page.texts import texts_in

EN, DE = texts_in("en"), texts_in("de")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    runs = tmp_path_factory.mktemp("runs")
    desk = build_desk(load_settings(store="memory", page={"runs": str(runs)}))
    desk.evaluations = Evaluations(desk.settings, EvalCommand(desk.settings, PRETENDED))
    with running_page(desk) as address:
        yield address


def opened(browser: Browser, address: str, language: str = "en", **options: object) -> tuple[Page, list[str]]:
    """The tab in a browser of its own, and a list of what must not happen."""
    context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
    problems = watched(context, address)
    page = context.new_page()
    page.goto(f"{address}/{language}/")
    page.wait_for_selector("#talk .greeting")
    open_tab(page, "evaluate")
    page.wait_for_selector("form.evaluate")
    return page, problems


def test_that_a_run_is_seen_to_its_end_and_two_are_compared_and_reported(chromium: Browser, address: str):
    page, problems = opened(chromium, address, viewport={"width": 1280, "height": 900})
    expect(page.locator("#e-task")).to_have_value("mine")
    for _ in range(2):
        page.get_by_role("button", name=EN("evaluate.run"), exact=True).click()
        expect(page.locator("#evaluate-stop")).to_be_visible()
        expect(page.locator(".going .saved")).to_be_visible()
        expect(page.locator("#evaluate-stop")).to_be_hidden()
    expect(page.locator(".runs tbody tr")).to_have_count(2)
    page.get_by_role("button", name=EN("evaluate.compare")).click()
    expect(page.locator(".compared .sure")).to_contain_text("25.0 (10.0")
    assert violations(page) == []
    with page.context.expect_page() as tab:
        page.get_by_role("link", name=EN("evaluate.report_both")).click()
    expect(tab.value.locator("h1")).to_contain_text("Report of")
    assert problems == []


def test_that_a_run_outlives_a_reload_is_seen_elsewhere_and_can_be_stopped(chromium: Browser, address: str):
    page, problems = opened(chromium, address, viewport={"width": 1280, "height": 900})
    page.select_option("#e-system", "waits")
    page.click("#e-run")
    expect(page.locator('.meter[aria-valuenow="2"]')).to_be_visible()
    expect(page.locator(".count")).to_contain_text(EN("evaluate.done_of", done=2, of=4))
    expect(page.locator('#evaluate .unseen[role="status"]')).to_contain_text(EN("evaluate.percent", percent=50))
    page.click("#e-run")
    expect(page.locator("#evaluate [role=alert]")).to_have_text(EN("evaluate_problem.busy"))
    other, others = opened(chromium, address, "de", viewport={"width": 360, "height": 740}, color_scheme="dark")
    expect(other.locator(".count")).to_contain_text(DE("evaluate.done_of", done=2, of=4))
    assert other.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(other) == []
    page.reload()
    open_tab(page, "evaluate")
    expect(page.locator('.meter[aria-valuenow="2"]')).to_be_visible()
    page.get_by_role("button", name=EN("evaluate.stop")).click()
    expect(page.locator(".going")).to_contain_text(EN("evaluate.stopped_lost"))
    expect(other.locator(".going")).to_contain_text(DE("evaluate.stopped_lost"))
    assert problems + others == []


def test_that_the_form_shows_what_is_lacking_and_keeps_the_focus(chromium: Browser, address: str):
    page, problems = opened(chromium, address, viewport={"width": 1280, "height": 900})
    page.focus("#e-task")
    page.select_option("#e-task", "far")
    expect(page.locator(".lacks")).to_contain_text("heartline data fetch far_set")
    expect(page.locator("#e-run")).to_be_disabled()
    expect(page.locator("#e-task")).to_be_focused()
    assert problems == []
