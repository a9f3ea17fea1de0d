"""Evaluations that are started on the page: what can be run, the one that runs, and what comes of them."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from asyncio.subprocess import Process
from collections import deque
from dataclasses import replace
from pathlib import Path

from agent.settings import Settings
from ui.page.eval_process import EvalCommand, problem_of
from ui.page.past_runs import RunFolder
from ui.page.run_state import Difference, EvaluationError, Going, OfferedTask, Pace, Problem, State, Wanted

__all__ = ["Evaluations"]

_SAID = 8  # lines that are kept of what a run says
_MOST = 2  # results in one report

_Sets = frozenset[tuple[str, int]]
"""Folders of data sets, each with when a file came into it or went."""


class Evaluations:
    """What can be run, what runs, and what ran; one run at a time, whoever looks.

    Args:
        settings: Of the page.
        command: Runs them; None takes that of this installation.
    """

    def __init__(self, settings: Settings, command: EvalCommand | None = None) -> None:
        self._settings, self._command = settings, command or EvalCommand(settings)
        self._last: Going | None = None
        self._began = 0.0
        self._process: Process | None = None
        self._follower: asyncio.Task[None] | None = None
        self._listed: tuple[_Sets, tuple[OfferedTask, ...]] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._folder: RunFolder | None = None

    # --- what there is ---------------------------------------------------------------------------

    @property
    def folder(self) -> RunFolder:
        """Where results are. Where nothing is to be kept, it goes with the server."""
        if self._folder is None:
            path = self._settings.page.runs
            if path is None and self._settings.store == "memory":
                self._temporary = tempfile.TemporaryDirectory(prefix="heartline-runs-")
                path = Path(self._temporary.name)
            self._folder = RunFolder(path or self._settings.store_path.parent / "runs")
        return self._folder

    @property
    def has_llm(self) -> bool:
        """Whether there is a server for what needs an LLM."""
        return self._settings.llm_url is not None

    @property
    def has_data(self) -> bool:
        """Whether a data folder is named."""
        return self._settings.data is not None

    async def tasks(self) -> tuple[OfferedTask, ...]:
        """What can be run. The command is asked once, and again where data sets came or went: it takes seconds.

        Raises:
            EvaluationError: The command could not say.
        """
        sets = await asyncio.to_thread(_sets_in, self._settings.data)
        if self._listed is None or self._listed[0] != sets:
            rows = json.loads(await self._command.answer("tasks", "--json"))
            self._listed = sets, tuple(map(OfferedTask.parsed, rows))
        return self._listed[1]

    async def compare(self, first: str, second: str) -> list[Difference]:
        """Two runs side by side.

        Raises:
            EvaluationError: There are no such runs, or they may not be compared.
        """
        paths = map(str, self._results(first, second))
        try:
            rows = json.loads(await self._command.answer("compare", *paths, "--json"))
        except EvaluationError as error:
            if error.problem.kind != "data":
                raise
            raise EvaluationError(replace(error.problem, kind="unlike")) from error
        return [Difference(**row) for row in rows]

    async def report(self, name: str) -> Path | None:
        """The report of a run, or of two, whose ids `~` joins; made where it is missing or older than a result.

        Returns:
            A file of the runs' folder; None where there is no such run.

        Raises:
            EvaluationError: It could not be made.
        """
        try:
            results = self._results(*name.split("~"))
        except EvaluationError:
            return None
        out = self.folder.path / f"{name.replace('~', '--and--')}.html"
        if self.folder.report(out.stem, of=results) is None:
            await self._command.answer("report", *map(str, results), "--out", str(out))
        return self.folder.report(out.stem, of=results)

    def _results(self, *ids: str) -> list[Path]:
        found = [self.folder.result(each) for each in ids]
        if len(ids) > _MOST or None in found:
            raise EvaluationError(Problem("gone"), "There is no such run any more.")
        return [path for path in found if path is not None]

    # --- the run that goes on --------------------------------------------------------------------

    @property
    def going(self) -> Going | None:
        """The run that goes on, or else the last one; None where there was none."""
        if self._last is None or not self.busy:
            return self._last
        return replace(self._last, seconds=time.monotonic() - self._began)

    @property
    def busy(self) -> bool:
        """Whether a run goes on."""
        return self._last is not None and self._last.state == "running"

    async def start(self, wanted: Wanted) -> None:
        """Start a run.

        Raises:
            EvaluationError: Another one goes on, it is not offered, or what is offered could not be found out.
        """
        offered = next((task for task in await self.tasks() if task.name == wanted.task), None)
        if offered is None or wanted.part not in offered.parts or wanted.system not in offered.systems:
            raise EvaluationError(Problem("not_offered"), f"{wanted.task!r} cannot be run so here.")
        if self._follower is not None and not self.busy:
            await asyncio.wait({self._follower})  # one that was stopped may still be ending
        if self.busy:
            raise EvaluationError(Problem("busy"), "Another run goes on.")
        run_id = self.folder.new_id(wanted.task, wanted.part, wanted.system)
        # From here on nobody else starts one.
        self._last, self._began = Going(wanted, run_id, wanted.system in offered.asking), time.monotonic()
        try:
            self.folder.path.mkdir(parents=True, exist_ok=True)
            self._process = await self._command.start(*self._arguments(self._last))
        except OSError as error:
            self._close("failed", Problem("unwritable", f"{self.folder.path}: {error.strerror}"))
            return
        self._follower = asyncio.create_task(self._follow(self._process))
        if not self.busy:  # stopped before it had begun
            await self.stop()

    async def stop(self) -> None:
        """Stop the run that goes on, if one does. Answers of an LLM are kept, and not asked for again."""
        self._close("stopped")
        if self._process is not None:
            await self._command.end(self._process)
        if self._follower is not None:
            await asyncio.wait({self._follower})

    async def aclose(self) -> None:
        """Stop what runs, and let go of what was not to be kept."""
        await self.stop()
        await self._command.aclose()
        if self._temporary is not None:
            await asyncio.to_thread(self._temporary.cleanup)

    def _arguments(self, going: Going) -> list[str]:
        wanted, folder = going.wanted, self.folder.path
        arguments = ["run", wanted.task, "--split", wanted.part, "--system", wanted.system]
        arguments += ["--progress", "json", "--out", str(folder / f"{going.id}.json")]
        if wanted.limit is not None:
            arguments += ["--limit", str(wanted.limit)]
        if going.asks:
            arguments += ["--cache", str(folder / "answers")]
        return arguments

    async def _follow(self, process: Process) -> None:
        said: deque[str] = deque(maxlen=_SAID)
        pace = Pace()
        async for line in self._command.said(process):
            if not self._heard(line, pace):
                said.append(line)
        code = await process.wait()
        await self._command.end(process)
        self._close("failed" if code else "done", problem_of(said, code) if code else None)

    def _heard(self, line: str, pace: Pace) -> bool:
        """Take in a line of progress; False where it is another one."""
        try:
            row = json.loads(line)
            what, done, of, seconds = str(row["what"]), int(row["done"]), int(row["of"]), float(row["seconds"])
        except (ValueError, TypeError, LookupError):
            return False
        if self._last is not None:
            left = pace.left(what, done, of, seconds)
            self._last = replace(self._last, what=what, done=done, of=of, seconds_left=left)
        return True

    def _close(self, state: State, problem: Problem | None = None) -> None:
        """Note how the run ended, if it has not ended yet."""
        if self._last is not None and self.busy:
            seconds = time.monotonic() - self._began
            self._last = replace(self._last, state=state, problem=problem, seconds=seconds)


def _sets_in(folder: Path | None) -> _Sets:
    """What is in the data folder; nothing where there is none, or it cannot be read."""
    if folder is None:
        return frozenset()
    try:
        with os.scandir(folder) as found:
            return frozenset((each.name, each.stat().st_mtime_ns) for each in found if each.is_dir())
    except OSError:  # the command says what is wrong with it
        return frozenset()
