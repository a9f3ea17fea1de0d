"""The tab for settings: what is offered to whom, what is kept in the browser, and what is done with one's data."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from agent.errors import StoreError
from agent.memory import InMemoryStore
from agent.settings import load_settings
from agent.testing import a_turn
from tests.answering_llm import AnsweringLLM
from tests.loop_parts import an_agent, offline
from ui.page import settings_tab
from ui.page.desk import Desk, Reach
from ui.page.tab import Page
from ui.page.texts import LANGUAGES, texts_in
from ui.page.visitor import Choices, Visitor

VISITOR = Visitor("v" * 43)
CHOSEN = {
    "speaker": "offline",
    "persona": "plain",
    "planner": "rules",
    "counterweight": "0.5",
    "variant": "labels",
    "two_stage": "inline",
    "country": "FR",
    "policy": "eu",
    "kept": False,
}


def _desk(reach: Reach | None = None, *, store: Any = None, **settings: Any) -> Desk:
    return Desk(
        an_agent(offline("I hear you."), store=store or InMemoryStore()),
        load_settings(**settings),
        reach or Reach(),
    )


def _tab(desk: Desk, language: str = "en") -> Any:
    with gr.Blocks() as blocks, gr.Tabs(), gr.Tab("tab"):
        return settings_tab.TAB.build(Page(desk, texts_in(language), blocks, gr.BrowserState(None), gr.Textbox()))


async def _done(tab: Any, **given: Any) -> dict[Any, Any]:
    return await tab.act(VISITOR.as_kept(), None, SimpleNamespace(_data=given))


async def test_that_all_that_was_chosen_is_kept_in_the_browser_and_stands_in_the_form_again():
    tab = _tab(_desk(llm_url="http://127.0.0.1:9/v1"))
    done = await _done(tab, do="save", choices=CHOSEN)
    assert tab.texts("settings.saved") in done[tab.told]
    kept = done[tab.page.visitor]
    assert Visitor.parsed(kept) == Visitor(VISITOR.secret, Choices.parsed(CHOSEN))
    form = await tab.open_page(kept, None)
    for name, value in CHOSEN.items():
        if name not in {"speaker", "kept"}:
            assert f'id="s-{name}"' in form
            assert f'<option value="{value}" selected>' in form
    assert 'value="offline" checked' in form
    assert 'name="kept">' in form


async def test_that_who_chose_to_do_without_an_llm_is_answered_without_one():
    desk = _desk(llm_url="http://127.0.0.1:9/v1")
    assert desk.settings_for(Choices()).llm_url is not None
    assert desk.settings_for(Choices.parsed(CHOSEN)).llm_url is None
    agent = await desk.agent_for(Choices(speaker="offline"))
    assert getattr(agent.generator, "name", "") == "offline"
    await desk.aclose()


async def test_that_what_whoever_runs_the_page_decides_is_not_offered_to_visitors_from_elsewhere():
    texts = texts_in("en")
    near = await _tab(_desk()).open_page(None, None)
    assert 'id="s-policy"' in near
    assert 'id="s-llm_url"' in near
    assert texts("settings.operator") in near
    far = await _tab(_desk(Reach(near=False))).open_page(None, None)
    assert 'id="s-policy"' not in far
    assert 'id="s-llm_url"' not in far
    assert texts("settings.operator") not in far
    called = await _tab(_desk(handoff_at="acute")).open_page(None, None)
    assert 'name="kept"' not in called
    assert texts("settings.always_kept") in called


@pytest.mark.parametrize("language", LANGUAGES)
async def test_that_a_test_of_an_address_tells_what_its_server_can_do(language: str):
    texts = texts_in(language)
    tab = _tab(_desk(), language)
    with AnsweringLLM() as server:
        done = await _done(tab, do="test", choices={"speaker": "own", "llm_url": server.url})
    shown = done[tab.told]
    assert f"{texts('settings.models')} tiny" in shown
    assert f"<dt>{texts('feature.model')}</dt><dd>tiny</dd>" in shown
    assert f"<dt>{texts('feature.context_tokens')}</dt><dd>8192</dd>" in shown
    assert f"<dt>{texts('feature.structured_outputs')}</dt><dd>{texts('feature.yes')}</dd>" in shown
    assert f"<dd>{texts('feature.unknown')}</dd>" in shown or f"<dd>{texts('feature.no')}</dd>" in shown
    assert done[tab.page.visitor]["choices"]["llm_url"] == server.url


async def test_that_no_address_is_asked_that_is_not_named_or_not_for_visitors_to_name():
    with AnsweringLLM() as server:
        for desk, address in ((_desk(), ""), (_desk(Reach(near=False)), server.url)):
            tab = _tab(desk)
            done = await _done(tab, do="test", choices={"speaker": "own", "llm_url": address})
            assert tab.texts("settings.no_address") in done[tab.told]
        assert server.bodies == []


async def test_that_a_visitor_takes_and_deletes_what_is_theirs_and_nothing_else():
    other = Visitor("w" * 43)
    mine, theirs = VISITOR.new_conversation(), other.new_conversation()
    store = InMemoryStore()
    store.append(a_turn("mine alone", conversation_id=mine))
    store.append(a_turn("theirs alone", id="turn-2", conversation_id=theirs))
    tab = _tab(_desk(store=store))
    given = json.loads((await _done(tab, do="download"))[tab.data])
    assert [talk["turns"][0]["text"] for talk in given["conversations"]] == ["mine alone"]
    done = await _done(tab, do="erase_all")
    assert store.conversations() == (theirs,)
    assert tab.texts("settings.all_erased", n=1) in done[tab.told]
    assert done[tab.page.here] == ""
    anew = Visitor.parsed(done[tab.page.visitor])
    assert anew.secret != VISITOR.secret
    assert anew.choices == Choices()


class _Locked(InMemoryStore):
    """Cannot be read."""

    def conversations(self, **_: Any) -> Any:
        raise StoreError("locked by somebody who said: my secret")


async def test_that_a_store_that_cannot_be_read_is_told_of_and_nobody_is_quoted():
    tab = _tab(_desk(store=_Locked()))
    for do in ("download", "erase_all"):
        done = await _done(tab, do=do)
        assert "secret" not in done[tab.told]
        assert 'role="alert"' in done[tab.told]
        assert tab.page.visitor not in done
