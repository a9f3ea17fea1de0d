"""The figures on the shipped card are those that its weights reach, and high enough to ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sem_plugins.weights import Manifest, load_manifest

pytest.importorskip("sklearn", reason="measuring needs the `train` extra")

pytestmark = [pytest.mark.data, pytest.mark.card]

# What the weights reach less what another processor may cost: a change that loses more is noticed.
FLOORS = {
    "empathetic-dialogues/situation accuracy": 0.57,
    "empathetic-dialogues/situation top5": 0.89,
    "empathetic-dialogues/seeker-turns accuracy": 0.55,
    "goemotions macro_f1": 0.48,
    "esconv/next-strategy macro_f1": 0.24,
    "reccon/entailment positive_f1": 0.64,
    "reccon/span exact_match": 0.36,
    "risk explicit_recall": 0.85,
}
CEILINGS = {
    "empathetic-dialogues/situation ece": 0.03,
    "empathetic-dialogues/seeker-turns ece": 0.03,
    "risk empathetic-dialogues_alarms": 0.01,
    "risk goemotions_alarms": 0.01,
    "risk esconv_alarms": 0.01,
}


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest()


@pytest.fixture(scope="module")
def measured(data_folder: Callable[[str], Path], manifest: Manifest) -> Mapping[str, Mapping[str, float]]:
    from sem_plugins.training.measure.reading import ValidParts
    from sem_plugins.training.measure.tasks import figures_of

    parts = ValidParts(data_folder("empathetic_dialogues").parent, manifest, progress=False)
    return {
        task: {name: estimate.value for name, estimate in figures.items()}
        for task, figures in figures_of(parts, manifest).items()
    }


def _one(figures: Mapping[str, Mapping[str, float]], name: str) -> float:
    task, metric = name.split(" ")
    return figures[task][metric]


def test_that_the_data_is_the_data_of_the_card(data_folder: Callable[[str], Path], manifest: Manifest):
    from sem_plugins.training.card import data_hashes

    assert data_hashes(data_folder("empathetic_dialogues").parent) == manifest.card["data"]


def test_that_every_figure_is_that_of_the_card(measured: Mapping[str, Mapping[str, float]], manifest: Manifest):
    from sem_plugins.training.intervals import rounding

    stated = manifest.card["scores"]
    assert {task: set(figures) for task, figures in measured.items()} == {
        task: set(figures) for task, figures in stated.items()
    }
    apart = {
        f"{task} {metric}": (value, stated[task][metric]["value"])
        for task, figures in measured.items()
        for metric, value in figures.items()
        if abs(value - stated[task][metric]["value"]) > rounding(metric, stated[task][metric])
    }
    assert not apart


@pytest.mark.parametrize("name", FLOORS)
def test_that_a_figure_is_high_enough_to_ship(measured: Mapping[str, Mapping[str, float]], name: str):
    assert _one(measured, name) >= FLOORS[name]


@pytest.mark.parametrize("name", CEILINGS)
def test_that_a_rate_is_low_enough_to_ship(measured: Mapping[str, Mapping[str, float]], name: str):
    assert _one(measured, name) <= CEILINGS[name]


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("empathetic-dialogues/situation", "accuracy"),
        ("empathetic-dialogues/seeker-turns", "accuracy"),
        ("empathetic-dialogues/dialogue", "accuracy"),
        ("goemotions", "macro_f1"),
        ("emobank", "valence_r"),
        ("esconv/next-strategy", "macro_f1"),
        ("reccon/span", "exact_match"),
        ("reccon/span", "token_f1"),
        ("epitome", "emotional_reactions_macro_f1"),
        ("epitome", "interpretations_macro_f1"),
        ("epitome", "explorations_macro_f1"),
        ("risk", "recall"),
    ],
)
def test_that_a_reading_beats_every_floor(
    measured: Mapping[str, Mapping[str, float]], manifest: Manifest, task: str, metric: str
):
    floors = manifest.card["floors"][task]
    assert measured[task][metric] > max(
        figures[metric]["value"] for figures in floors.values() if metric in figures
    )
