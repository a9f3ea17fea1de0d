"""The tab in which whoever runs the page measures it: a run with its progress, past runs, and two side by side."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from ui.page.desk import Desk
from ui.page.evaluate_views import EvaluateViews, Picked
from ui.page.evaluating import Evaluations
from ui.page.markup import filled
from ui.page.past_runs import PastRun
from ui.page.run_state import EvaluationError, Problem
from ui.page.tab import QUICK, Page, Tab, sent_with

__all__ = ["TAB"]

_ACTS = "heartlineEvaluate(element, data => trigger('act', data))"
_SPEAKS = "element.setAttribute('role', 'status')"  # the element stays, and its words change
_EVERY = 1.0  # seconds between two looks at a run

Updates = dict[Any, Any]


class EvaluateTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
        evaluations: Of the server.
    """

    def __init__(self, page: Page, evaluations: Evaluations) -> None:
        t = page.texts
        self.texts, self.evaluations = t, evaluations
        self.views = EvaluateViews(evaluations, t)
        with gr.Column(elem_id="evaluate"):
            self.form = gr.HTML(filled("evaluate_opening", t), js_on_load=_ACTS, apply_default_css=False)
            self.trouble = gr.HTML("", apply_default_css=False)
            self.going = gr.HTML("", apply_default_css=False)
            self.stop = gr.Button(t("evaluate.stop"), visible=False, elem_id="evaluate-stop", scale=0)
            self.said = gr.HTML("", js_on_load=_SPEAKS, apply_default_css=False, elem_classes="unseen")
            self.runs = gr.HTML("", js_on_load=_ACTS, apply_default_css=False)
            self.compared = gr.HTML("", apply_default_css=False)
            self.pair = gr.State(None)
            self.timer = gr.Timer(_EVERY, active=False)
        shown = [self.form, self.trouble, self.going, self.stop, self.said, self.runs, self.timer]
        self.form.act(self.act, None, shown, **QUICK)
        self.stop.click(self.stop_it, None, shown, **QUICK)
        self.timer.tick(self.look, None, shown, **QUICK)
        asked = self.runs.act(self.ask, None, [self.pair, self.compared], **QUICK)
        asked.then(self.compare, self.pair, self.compared, **QUICK)

    async def act(self, event: gr.EventData) -> Updates:
        """The tab is opened, something is picked, or a run is wanted."""
        given = sent_with(event)
        done: Updates = {self.trouble: ""}
        if given.get("do") == "run" and self.evaluations.busy:
            return await self._shown() | {self.trouble: self.views.problem(Problem("busy"))}
        try:
            tasks = await self.evaluations.tasks()
            picked = Picked.of(tasks, given, has_llm=self.evaluations.has_llm)
            if given.get("do") == "run" and picked is not None:
                await self.evaluations.start(picked.wanted)
        except EvaluationError as error:
            return await self._shown() | {self.trouble: self.views.problem(error.problem)}
        if given.get("do") == "pick":
            return done | {self.form: self.views.form(tasks, picked)}
        return done | await self._shown() | {self.form: self.views.form(tasks, picked)}

    async def look(self) -> Updates:
        """How far it is."""
        if self.evaluations.busy:
            return {self.going: self.views.going(), self.said: self.views.said()}
        return await self._shown()

    async def stop_it(self) -> Updates:
        """Stop the run."""
        await self.evaluations.stop()
        return await self._shown()

    async def ask(self, event: gr.EventData) -> tuple[Any, ...]:
        """Two runs are picked to be compared, which takes some seconds."""
        given = sent_with(event)
        first, second = (str(given.get(name)) for name in ("first", "second"))
        if given.get("do") != "compare":
            return None, gr.skip()
        if first == second or any(self.evaluations.folder.result(one) is None for one in (first, second)):
            return None, self.views.trouble(self.texts("evaluate.pick_two"))
        return (first, second), self.views.waiting()

    async def compare(self, pair: tuple[str, str] | None) -> Any:
        """Put the two side by side."""
        runs = [self.evaluations.folder.run(one) for one in pair or ()]
        match runs:
            case [PastRun() as first, PastRun() as second]:
                try:
                    found = await self.evaluations.compare(first.id, second.id)
                except EvaluationError as error:
                    return self.views.problem(error.problem)
                return self.views.compared(first, second, found)
            case _:
                return gr.skip()

    async def _shown(self) -> Updates:
        """All but the form, as it is now."""
        busy = self.evaluations.busy
        found = await asyncio.to_thread(self.evaluations.folder.runs)
        return {
            self.going: self.views.going(),
            self.said: self.views.said(),
            self.stop: gr.Button(visible=busy),
            self.runs: self.views.runs(found),
            self.timer: gr.Timer(active=busy),
        }


def _build(page: Page) -> None:
    if page.desk.evaluations is not None:
        EvaluateTab(page, page.desk.evaluations)


def _offered(desk: Desk) -> bool:
    return desk.evaluations is not None


TAB = Tab("evaluate", _build, _offered)
