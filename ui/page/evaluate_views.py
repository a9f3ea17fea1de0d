"""What the tab for evaluations shows, drawn from what can be run, what runs and what ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sem_plugins.training.cells import shown
from ui.page.evaluating import Evaluations
from ui.page.markup import filled
from ui.page.past_runs import PastRun
from ui.page.run_state import Difference, Going, OfferedTask, Problem, Wanted
from ui.page.texts import Texts

__all__ = ["EvaluateViews", "Picked", "duration"]

_LIMIT = 50  # samples: a first figure in seconds
_MOST = 10_000_000
_LEARNED = "train"
_QUARTER = 4
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Picked:
    """What stands in the form; always something that is offered.

    Attributes:
        task: Which.
        part, system: Of it; empty where it has none.
        limit: Only the first samples; None takes all.
    """

    task: OfferedTask
    part: str
    system: str
    limit: int | None

    @classmethod
    def of(cls, tasks: Sequence[OfferedTask], given: Mapping[str, Any], *, has_llm: bool) -> Picked | None:
        """What a browser sent, where it is offered, and else what suits; None where there is no task at all.

        Args:
            tasks: Those there are.
            given: By the browser: `task`, `part`, `system`, `limit`.
            has_llm: Whether there is an LLM for systems that need one.
        """
        suits = sorted(tasks, key=lambda task: (not ready(task, has_llm=has_llm), bool(task.data)))
        task = next((task for task in tasks if task.name == given.get("task")), suits[0] if suits else None)
        if task is None:
            return None
        parts = parts_of(task)
        usable = [one for one in task.systems if has_llm or one not in task.asking]
        part, system = given.get("part"), given.get("system")
        return cls(
            task,
            part if part in parts else (parts or ("",))[0],
            system if system in usable else (usable or [""])[0],
            _limit(given),
        )

    @property
    def wanted(self) -> Wanted:
        """As a run."""
        return Wanted(self.task.name, self.part, self.system, self.limit)


class EvaluateViews:
    """Markup of each part.

    Args:
        evaluations: Of the server.
        texts: In the language of the page.
    """

    def __init__(self, evaluations: Evaluations, texts: Texts) -> None:
        self._evaluations, self._texts = evaluations, texts

    def form(self, tasks: Sequence[OfferedTask], picked: Picked | None) -> str:
        """What can be run, with what is picked, and what it lacks."""
        has_llm = self._evaluations.has_llm
        rows = [(task.name, self._title(task.name), ready(task, has_llm=has_llm)) for task in tasks]
        rows.sort(key=lambda row: row[1].casefold())
        able: dict[str, Any] = {"ready": False}
        if picked is not None:
            task = picked.task
            able = {
                "ready": ready(task, has_llm=has_llm),
                "parts": [(part, self._part(task, part)) for part in parts_of(task)],
                "about": self._texts.given("evaluate_about", task.about, task.name),
            }
        return filled(
            "evaluate_form",
            self._texts,
            groups=[(key, [row for row in rows if row[2] == is_ready]) for key, is_ready in _GROUPS],
            picked=picked,
            has_llm=has_llm,
            has_data=self._evaluations.has_data,
            **able,
        )

    def going(self) -> str:
        """How far the run is, or how it ended."""
        going = self._evaluations.going
        if going is None:
            return ""
        run = self._evaluations.folder.run(going.id) if going.state == "done" else None
        return filled(
            "evaluate_going",
            self._texts,
            going=going,
            title=self._title(going.wanted.task),
            system=self._system(going.wanted.system),
            told=self._told(going),
            took=duration(going.seconds),
            figures=[] if run is None else [(self._metric(name), text) for name, text in run.figures.items()],
            run=run,
        )

    def said(self) -> str:
        """The same in words for screen readers, which change a few times in a run and not every second."""
        t, going = self._texts, self._evaluations.going
        if going is None:
            return ""
        if going.state != "running":
            return t(f"evaluate.{going.state}", seconds=duration(going.seconds))
        quarter = int(going.share * _QUARTER)
        return t("evaluate.percent", percent=quarter * 100 // _QUARTER) if quarter else t("evaluate.running")

    def runs(self, found: Sequence[PastRun]) -> str:
        """The list of runs, with two that may be compared picked."""
        second = next((one for one in found if any(one.like(other) for other in found if other != one)), None)
        first = next((one for one in found if second is not None and one != second and one.like(second)), None)
        rows = [
            {
                "run": run,
                "title": self._title(run.task),
                "system": self._system(run.system),
                "metric": self._metric(run.main[0]),
                "when": f"{run.at:%Y-%m-%d %H:%M}",
            }
            for run in found
        ]
        return filled("evaluate_runs", self._texts, rows=rows, first=first, second=second)

    def compared(self, first: PastRun, second: PastRun, found: Sequence[Difference]) -> str:
        """Two runs side by side."""
        rows = [
            {
                "metric": self._metric(one.metric),
                "first": shown({"value": one.first}, one.metric),
                "second": shown({"value": one.second}, one.metric),
                "difference": shown({"value": one.difference, "low": one.low, "high": one.high}, one.metric),
                "sure": one.low > 0 or one.high < 0,
                "p": f"{one.p:.3f}",
            }
            for one in found
        ]
        named = [f"{self._system(run.system)}, {run.at:%Y-%m-%d %H:%M}" for run in (first, second)]
        title = self._title(first.task)
        return filled(
            "evaluate_compared", self._texts, title=title, named=named, rows=rows, first=first, second=second
        )

    def waiting(self) -> str:
        """While two runs are compared."""
        return filled("saved", self._texts, words=self._texts("evaluate.comparing"))

    def trouble(self, words: str) -> str:
        """What a person did that cannot be."""
        return filled("trouble", self._texts, words=words)

    def problem(self, problem: Problem) -> str:
        """What went wrong and what to do, with the command's own words beneath."""
        return filled("evaluate_problem", self._texts, problem=problem)

    def _told(self, going: Going) -> str:
        t = self._texts
        if not going.of:
            return t("evaluate.starting")
        if going.done >= going.of:
            return t("evaluate.reckoning")
        of = t("evaluate.done_of", done=going.done, of=going.of)
        left = going.seconds_left
        return of if left is None else f"{of} · {t('evaluate.left', seconds=duration(left))}"

    def _title(self, task: str) -> str:
        return self._texts.said.get(f"evaluate_task.{task}", task)

    def _system(self, name: str) -> str:
        return self._texts.said.get(f"evaluate_system.{name}", name)

    def _metric(self, name: str) -> str:
        return self._texts.word("evaluate_metric", name)

    def _part(self, task: OfferedTask, part: str) -> str:
        return self._texts.said.get(f"evaluate_part.{task.name} {part}", part)


_GROUPS = (("evaluate.ready", True), ("evaluate.lacking", False))


def ready(task: OfferedTask, *, has_llm: bool) -> bool:
    """Whether a task can be run now."""
    answers = has_llm or any(system not in task.asking for system in task.systems)
    return bool(parts_of(task)) and answers and not task.extra and not task.problem


def parts_of(task: OfferedTask) -> tuple[str, ...]:
    """What may be measured on: not what was learned from, unless there is nothing else."""
    return tuple(part for part in task.parts if part != _LEARNED) or task.parts


def duration(seconds: float) -> str:
    """E.g. `42 s`, `3 min 20 s`, `1 h 5 min`, in any language."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min" + (f" {whole % _MINUTE} s" if whole % _MINUTE else "")
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _limit(given: Mapping[str, Any]) -> int | None:
    """So many samples; all of them where the field was emptied."""
    if "limit" not in given:
        return _LIMIT
    text = str(given["limit"]).strip()
    return min(max(1, int(text)), _MOST) if text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004
