"""The tab in which people chat, with what was understood beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio as gr

from agent.errors import HeartlineError
from agent.feedback import Feedback
from agent.turn import Turn
from ui.page import own_data
from ui.page.answering import Moment, Trouble, answered, trouble_of
from ui.page.chat_views import Views
from ui.page.markup import filled
from ui.page.people import announced
from ui.page.tab import QUICK, Page, Tab, sent_with, visitor_of
from ui.page.transcript import coming, other_ways
from ui.page.visitor import Visitor

__all__ = ["TAB"]

_ACTS = "heartlineActs(element, data => trigger('act', data))"
_TALKS = (
    "heartlineActs(element, data => trigger(data.do === 'another' ? 'another' : 'act', data)); "
    "heartlineWatch(element, data => trigger('look', data))"
)
_ASKS = "heartlinePanel(element, data => trigger('act', data))"
_STORED_HERE = "(kept, here) => [kept, sessionStorage.getItem('heartline.here') || '']"
_STORE_HERE = "here => { sessionStorage.setItem('heartline.here', here); }"

Updates = dict[Any, Any]


class ChatTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.desk, self.texts = page, page.desk, page.texts
        self.views = Views(page.desk, page.texts)
        self._build()
        self._bind()

    def _build(self) -> None:
        t = self.texts
        with gr.Row(elem_id="room"):
            with gr.Column(elem_id="past"):
                self.past = gr.HTML("", js_on_load=_ACTS, apply_default_css=False)
            with gr.Column(elem_id="middle"):
                # The log itself is silent for screen readers; what comes is told by the live part.
                self.talk = gr.HTML("", js_on_load=_TALKS, apply_default_css=False, elem_id="talk")
                self.live = gr.HTML("", apply_default_css=False, elem_id="live")
                with gr.Column(elem_id="composer"):
                    self.trouble = gr.HTML("", apply_default_css=False, elem_id="trouble")
                    with gr.Row(elem_id="writing"):
                        self.box = gr.Textbox(
                            label=t("chat.label"),
                            placeholder=t("chat.placeholder"),
                            lines=1,
                            max_lines=8,
                            show_label=False,
                            container=False,
                            elem_id="box",
                            autofocus=True,
                            scale=1,
                        )
                        self.send = gr.Button(t("chat.send"), variant="primary", elem_id="send", scale=0)
                        self.stop = gr.Button(t("chat.stop"), elem_id="stop", scale=0)
                    self.status = gr.HTML("", apply_default_css=False, elem_id="status")
            with gr.Column(elem_id="understood"):
                self.panel = gr.HTML("", js_on_load=_ASKS, apply_default_css=False)

    def _bind(self) -> None:
        page, views = self.page, [self.past, self.talk, self.panel, self.status, self.trouble]
        known = [page.visitor, page.here]
        page.blocks.load(self.open_page, known, [page.visitor, page.here, *views], js=_STORED_HERE, **QUICK)
        page.here.change(None, page.here, None, js=_STORE_HERE, show_progress="hidden", api_visibility="private")
        page.visitor.change(self.changed, known, [self.talk, self.status], **QUICK)
        gr.on(
            [self.box.submit, self.send.click],
            self.say,
            [self.box, *known],
            [page.visitor, page.here, self.box, self.live, *views],
            show_progress="hidden",
            api_visibility="private",
            trigger_mode="always_last",  # who sends while a reply comes is answered after it,
            concurrency_limit=None,
        )
        self.talk.another(
            self.say_anew,
            [self.box, *known],
            [page.visitor, page.here, self.box, self.live, *views],
            show_progress="hidden",
            api_visibility="private",
            trigger_mode="once",
            concurrency_limit=None,
        )
        self.stop.click(self.stop_it, known, None, **QUICK)
        self.past.act(self.on_past, known, [page.here, self.live, *views], **QUICK)
        self.talk.act(self.on_talk, known, views, **QUICK)
        self.panel.act(
            self.on_panel,
            known,
            [self.panel, self.trouble],
            show_progress="hidden",
            api_visibility="private",
            trigger_mode="once",
            concurrency_limit=1,  # it takes a core for a moment
        )
        self.talk.look(self.look, known, [self.talk, self.live], **(QUICK | {"trigger_mode": "once"}))

    # --- events ----------------------------------------------------------------------------------

    async def open_page(self, kept: Any, here: Any, request: gr.Request) -> Updates:
        """Draw everything: after a reload, where the conversation was left."""
        visitor = visitor_of(kept, request, self.desk)
        found, _ = await self._drawn(visitor, here if visitor.owns(here) else "")
        if Visitor.parsed(kept) is None:
            found[self.page.visitor] = visitor.as_kept()
        return found

    async def changed(self, kept: Any, here: Any, request: gr.Request) -> Updates:
        """Settings were changed, in this tab or in another."""
        visitor = visitor_of(kept, request, self.desk)
        turns, trouble = await self._turns(visitor, here)
        if trouble is not None:
            return {self.status: self.views.status(visitor, here)}
        talk = await asyncio.to_thread(self.views.talk, visitor, here, turns)
        return {self.talk: talk, self.status: self.views.status(visitor, here)}

    async def say(
        self, text: Any, kept: Any, here: Any, request: gr.Request, *, strategy: str | None = None
    ) -> AsyncGenerator[Updates]:
        """Answer a message, and show it as it comes; by a strategy where one is named."""
        visitor = visitor_of(kept, request, self.desk)
        text = text if isinstance(text, str) else ""
        if not text.strip():
            # Later in a conversation it may be the second half of a double click, whose first half was taken in.
            yield {self.trouble: self._told(None if visitor.owns(here) else Trouble("trouble.empty"))}
            return
        here = here if visitor.owns(here) else visitor.new_conversation()
        policy = self.desk.policy(visitor.choices)
        begun = cleared = False
        now = Moment()
        async with aclosing(answered(self.desk, visitor, here, text, strategy=strategy)) as moments:
            async for now in moments:
                shown: Updates = {self.live: coming(now, self.texts, policy, text=text)}
                if not begun:
                    begun = True
                    shown |= {self.page.here: here, self.trouble: ""}
                    if Visitor.parsed(kept) is None:
                        shown[self.page.visitor] = visitor.as_kept()
                if now.turn is not None and not cleared:
                    cleared, shown[self.box] = True, ""
                if not now.ended:  # then all of it is drawn
                    yield shown
        last, stored = await self._drawn(visitor, here, trouble=now.trouble, made=now.turn)
        if cleared and now.trouble is not None and not stored:  # what was not kept goes back into the box
            last[self.box] = text
        yield {**last, self.live: filled("announced", self.texts, said=now.said)}

    async def say_anew(
        self, draft: Any, kept: Any, here: Any, request: gr.Request, event: gr.EventData
    ) -> AsyncGenerator[Updates]:
        """Answer the words of a turn once more, by a strategy that was chosen. A draft stays in the box."""
        visitor, act = visitor_of(kept, request, self.desk), sent_with(event)
        turns, trouble = await self._turns(visitor, here)
        turn = next((turn for turn in turns if turn.id == act.get("turn")), None)
        if turn is None or act.get("strategy") not in other_ways(turn):
            yield {self.trouble: self._told(trouble)}
            return
        if not draft:
            yield {self.box: turn.text}  # where it cannot be taken in, it is there
        async for shown in self.say(turn.text, kept, here, request, strategy=act["strategy"]):
            if draft:
                shown.pop(self.box, None)
            yield shown

    async def stop_it(self, kept: Any, here: Any, request: gr.Request) -> None:
        """Stop what answers in the open conversation."""
        visitor = visitor_of(kept, request, self.desk)
        if visitor.owns(here):
            self.desk.running.stop(here)

    async def on_past(self, kept: Any, here: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Begin, open or delete a conversation."""
        visitor, act = visitor_of(kept, request, self.desk), sent_with(event)
        named = act.get("id")
        told = ""
        if act.get("do") == "new":
            here = ""
        elif act.get("do") == "open" and visitor.owns(named):
            here = named
        elif act.get("do") == "erase" and visitor.owns(named):
            try:
                if await asyncio.to_thread(own_data.erase, self.desk, visitor, named):
                    told = self.texts("chat.erased")
            except HeartlineError as error:
                return {self.trouble: self._told(trouble_of(error))}
            here = "" if here == named else here
        found, _ = await self._drawn(visitor, here, told=told)
        return {**found, self.page.here: here, self.live: ""}

    async def on_talk(self, kept: Any, here: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Explain a turn, or keep what was said of it."""
        visitor, act = visitor_of(kept, request, self.desk), sent_with(event)
        turn_id = act.get("turn")
        turns, trouble = await self._turns(visitor, here)
        if trouble is not None or not isinstance(turn_id, str) or all(turn.id != turn_id for turn in turns):
            return {self.trouble: self._told(trouble)}
        if act.get("do") != "rate":
            return {self.panel: self.views.panel(turns, shown=turn_id)}
        rating, reason = act.get("rating"), act.get("reason")
        said = Feedback(turn_id, 1 if rating == 1 else -1, reason if isinstance(reason, str) else None)
        store: Any = self.desk.store_of(visitor, here)
        try:
            await asyncio.to_thread(store.rate, here, said)
        except (AttributeError, HeartlineError):
            return {self.trouble: self._told(Trouble("trouble.store"))}
        talk = await asyncio.to_thread(self.views.talk, visitor, here, turns)
        return {self.talk: talk, self.status: self.views.status(visitor, here, told=self.texts("chat.thanks"))}

    async def on_panel(self, kept: Any, here: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Mark the words of a turn that its likeliest feeling rests on."""
        visitor, named = visitor_of(kept, request, self.desk), sent_with(event).get("turn")
        turns, trouble = await self._turns(visitor, here)
        if trouble is not None or all(turn.id != named for turn in turns):
            return {self.trouble: self._told(trouble)}
        try:
            return {self.panel: await asyncio.to_thread(self.views.panel, turns, shown=named, behind=True)}
        except HeartlineError as error:
            return {self.trouble: self._told(trouble_of(error))}

    async def look(self, kept: Any, here: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Show what people did in the open conversation since it was drawn."""
        visitor = visitor_of(kept, request, self.desk)
        seen = sent_with(event).get("seen")
        people = await asyncio.to_thread(self.views.people, visitor, here)
        if str(len(people.acts)) == seen or not people.acts or self.desk.running.answers(here):
            return {self.talk: gr.skip()}
        turns, trouble = await self._turns(visitor, here)
        if trouble is not None or not turns:
            return {self.talk: gr.skip()}
        talk = await asyncio.to_thread(self.views.talk, visitor, here, turns)
        new = people.acts[int(seen) if isinstance(seen, str) and seen.isdecimal() else 0 :]
        return {self.talk: talk, self.live: filled("announced", self.texts, said=announced(new, self.texts))}

    # --- drawing ---------------------------------------------------------------------------------

    async def _turns(self, visitor: Visitor, here: Any) -> tuple[tuple[Turn, ...], Trouble | None]:
        try:
            return await asyncio.to_thread(own_data.turns_of, self.desk, visitor, here), None
        except HeartlineError as error:
            return (), trouble_of(error)

    async def _drawn(
        self,
        visitor: Visitor,
        here: str,
        *,
        trouble: Trouble | None = None,
        made: Turn | None = None,
        told: str = "",
    ) -> tuple[Updates, bool]:
        """Everything that shows a conversation, and whether the turn that was made is in the store."""
        turns, unread = await self._turns(visitor, here)
        stored = made is not None and any(turn.id == made.id for turn in turns)
        lost: frozenset[str] = frozenset()
        if made is not None and not stored and made.reply is not None:
            turns, lost = (*turns, made), frozenset({made.id})

        def drawn() -> Updates:
            return {
                self.past: self.views.past(visitor, here),
                self.talk: self.views.talk(visitor, here, turns, unkept=lost),
                self.panel: self.views.panel(turns),
                self.status: self.views.status(visitor, here, told=told),
                self.trouble: self._told(trouble or unread),
                self.page.here: here,
            }

        return await asyncio.to_thread(drawn), stored

    def _told(self, trouble: Trouble | None) -> str:
        words = "" if trouble is None else self.texts(trouble.key, **dict(trouble.given))
        return filled("trouble", self.texts, words=words)


TAB = Tab("chat", ChatTab)
