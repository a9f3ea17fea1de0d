"""Each part of `python -m evals.load`, small, against a real server."""

from __future__ import annotations

import os
import resource
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evals.load import page
from evals.load.added import added
from evals.load.crash import crash
from evals.load.finding import Finding, none_of
from evals.load.idle import idle
from evals.load.length import length
from evals.load.parts import PARTS, Part, machine, measure
from evals.load.process import MeasurementError, raise_file_limit, running
from evals.load.served import _SETTINGS
from evals.load.soak import soak
from evals.load.stores import a_postgres, a_sqlite_file, why_no_postgres
from evals.load.sustained import sustained

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
_NOTHING_READ = {f"HEARTLINE_{part}": "none" for part in ("PLANNER", "TRACKER", "GUARD")} | {
    "HEARTLINE_PLUGINS": "[]"
}


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    named = {finding.name: finding for finding in findings}
    assert len(named) == len(findings)
    assert [finding.name for finding in findings if finding.must and not finding.met] == []
    return named


def places():
    needs = pytest.mark.skipif(why_no_postgres() is not None, reason=f"no Postgres: {why_no_postgres()}")
    return [pytest.param(a_sqlite_file, id="sqlite"), pytest.param(a_postgres, id="postgres", marks=needs)]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server that is measured reads nothing: what is tried here is how it is measured. One test has it read."""
    monkeypatch.setattr("evals.load.served._SETTINGS", {**_SETTINGS, **_NOTHING_READ})


@pytest.mark.usefixtures("unread")
async def test_that_a_crowd_is_answered_at_a_pace_and_as_fast_as_it_goes():
    with a_sqlite_file() as kept:
        found = by_name(await sustained(kept, conversations=2, seconds=1.5, warm=0.3, pace=8.0))
    for way in ("plain", "streamed"):
        for pace in ("8 messages/s sent", "as fast as it goes"):
            name = f"{kept.name}, {way}, {pace}"
            assert found[f"{name}: turns"].value > 0
            times = [found[f"{name}: {part}"].value for part in ("p50", "p95", "p99")]
            assert 0 < times[0] <= times[1] <= times[2]
            assert found[f"{name}: cores used by the server"].value > 0
    assert found[f"{kept.name}, plain, as fast as it goes: p99"].met is None  # a queue of our making
    assert found[f"{kept.name}, one process, plain, as fast as it goes: turns"].value > 0


@pytest.mark.usefixtures("unread")
async def test_that_what_is_added_to_an_llm_is_measured_on_the_same_messages():
    with a_sqlite_file() as kept:
        found = by_name(await added(kept, conversations=2, turns=2, blocks=1))
    assert found["pairs"].value > 0
    assert found["added until the end, p50"].value > 0
    came, seen = "added until the first token came, p50", "added until the first sentence was seen, p50"
    assert found[came].low <= found[came].value <= found[came].high
    assert found[seen].aim
    assert found["asked directly: first token, p50"].value >= found["the fake LLM: before the first token"].value


@pytest.mark.usefixtures("unread")
async def test_that_streams_stay_open_and_others_are_answered():
    with a_sqlite_file() as kept:
        found = by_name(await idle(kept, streams=12, seconds=1.0, others=1))
    assert found["streams that did not stay open"].value == 0
    assert found["others, answered meanwhile"].value > 0
    assert found["open file descriptors of the server"].value > 2 * 12
    assert found["12 streams open: memory, RSS"].value >= found["none open: memory, RSS"].value * 0.9


@pytest.mark.usefixtures("unread")
async def test_that_a_turn_early_and_late_is_measured_in_conversations_of_that_length():
    with a_sqlite_file() as kept:
        found = by_name(await length(kept, runs=6, short=3, late=40))
    times = found[f"{kept.name}: ratio of these"]
    assert times.low <= times.value <= times.high
    assert found[f"{kept.name}: a turn after 40 turns, p50"].value > 0


async def test_that_a_long_run_looks_at_memory_files_and_threads():
    with a_sqlite_file() as kept:
        found = by_name(await soak(kept, minutes=0.1, conversations=2, rate=4.0, every=0.05, before=4))
    growth = found["memory, growth over the later half, per 1,000 turns"]
    assert growth.low <= growth.value <= growth.high
    assert found["the store grows by, for each turn in it"].value > 0
    assert found["turns"].value > 0
    assert found["threads, most"].value > 0


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("place", places())
async def test_that_acknowledged_turns_outlive_a_kill(place):
    with place() as kept:
        found = by_name(await crash(kept, times=1, conversations=3))
    assert found[f"{kept.name}: turns acknowledged"].value > 0
    assert found[f"{kept.name}: turns that were in the middle when it was killed"].value > 0


async def _two(kept) -> list[Finding]:
    return [Finding("conversations per " + kept.name, 2.0, "of them", 1.0, 3.0)]


async def _breaks(kept) -> list[Finding]:
    raise MeasurementError("It broke.")


async def _loses(kept) -> list[Finding]:
    return [none_of("acknowledged turns that are lost", 1)]


def a_repository(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"# H\n\n{page.BEGIN}\n{page.END}\n\nEnd.\n")
    return tmp_path


def test_that_a_part_that_breaks_loses_no_figures_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root, parts = a_repository(tmp_path), {"idle": Part(_breaks), "length": Part(_two)}
    assert measure(["idle", "length"], parts=parts, root=root) == 1
    told = capsys.readouterr()
    assert "could not be measured: MeasurementError: It broke." in told.err
    assert "2 of them (1 to 3)" in told.out
    figures = page.read(root / "docs/load.json")
    assert list(figures) == ["length"]
    assert figures["length"]["SQLite"]["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert "conversations per SQLite" in (root / "docs/load.md").read_text()


def test_that_the_command_fails_for_a_lost_turn_and_not_for_a_slow_one(tmp_path: Path):
    slow = Finding("p99", 900.0, "ms", aim="at most 150 ms", met=False)

    async def is_slow(kept) -> list[Finding]:
        return [slow]

    parts = {"crash": Part(_loses), "idle": Part(is_slow)}
    assert measure(["crash"], parts=parts, write=False, root=tmp_path) == 1
    assert measure(["idle"], parts=parts, write=False, root=tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_that_an_unknown_part_is_named_with_the_choices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["evals.load", "speed"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("evals.load", run_name="__main__")
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "speed" in told
    assert "sustained" in told


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_that_whoever_stops_it_leaves_no_server_behind(sent: signal.Signals, tmp_path: Path):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "evals.load", "soak", "--no-write", "--soak", "5"]
    measuring = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        child = _first_child(measuring.pid)
        measuring.send_signal(sent)
        assert measuring.wait(PATIENCE) != 0
        assert not Path(f"/proc/{child}").exists()
        assert list(tmp_path.iterdir()) == []
    finally:
        measuring.kill()
        measuring.wait()


def _first_child(parent: int) -> int:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if children := Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no server was started")


async def test_that_a_process_that_ends_at_once_is_told_of_with_its_last_words(tmp_path: Path):
    with pytest.raises(MeasurementError, match="It ended before it listened: no such thing"):
        async with running(
            ["-c", "import sys; sys.exit('no such thing')"], says="Serving at ", folder=tmp_path, environment={}
        ):
            pass


async def test_that_settings_of_whoever_measures_do_not_reach_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEARTLINE_PERSONA", "loud")
    code = "import os; print('Serving at', ','.join(n for n in os.environ if n.startswith('HEARTLINE_')))"
    async with running(
        ["-c", code], says="Serving at ", folder=tmp_path, environment={"HEARTLINE_TENANT": "x"}
    ) as process:
        assert process.url == "HEARTLINE_TENANT"


def test_that_a_limit_of_files_that_cannot_be_raised_is_named():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")
    with pytest.raises(MeasurementError, match=f"`ulimit -Hn` is {hard:,}"):
        raise_file_limit(hard + 1)


def test_that_every_part_has_its_words_on_the_page_and_the_machine_is_named():
    assert set(PARTS) == set(page._ABOUT)
    assert {"processor", "cores", "memory", "python", "uvicorn", "weights"} <= set(machine())
