"""What the tab for evaluations shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from markupsafe import escape

from agent.settings import load_settings
from ui.page.evaluate_views import EvaluateViews, Picked, duration, parts_of
from ui.page.evaluating import Evaluations
from ui.page.past_runs import RunFolder
from ui.page.run_state import Difference, Going, Kind, OfferedTask, Problem, Wanted
from ui.page.texts import LANGUAGES, texts_in

EN = texts_in("en")
OWN = OfferedTask("safety/scripts", parts=("a", "d"), systems=("offline", "llm"), asking=("llm",))
READ = OfferedTask(
    "goemotions", "About.", "goemotions", ("valid", "train"), ("sem",), get="heartline data fetch goemotions"
)
LACKING = replace(READ, name="emobank", parts=())
ASKED = OfferedTask("emobench", "", "emobench", ("dev",), ("llm",), ("llm",))
BARE = replace(READ, name="esconv/response", extra="evals")
BROKEN = OfferedTask("odd", problem="The task 'odd' cannot be imported: <b>no</b>.")
TASKS = (BARE, BROKEN, LACKING, ASKED, READ, OWN)


class Told:
    """Evaluations as a view sees them, at a moment that a test chooses."""

    def __init__(
        self, folder: Path, going: Going | None = None, *, has_llm: bool = False, has_data: bool = True
    ) -> None:
        self.folder, self.going, self.has_llm, self.has_data = RunFolder(folder), going, has_llm, has_data


def views(told: Told, language: str = "en") -> EvaluateViews:
    return EvaluateViews(told, texts_in(language))  # type: ignore[arg-type]


def form(folder: Path, name: str, **options: bool) -> str:
    picked = Picked.of(TASKS, {"task": name}, has_llm=options.get("has_llm", False))
    return views(Told(folder, **options)).form(TASKS, picked)


def test_that_what_needs_nothing_comes_first_with_few_samples():
    picked = Picked.of(TASKS, {}, has_llm=False)
    assert (picked.task, picked.part, picked.system, picked.limit) == (OWN, "a", "offline", 50)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"task": "goemotions", "limit": ""}, Wanted("goemotions", "valid", "sem", None)),
        ({"task": "goemotions", "limit": "7"}, Wanted("goemotions", "valid", "sem", 7)),
        ({"task": "goemotions", "limit": "0"}, Wanted("goemotions", "valid", "sem", 1)),
        ({"task": "goemotions", "limit": "-7", "part": "train"}, Wanted("goemotions", "valid", "sem", None)),
        ({"task": "goemotions", "limit": "9" * 11}, Wanted("goemotions", "valid", "sem", 10_000_000)),
        ({"task": ["x"], "part": {}, "system": 3, "limit": "5"}, Wanted("safety/scripts", "a", "offline", 5)),
        ({"task": "safety/scripts", "part": "d", "system": "llm"}, Wanted("safety/scripts", "d", "offline", 50)),
    ],
    ids=["all", "seven", "none", "nonsense", "many", "other kinds", "no LLM"],
)
def test_that_only_what_is_offered_can_be_picked(given: dict[str, object], wanted: Wanted):
    assert Picked.of(TASKS, given, has_llm=False).wanted == wanted


def test_that_nobody_is_measured_on_what_was_learned_unless_there_is_nothing_else():
    assert parts_of(READ) == ("valid",)
    assert parts_of(replace(READ, parts=("train",))) == ("train",)


def test_that_the_form_says_what_a_task_lacks_and_how_to_get_it(tmp_path: Path):
    lacking = form(tmp_path, "emobank")
    assert "heartline data fetch goemotions" in lacking
    assert "disabled" in lacking
    assert "HEARTLINE_DATA" not in lacking
    assert "HEARTLINE_DATA=" in form(tmp_path, "emobank", has_data=False)
    assert "pip install 'heartline[evals]'" in form(tmp_path, "esconv/response")
    assert EN("evaluate.only_llm") in form(tmp_path, "emobench")
    assert EN("evaluate.only_llm") not in form(tmp_path, "emobench", has_llm=True)
    assert "&lt;b&gt;no&lt;/b&gt;" in form(tmp_path, "odd")
    assert 'id="e-run">' in form(tmp_path, "goemotions")
    assert EN("evaluate.none") in views(Told(tmp_path)).form((), None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_every_moment_of_a_run_can_be_shown(tmp_path: Path, language: str):
    t = texts_in(language)
    going = Going(Wanted("<i>mine</i>", "a", "sem"), "some-run")
    assert views(Told(tmp_path), language).going() == ""
    starting = views(Told(tmp_path, going), language).going()
    assert t("evaluate.starting") in starting
    assert "aria-valuenow" not in starting
    assert "<i>" not in starting
    running = views(Told(tmp_path, replace(going, done=1, of=4, seconds_left=90.2)), language).going()
    assert t("evaluate.left", seconds="1 min 30 s") in running
    assert 'aria-valuenow="1"' in running
    assert "width: 25.0%" in running
    assert t("evaluate.reckoning") in views(Told(tmp_path, replace(going, done=4, of=4)), language).going()
    failed = replace(going, state="failed", problem=Problem("crashed", "It <broke>."))
    assert "It &lt;broke&gt;." in views(Told(tmp_path, failed), language).going()
    stopped = replace(going, state="stopped")
    assert t("evaluate.stopped_lost") in views(Told(tmp_path, stopped), language).going()
    assert t("evaluate.stopped_kept") in views(Told(tmp_path, replace(stopped, asks=True)), language).going()
    done = views(Told(tmp_path, replace(going, state="done")), language)  # its file was deleted meanwhile
    assert t("evaluate.done", seconds="0 s") in done.going()


def test_that_what_is_said_aloud_changes_a_few_times_in_a_run(tmp_path: Path):
    going = Going(Wanted("mine", "a", "sem"), "some-run")
    said = [
        views(Told(tmp_path, replace(going, done=done, of=200, seconds=float(done)))).said() for done in range(200)
    ]
    assert list(dict.fromkeys(said)) == [
        EN("evaluate.running"),
        *(EN("evaluate.percent", percent=percent) for percent in (25, 50, 75)),
    ]
    assert views(Told(tmp_path)).said() == ""


def test_that_two_runs_that_fit_are_picked_and_a_sure_difference_is_marked(tmp_path: Path):
    from tests.ui.page.test_page_evaluating import result_file

    for name in ("older", "newer"):
        result_file(tmp_path, name)
    result_file(tmp_path, "else", task="another")
    view = views(Told(tmp_path))
    assert EN("evaluate.no_runs") in view.runs([])
    runs = {run.id: run for run in RunFolder(tmp_path).runs()}
    shown = view.runs([runs["else"], runs["newer"], runs["older"]])
    first, second = (
        shown.index(f'name="{name}" value="{run}"') for name, run in (("first", "older"), ("second", "newer"))
    )
    assert shown[first:].partition(">")[0].endswith(" checked")
    assert shown[second:].partition(">")[0].endswith(" checked")
    assert shown.count(" checked") == 2
    found = [
        Difference("accuracy", 0.5, 0.75, 0.25, 0.1, 0.4, 0.01),
        Difference("ece", 0.1, 0.2, 0.1, -0.1, 0.3, 0.4),
    ]
    compared = view.compared(runs["older"], runs["newer"], found)
    assert compared.count('<tr class="sure">') == 1
    assert "25.0 (10.0\N{EN DASH}40.0)" in compared
    assert "../reports/older~newer" in compared


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h 0 min"), (3900, "1 h 5 min")],
)
def test_that_durations_are_short(seconds: float, said: str):
    assert duration(seconds) == said


def test_that_evaluations_have_what_views_look_at(tmp_path: Path):
    real = Evaluations(load_settings(store="memory", page={"runs": str(tmp_path)}))
    for name in vars(Told(tmp_path)):
        assert hasattr(real, name)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", get_args(Kind))
def test_that_what_failed_is_told_in_the_language_of_the_page_and_the_command_is_quoted(
    tmp_path: Path, language: str, kind: Kind
):
    going = Going(Wanted("safety/scripts", "a", "offline"), "x", state="failed", problem=Problem(kind, "It <b>."))
    drawn = views(Told(tmp_path, going), language)
    for shown in (drawn.going(), drawn.problem(going.problem)):
        assert escape(texts_in(language)(f"evaluate_problem.{kind}")) in shown
        assert '<pre lang="en" dir="auto">It &lt;b&gt;.</pre>' in shown
    assert "<pre" not in drawn.problem(Problem(kind))
