"""Evaluations of the page: the process that runs them, what is listed, and what may be read of their folder."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from agent.settings import Settings, load_settings
from tests.loop_parts import an_agent, offline
from ui.page.app import make_page
from ui.page.desk import Desk, Reach
from ui.page.eval_process import EvalCommand, problem_of
from ui.page.evaluating import Evaluations
from ui.page.past_runs import RunFolder
from ui.page.run_state import EvaluationError, Pace, Problem, Wanted
from ui.page.texts import texts_in

PRETENDED = (sys.executable, str(Path(__file__).with_name("pretended_eval.py")))
PATIENCE = 240.0  # seconds; a busy machine is slow, not wrong
WAITS = Wanted("mine", "valid", "waits")


def pretended(settings: Settings) -> Evaluations:
    return Evaluations(settings, EvalCommand(settings, PRETENDED))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(store="memory", page={"runs": str(tmp_path / "runs")})


@pytest.fixture
async def evaluations(settings: Settings) -> AsyncIterator[Evaluations]:
    made = pretended(settings)
    yield made
    await made.aclose()


async def until(true: Callable[[], object]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, "it never came about"
        await asyncio.sleep(0.02)


def child_has_ended(evaluations: Evaluations) -> bool:
    """Whether what the run started let go of its lock, which the system takes from whoever ends."""
    with (evaluations.folder.path / "child.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


async def test_that_a_run_goes_to_its_end_and_is_listed(evaluations: Evaluations):
    await evaluations.start(Wanted("mine", "valid", "sem", limit=4))
    assert evaluations.busy
    await until(lambda: not evaluations.busy)
    going = evaluations.going
    assert (going.state, going.done, going.of, going.share, going.problem) == ("done", 4, 4, 1.0, None)
    (run,) = evaluations.folder.runs()
    assert (run.id, run.task, run.part, run.system, run.n, run.limit) == (
        going.id,
        "mine",
        "valid",
        "sem",
        4,
        True,
    )
    assert run.main == ("accuracy", "50.0 (25.0\N{EN DASH}75.0)")
    assert (run.unscored, run.notes) == (1, ("One note.",))


async def test_that_there_is_one_run_at_a_time_and_its_stop_ends_all_that_it_started(evaluations: Evaluations):
    await evaluations.start(WAITS)
    await until(lambda: evaluations.going.done == 2)
    assert evaluations.going.seconds_left == 1.0  # two more, at half a second each
    with pytest.raises(EvaluationError, match="Another run goes on"):
        await evaluations.start(Wanted("mine", "valid", "sem"))
    assert not child_has_ended(evaluations)
    await evaluations.stop()
    assert evaluations.going.state == "stopped"
    await until(lambda: child_has_ended(evaluations))
    assert evaluations.folder.runs() == []
    await evaluations.start(Wanted("mine", "valid", "sem"))
    await until(lambda: evaluations.going.state == "done")


async def test_that_a_run_ends_with_the_server(settings: Settings):
    evaluations = pretended(settings)
    desk = Desk(an_agent(offline("I hear you.")), settings)
    desk.evaluations = evaluations
    await evaluations.start(WAITS)
    await until(lambda: evaluations.going.done == 2)
    await desk.aclose()
    await until(lambda: child_has_ended(evaluations))


@pytest.mark.parametrize(
    ("system", "problem"),
    [
        ("fails", Problem("data", "The set is malformed.")),
        ("llm-is-away", Problem("llm", "Nobody answers at 127.0.0.1:9.")),
        ("breaks", Problem("crashed", "ZeroDivisionError: division by zero")),
        ("is-killed", Problem("killed", "Killed")),
    ],
    ids=["data", "llm", "breaks", "killed"],
)
async def test_that_a_run_that_fails_says_why(evaluations: Evaluations, system: str, problem: Problem):
    await evaluations.start(Wanted("mine", "valid", system))
    await until(lambda: not evaluations.busy)
    assert (evaluations.going.state, evaluations.going.problem) == ("failed", problem)


@pytest.mark.parametrize(
    ("said", "code", "problem"),
    [
        (["Error: One.", "Error: Two."], 2, Problem("other", "One. Two.")),
        (['{"error": "weights"}', "Error: One."], 2, Problem("weights", "One.")),
        (['{"error": "sung"}', '{"error": ["llm"]}', "[1]", "Error: One."], 2, Problem("other", "One.")),
        ([], 1, Problem("crashed", "exit status 1")),
        (["Traceback", "KeyError: 'x'", ""], 1, Problem("crashed", "KeyError: 'x'")),
    ],
    ids=["no kind", "a kind", "no such kind", "silent", "traceback"],
)
def test_that_a_command_that_failed_is_understood(said: list[str], code: int, problem: Problem):
    assert problem_of(said, code) == problem


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("--out", "valid", "sem"),
        Wanted("mine", "../../etc/passwd", "sem"),
        Wanted("mine", "valid", "--data=/"),
        Wanted("far", "valid", "sem"),
        Wanted("", "", ""),
    ],
    ids=["task", "part", "system", "not there", "nothing"],
)
async def test_that_only_what_is_offered_is_run(evaluations: Evaluations, wanted: Wanted):
    with pytest.raises(EvaluationError, match="cannot be run so here"):
        await evaluations.start(wanted)
    assert evaluations.going is None


async def test_that_a_command_that_cannot_be_started_is_a_problem_and_no_run_that_never_ends(settings: Settings):
    evaluations = pretended(settings)
    await evaluations.tasks()
    evaluations.folder.path.write_text("a file, not a folder", encoding="utf-8")
    await evaluations.start(Wanted("mine", "valid", "sem"))
    assert evaluations.going.state == "failed"
    assert evaluations.going.problem.kind == "unwritable"
    assert str(evaluations.folder.path) in evaluations.going.problem.said


class _Counted(EvalCommand):
    """Counts how often it is asked."""

    asked = 0

    async def answer(self, *arguments: str) -> str:
        self.asked += 1
        return await super().answer(*arguments)


async def test_that_the_command_is_asked_for_its_tasks_once_and_again_where_data_sets_came_or_went(tmp_path: Path):
    data = tmp_path / "data"
    settings = load_settings(store="memory", data=data)
    command = _Counted(settings, PRETENDED)
    evaluations = Evaluations(settings, command)
    assert await evaluations.tasks() == await evaluations.tasks()
    assert command.asked == 1
    changes = (
        lambda: (data / "emobank").mkdir(parents=True),
        lambda: (data / "emobank" / "valid.jsonl").write_text("{}", encoding="utf-8"),
        lambda: shutil.rmtree(data / "emobank"),
    )
    for asked, change in enumerate(changes, start=2):
        change()
        await evaluations.tasks()
        await evaluations.tasks()
        assert command.asked == asked
    await evaluations.aclose()


async def test_that_two_runs_are_compared_and_a_missing_one_is_told(evaluations: Evaluations):
    for system in ("sem", "sem"):
        await evaluations.start(Wanted("mine", "valid", system))
        await until(lambda: not evaluations.busy)
    second, first = evaluations.folder.runs()
    assert first.id != second.id
    (found,) = await evaluations.compare(first.id, second.id)
    assert (found.metric, found.difference, found.low, found.high, found.p) == ("accuracy", 0.25, 0.1, 0.4, 0.01)
    with pytest.raises(EvaluationError, match="no such run"):
        await evaluations.compare(first.id, "../" + second.id)


async def test_that_where_nothing_is_kept_results_go_with_the_server():
    settings = load_settings(store="memory")
    evaluations = pretended(settings)
    await evaluations.start(Wanted("mine", "valid", "sem"))
    await until(lambda: not evaluations.busy)
    folder = evaluations.folder.path
    assert len(list(folder.glob("*.json"))) == 1
    await evaluations.aclose()
    assert not folder.exists()


async def test_that_settings_of_the_page_reach_its_runs_and_not_their_arguments(tmp_path: Path):
    address = "http://127.0.0.1:9/v1"
    settings = load_settings(store="memory", data=tmp_path, llm_url=address)
    shows = "import os, sys; print(os.environ['HEARTLINE_DATA'], os.environ['HEARTLINE_LLM_URL'], sys.argv[1:])"
    said = await EvalCommand(settings, (sys.executable, "-c", shows)).answer("tasks")
    assert said.split() == [str(tmp_path), address, "['tasks']"]


# --- the folder and its reports ----------------------------------------------------------------------


def result_file(folder: Path, name: str, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    signature = {"split": "valid", "system": "sem", "n": 4, "limit": None, "weights": "some-weights"}
    figure = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "unscored": 0}
    content = {"task": "mine", "signature": signature, "metrics": {"accuracy": figure}} | changes
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_that_files_that_are_no_results_are_passed_over(tmp_path: Path):
    folder = RunFolder(tmp_path)
    assert RunFolder(tmp_path / "nowhere").runs() == []
    result_file(tmp_path, "good")
    result_file(tmp_path, "no-figures", metrics={})
    result_file(tmp_path, "odd", metrics=[1])
    result_file(tmp_path, "odder", signature={"split": "valid"})
    (tmp_path / "torn.json").write_text('{"task": "mi', encoding="utf-8")
    (tmp_path / "number.json").write_text("4", encoding="utf-8")
    (tmp_path / "words.json").write_bytes(b"\xff\xfe")
    assert {run.id for run in folder.runs()} == {"good", "no-figures"}
    assert folder.run("no-figures").main == ("", "")


def test_that_a_result_that_was_written_anew_is_read_anew(tmp_path: Path):
    folder = RunFolder(tmp_path)
    path = result_file(tmp_path, "run")
    assert folder.run("run").task == "mine"
    result_file(tmp_path, "run", task="yours")
    os.utime(path, (1, 1))
    assert folder.run("run").task == "yours"


def test_that_ids_of_runs_tell_what_they_are_and_are_never_taken(tmp_path: Path):
    folder = RunFolder(tmp_path)
    first = folder.new_id("esconv/next-strategy", "valid", "told-without-inertia")
    assert first.endswith("-esconv-next-strategy-valid-told-without-inertia")
    result_file(tmp_path, first)
    assert folder.new_id("esconv/next-strategy", "valid", "told-without-inertia") != first


OUTSIDE = [
    "../secret",
    "..",
    ".",
    "",
    "/etc/passwd",
    "runs/../../secret",
    ".hidden",
    "linked",
    "a\x00b",
    "x" * 300,
]


@pytest.mark.parametrize("name", OUTSIDE, ids=range(len(OUTSIDE)))
def test_that_nothing_outside_of_the_folder_is_a_result_or_a_report(tmp_path: Path, name: str):
    folder = RunFolder(tmp_path / "runs")
    for ending in (".json", ".html"):
        secret = result_file(tmp_path, "secret").rename(tmp_path / f"secret{ending}")
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / f"linked{ending}").symlink_to(secret)
        (tmp_path / "runs" / f".hidden{ending}").write_text("{}", encoding="utf-8")
    assert folder.result(name) is None
    assert folder.report(name, of=()) is None


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    desk = Desk(an_agent(offline("I hear you.")), settings)
    desk.evaluations = pretended(settings)
    page = make_page(desk, hosts={"127.0.0.1"})
    transport = httpx2.ASGITransport(app=page)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860") as client:
        yield client
    await desk.aclose()


async def test_that_a_report_is_served_under_the_policy_of_the_page(
    client: httpx2.AsyncClient, settings: Settings
):
    runs = settings.page.runs
    for name in ("one", "other"):
        result_file(runs, name)
    served = await client.get("/reports/one")
    assert served.status_code == 200
    assert served.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in served.headers["content-security-policy"]
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "Report of one<" in served.text
    assert "Report of one, other<" in (await client.get("/reports/one~other")).text
    (runs / "one.html").write_text("as it was made", encoding="utf-8")
    assert (await client.get("/reports/one")).text == "as it was made"  # it is not made twice
    os.utime(runs / "one.html", (1, 1))
    assert "Report of one<" in (await client.get("/reports/one")).text  # the result is newer


async def test_that_why_there_is_no_report_is_told_in_the_language_that_was_chosen(
    client: httpx2.AsyncClient, settings: Settings
):
    result_file(settings.page.runs, "one")
    (settings.page.runs / "one.html").mkdir()  # it cannot be written
    asked = {"accept-language": "en", "cookie": "heartline_language=de"}
    broken = await client.get("/reports/one", headers=asked)
    words = texts_in("de")("evaluate_problem.crashed")
    assert (broken.status_code, broken.text.partition("\n")[0]) == (422, words)
    assert "one.html" in broken.text.partition("\n")[2]
    gone = await client.get("/reports/other", headers={"accept-language": "en"})
    assert (gone.status_code, gone.text) == (404, texts_in("en")("evaluate_problem.gone"))


async def test_that_no_other_file_is_served_as_a_report(
    client: httpx2.AsyncClient, settings: Settings, tmp_path: Path
):
    result_file(settings.page.runs, "one")
    result_file(tmp_path, "secret")
    (tmp_path / "secret.html").write_text("a secret", encoding="utf-8")
    (settings.page.runs / "linked.json").symlink_to(tmp_path / "secret.json")
    tried = (
        "nothing",
        "..%2Fsecret",
        "%2e%2e/secret",
        "one~..%2Fsecret",
        "linked",
        "one~one~one",
        "~",
        "one.json",
        "",
    )
    for name in tried:
        answer = await client.get(f"/reports/{name}")
        assert answer.status_code == 404, name
        assert "a secret" not in answer.text


async def test_that_visitors_from_elsewhere_have_neither_tab_nor_reports(settings: Settings):
    result_file(settings.page.runs, "one")
    agent = an_agent(offline("I hear you."))
    for reach in (Reach(near=False, root_path="/heart"), Reach(near=False, keys=True)):
        desk = Desk(agent, settings, reach)
        assert desk.evaluations is None
        page = make_page(desk, hosts=None)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=page), base_url="http://talk") as client:
            assert (await client.get("/reports/one")).status_code == 404
            if not reach.keys:
                assert "tab-evaluate" not in (await client.get("/en/config")).text


def test_that_the_time_left_counts_from_the_first_piece_for_loading_takes_its_own():
    pace = Pace()
    assert pace.left("turns", 0, 10, 0.0) is None
    assert pace.left("turns", 1, 10, 20.0) is None
    assert pace.left("turns", 3, 10, 21.0) == pytest.approx(3.5)
    assert pace.left("figures", 0, 2, 0.0) is None


# --- the command itself ------------------------------------------------------------------------------


async def test_that_a_real_run_tells_how_far_it_is_and_is_compared_and_reported(settings: Settings):
    evaluations = Evaluations(settings)
    offered = {task.name: task for task in await evaluations.tasks()}
    assert offered["safety/scripts"].parts == ("a", "b", "c", "d")
    assert offered["safety/scripts"].asking == ("llm",)
    assert offered["goemotions"].get == "heartline data fetch goemotions"
    told: set[int] = set()
    await evaluations.start(Wanted("safety/scripts", "a", "offline", limit=8))
    await until(lambda: told.add(evaluations.going.done) or not evaluations.busy)
    assert evaluations.going.problem is None
    assert evaluations.going.of == 8
    assert len(told) > 1
    (run,) = evaluations.folder.runs()
    assert (run.task, run.n, run.limit, run.main[0]) == ("safety/scripts", 8, True, "recall")
    shutil.copy(evaluations.folder.result(run.id), evaluations.folder.path / "again.json")
    found = await evaluations.compare(run.id, "again")
    assert [(one.difference, one.p) for one in found] == [(0.0, 1.0)] * len(found)
    report = await evaluations.report(run.id)
    assert "safety/scripts" in report.read_text(encoding="utf-8")
    await evaluations.aclose()
