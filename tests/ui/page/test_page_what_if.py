"""What a turn would have been like otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from markupsafe import escape

from agent.errors import GenerationError, LLMUnreachableError, StoreError
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.settings import load_settings
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard, a_reading
from strategies.rules import RulePlanner
from tests.loop_parts import PlainComposer, Waiting, an_agent, offline, wait_for
from ui.http.errors import ApiError
from ui.page import chat_tab, what_if_tab
from ui.page.answering import answered
from ui.page.app import build_desk
from ui.page.desk import Desk
from ui.page.side_by_side import lines_of
from ui.page.tab import Page
from ui.page.texts import LANGUAGES, texts_in
from ui.page.visitor import Visitor
from ui.page.what_if import Change, WhatIf, offered_signals, running_as, what_if
from ui.page.what_if_tab import compared

EN = texts_in("en")
VISITOR = Visitor("v" * 43)
SAID = (
    "I worked all weekend and nobody even noticed.",
    "My dad has been in hospital since Tuesday and I can't concentrate on anything.",
    "I don't want to be alive any more.",
)


async def _said(desk: Desk, *texts: str, conversation: str = "") -> Any:
    """The turns of a conversation in which they were said."""
    conversation = conversation or VISITOR.new_conversation()
    for text in texts:
        async for _ in answered(desk, VISITOR, conversation, text):
            pass
    return desk.agent.store.turns(conversation)


async def _found(desk: Desk, visitor: Visitor, turn: Any, change: Change) -> WhatIf:
    """What it ends with."""
    *_, found = [each async for each in what_if(desk, visitor, turn, change)]
    return found


@pytest.fixture(scope="module")
def desk():
    return build_desk(load_settings(store="memory", country="GB"))


@pytest.fixture(scope="module")
def turns(desk):
    return asyncio.run(_said(desk, *SAID, conversation=f"{VISITOR.mark}always-the-same"))


def _lines(prompt: Any) -> set[str]:
    return {line.text for line in lines_of(prompt)}


@pytest.mark.parametrize("number", range(len(SAID)))
async def test_that_with_nothing_changed_it_is_as_it_was(desk, turns, number):
    found = await _found(desk, VISITOR, turns[number], Change())
    for field in ("reply", "plan", "state", "course", "reliance", "sitting", "care", "notices", "verdicts", "at"):
        assert getattr(found.would_be, field) == getattr(found.was, field), field
    assert found.prompts[0] == found.prompts[1]
    assert EN("what_if.unchanged") in compared(found, EN)


@pytest.mark.parametrize(
    ("change", "gone", "came"),
    [
        (Change(emotion="joyful"), "- Emotion. Most likely: lonely", "- Emotion. Most likely: joyful (0.90)"),
        (Change(off=frozenset({"emotion"})), "- Emotion. Most likely: ", ""),
        (
            Change(off=frozenset({"cause"})),
            "- What may have brought it about",
            "My dad has been in hospital since",
        ),
        (Change(off=frozenset({"state"})), "- Mood over the conversation", ""),
        (Change(off=frozenset({"strategy"})), "- Why now", ""),
        (Change(strategy="suggestions"), "", "- Strategy for the next reply: Providing Suggestions."),
        (Change(persona="plain"), "- Your own tone now", "- Your own tone now: Plain and matter-of-fact"),
    ],
    ids=["feeling", "no-feeling", "no-cause", "no-mood", "no-plan", "strategy", "persona"],
)
async def test_that_a_change_shows_in_the_prompt_and_nowhere_else(desk, turns, change, gone, came):
    kept = desk.agent.store.turns(turns[1].conversation_id)
    counted = desk.agent.store.counts()
    found = await _found(desk, VISITOR, turns[1], change)
    before, after = map(_lines, found.prompts)
    assert any(line.startswith(gone) for line in before - after)
    assert any(line.startswith(came) for line in after - before) or not came
    assert found.would_be.reply is not None
    assert not found.would_be.failures
    assert desk.agent.store.turns(turns[1].conversation_id) == kept
    assert desk.agent.store.counts() == counted


async def test_that_strategy_and_feeling_change_what_the_built_in_responder_says(desk, turns):
    for change in (Change(emotion="joyful"), Change(strategy="suggestions")):
        found = await _found(desk, VISITOR, turns[1], change)
        assert found.would_be.reply.text != turns[1].reply.text
        assert found.would_be.reply.speaker == "offline"


@pytest.mark.parametrize(
    "change",
    [Change(emotion="joyful"), Change(strategy="others"), Change(off=frozenset({"emotion", "state", "strategy"}))],
    ids=["feeling", "strategy", "off"],
)
async def test_that_danger_is_answered_as_it_was_whatever_is_changed(desk, turns, change):
    found = await _found(desk, VISITOR, turns[2], change)
    assert found.would_be.escalated
    assert found.would_be.reply == turns[2].reply
    assert found.would_be.course == turns[2].course
    shown = compared(found, EN)
    assert EN("what_if.careful") in shown
    assert EN("what_if.no_prompt") in shown
    assert "ideation" not in shown


async def test_that_the_guard_looks_at_what_would_be_said():
    guard = ScriptedGuard({"secret": "Let us not."})
    speaks = ScriptedGenerator("I hear you.", "I hear you. A secret way. And more.")
    agent = an_agent(speaks, guard=guard, fallback=offline())
    desk = Desk(agent, load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    found = await _found(desk, VISITOR, turn, Change())
    assert found.would_be.reply.text == "I hear you. Let us not."
    assert found.would_be.reply.finish_reason == "cut"
    speaks.verify()


async def test_that_the_other_reply_is_seen_as_it_comes_and_ends_with_whoever_asked():
    patient = Waiting("I hear")
    desk = Desk(an_agent(offline("I hear you.")), load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    desk.agent.generator = patient
    async with aclosing(what_if(desk, VISITOR, turn, Change())) as answer:
        assert await anext(answer) == ""
        assert await anext(answer) == "I hear"
        assert not patient.closed
    assert patient.closed
    assert desk.agent.store.turns(turn.conversation_id) == (turn,)


async def test_that_the_other_reply_can_be_stopped_and_what_came_of_it_stays_to_be_seen():
    patient = Waiting("<i>Still</i>")
    desk, here = Desk(an_agent(offline("I hear you.")), load_settings(store="memory")), VISITOR.new_conversation()
    (turn,) = await _said(desk, "hello", conversation=here)
    desk.agent.generator = patient
    tab = _built(what_if_tab.TAB, desk)
    events = tab.ask(VISITOR.as_kept(), here, None, _asking(turn=turn.id))
    await anext(events)
    await anext(events)
    await tab.stop_it(Visitor("w" * 43).as_kept(), None)  # a stranger stops what is theirs
    assert not patient.closed
    await tab.stop_it(VISITOR.as_kept(), None)
    shown = await _shown(events)
    assert patient.closed
    assert EN("what_if.stopped") in shown
    assert "&lt;i&gt;Still" in shown
    assert "I hear you." in shown
    assert 'class="pair coming"' not in shown
    assert desk.agent.store.turns(here) == (turn,)
    assert not desk.running.answers(running_as(VISITOR))


async def test_that_words_of_an_llm_that_broke_off_give_way_to_whoever_steps_in():
    speaks = ScriptedGenerator("I hear you.", ["I will ", LLMUnreachableError("gone")], name="llm")
    desk = Desk(an_agent(speaks, fallback=offline("Still here.")), load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    *seen, found = [each async for each in what_if(desk, VISITOR, turn, Change())]
    assert seen[0] == ""
    assert all("Still" not in each or "I will" not in each for each in seen)
    assert found.would_be.reply.text == "Still here."
    speaks.verify()


async def test_that_nobody_is_called_and_nothing_is_stored():
    class Once(InMemoryStore):
        def append(self, turn: Any, **given: Any) -> Any:
            assert not self.conversations(), "a second turn was stored"
            return super().append(turn, **given)

    risk = FixedPlugin("risk", RiskReading("ideation"))
    agent = an_agent(offline("One.", "Two."), plugins=[risk], store=Once(), planner=RulePlanner())
    desk = Desk(agent, load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    found = await _found(desk, VISITOR, turn, Change(strategy="others"))
    assert found.would_be.reply.text == "Two."
    assert not found.would_be.failures
    assert not found.would_be.plan.by_request
    assert EN("panel.not_as_chosen", strategy=EN("strategy.others")) in compared(found, EN)


async def test_that_an_llm_that_cannot_be_reached_loses_nothing_and_it_is_told():
    speaks = ScriptedGenerator("I hear you.", [LLMUnreachableError("gone")], name="llm")
    desk = Desk(an_agent(speaks, fallback=offline("Still here.")), load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    found = await _found(desk, VISITOR, turn, Change())
    assert found.would_be.reply.text == "Still here."
    shown = compared(found, EN)
    assert EN("turn.failed_over") in shown
    assert EN("what_if.chance") not in shown
    assert desk.agent.store.turns(turn.conversation_id) == (turn,)


async def test_that_what_cannot_be_answered_is_an_error_and_nothing_is_kept():
    desk = Desk(
        an_agent(ScriptedGenerator("I hear you.", [GenerationError("no")])),
        load_settings(store="memory", persona=None),
    )
    (turn,) = await _said(desk, "hello")
    with pytest.raises(GenerationError):
        await _found(desk, VISITOR, turn, Change())
    assert desk.agent.store.turns(turn.conversation_id) == (turn,)


async def test_that_a_visitor_asks_one_at_a_time_and_is_told():
    patient = Waiting("I hear")
    desk = Desk(
        an_agent(offline("I hear you.")), load_settings(store="memory", persona=None, turn_order={"wait": 0.05})
    )
    (turn,) = await _said(desk, "hello")
    desk.agent.generator = patient
    first = asyncio.create_task(_found(desk, VISITOR, turn, Change()))
    await wait_for(patient.said)
    with pytest.raises(ApiError) as refused:
        await _found(desk, VISITOR, turn, Change())
    assert refused.value.code == "conversation_busy"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert patient.closed
    assert desk.agent.store.turns(turn.conversation_id) == (turn,)


def test_that_what_a_browser_sends_is_checked_and_what_is_off_cannot_be_replaced(desk):
    on = {f"on.{signal}": "on" for signal in offered_signals(desk)}
    assert Change.parsed(on, desk) == Change()
    assert Change.parsed({}, desk).off == frozenset(offered_signals(desk))
    wanted = on | {"emotion": "proud", "strategy": "question", "persona": "plain", "on.risk": "", "x": ["y"]}
    assert Change.parsed(wanted, desk) == Change(emotion="proud", strategy="question", persona="plain")
    nonsense = on | {"emotion": "<b>", "strategy": ["question"], "persona": None}
    assert Change.parsed(nonsense, desk) == Change()
    del wanted["on.emotion"]
    assert Change.parsed(wanted, desk) == Change(frozenset({"emotion"}), strategy="question", persona="plain")
    assert "risk" not in offered_signals(desk)


def test_that_only_what_is_read_can_be_switched_off():
    bare = Desk(an_agent(offline()), load_settings(store="memory"))
    assert offered_signals(bare) == ("emotion",)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_that_words_never_become_markup_and_no_mark_is_by_colour_alone(language):
    hostile = "<script>alert(1)</script>"
    emotion = FixedPlugin("emotion", a_reading())
    agent = an_agent(offline(f"{hostile} One.", f"{hostile} Two."), plugins=[emotion])
    desk, texts = Desk(agent, load_settings(store="memory", persona=None)), texts_in(language)
    (turn,) = await _said(desk, hostile)
    shown = compared(await _found(desk, VISITOR, turn, Change(emotion="proud")), texts)
    assert "<script" not in shown
    for fate, tag in (("gone", "del"), ("new", "ins")):
        assert f'<span class="unseen">{texts(f"what_if.{fate}_line")}</span><{tag}>' in shown
    assert texts("what_if.never_said") in shown
    assert texts.word("emotion", "proud") in shown


async def test_that_the_prompt_of_an_llm_is_shown_as_it_was_sent():
    speaks = ScriptedGenerator("I hear you.", "You do.", reads=("prompt",), name="llm")
    agent = an_agent(speaks, fallback=offline(), composer=PlainComposer())
    desk = Desk(agent, load_settings(store="memory", persona=None))
    (turn,) = await _said(desk, "hello")
    found = await _found(desk, VISITOR, turn, Change())
    assert found.prompts == (turn.prompt, speaks.turns[1].prompt)
    shown = compared(found, EN)
    assert EN("what_if.same_prompt") in shown
    assert EN("what_if.chance") in shown
    assert EN("what_if.not_asked") not in shown
    speaks.verify()


# --- the tab, without a browser ---------------------------------------------------------------------


def _built(tab: Any, desk: Desk) -> Any:
    with gr.Blocks() as blocks, gr.Tabs(), gr.Tab("tab"):
        return tab.build(Page(desk, EN, blocks, gr.BrowserState(None), gr.Textbox()))


async def _shown(events: AsyncGenerator[Any]) -> str:
    """All markup that was shown, one after the other."""
    return "".join(str(value) for updates in [each async for each in events] for value in updates.values())


def _asking(**choices: Any) -> Any:
    return SimpleNamespace(_data={"do": "what_if", "choices": choices})


async def test_that_the_tab_offers_turns_with_replies_and_answers_the_one_that_is_picked(desk, turns):
    tab, here = _built(what_if_tab.TAB, desk), turns[0].conversation_id
    form = await tab.open_tab(VISITOR.as_kept(), here, "", None)
    assert [f'value="{turn.id}"' in form[tab.form] for turn in turns] == [True] * len(turns)
    assert form[tab.drawn] == turns[-1].id
    on = {f"on.{signal}": "on" for signal in offered_signals(desk)}
    asked = _asking(turn=turns[0].id, strategy="information", **on)
    shown = await _shown(tab.ask(VISITOR.as_kept(), here, None, asked))
    assert EN("what_if.coming") in shown
    assert EN("what_if.with_strategy", value="Information") in shown


async def test_that_the_tab_shows_the_other_reply_as_it_comes_beside_what_was_said():
    patient = Waiting("<i>Still</i>")
    desk, here = Desk(an_agent(offline("I hear you.")), load_settings(store="memory")), VISITOR.new_conversation()
    (turn,) = await _said(desk, "hello", conversation=here)
    desk.agent.generator = patient
    tab = _built(what_if_tab.TAB, desk)
    async with aclosing(tab.ask(VISITOR.as_kept(), here, None, _asking(turn=turn.id))) as events:
        (begun,), (goes_on,) = [(await anext(events)).values() for _ in range(2)]
    assert EN("what_if.coming") in begun
    assert 'class="thinking"' in begun
    assert "I hear you." in goes_on
    assert "&lt;i&gt;Still" in goes_on
    assert 'class="thinking"' not in goes_on
    assert patient.closed


@pytest.mark.parametrize("turn", ["", "none", None, ["x"]], ids=["empty", "unknown", "missing", "nonsense"])
async def test_that_only_turns_of_the_open_conversation_of_the_visitor_are_answered(desk, turns, turn):
    tab, here = _built(what_if_tab.TAB, desk), turns[0].conversation_id
    assert EN("what_if.gone") in await _shown(tab.ask(VISITOR.as_kept(), here, None, _asking(turn=turn)))
    stranger = Visitor("w" * 43).as_kept()
    assert EN("what_if.gone") in await _shown(tab.ask(stranger, here, None, _asking(turn=turns[0].id)))


class _Broken(InMemoryStore):
    """Cannot be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def turns(self, conversation_id: str) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("agent", "key"),
    [
        (lambda: an_agent(ScriptedGenerator("x", [GenerationError("my secret")])), "what_if.no_answer"),
        (lambda: an_agent(offline("x"), store=_Broken(StoreError("my secret"))), "what_if.store"),
        (lambda: an_agent(offline("x"), store=_Broken(ValueError("my secret"))), "what_if.other"),
    ],
    ids=["silent", "locked", "broken"],
)
async def test_that_the_tab_tells_what_went_wrong_and_quotes_nobody(agent, key, caplog):
    desk, here = Desk(agent(), load_settings(store="memory", persona=None)), VISITOR.new_conversation()
    async for _ in answered(desk, VISITOR, here, "hello"):
        pass
    turn = InMemoryStore.turns(desk.agent.store, here)[0]
    tab = _built(what_if_tab.TAB, desk)
    shown = await _shown(tab.ask(VISITOR.as_kept(), here, None, _asking(turn=turn.id)))
    assert escape(EN(key)) in shown
    assert "secret" not in shown + caplog.text


