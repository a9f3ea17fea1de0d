"""The trace tab in a real Chromium. The tests share one server, whose store keeps a made-up conversation."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agent.settings import load_settings
from tests.ui.page.seen import violations, watched
from tests.ui.trajectory_parts import MESSAGE, a_conversation
from ui.page.app import build_desk
from ui.page.driving import open_tab, running_page
from ui.page.texts import texts_in
from ui.trajectories import as_json, stored

# Gradio sums up its queue by pandas, which warns of an option and of an argument.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

EN, DE = texts_in("en"), texts_in("de")
DIALOGUE = {
    "id": "d",
    "turns": [
        {"speaker": "seeker", "text": "My dog died this morning and I cannot stop crying."},
        {"speaker": "supporter", "text": "I am so sorry.", "strategy": "Reflection of feelings"},
        {"speaker": "seeker", "text": "Thank you, that helps."},
    ],
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    desk = build_desk(load_settings(store="memory", country="GB"))
    for turn in a_conversation():
        desk.agent.store.append(turn)
    with running_page(desk) as address:
        yield address


@pytest.fixture
def opened(chromium, address) -> Iterator[Any]:
    """Opens the tab, and notes what must not happen."""
    problems: list[list[str]] = []
    contexts = []

    def begin(**options: Any) -> Page:
        given = {
            "viewport": {"width": 1280, "height": 900},
            "locale": "en-GB",
            "reduced_motion": "reduce",
        } | options
        context = chromium.new_context(**given)
        contexts.append(context)
        problems.append(watched(context, address))
        page = context.new_page()
        page.goto(f"{address}/")
        page.wait_for_selector("#talk .greeting")
        open_tab(page, "trace")
        page.wait_for_selector("#trace-stored")
        return page

    yield begin
    for context in contexts:
        context.close()
    assert [problem for each in problems for problem in each] == []


def test_that_a_stored_conversation_is_walked_through_by_keys_slider_and_picture(opened):
    page = opened()
    page.locator('.talks [data-id="conversation-1"]').click()
    expect(page.locator("#walk-title")).to_be_focused()
    expect(page.locator(".walked h3").first).to_contain_text(EN("trace.message_number", number=1))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".walked .mine .words")).to_have_text(MESSAGE)
    expect(page.locator(".shifted")).to_contain_text(EN("panel.shift_worse"))
    expect(page.locator(".walk [role=status]")).to_have_text(EN("trace.at", number=3, of=4))
    assert violations(page) == []
    page.locator(".walk input[type=range]").press("ArrowRight")
    expect(page.locator(".walked h3").first).to_contain_text(EN("trace.message_number", number=4))
    expect(page.get_by_role("button", name=EN("trace.next"))).to_be_disabled()
    page.locator(".walk .roomy .hit").first.click()
    expect(page.locator(".walked h3").first).to_contain_text(EN("trace.message_number", number=1))
    expect(page.locator(".walk .roomy .hit.now")).to_have_attribute("data-first", "0")
    page.locator('[data-do="words"]').click()
    expect(page.locator(".attributed")).to_be_focused()
    page.get_by_role("button", name=EN("trace.back"), exact=True).click()
    expect(page.locator("#trace-stored")).to_be_focused()


def test_that_files_are_opened_in_memory_read_and_seen_together(opened, tmp_path):
    left = set(Path(tempfile.gettempdir()).glob("gradio/**/*"))
    (tmp_path / "plain.jsonl").write_text(f"{json.dumps(DIALOGUE)}\n{json.dumps(DIALOGUE)}")
    (tmp_path / "trace.json").write_text(json.dumps(as_json(stored("c", a_conversation()), texts=True)))
    (tmp_path / "broken.json").write_text('{"kind": "trajectory",\n "format": "secret"}')
    page = opened(color_scheme="dark")
    page.set_input_files("#trace input[type=file]", sorted(tmp_path.glob("*.json*")))
    expect(page.locator("#trace-told [role=alert]")).to_contain_text("Line 2, `format`")
    assert "secret" not in page.locator("#trace-told").inner_text()
    expect(page.locator("#trace-found")).to_have_text(EN("trace.found", n=3))
    page.locator(".talks button").first.click()
    expect(page.locator(".walked .ours .words")).to_have_text("I am so sorry.")
    expect(page.locator(".read .bar").first).to_be_visible()
    page.get_by_role("button", name=EN("trace.back_file")).click()
    page.get_by_role("button", name=EN("trace.together", n=3)).click()
    expect(page.locator(".cohort h2")).to_be_focused()
    expect(page.locator(".cohort h2")).to_have_text(EN("trace.cohort", n=3))
    assert violations(page) == []
    page.get_by_role("button", name=EN("trace.back"), exact=True).click()
    (tmp_path / "huge.json").write_bytes(random.Random(3).randbytes(3_000_000))
    page.set_input_files("#trace input[type=file]", tmp_path / "huge.json")
    expect(page.locator("#trace-told [role=alert]")).to_have_text(EN("trace.too_large", megabytes=8))
    assert set(Path(tempfile.gettempdir()).glob("gradio/**/*")) <= left


def test_that_a_narrow_screen_has_room_for_a_walk(opened):
    page = opened(viewport={"width": 360, "height": 740}, locale="de-AT")
    page.locator('.talks [data-id="conversation-1"]').click()
    expect(page.locator(".walk .tight svg")).to_be_visible()
    expect(page.locator(".walk .roomy svg")).to_be_hidden()
    page.get_by_role("button", name=DE("trace.next")).click()
    expect(page.locator(".walked h3").first).to_contain_text(DE("trace.message_number", number=2))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []
