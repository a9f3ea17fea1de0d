"""Learning the second opinion on risk: a file that loads, a threshold that keeps its promise."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="learning needs the `train` extra")

from agent.errors import DataError
from agent.turn import Message
from sem_plugins.encoder import encoder_for
from sem_plugins.risk.opinion import load_opinion
from sem_plugins.training.opinion import learn
from sem_plugins.training.sets import risk
from sem_plugins.weights import load_manifest
from tests.sem_plugins.tiny_sets import comment, dialogue, support, write_sets

pytestmark = pytest.mark.train

DAILY = [
    f"The {thing} is {state}." for thing in ("bus", "soup", "cat", "radio") for state in ("late", "cold", "back")
]


@pytest.fixture
def few_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty statements of each part are read, not thousands."""
    every = {part: risk.statements(part)[:: 100 if part == "train" else 12] for part in ("train", "valid")}
    monkeypatch.setattr(risk, "statements", every.__getitem__)


@pytest.mark.usefixtures("few_statements")
def test_that_the_file_loads_and_tells_danger_from_daily_life(tmp_path: Path):
    rows = {
        "goemotions/train.jsonl": [comment(text, "neutral") for text in DAILY],
        "empathetic_dialogues/train.jsonl": [dialogue(text, text, "Oh.") for text in DAILY],
        "esconv/train.jsonl": [support(f"talk {n}", text, ("Is it?", "Question")) for n, text in enumerate(DAILY)],
    }
    rows |= {name.replace("train", "valid"): [] for name in rows}  # a loader that reads both
    manifest = load_manifest()

    file, figures = learn(write_sets(tmp_path / "sets", rows), tmp_path / "out", manifest)

    assert {"explicit_recall", "veiled_recall", "idiom_alarms", "everyday_alarms"} <= figures.keys()
    assert figures["everyday_alarms"].value <= 3 / 18  # the likeliest one, which stands in all three sets
    weights = tmp_path / "weights"
    weights.mkdir()
    shutil.copy(file, weights)
    found = load_opinion(replace(manifest, folder=weights))
    assert found is not None
    likely = [
        found.probability(encoder_for().read((Message("seeker", text),))) for text in ("I want to die.", DAILY[0])
    ]
    assert likely[0] > likely[1]


def test_that_weights_without_an_opinion_go_without_one(tmp_path: Path):
    assert load_opinion(replace(load_manifest(), folder=tmp_path)) is None


def test_that_a_missing_data_set_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="goemotions"):
        learn(tmp_path, tmp_path / "out", load_manifest())
