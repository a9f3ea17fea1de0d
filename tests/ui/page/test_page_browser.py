"""The page in a real Chromium. Each test opens a browser of its own; they share one server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from agent.settings import load_settings
from tests.ui.page.seen import violations, watched
from ui.page import own_data
from ui.page.app import build_desk
from ui.page.driving import SAID, open_tab, running_page, say
from ui.page.tabs import TABS
from ui.page.texts import texts_in

# Gradio sums up its queue by pandas, which warns of an option.
pytestmark = pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'")

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
EN, DE = texts_in("en"), texts_in("de")
WAITS = "Please wait for it"


class Patient:
    """Speaks as another one does; to one message it never finishes its reply."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.name, self.reads = inner, inner.name, inner.reads

    async def generate(self, turn: Any) -> AsyncGenerator[Any]:
        if WAITS in turn.text:
            yield "I hear you, and there is more."
            yield " What comes is never said."
            await asyncio.Event().wait()
        async for piece in self._inner.generate(turn):
            yield piece


@pytest.fixture(scope="module")
def desk():
    desk = build_desk(load_settings(store="memory", country="GB", max_message_characters=3000))
    desk.agent.generator = Patient(desk.agent.generator)
    return desk


@pytest.fixture(scope="module")
def address(desk) -> Iterator[str]:
    with running_page(desk) as address:
        yield address


class Visit:
    """A browser of somebody's own, which notes what must not happen."""

    def __init__(self, chromium: Browser, address: str, **options: Any) -> None:
        self.address = address
        options = {"viewport": WIDE, "locale": "en-GB", "reduced_motion": "reduce"} | options
        self.context: BrowserContext = chromium.new_context(**options)
        self.problems = watched(self.context, address)

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.address + path)
        page.wait_for_selector("#talk .greeting, #talk .turn")
        return page


@pytest.fixture
def visit(chromium, address) -> Iterator[Any]:
    made: list[Visit] = []

    def begin(**options: Any) -> Visit:
        made.append(Visit(chromium, address, **options))
        return made[-1]

    yield begin
    for each in made:
        each.context.close()
    assert [problem for each in made for problem in each.problems] == []


def _reload(page: Page) -> None:
    page.reload()
    page.wait_for_selector("#talk .greeting, #talk .turn")


def test_that_a_conversation_is_answered_and_explained(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"]).open()
    page.get_by_role("button", name=SAID[0]).click()
    expect(page.locator("#box textarea")).to_have_value(SAID[0])
    page.get_by_role("button", name=EN("chat.send"), exact=True).click()
    expect(page.locator("#talk .ours .words")).not_to_be_empty()
    expect(page.locator("#box textarea")).to_have_value("")
    panel = page.locator("#understood")
    expect(panel).to_contain_text(EN("panel.of", number=1, of=1))
    assert panel.locator(".bar.primary").count() > 0
    page.get_by_role("button", name=EN("turn.copy")).click()
    said = page.locator("#talk .ours .words").text_content()
    page.wait_for_function("said => navigator.clipboard.readText().then(text => text === said)", arg=said)
    page.get_by_role("button", name=EN("turn.edit")).click()
    expect(page.locator("#box textarea")).to_have_value(SAID[0])
    expect(page.locator("#status")).to_contain_text(EN("chat.edited"))
    say(page, SAID[1])
    expect(panel.locator("svg")).to_be_visible()
    page.locator('#talk [data-do="why"]').first.click()
    expect(panel).to_contain_text(EN("panel.of", number=1, of=2))
    panel.get_by_role("button", name=EN("panel.rests_ask")).press("Enter")
    expect(panel.locator(".attributed")).to_be_focused()
    expect(panel.locator(".attributed mark").first).to_be_visible()
    expect(panel).to_contain_text(EN("panel.of", number=1, of=2))
    assert violations(page) == []
    page.click('#bar [data-do="panel"]')
    expect(panel).to_be_hidden()


def test_that_a_reply_is_streamed_and_can_be_stopped_and_what_was_said_is_kept(visit, desk):
    page = visit().open()
    page.fill("#box textarea", WAITS)
    page.press("#box textarea", "Enter")
    expect(page.locator("#live .ours .words")).to_contain_text("I hear you")
    page.get_by_role("button", name=EN("chat.stop")).click()
    expect(page.locator("#talk")).to_contain_text(EN("turn.interrupted"))
    expect(page.get_by_role("button", name=EN("turn.again"))).to_be_visible()
    expect(page.get_by_role("button", name=EN("chat.send"), exact=True)).to_be_visible()
    newest = desk.agent.store.turns(desk.agent.store.conversations()[0])[-1]
    assert newest.reply.finish_reason == "interrupted"
    assert newest.reply.text.startswith("I hear you")
    page.get_by_role("button", name=EN("turn.again")).click()
    expect(page.locator("#live .ours .words")).to_contain_text("I hear you")
    page.keyboard.press("Escape")
    expect(page.locator("#talk .mine .words")).to_have_text([WAITS, WAITS])
    open_tab(page, "what_if")
    page.get_by_role("button", name=EN("what_if.ask")).press("Enter")
    other = page.locator("#what-if .side").last
    expect(other).to_contain_text("I hear you")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=EN("what_if.stop"))).to_be_focused()
    expect(page.get_by_role("button", name=EN("what_if.stop"))).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=EN("what_if.stopped"))).to_be_focused()
    expect(other).to_contain_text("I hear you")
    expect(page.get_by_role("button", name=EN("what_if.stop"))).to_be_hidden()