async def test_that_the_panel_marks_the_words_that_a_feeling_rests_on_and_of_ones_own_turns_alone(desk, turns):
    tab, here = _built(chat_tab.TAB, desk), turns[0].conversation_id
    asked = SimpleNamespace(_data={"turn": turns[0].id})
    shown = (await tab.on_panel(VISITOR.as_kept(), here, None, asked))[tab.panel]
    assert EN("panel.of", number=1, of=len(turns)) in shown
    assert '--sure: 1.00">' in shown.partition(EN("panel.rests_title"))[2].partition("</blockquote>")[0]
    for kept, turn in ((Visitor("w" * 43).as_kept(), turns[0].id), (VISITOR.as_kept(), "none")):
        found = await tab.on_panel(kept, here, None, SimpleNamespace(_data={"turn": turn}))
        assert tab.panel not in found


@pytest.mark.parametrize(
    "act",
    [{}, {"turn": "none", "strategy": "question"}, {"strategy": "sing"}, {"strategy": ["question"]}],
    ids=["nothing", "no-turn", "no-strategy", "nonsense"],
)
async def test_that_the_chat_answers_another_way_only_as_it_was_offered(desk, turns, act):
    tab, here = _built(chat_tab.TAB, desk), turns[0].conversation_id
    event = SimpleNamespace(_data={"turn": turns[1].id} | act)
    await _shown(tab.say_anew("", VISITOR.as_kept(), here, None, event))
    assert desk.agent.store.turns(here) == turns
