"""The tab in which conversations are walked through turn by turn, and seen together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any, TypeVar

import gradio as gr

from agent.errors import HeartlineError, SettingsError, StoreError
from ui.cohort import Cohort
from ui.page import own_data
from ui.page.answering import Trouble
from ui.page.cohort_view import cohort_view
from ui.page.marks import words_behind
from ui.page.markup import filled
from ui.page.opened import Conversation, Opened
from ui.page.tab import QUICK, Page, Tab, sent_with, visitor_of
from ui.page.trace_sources import (
    MOST_BYTES,
    TOGETHER,
    Read,
    RefusedError,
    Tally,
    cohort_of_opened,
    cohort_of_stored,
    page_of,
    read_files,
    sees_all,
    stored_conversation,
    too_large,
    unpacked,
)
from ui.page.visitor import Visitor
from ui.page.walk import walk, walked_turn

__all__ = ["TAB"]

_VIEW = """heartlineTrace(element, {
  act: data => trigger('act', data), step: data => trigger('step', data),
  bring: data => trigger('bring', data), gather: data => trigger('gather', data),
})"""
_TURN = "heartlineTraceTurn(element, data => trigger('step', data))"
_PAGE = 20
_LOOK = 0.3  # seconds between two looks at how far it is

Updates = dict[Any, Any]
ResultT = TypeVar("ResultT")


class TraceTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.desk, self.texts = page, page.desk, page.texts
        self.opened = Opened()
        with gr.Column(elem_id="trace"):
            self.told = gr.HTML("", apply_default_css=False, elem_id="trace-told")
            self.view = gr.HTML("", js_on_load=_VIEW, apply_default_css=False, elem_id="trace-view")
            self.turn = gr.HTML("", js_on_load=_TURN, apply_default_css=False, elem_id="trace-turn")
        shown = [self.told, self.view, self.turn]
        # One of these at a time: they take a core for seconds.
        slow: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "trace", "trigger_mode": "once"}
        slow |= {"show_progress": "hidden", "api_visibility": "private"}
        self.view.act(self.act, page.visitor, shown, **QUICK)
        self.view.step(self.step, page.visitor, self.turn, **QUICK)
        self.turn.step(self.step, page.visitor, self.turn, **QUICK)
        self.view.bring(self.bring, page.visitor, shown, **slow)
        self.view.gather(self.gather, page.visitor, shown, **slow)

    # --- events ----------------------------------------------------------------------------------

    async def act(self, kept: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Show a list, or a conversation of it."""
        visitor, asked = visitor_of(kept, request, self.desk), sent_with(event)
        try:
            match asked.get("do"):
                case "walk":
                    return await self._walk(visitor, asked)
                case "file":
                    return self._shown(self._of_file(self._held(visitor, asked), asked))
                case "large":
                    raise too_large()
                case _:
                    return self._shown(await asyncio.to_thread(self._list, visitor, asked.get("page")))
        except HeartlineError as error:
            return {self.told: self._trouble(error)}

    async def step(self, kept: Any, request: gr.Request, event: gr.EventData) -> str:
        """Show another turn of the conversation that is open."""
        visitor, asked = visitor_of(kept, request, self.desk), sent_with(event)
        try:
            conversation = await asyncio.to_thread(self._found, visitor, asked)
            return await asyncio.to_thread(self._turn, conversation, asked)
        except HeartlineError as error:
            return self._trouble(error)

    async def bring(self, kept: Any, request: gr.Request, event: gr.EventData) -> AsyncGenerator[Updates]:
        """Open files, and show what is in them."""
        visitor, asked, tally = visitor_of(kept, request, self.desk), sent_with(event), Tally()
        try:
            files = unpacked(asked.get("files"))
            perception = self.desk.agent.perception
            work = asyncio.create_task(asyncio.to_thread(read_files, files, self.desk.settings, perception, tally))
            async for now in self._while(work, tally, "trace.reading"):
                yield now
            read: Read = work.result()
            if not read.conversations:
                yield {self.told: self._problems(read)}
                return
            token = self.opened.put(
                read.conversations, of=visitor.mark, size=sum(len(file.content) for file in files)
            )
            asked = {"token": token, "number": 0}
            if len(read.conversations) == 1:
                found = await self._walk(visitor, asked)
            else:
                found = self._shown(self._of_file(read.conversations, asked))
            yield found | {self.told: self._problems(read)}
        except HeartlineError as error:
            yield {self.told: self._trouble(error)}

    async def gather(self, kept: Any, request: gr.Request, event: gr.EventData) -> AsyncGenerator[Updates]:
        """See conversations together: those of a file, or those in the store."""
        visitor, asked, tally = visitor_of(kept, request, self.desk), sent_with(event), Tally()
        token = asked.get("token")
        try:
            gathered: Callable[[], Cohort] = partial(cohort_of_stored, self.desk, visitor, tally)
            if token:
                gathered = partial(cohort_of_opened, self._held(visitor, asked))
            work = asyncio.create_task(asyncio.to_thread(gathered))
            async for now in self._while(work, tally, "trace.gathering"):
                yield now
            yield self._shown(cohort_view(work.result(), self.texts, file=token if isinstance(token, str) else ""))
        except HeartlineError as error:
            yield {self.told: self._trouble(error)}

    async def _while(self, work: asyncio.Task[ResultT], tally: Tally, key: str) -> AsyncGenerator[Updates]:
        """How far it is, until it is done or the visitor has left."""
        try:
            while not (await asyncio.wait({work}, timeout=_LOOK))[0]:
                words = self.texts(key, done=tally.done, of=tally.of or "…")
                yield {self.told: self._told(working=words, done=tally.done, of=tally.of)}
        finally:
            tally.stopped = True

    # --- what is asked for -----------------------------------------------------------------------

    def _held(self, visitor: Visitor, asked: dict[str, Any]) -> tuple[Conversation, ...]:
        """The conversations of a file that was opened.

        Raises:
            RefusedError: It was let go.
        """
        held = self.opened.get(str(asked.get("token")), of=visitor.mark)
        if not held:
            raise RefusedError(Trouble("trace.let_go"))
        return held

    def _found(self, visitor: Visitor, asked: dict[str, Any]) -> Conversation:
        """The conversation that is asked for.

        Raises:
            RefusedError: There is none, or it is not for this visitor to see.
            StoreError: It cannot be read.
        """
        if asked.get("token"):
            held, number = self._held(visitor, asked), asked.get("number")
            return held[number if isinstance(number, int) and 0 <= number < len(held) else 0]
        named = asked.get("id")
        found = stored_conversation(self.desk, visitor, named) if isinstance(named, str) else None
        if found is None:
            raise RefusedError(Trouble("trace.gone"))
        return found

    # --- drawing ---------------------------------------------------------------------------------

    def _shown(self, view: str, turn: str = "") -> Updates:
        return {self.told: "", self.view: view, self.turn: turn}

    async def _walk(self, visitor: Visitor, asked: dict[str, Any]) -> Updates:
        conversation = await asyncio.to_thread(self._found, visitor, asked)
        token, number = asked.get("token"), asked.get("number")
        if token:
            held = self._held(visitor, asked)
            number = number if isinstance(number, int) else 0
            view = walk(conversation, self.texts, file=token, number=number, of=len(held))
        else:
            view = walk(conversation, self.texts)
        return self._shown(view, await asyncio.to_thread(self._turn, conversation, {}))

    def _turn(self, conversation: Conversation, asked: dict[str, Any]) -> str:
        shown = asked.get("turn")
        place = min(max(0, shown), len(conversation.steps) - 1) if isinstance(shown, int) else 0
        found = None
        if asked.get("words") and conversation.steps:
            found = words_behind(conversation.steps[place].turn, self.desk.settings)
        operator = self.desk.settings.page.show_risk
        return walked_turn(conversation, self.texts, shown=place, operator=operator, rests_on=found)

    def _list(self, visitor: Visitor, page: object) -> str:
        everybodys = sees_all(self.desk)
        named = own_data.ids(self.desk, visitor, everybodys=everybodys)
        shown, pages = page_of(len(named), page, size=_PAGE)
        entries = own_data.listed(self.desk, visitor, named[shown * _PAGE :][:_PAGE])
        return filled(
            "trace_list",
            self.texts,
            all=everybodys,
            entries=[entry.as_row(self.texts) for entry in entries],
            total=len(named),
            page=shown,
            pages=pages,
            together=min(len(named), TOGETHER),
            megabytes=MOST_BYTES // 1_000_000,
        )

    def _of_file(self, held: tuple[Conversation, ...], asked: dict[str, Any]) -> str:
        shown, pages = page_of(len(held), asked.get("page"), size=_PAGE)
        there = list(enumerate(held))[shown * _PAGE : (shown + 1) * _PAGE]
        return filled(
            "trace_file",
            self.texts,
            token=asked.get("token"),
            entries=[(number, each.title, len(each.steps)) for number, each in there],
            total=len(held),
            page=shown,
            pages=pages,
        )

    def _problems(self, read: Read) -> str:
        if not read.problems:
            return ""
        words = self.texts("trace.some_unread" if read.conversations else "trace.unread", n=len(read.problems))
        return self._told(problem=words, details=read.problems[:10])

    def _trouble(self, error: HeartlineError) -> str:
        match error:
            case RefusedError(trouble=trouble):
                pass
            case StoreError():
                trouble = Trouble("trace.store")
            case SettingsError():
                trouble = Trouble("trace.no_tracker")
            case _:
                trouble = Trouble("trace.other")
        return self._told(problem=self.texts(trouble.key, **dict(trouble.given)))

    def _told(self, **content: Any) -> str:
        empty = {"working": "", "done": 0, "of": 0, "problem": "", "details": ()}
        return filled("trace_told", self.texts, **(empty | content))


TAB = Tab("trace", TraceTab)