def test_that_what_is_sent_while_a_reply_comes_is_answered_after_it_and_once(visit):
    page = visit().open()
    page.fill("#box textarea", WAITS)
    page.press("#box textarea", "Enter")
    expect(page.locator("#live .ours .words")).to_contain_text("I hear you")
    page.fill("#box textarea", SAID[0])
    page.press("#box textarea", "Enter")
    page.press("#box textarea", "Enter")
    expect(page.locator("#box textarea")).to_have_value(SAID[0])
    page.get_by_role("button", name=EN("chat.stop")).click()
    expect(page.locator("#talk .mine .words")).to_have_text([WAITS, SAID[0]])
    expect(page.locator("#box textarea")).to_have_value("")
    for number in (3, 4, 5):  # the box is emptied between two of the keys
        page.fill("#box textarea", SAID[1])
        page.press("#box textarea", "Enter")
        page.locator("#box textarea").press_sequentially(" And it went on", delay=5 * number)
        expect(page.locator("#talk .mine .words")).to_have_count(number)
        expect(page.locator("#box textarea")).to_have_value(" And it went on")


def test_that_help_is_in_front_in_danger_and_one_click_away_without_a_server(visit):
    visiting = visit()
    page = visiting.open()
    say(page, "I don't want to be alive any more.")
    care = page.locator("#talk .care")
    expect(care).to_be_visible()
    assert care.get_by_role("link", name="999").get_attribute("href") == "tel:999"
    styles = "[...document.querySelectorAll('style')]"  # names of classes stand there
    without = (
        f"{styles}.reduce((page, each) => page.replace(each.outerHTML, ''), document.documentElement.outerHTML)"
    )
    assert "ideation" not in page.evaluate(without)
    visiting.context.set_offline(offline=True)
    page.locator("#help summary").click()
    line = page.locator("#help").get_by_role("link", name="Call 116 123")
    expect(line).to_be_visible()
    page.keyboard.press("Escape")
    expect(line).to_be_hidden()
    visiting.problems.clear()  # a stream that the pull of the plug broke


def test_that_settings_are_kept_over_a_reload_and_an_address_can_be_tested(visit):
    page = visit().open()
    open_tab(page, "settings")
    for field, value in (("#s-country", "FR"), ("#s-persona", "plain")):
        before = page.evaluate("localStorage.getItem('heartline')")
        page.select_option(field, value)
        page.wait_for_function("before => localStorage.getItem('heartline') !== before", arg=before)
    expect(page.locator("#told")).to_contain_text(EN("settings.saved"))
    _reload(page)
    expect(page.locator("#help .sheet")).to_contain_text("France")
    open_tab(page, "settings")
    expect(page.locator("#s-country")).to_have_value("FR")
    expect(page.locator("#s-persona")).to_have_value("plain")
    page.check('[name="speaker"][value="own"]')
    page.fill("#s-llm_url", "http://127.0.0.1:9/v1")
    page.get_by_role("button", name=EN("settings.test")).click()
    expect(page.locator("#told .trouble")).to_contain_text("http://127.0.0.1:9/v1")


