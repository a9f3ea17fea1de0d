"""The tab in which operators see who waits for a person, take conversations over, and give them back.

The key stays in the field that it was typed into: it goes with each request, is looked at each time, and is kept
nowhere. A reload forgets it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from agent.errors import HeartlineError, InputError, UnknownConversationError
from agent.safety.human_acts import LONGEST_WORDS
from agent.safety.takeover import checked_name
from ui.http.errors import ApiError
from ui.page.answering import Trouble
from ui.page.desk import Desk
from ui.page.handoff_views import OperatorViews, digest_of
from ui.page.markup import filled
from ui.page.operators import Operator, let_in, opened, queue_of, trouble_for
from ui.page.tab import QUICK, Page, Tab, sent_with

__all__ = ["TAB"]

_LOOKS = "heartlineWatch(element, data => trigger('look', data))"
_ACTS = "heartlineCases(element, data => trigger('act', data))"
_LONGEST_ID = 128

Updates = dict[Any, Any]


class OperatorTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.desk, self.texts = page, page.desk, page.texts
        self.views = OperatorViews(page.desk, page.texts)
        self._build()
        self._bind()

    def _build(self) -> None:
        t = self.texts
        with gr.Column(elem_id="operator"):
            # Asks for news while it is seen. It says what is drawn, and whether there is anything to ask for.
            self.pulse = gr.HTML(
                self._pulse(), js_on_load=_LOOKS, apply_default_css=False, elem_id="operator-pulse"
            )
            self.told = gr.HTML("", apply_default_css=False, elem_id="operator-told")
            with gr.Column(elem_id="operator-door"):
                gr.HTML(filled("operator_door", t), apply_default_css=False)
                self.key = gr.Textbox(
                    label=t("operator.key"), type="password", max_lines=1, elem_id="operator-key"
                )
                self.enter = gr.Button(t("operator.enter"), variant="primary", elem_id="operator-enter")
            with gr.Column(elem_id="operator-room"):
                with gr.Column(elem_id="operator-side"):
                    self.name = gr.Textbox(
                        label=t("operator.name"),
                        info=t("operator.name_help"),
                        max_length=200,
                        max_lines=1,
                        elem_id="operator-name",
                    )
                    self.queue = gr.HTML("", js_on_load=_ACTS, apply_default_css=False)
                with gr.Column(elem_id="operator-main"):
                    self.case = gr.HTML("", js_on_load=_ACTS, apply_default_css=False)
                    with gr.Column(elem_id="operator-writing"):
                        self.words = gr.Textbox(
                            label=t("operator.words"),
                            info=t("operator.words_help"),
                            lines=3,
                            max_lines=10,
                            max_length=LONGEST_WORDS,
                            elem_id="operator-words",
                        )
                        self.send = gr.Button(t("operator.send"), variant="primary", elem_id="operator-send")
                with gr.Column(elem_id="operator-below"):
                    self.counters = gr.HTML("", apply_default_css=False)
                    self.leave = gr.Button(t("operator.leave"), elem_id="operator-leave")
            self.shown = gr.Textbox("", visible="hidden", show_label=False, container=False)

    def _bind(self) -> None:
        known = [self.key, self.shown, self.name]
        drawn = [self.pulse, self.told, self.key, self.queue, self.case, self.counters, self.shown]
        once = QUICK | {"trigger_mode": "once"}
        self.pulse.look(self.look, known, drawn, **once)
        gr.on([self.key.submit, self.enter.click], self.come, known, drawn, **once)
        self.leave.click(self.go, None, [*drawn, self.words], **QUICK)
        for acted in (self.queue.act, self.case.act):
            acted(self.act, known, drawn, **QUICK)
        self.send.click(self.say, [*known, self.words], [*drawn, self.words], **once)

    # --- events ----------------------------------------------------------------------------------

    async def look(self, key: Any, shown: Any, name: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Draw what is new; nothing where nothing is."""
        seen = sent_with(event).get("seen")
        operator = await self._operator(key, request)
        if isinstance(operator, Trouble):
            return self._locked(operator if _text(key) else None)
        found = await self._drawn(operator, _text(shown), operator.called(_text(name)))
        if seen == found.pop("digest"):
            return {self.pulse: gr.skip()}
        return found

    async def come(self, key: Any, shown: Any, name: Any, request: gr.Request) -> Updates:
        """Come in with a key."""
        operator = await self._operator(key, request)
        if isinstance(operator, Trouble):
            return self._locked(operator)
        return await self._told(operator, _text(shown), operator.called(_text(name)), None)

    async def go(self) -> Updates:
        """Forget the key."""
        return self._locked(None) | {self.words: "", self.shown: ""}

    async def act(self, key: Any, shown: Any, name: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Open or close a case, take it over, take it on, or give it back."""
        given = sent_with(event)
        named = _text(given.get("id"))[:_LONGEST_ID]
        operator = await self._operator(key, request)
        if isinstance(operator, Trouble):
            return self._locked(operator)
        me = operator.called(_text(name))
        said: Trouble | str | None = None
        match given.get("do"):
            case "open_case":
                shown = named
            case "close_case":
                shown = ""
            case "take" | "take_on" as do:
                said = await self._done(operator, named, "hold", by=me, unless_held=do == "take")
            case "give_back":
                said = await self._done(operator, named, "release", by=me)
        return await self._told(operator, _text(shown), me, said)

    async def say(self, key: Any, shown: Any, name: Any, words: Any, request: gr.Request) -> Updates:
        """Write to whoever writes in the open case."""
        operator = await self._operator(key, request)
        if isinstance(operator, Trouble):
            return self._locked(operator)
        me = operator.called(_text(name))
        said = await self._done(operator, _text(shown), "say", _text(words), by=me)
        found = await self._told(operator, _text(shown), me, said)
        return found | ({} if isinstance(said, Trouble) else {self.words: ""})

    # --- what is behind them ---------------------------------------------------------------------

    async def _operator(self, key: Any, request: gr.Request) -> Operator | Trouble:
        address = "" if request.client is None else request.client.host
        try:
            return await asyncio.to_thread(let_in, self.desk, _text(key), address=address)
        except (ApiError, HeartlineError) as error:
            return trouble_for(error)

    async def _done(self, operator: Operator, named: str, what: str, *words: str, **given: Any) -> Trouble | str:
        """Do something in a case of the queue; what is said of it."""

        def work() -> None:
            opened(operator, named)
            getattr(operator.store, what)(named, *words, **given)

        try:
            checked_name(given["by"])
        except InputError:
            return Trouble("operator.no_name")
        try:
            await asyncio.to_thread(work)
        except HeartlineError as error:
            return trouble_for(error)
        return {"hold": "operator.taken", "say": "operator.sent", "release": "operator.given_back"}[what]

    async def _told(self, operator: Operator, shown: str, me: str, said: Trouble | str | None) -> Updates:
        """Everything anew, with what is said of what was done."""
        found = await self._drawn(operator, shown, me)
        del found["digest"]
        return found | {self.told: self._words(said)}

    async def _drawn(self, operator: Operator, shown: str, me: str) -> Updates:
        """What is seen by whoever was let in, and its digest."""
        now = datetime.now(UTC)

        def work() -> tuple[str, str, str, bool]:
            queue = self.views.queue(operator, queue_of(operator), current=shown, now=now)
            counters = self.views.counters(operator, now=now)
            try:
                found = opened(operator, shown) if shown else None
            except UnknownConversationError:  # erased meanwhile
                found = None
            if found is None:
                return queue, counters, filled("operator_none", self.texts), False
            mine = found.case.held_by is not None and found.case.held_by == me.strip()
            return queue, counters, self.views.case(found, me=me, now=now), mine

        try:
            queue, counters, case, mine = await asyncio.to_thread(work)
        except HeartlineError as error:
            return {self.told: self._words(trouble_for(error)), "digest": None}
        digest = digest_of(queue, counters, case, str(mine))
        return {
            self.pulse: self._pulse("writing" if mine else "open", digest),
            self.queue: queue,
            self.counters: counters,
            self.case: case,
            self.shown: shown,
            "digest": digest,
        }

    def _locked(self, trouble: Trouble | None) -> Updates:
        return {
            self.pulse: self._pulse("locked"),
            self.told: self._words(trouble),
            self.key: "",
            self.queue: "",
            self.case: "",
            self.counters: "",
        }

    def _pulse(self, state: str = "", digest: str = "") -> str:
        """What the style shows the door, the room or the box for, and what is drawn."""
        return filled("operator_pulse", self.texts, state=state, seen=digest)

    def _words(self, said: Trouble | str | None) -> str:
        if isinstance(said, Trouble):
            return filled("trouble", self.texts, words=self.texts(said.key, **dict(said.given)))
        return filled("saved", self.texts, words=self.texts(said)) if said else ""


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _offered(desk: Desk) -> bool:
    """Where strangers come without a key, nobody can be told from them: the tab is not there."""
    return desk.reach.near or desk.reach.keys


TAB = Tab("operator", OperatorTab, _offered)
