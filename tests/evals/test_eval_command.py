"""`heartline eval` as other programs call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evals.small_sets import small_sets
from tests.ui.faces import Finished, heartline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"), split="autumn")


def evaluated(folder: Path, out: Path, *more: str) -> Finished:
    arguments = ("eval", "esconv/next-strategy", "--split", "autumn", "--data", folder, "--out", out, *more)
    done = heartline(*arguments, home=folder)
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="module")
def run(folder: Path) -> tuple[Finished, Path]:
    """A run of the shipped planner and its file."""
    out = folder / "run.json"
    return evaluated(folder, out), out


def test_that_a_split_nobody_has_seen_is_evaluated_and_its_file_has_what_is_promised(run: tuple[Finished, Path]):
    done, out = run
    assert "esconv/next-strategy, esconv/autumn.jsonl, n = 24" in done.out
    assert "floor: prior sampling" in done.out
    content = json.loads(out.read_text(encoding="utf-8"))
    assert {"task", "signature", "metrics", "floors", "samples"} <= set(content)
    assert {"accuracy", "macro_f1", "weighted_f1", "top3", "ece"} <= set(content["metrics"])
    assert set(content["metrics"]["accuracy"]) == {"value", "low", "high", "n", "unscored"}
    assert content["signature"]["system"] == "sem"
    assert len(content["samples"]) == 24


def test_that_two_runs_are_put_side_by_side(folder: Path, tmp_path: Path, run: tuple[Finished, Path]):
    evaluated(folder, tmp_path / "rules", "--system", "rules")
    done = heartline("eval", "compare", tmp_path / "rules", run[1], "--data", folder, home=tmp_path)
    assert done.code == 0, done.err
    assert "esconv/next-strategy: sem (heartline-text-" in done.out
    assert "macro_f1" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mood"], "No task is called 'mood'. Registered are: cssrs, "),
        (["goemotions", "--split", "winter"], "No file 'winter.jsonl'"),
        (["goemotions", "--split", "autumn", "--limit", "1"], "1 dialogue for goemotions"),
        (["esconv/next-strategy", "--split", "autumn", "--system", "oracle"], "No planner 'oracle'"),
    ],
    ids=["task", "split", "too few", "system"],
)
def test_that_unusable_input_is_one_line_and_status_2(
    folder: Path, tmp_path: Path, arguments: list[str], said: str
):
    done = heartline("eval", *arguments, "--data", str(folder), home=tmp_path)
    assert done.code == 2
    assert done.err.startswith("Error: ") or "\nError: " in done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_that_without_a_data_folder_it_says_how_to_name_one(tmp_path: Path):
    done = heartline("eval", "goemotions", home=tmp_path)
    assert done.code == 2
    assert "`--data DIR` or HEARTLINE_DATA" in done.err


def test_that_the_tasks_are_listed(tmp_path: Path):
    done = heartline("eval", "tasks", home=tmp_path)
    assert done.code == 0
    assert "esconv/next-strategy " in done.out
    assert "empathetic_dialogues/<split>.jsonl" in done.out


def test_that_the_cost_of_counter_weights_is_printed_strength_by_strength(folder: Path, tmp_path: Path):
    done = heartline("eval", "curve", "--split", "autumn", "--data", str(folder), home=tmp_path)
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in lines[1:]] == [*(f"{step / 10:.1f}" for step in range(11)), "as"]
