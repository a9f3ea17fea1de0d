"""`heartline models check`: what it prints and when it complains."""

from __future__ import annotations

from pathlib import Path

import pytest
from faces import heartline

from agent.errors import DataError
from ui.models import check

WITHOUT_TORCH = "import sys; sys.modules['sklearn'] = None"


@pytest.mark.parametrize(
    ("data", "expected"),
    [([], "`--data DIR` or HEARTLINE_DATA"), (["--data", "."], "pip install 'heartline[train]'")],
    ids=["no data", "no extra"],
)
def test_that_checking_says_what_it_lacks(tmp_path: Path, data: list[str], expected: str):
    done = heartline("models", "check", *data, home=tmp_path, before=WITHOUT_TORCH)
    assert (done.code, done.out) == (2, "")
    assert expected in done.err


@pytest.fixture
def train_extra() -> None:
    pytest.importorskip("sklearn", reason="measuring needs the `train` extra")


@pytest.mark.train
@pytest.mark.usefixtures("train_extra")
def test_that_a_missing_data_set_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"No file 'valid\.jsonl'"):
        check(tmp_path)


@pytest.mark.train
@pytest.mark.usefixtures("train_extra")
def test_that_the_table_shows_figures_floors_and_missed_aims(capsys: pytest.CaptureFixture[str]):
    from sem_plugins.training.measure.tasks import TASKS
    from ui.models import table

    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    scores = {task.name: {"accuracy": figure, "macro_f1": figure} for task in TASKS}
    floors = {task.name: {"majority": {"accuracy": {"value": 0.1, "n": 10}}} for task in TASKS}
    table(scores, floors)
    printed = capsys.readouterr().out
    assert "empathetic-dialogues/situation" in printed
    assert "50.0 (40.0\N{EN DASH}60.0)" in printed
    assert "floor: majority" in printed
    assert "≥ 60: missed by 10" in printed


@pytest.mark.train
@pytest.mark.usefixtures("train_extra")
def test_that_a_table_in_a_file_is_not_folded(capsys: pytest.CaptureFixture[str]):
    from sem_plugins.training.measure.tasks import TASKS
    from ui.models import table

    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    floors = {"reccon/entailment": {name: {"macro_f1": figure} for name in ("target", "target + previous", "one")}}
    table({task.name: {"crossfitted_macro_f1": figure, "macro_f1": figure} for task in TASKS}, floors)
    (row,) = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("macro_f1") and line.count("(") == 4
    ]
    assert row.count("50.0 (40.0\N{EN DASH}60.0)") == 4


@pytest.mark.train
def test_that_a_figure_that_is_not_the_cards_is_told():
    from ui.models import _differing

    stated = {"goemotions": {"macro_f1": {"value": 0.51, "n": 5426}}}
    assert _differing({"goemotions": {"macro_f1": {"value": 0.511}}}, stated) == []
    (told,) = _differing({"goemotions": {"macro_f1": {"value": 0.55}}}, stated)
    assert told == "goemotions macro_f1 is 0.5500, the card says 0.5100"
    (new,) = _differing({"goemotions": {"accuracy": {"value": 0.55}}}, stated)
    assert new.endswith("not on the card")
