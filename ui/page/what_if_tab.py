"""The tab in which visitors change something of a turn and see what would have been said instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr
from gradio.context import Context

from agent.errors import GenerationError, HeartlineError, SettingsError, StoreError, WiringError
from agent.planning import bound
from agent.turn import Turn
from ui.drawing import shortened
from ui.http.errors import ApiError
from ui.page import own_data
from ui.page.markup import filled
from ui.page.side_by_side import Run, beside, lines_of, replies_beside
from ui.page.tab import QUICK, Page, Tab, visitor_of
from ui.page.texts import Texts
from ui.page.transcript import speaker
from ui.page.visitor import Visitor
from ui.page.what_if import EMOTIONS, Change, WhatIf, offered_signals, offered_strategies, running_as, what_if

__all__ = ["TAB", "compared"]

_ASKS = "heartlineForm(element, data => data.do === 'what_if' && trigger('ask', data))"
_COMES = "heartlineComing(element)"
_LOOK = """() => {
  const title = document.querySelector('#what-if .panel-title');
  title?.focus({ preventScroll: true });
  title?.scrollIntoView({ block: 'start' });
}"""
_TITLE = 640  # pixels
_BUILT_IN = frozenset({"offline", "protocol"})

_log = logging.getLogger("heartline.page")

Updates = dict[Any, Any]


class WhatIfTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.desk, self.texts = page, page.desk, page.texts
        opened: Any = Context.block  # the tab itself, which has not told its name yet
        with gr.Column(elem_id="what-if-room"):
            self.form = gr.HTML("", js_on_load=_ASKS, apply_default_css=False)
            self.found = gr.HTML("", js_on_load=_COMES, apply_default_css=False, elem_id="what-if")
            self.stop = gr.Button(self.texts("what_if.stop"), elem_id="what-if-stop", scale=0)
            self.drawn = gr.State("")
        known = [page.visitor, page.here]
        opened.select(self.open_tab, [*known, self.drawn], [self.form, self.found, self.drawn], **QUICK)
        asked = self.form.ask(
            self.ask,
            known,
            self.found,
            show_progress="hidden",
            api_visibility="private",
            trigger_mode="once",
            concurrency_limit=None,
        )
        self.stop.click(self.stop_it, page.visitor, None, **QUICK)
        asked.then(None, None, None, js=_LOOK, show_progress="hidden", api_visibility="private")

    async def open_tab(self, kept: Any, here: Any, drawn: Any, request: gr.Request) -> Updates:
        """The form for the conversation as it now is; what was chosen stays where nothing was said meanwhile."""
        visitor = visitor_of(kept, request, self.desk)
        try:
            turns = await self._turns(visitor, here)
        except HeartlineError as error:
            return {self.found: self._trouble(error)}
        now = turns[-1].id if turns else "nothing"
        if now == drawn:
            return {self.drawn: drawn}
        return {self.form: self._form(turns), self.found: "", self.drawn: now}

    async def ask(self, kept: Any, here: Any, request: gr.Request, event: gr.EventData) -> AsyncGenerator[Updates]:
        """Answer a turn anew with what was changed, and show both answers."""
        visitor = visitor_of(kept, request, self.desk)
        data = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - a key may be missing
        given: Mapping[str, Any] = choices if isinstance(choices := data.get("choices"), dict) else {}
        try:
            turns = await self._turns(visitor, here)
            turn = next((turn for turn in turns if turn.id == given.get("turn")), None)
            if turn is None:
                yield {self.found: filled("trouble", self.texts, words=self.texts("what_if.gone"))}
                return
            change = Change.parsed(given, self.desk)
            found: str | WhatIf = ""
            async with aclosing(what_if(self.desk, visitor, turn, change)) as answer:
                async for found in answer:
                    shown = self._coming(turn, found) if isinstance(found, str) else compared(found, self.texts)
                    yield {self.found: shown}
            if isinstance(found, str):
                yield {self.found: self._coming(turn, found, stopped=True)}
        except Exception as error:  # noqa: BLE001 - whatever it was, the person is told what to do
            yield {self.found: self._trouble(error)}

    async def stop_it(self, kept: Any, request: gr.Request) -> None:
        """Stop the answer that is being made."""
        self.desk.running.stop(running_as(visitor_of(kept, request, self.desk)))

    async def _turns(self, visitor: Visitor, here: Any) -> tuple[Turn, ...]:
        """Those of the open conversation that were answered."""
        turns = await asyncio.to_thread(own_data.turns_of, self.desk, visitor, here)
        return tuple(turn for turn in turns if turn.reply is not None)

    def _form(self, turns: Sequence[Turn]) -> str:
        desk, texts = self.desk, self.texts

        def words(group: str, names: Sequence[str]) -> list[tuple[str, str]]:
            return [(name, texts.word(group, name)) for name in names]

        return filled(
            "what_if",
            texts,
            turns=[(turn.id, f"{turn.index + 1}. {shortened(turn.text, _TITLE)}") for turn in turns],
            signals=offered_signals(desk),
            emotions=sorted(words("emotion", EMOTIONS), key=lambda pair: pair[1]),
            strategies=words("strategy", offered_strategies(desk)),
            personas=words("persona", desk.offered["persona"]),
        )

    def _coming(self, turn: Turn, said: str, *, stopped: bool = False) -> str:
        """What was said, beside as much of the other reply as there is."""
        was = "" if turn.reply is None else turn.reply.text
        return filled("what_if_coming", self.texts, was=was, said=said, stopped=stopped)

    def _trouble(self, error: Exception) -> str:
        match error:
            case ApiError(code="conversation_busy"):
                key = "what_if.busy"
            case GenerationError():
                key = "what_if.no_answer"
            case StoreError():
                key = "what_if.store"
            case SettingsError() | WiringError():
                key = "what_if.settings"
            case _:
                key = "what_if.other"
                # What it says may quote the person.
                _log.error("A what-if of the page failed: %s", type(error).__name__)
        return filled("trouble", self.texts, words=self.texts(key))


def compared(found: WhatIf, texts: Texts) -> str:
    """A turn and what it would have been, beside each other.

    Args:
        found: Both.
        texts: In the language of the page.
    """
    was, would_be = found.was, found.would_be
    replies = replies_beside(*("" if each.reply is None else each.reply.text for each in (was, would_be)))
    before, after = found.prompts
    prompts = None if before is None or after is None else beside(lines_of(before), lines_of(after))
    same = was.reply is not None and would_be.reply is not None and was.reply.text == would_be.reply.text
    differ = 0 if prompts is None else sum(len(run.lines) for side in prompts for run in side if _is_change(run))
    outcome = [texts("what_if.same_reply" if same else "what_if.other_reply")]
    if prompts is not None:
        outcome.append(texts("what_if.prompt_differs", n=differ) if differ else texts("what_if.same_prompt"))
    return filled(
        "what_if_result",
        texts,
        changed=_what_changed(found.change, texts),
        outcome=" ".join(outcome),
        notes=list(_notes(found, texts)),
        replies=replies,
        did=[_did(turn, texts) for turn in (was, would_be)],
        prompts=prompts,
        told=_told(found, texts),
    )


def _is_change(run: Run) -> bool:
    return run.fate in {"gone", "new"}


def _what_changed(change: Change, texts: Texts) -> str:
    """In one line."""
    parts = [texts("what_if.without", signal=texts(f"signal.{each}")) for each in sorted(change.off)]
    parts += [
        texts(f"what_if.with_{name}", value=texts.word(name, value))
        for name in ("emotion", "strategy", "persona")
        if (value := getattr(change, name))
    ]
    return texts("what_if.changed", what="; ".join(parts)) if parts else texts("what_if.unchanged")


def _notes(found: WhatIf, texts: Texts) -> list[str]:
    """What has to be known to read the difference rightly."""
    notes = []
    would_be, spoke = found.would_be, found.would_be.reply
    if would_be.escalated:
        notes.append(texts("what_if.careful"))
    elif found.change.strategy and bound(would_be):
        notes.append(texts("panel.not_as_chosen", strategy=texts.word("strategy", found.change.strategy)))
    if spoke is not None and spoke.stood_in_for:
        notes.append(texts("turn.failed_over"))
    elif spoke is not None and spoke.speaker not in _BUILT_IN:
        notes.append(texts("what_if.chance"))
    return notes


def _did(turn: Turn, texts: Texts) -> str:
    """By which strategy it was answered, and by whom."""
    if turn.escalated:
        did = texts("panel.careful")
    elif turn.plan is None:
        did = texts("what_if.no_plan")
    else:
        did = ", ".join(texts.word("strategy", each.id) for each in (turn.plan.chosen, *turn.plan.then))
    return f"{did} · {speaker(turn, texts)}"


def _told(found: WhatIf, texts: Texts) -> str:
    """Whether what stands beneath was given to an LLM."""
    if found.prompts[0] is None or found.prompts[1] is None:
        return texts("what_if.no_prompt")
    spoke = found.would_be.reply
    return texts("what_if.not_asked") if spoke is not None and spoke.speaker in _BUILT_IN else ""


TAB = Tab("what_if", WhatIfTab)
