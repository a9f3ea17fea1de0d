"""A person who waits and an operator who takes over, each in a Chromium of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.settings import load_settings
from tests.ui.page.seen import violations, watched
from ui.page.app import build_desk
from ui.page.desk import Desk, Reach
from ui.page.driving import open_tab, running_page, say
from ui.page.texts import texts_in

pytestmark = pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'")  # of pandas, in Gradio's queue

EN = texts_in("en")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    settings = load_settings(store_path=tmp_path / "talks.db", handoff_at="ideation", country="GB")
    return build_desk(settings, Reach(near=False, root_path="/heart", keys=True))


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with running_page(desk) as address:
        yield f"{address}/heart"  # whatever is asked for elsewhere is a problem


def signed_in(chromium: Browser, address: str, key: str, problems: list[list[str]], **options: Any) -> Page:
    """The page in a browser of its own, for whoever signed in with the key of the tenant `acme`."""
    context = chromium.new_context(reduced_motion="reduce", **options)
    problems.append(watched(context, address))
    done = context.request.post(f"{address}/en/login", form={"username": "acme", "password": key})
    assert done.ok
    page = context.new_page()
    page.goto(f"{address}/en/")
    page.wait_for_selector("#talk .greeting")
    return page


def test_that_an_operator_takes_over_and_the_person_sees_it_and_what_they_write(
    chromium: Browser, desk: Desk, address: str
):
    keys: Any = desk.agent.store
    chats, _ = keys.api_keys.create("acme", name="page")
    takes, _ = keys.api_keys.create("acme", name="Amy", rights=["handoff"])
    problems: list[list[str]] = []
    person = signed_in(chromium, address, chats, problems, viewport=WIDE)
    operator = signed_in(chromium, address, chats, problems, viewport=NARROW)
    say(person, "Can I talk to a real person?")

    # In with a key, which nothing keeps.
    open_tab(operator, "operator")
    for key, told in (("hl_wrong", "operator.wrong_key"), (chats, "operator.no_right")):
        operator.get_by_label(EN("operator.key"), exact=True).fill(key)
        operator.get_by_role("button", name=EN("operator.enter")).click()
        expect(operator.locator("#operator-told")).to_contain_text(EN(told))
    assert violations(operator) == []
    operator.get_by_label(EN("operator.key"), exact=True).fill(takes)
    operator.get_by_role("button", name=EN("operator.enter")).click()
    expect(operator.locator(".cases button")).to_have_count(1)
    expect(operator.locator("#operator-door")).to_be_hidden()
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert takes not in operator.evaluate(stored)

    # Taking over, and writing.
    operator.locator(".cases button").click()
    expect(operator.locator(".case .talked")).to_contain_text("Can I talk to a real person?")
    expect(operator.locator("#operator-writing")).to_be_hidden()
    operator.locator('[data-do="take"]').click()
    expect(operator.locator("#operator-told")).to_contain_text(EN("operator.taken"))
    expect(person.locator("#talk")).to_contain_text(EN("people.took_over"))
    operator.locator("#operator-words textarea").fill("Hello, this is Amy. <b>I am here.</b>")
    operator.locator("#operator-send").click()
    bubble = person.locator("#talk .said.human")
    expect(bubble).to_contain_text("Hello, this is Amy. <b>I am here.</b>")
    expect(bubble).to_contain_text(EN("people.who", name="Amy"))
    expect(person.locator("#live")).to_contain_text(EN("people.said"))
    assert operator.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert violations(operator) == []
    assert violations(person) == []

    # The person answers, and the AI keeps out of it.
    say(person, "I am glad that somebody is there.")
    expect(person.locator("#talk .ours .words").last).to_contain_text("A person has taken over")
    expect(operator.locator(".case .talked")).to_contain_text("I am glad that somebody is there.")

    # Given back; a reload forgets the key.
    operator.locator('[data-do="give_back"]').click()
    expect(operator.locator(".case header")).to_contain_text(EN("operator.state_given_back"))
    expect(person.locator("#talk")).to_contain_text(EN("people.gave_back"))
    operator.reload()
    open_tab(operator, "operator")
    expect(operator.get_by_label(EN("operator.key"), exact=True)).to_have_value("")
    expect(operator.locator(".cases button")).to_have_count(0)
    for page in (person, operator):
        page.context.close()
    assert [problem for each in problems for problem in each] == []