def test_that_a_conversation_is_resumed_listed_and_deleted_and_another_browser_sees_nothing(visit):
    visiting = visit()
    page = visiting.open()
    say(page, SAID[0])
    page.fill("#box textarea", "not sent yet")
    _reload(page)
    expect(page.locator("#talk .mine .words")).to_have_text(SAID[0])
    expect(page.locator("#box textarea")).to_have_value("not sent yet")
    other = visiting.open()  # a second tab of the same browser begins anew, and lists the first
    expect(other.locator("#talk .greeting")).to_be_visible()
    say(other, SAID[2])
    say(page, SAID[1])
    _reload(page)
    expect(page.locator("#past .open")).to_have_count(2)
    expect(page.locator("#talk .mine .words")).to_have_text([SAID[0], SAID[1]])
    stranger = visit().open()
    expect(stranger.locator("#past .open")).to_have_count(0)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#past .gone").first.click()
    expect(page.locator("#past .open")).to_have_count(1)
    expect(page.locator("#talk .greeting")).to_be_visible()
    page.locator("#past .open").click()
    expect(page.locator("#talk .mine .words")).to_have_text(SAID[2])
    page.get_by_role("button", name=EN("past.new")).click()
    expect(page.locator("#talk .greeting")).to_be_visible()
    expect(page.locator("#box textarea")).to_be_focused()
    expect(page.locator("#past .open")).to_have_count(1)


def test_that_feedback_is_kept_with_its_reason_and_all_can_be_downloaded(visit, desk):
    page = visit().open()
    say(page, SAID[2])
    conversation = desk.agent.store.conversations()[0]
    page.locator('#talk [data-do="bad"]').click()
    page.get_by_role("button", name=EN("feedback.leave")).click()
    expect(page.locator("form.reason")).to_be_hidden()
    page.locator('#talk [data-do="good"]').click()
    page.locator("form.reason textarea").fill("It was glad with me.")
    page.get_by_role("button", name=EN("feedback.save")).click()
    expect(page.locator("#status")).to_contain_text(EN("chat.thanks"))
    expect(page.locator('#talk [data-do="good"]')).to_have_attribute("aria-pressed", "true")
    assert [(said.rating, said.reason) for said in desk.agent.store.feedback(conversation)] == [
        (1, "It was glad with me.")
    ]
    open_tab(page, "settings")
    with page.expect_download() as download:
        page.get_by_role("button", name=EN("settings.download")).click()
    with open(download.value.path(), encoding="utf-8") as file:  # noqa: PTH123 - the path is Playwright's
        assert SAID[2] in file.read()
    whose = "localStorage.getItem('heartline')"
    before = page.evaluate(whose)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=EN("settings.erase_all")).click()
    expect(page.locator("#told")).to_contain_text(EN("settings.all_erased", n=1))
    assert conversation not in desk.agent.store.conversations()
    assert page.evaluate(whose) != before
    open_tab(page, "chat")
    _reload(page)
    expect(page.locator("#talk .greeting")).to_be_visible()
    expect(page.locator("#past .open")).to_have_count(0)


@pytest.mark.parametrize("light", ["light", "dark"])
def test_that_nothing_serious_keeps_people_from_using_it(visit, light):
    page = visit(color_scheme=light).open()
    assert violations(page) == []
    say(page, SAID[0])
    say(page, SAID[1])
    page.locator('#talk [data-do="bad"]').last.click()
    page.locator("#understood details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.body.classList.contains('dark')") == (light == "dark")
    moves = """() => {
        const dots = document.querySelector('#talk .words').appendChild(document.createElement('span'));
        dots.className = 'thinking';
        const name = getComputedStyle(dots.appendChild(document.createElement('i'))).animationName;
        dots.remove();
        return name;
    }"""
    assert page.evaluate(moves) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moves) == "breathe"
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    open_tab(page, "settings")
    page.check('[name="speaker"][value="own"]')
    assert violations(page) == []


