"""Learning the recogniser: bounds that keep their promise, a file that loads, nothing read twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="learning needs the `train` extra")

from agent.errors import DataError
from sem_plugins.labels import ESCONV_NAMES
from sem_plugins.training import recogniser as learning
from sem_plugins.training.recogniser import bounds, fit, learn, opening_of
from sem_plugins.verify.recogniser import load_recogniser
from sem_plugins.weights import load_manifest
from tests.sem_plugins.tiny_sets import support, write_sets

pytestmark = pytest.mark.train


def test_that_an_opening_is_the_first_two_sentences():
    assert opening_of("It rains. It pours. Go home.") == "It rains. It pours."
    assert opening_of("It rains") == "It rains"


def test_that_at_most_one_in_twenty_new_utterances_falls_below_the_bound():
    rng = np.random.default_rng(5)
    truth = rng.integers(3, size=3000)
    logits = rng.normal(size=(3000, 3)) + 1.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rates = []
    for start in range(0, 3000, 300):  # each tenth once sets the bounds for the rest
        held = np.zeros(3000, bool)
        held[start : start + 300] = True
        least = bounds(probabilities[held], truth[held])
        rows = np.flatnonzero(~held)
        rates.append((probabilities[rows, truth[rows]] < least[truth[rows]]).mean())
    assert 0.02 < np.mean(rates) < 0.055


def test_that_a_strategy_of_which_there_are_too_few_is_never_denied():
    probabilities = np.tile([0.2, 0.8], (18, 1))
    assert bounds(probabilities, np.zeros(18, int)).tolist() == [0.0, 0.0]
    assert bounds(np.tile([0.2, 0.8], (19, 1)), np.zeros(19, int)).tolist() == [0.2, 0.0]


def test_that_what_is_learned_tells_what_can_be_told_apart():
    rng = np.random.default_rng(7)
    truth = rng.integers(8, size=800)
    rows = rng.normal(size=(800, 10)) * 3 + 5
    rows[np.arange(800), truth] += 15
    weight, bias = fit(rows, truth)
    assert ((rows @ weight.T + bias).argmax(axis=1) == truth).mean() > 0.95


def test_that_a_strategy_that_never_occurs_is_named():
    with pytest.raises(DataError, match="others"):
        fit(np.eye(7), np.arange(7))


def test_that_the_file_loads_and_a_second_run_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines = ["Where is it?", "So it is lost.", "You sound sad.", "I lost mine, too.", "You are strong.", "Look again.",
             "Most turn up.", "Hello."]  # fmt: skip
    answers = list(zip(lines, ESCONV_NAMES.values(), strict=True))
    talks = [
        support(f"talk {n}", *(turn for answer in answers for turn in ("It is gone.", answer))) for n in range(8)
    ]
    folder = write_sets(tmp_path / "sets", {"esconv/train.jsonl": talks, "esconv/valid.jsonl": talks[:2]})
    manifest, out = load_manifest(), tmp_path / "out"
    file, figures = learn(folder, out, manifest)
    assert set(figures) == {"recogniser", "TF-IDF", "majority"}
    assert figures["recogniser"]["accuracy"].n == 16
    weights = tmp_path / "weights"
    weights.mkdir()
    shutil.copy(file, weights)
    found = load_recogniser(replace(manifest, folder=weights))
    assert set(found.card["scores"]) == set(figures)

    def never(*_args: object, **_given: object) -> None:
        raise AssertionError("something was read again")

    monkeypatch.setattr(learning, "on_every_core", never)
    again, _ = learn(folder, out, manifest)
    assert json.loads(again.read_text(encoding="utf-8")) == json.loads(
        (weights / file.name).read_text(encoding="utf-8")
    )


def test_that_readings_of_other_texts_are_not_taken(tmp_path: Path):
    file = tmp_path / "openings-train.npz"
    np.savez_compressed(file, key=np.array("another"), vectors=np.zeros((1, 3), np.float32))
    assert learning._kept(file, "this") is None
    assert learning._kept(file, "another") is not None
