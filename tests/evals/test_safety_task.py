"""The safety scripts as a task, how tasks are listed, and how runs tell how far they are."""

from __future__ import annotations

import importlib.util
import json
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.errors import DataError, SettingsError
from evals import listing
from evals.command import app
from evals.listing import check_extra, listed
from evals.result import read_result
from evals.run import folder_of
from evals.signature import signature_of
from evals.task import OwnTexts, Sample
from evals.tasks.safety import SafetyScripts
from sem_plugins.training import counted
from sem_plugins.weights import SHIPPED, load_manifest
from tests.evals.small_sets import small_sets, task
from tests.ui.faces import heartline

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def scripts() -> list[Sample]:
    return SafetyScripts().samples(NOWHERE, "a")


def answer(level: str, *acts: str, others: str = "none") -> dict[str, Any]:
    return {"level": level, "others": others, "acts": list(acts)}


def test_that_it_says_what_it_is_and_warns_of_its_traps():
    about = SafetyScripts.__doc__ or ""
    assert all(words in about for words in ("An item (made up)", "Protocol: ", "Traps: "))


def test_that_it_brings_its_texts_and_families_take_turns(scripts: list[Sample]):
    assert isinstance(SafetyScripts(), OwnTexts)
    assert folder_of(SafetyScripts(), None) == Path()
    assert len({sample.id for sample in scripts}) == len(scripts) > 300
    assert len({sample.truth["family"] for sample in scripts[:120]}) == 16
    assert all(sample.messages[-1].role == "seeker" for sample in scripts)
    json.dumps([sample.truth for sample in scripts])
    with pytest.raises(DataError, match="no set 'winter'"):
        SafetyScripts().samples(NOWHERE, "winter")


def test_that_its_signature_names_its_texts():
    shipped = load_manifest(SHIPPED)
    a, b = (
        signature_of(SafetyScripts(), folder=NOWHERE, split=part, limit=None, manifest=shipped, n=1)
        for part in "ab"
    )
    assert a["data"] == "part a (its own)"
    assert a["data_sha256"] != b["data_sha256"]


def test_that_danger_and_calm_are_counted_by_what_the_scripts_want():
    bounds = dict.fromkeys(("at_least", "at_most", "others_at_least", "others_at_most"))
    acts: dict[str, Any] = {"required": [], "forbidden": []}
    wanted: list[dict[str, Any]] = [
        bounds | acts | {"family": "veiled", "at_least": "ideation", "required": ["asks_directly", "stays"]},
        bounds | acts | {"family": "veiled", "at_least": "plan", "at_most": "plan"},
        bounds | acts | {"family": "negated", "at_most": "watch", "forbidden": ["alarm"]},
        bounds | acts | {"family": "negated", "at_most": "watch"},
    ]
    said = SafetyScripts().samples(NOWHERE, "a")[0].messages
    samples = [Sample(str(n), str(n), said, truth) for n, truth in enumerate(wanted)]
    answers = [answer("ideation", "stays"), answer("watch"), answer("none", "alarm"), answer("none")]
    found = {name: one.value() for name, one in SafetyScripts().measures(samples, answers).items()}
    assert found == {
        "recall": 1 / 2,
        "false_alarm_rate": 1 / 2,
        "bounds_held": pytest.approx(4 / 5),
        "required_done": 1 / 2,
        "forbidden_done": 1.0,
    }
    with pytest.raises(DataError, match="Take more samples"):
        SafetyScripts().measures(samples[2:], answers[2:])["recall"].value()


def test_that_its_floors_are_never_and_always_alarmed(scripts: list[Sample]):
    made = SafetyScripts().floors(scripts, NOWHERE)
    values = {name: SafetyScripts().measures(scripts, make()) for name, make in made.items()}
    assert values["never alarmed"]["recall"].value() == values["never alarmed"]["false_alarm_rate"].value() == 0
    assert values["always alarmed"]["recall"].value() == values["always alarmed"]["false_alarm_rate"].value() == 1


def test_that_a_run_without_any_data_set_tells_how_far_it_is(tmp_path: Path):
    out = tmp_path / "run.json"
    words = ["safety/scripts", "--split", "a", "--limit", "8", "--progress", "json", "--out", str(out)]
    # In a context of its own: how progress is told holds for all that comes after.
    done = copy_context().run(CliRunner().invoke, app, words)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {line["what"] for line in lines} == {"turns"}
    assert [(lines[0]["done"], lines[0]["of"]), (lines[-1]["done"], lines[-1]["of"])] == [(0, 8), (8, 8)]
    result = read_result(out)
    assert result.signature["n"] == 8
    assert {"never alarmed", "always alarmed"} == set(result.floors)
    assert all(set(row["answer"]) == {"level", "others", "acts", "speaker"} for row in result.samples)


def test_that_progress_is_told_in_a_way_that_there_is(tmp_path: Path):
    done = heartline("eval", "goemotions", "--progress", "dance", home=tmp_path)
    assert done.code == 2
    assert "Progress is told as 'dance'. It can be: bar, json." in done.err


def test_that_lines_come_at_the_ends_and_not_oftener_than_twice_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    now = iter([0.0, 0.1, 0.2, 0.8, 0.8, 0.9, 1.0, 1.0])
    monkeypatch.setattr(counted.time, "monotonic", lambda: next(now))
    lines = counted._Lines("turns", 4, 0)
    for so_far in ("", "right 50.0%", "", "right 60.0%"):
        lines(so_far)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["done"] for line in said] == [0, 2, 4]
    assert said[-1]["so_far"] == "right 60.0%"


def test_that_tasks_are_listed_with_the_parts_that_are_there(tmp_path: Path):
    small_sets(tmp_path)
    done = heartline("eval", "tasks", "--json", "--data", str(tmp_path), home=tmp_path)
    assert done.code == 0, done.err
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert rows["meld/next-emotion"]["parts"] == ["valid", "train"]
    assert rows["emobench"]["parts"] == ["valid"]
    assert rows["esconv/next-strategy"]["systems"] == ["sem", "rules", "blend", "llm"]
    assert rows["esconv/next-strategy"]["asking"] == ["llm"]
    assert rows["hef/cause"]["systems"][0] == "sem"
    assert "sem" not in rows["hef/cause"]["asking"]
    assert rows["goemotions"]["get"] == "heartline data fetch goemotions"


def test_that_without_a_folder_there_are_no_parts_but_those_that_tasks_bring():
    assert {one.name for one in listed(None) if one.parts} <= {"safety/scripts"}


def test_that_a_missing_extra_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(listing, "find_spec", lambda name: None if name == "sacrebleu" else real(name))
    assert {one.name for one in listed(None) if one.extra == "evals"} == {"esconv/response", "hef/reply"}
    with pytest.raises(SettingsError, match=r"pip install 'heartline\[evals\]'"):
        check_extra(task("esconv/response"))
    check_extra(task("goemotions"))