def test_that_a_narrow_screen_shows_the_talk_and_nothing_sticks_out(visit):
    page = visit(viewport=NARROW, locale="de-AT").open()
    assert page.url.endswith("/de/")
    assert page.evaluate("document.documentElement.lang") == "de"
    say(page, SAID[0])
    expect(page.locator("#understood")).to_be_hidden()
    expect(page.locator("#past")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.click('#bar [data-do="panel"]')
    expect(page.locator("#understood")).to_contain_text(DE("panel.emotion"))
    assert violations(page) == []
    page.click('#bar [data-do="list"]')
    expect(page.locator("#understood")).to_be_hidden()
    expect(page.locator("#past .open")).to_be_visible()
    page.click('#bar [data-do="list"]')
    open_tab(page, "settings")
    page.click('#bar [data-do="panel"]')  # it leads back to the chat, where it has its place
    expect(page.locator("#understood")).to_be_visible()
    expect(page.locator("form.settings")).to_be_hidden()


def test_that_every_tab_can_be_seen_and_opened_on_a_narrow_screen_in_each_language(visit, desk):
    for texts in (EN, DE):
        page = visit(viewport=NARROW).open(f"/{texts.language}/")
        tabs = page.get_by_role("tablist").get_by_role("tab")
        expect(tabs).to_have_text([texts(f"tab.{tab.id}") for tab in TABS if tab.offered(desk)])
        for tab in tabs.all():
            place = tab.bounding_box()
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= NARROW["width"]
        assert page.get_by_role("button", name="More tabs").count() == 0
        tabs.last.focus()
        page.keyboard.press("Enter")
        expect(page.locator("form.settings")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("heading", name="Heartline").click()  # the tabs have the focus no more
        for to, shown in ((40, False), (300, False), (240, True)):  # never one row without the other
            page.evaluate("to => scrollTo(0, to)", to)
            for tab in (tabs.first, tabs.last):
                page.wait_for_function(
                    """([tab, shown]) => {
                        const place = tab.getBoundingClientRect();
                        const under = document.elementFromPoint(place.x + place.width / 2, place.y + place.height / 2);
                        return Boolean(under && tab.contains(under)) === shown;
                    }""",
                    arg=[tab.element_handle(), shown],
                )


def test_that_the_keyboard_is_enough(visit):
    page = visit().open()
    page.locator("#box textarea").focus()
    page.keyboard.type(SAID[1])
    page.keyboard.press("Enter")
    expect(page.locator("#talk .ours .words")).not_to_be_empty()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.do") == "why":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#understood .panel-title")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.do") == "theme":
            break
    dark = page.evaluate("document.body.classList.contains('dark')")
    page.keyboard.press("Enter")
    page.wait_for_function("dark => document.body.classList.contains('dark') !== dark", arg=dark)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_that_hostile_words_are_words_and_what_is_too_long_stays_in_the_box(visit):
    page = visit().open()
    words = '<img src=x onerror="window.hit=1"> </p><script>window.hit=1</script> ${window.hit=1} {{#each this}}'
    say(page, words)
    expect(page.locator("#talk .mine .words")).to_have_text(words)
    page.locator('#talk [data-do="why"]').click()
    expect(page.locator("#understood .message")).to_have_text(words)
    assert page.evaluate("window.hit") is None
    long = "I am tired. " * 400
    page.fill("#box textarea", long)
    page.press("#box textarea", "Enter")
    expect(page.locator("#trouble [role=alert]")).to_have_text(re.compile("3000"))
    expect(page.locator("#box textarea")).to_have_value(long)
    page.fill("#box textarea", " ")
    page.press("#box textarea", "Enter")
    expect(page.locator("#trouble [role=alert]")).to_have_count(0)


def _refusing(status: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, json={"detail": "x"})


def test_that_what_keeps_a_message_from_the_server_is_told_in_the_language_of_the_page(visit, desk, monkeypatch):
    visiting = visit(locale="de")
    page = visiting.open("/de/")
    page.fill("#box textarea", SAID[0])
    for status, key in ((503, "trouble.crowded"), (401, "latch.expired"), (500, "trouble.other")):
        page.route("**/queue/join*", _refusing(status))
        page.press("#box textarea", "Enter")
        expect(page.locator("#trouble [role=alert]")).to_have_text(DE(key))
        expect(page.locator("#box textarea")).to_have_value(SAID[0])
        page.unroute("**/queue/join*")
    expect(page.locator(".toast-body")).to_be_hidden()
    say(page, SAID[0])
    expect(page.locator("[role=alert]")).to_have_count(0)

    def broken(*_: object) -> None:
        raise ValueError("my secret")

    monkeypatch.setattr(own_data, "turns_of", broken)
    open_tab(page, "what_if")
    expect(page.locator("body > [role=alert]")).to_have_text(DE("trouble.other"))
    assert "my secret" not in page.content()
    visiting.problems.clear()  # the answers that were made up


def test_that_whoever_rests_on_the_page_is_told_that_its_server_is_gone_until_it_is_back(visit):
    visiting = visit(locale="de")
    visiting.context.clock.install()
    page = visiting.open("/de/")
    page.fill("#box textarea", SAID[0])
    line = page.locator(".away")
    page.route("**/healthz", lambda route: route.abort())
    for _ in range(2):  # a single one is no news
        with page.expect_event("requestfailed"):
            expect(line).to_have_count(0)
            page.clock.fast_forward(15_000)
    expect(line).to_have_text(DE("trouble.away"))
    expect(page.locator("#box textarea")).to_have_value(SAID[0])
    expect(page.locator("#trouble .away")).to_be_visible()
    open_tab(page, "settings")
    page.clock.fast_forward(3_000)
    expect(page.locator("body > .away")).to_be_visible()
    assert violations(page) == []
    page.unroute("**/healthz")
    page.clock.fast_forward(3_000)
    expect(line).to_have_count(0)
    visiting.problems.clear()  # what Chromium says of requests that fail


def test_that_a_reply_can_be_asked_for_another_way_and_a_draft_stays(visit, desk):
    page = visit().open()
    say(page, SAID[1])
    page.fill("#box textarea", "not sent yet")
    page.locator("#talk .ways-on summary").focus()
    page.keyboard.press("Enter")
    assert violations(page) == []
    page.get_by_role("button", name=EN("strategy.suggestions")).click()
    expect(page.locator("#talk .mine .words")).to_have_text([SAID[1], SAID[1]])
    expect(page.locator("#understood .chosen strong")).to_have_text([EN("strategy.suggestions")])
    expect(page.locator("#understood")).to_contain_text(EN("panel.chosen_by_you"))
    expect(page.locator("#box textarea")).to_have_value("not sent yet")
    newest = desk.agent.store.turns(desk.agent.store.conversations()[0])[-1]
    assert newest.options.strategy == "suggestions"
    assert newest.plan.by_request


def test_that_what_would_have_been_said_stands_beside_what_was_and_is_kept_nowhere(visit, desk):
    page = visit(color_scheme="dark").open()
    open_tab(page, "what_if")
    expect(page.locator("#what-if-room")).to_contain_text(EN("what_if.nothing"))
    open_tab(page, "chat")
    say(page, SAID[0])
    say(page, SAID[1])
    conversation = desk.agent.store.conversations()[0]
    kept = desk.agent.store.turns(conversation)
    open_tab(page, "what_if")
    expect(page.get_by_label(EN("what_if.turn"), exact=True).locator("option:checked")).to_contain_text(
        "2. My dad"
    )
    page.get_by_label(EN("signal.cause"), exact=True).uncheck()
    page.get_by_label(EN("what_if.emotion"), exact=True).select_option("furious")
    page.get_by_label(EN("what_if.strategy"), exact=True).select_option("suggestions")
    page.get_by_role("button", name=EN("what_if.ask")).click()
    found = page.locator("#what-if")
    expect(found.get_by_role("heading", name=EN("what_if.result"))).to_be_focused()
    expect(found).to_contain_text(EN("what_if.with_emotion", value="furious"))
    expect(found.locator(".pair").first.locator(".side").first).to_contain_text(kept[1].reply.text.split(". ")[0])
    expect(found.locator("ins", has_text="Providing Suggestions")).to_have_count(2)
    expect(found.locator("del", has_text="What may have brought it about")).to_have_count(1)
    assert violations(page) == []
    assert desk.agent.store.turns(conversation) == kept
    page.get_by_label(EN("signal.emotion"), exact=True).uncheck()
    expect(page.get_by_label(EN("what_if.emotion"), exact=True)).to_be_hidden()
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    # A second message makes another form; until then what was chosen stays.
    page.set_viewport_size(WIDE)
    open_tab(page, "chat")
    open_tab(page, "what_if")
    expect(page.get_by_label(EN("signal.emotion"), exact=True)).not_to_be_checked()
    open_tab(page, "chat")
    say(page, SAID[2])
    open_tab(page, "what_if")
    expect(page.get_by_label(EN("what_if.turn"), exact=True).locator("option:checked")).to_contain_text(
        "3. He is coming"
    )
    expect(found).to_be_empty()
