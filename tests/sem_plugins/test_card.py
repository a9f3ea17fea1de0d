"""The card is rendered from the manifest and nothing else, and says what was missed."""

from __future__ import annotations

import pytest

from sem_plugins.weights import SHIPPED, load_manifest

pytest.importorskip("sklearn", reason="measuring needs the `train` extra")

pytestmark = pytest.mark.train


def test_that_the_shipped_card_is_rendered_from_the_shipped_manifest():
    from sem_plugins.training.card import render_card

    assert (SHIPPED / "CARD.md").read_text(encoding="utf-8") == render_card(load_manifest())


def test_that_the_card_names_every_task_and_every_missed_aim():
    from sem_plugins.training.measure.tasks import TASKS

    manifest = load_manifest()
    text = (SHIPPED / "CARD.md").read_text(encoding="utf-8")
    missed = 0
    for task in TASKS:
        assert f"### {task.name}\n" in text
        missed += sum(
            aim.missed_by(manifest.card["scores"][task.name][metric]["value"]) > 0
            for metric, aim in task.aims.items()
        )
    assert text.count(": missed by ") == missed


def test_that_what_eight_bits_cost_is_shown_for_aims_and_wherever_it_is_more_than_half_a_point():
    from sem_plugins.training.card import rounded
    from sem_plugins.training.measure.tasks import TASKS

    eight = {task.name: {"alike": {"value": 0.5}, "worse": {"value": 0.494}} for task in TASKS}
    eight["goemotions"]["macro_f1"] = {"value": 0.5}
    floats = {name: {metric: {"value": 0.5} for metric in figures} for name, figures in eight.items()}
    found = [(task, metric) for task, metric, *_ in rounded({"scores": eight, "in_floats": floats})]
    assert found.count(("goemotions", "macro_f1")) == 1
    assert [metric for _, metric in found].count("worse") == len(TASKS)
    assert "alike" not in {metric for _, metric in found}


@pytest.mark.parametrize(
    ("metric", "estimate", "expected"),
    [
        ("accuracy", {"value": 0.5827, "low": 0.5643, "high": 0.5996}, "58.3 (56.4\N{EN DASH}60.0)"),
        ("valence_r", {"value": 0.7, "low": 0.65, "high": 0.744}, "0.70 (0.65\N{EN DASH}0.74)"),
        ("preference_bias", {"value": 0.31}, "0.31"),
        ("accuracy", None, "\N{EN DASH}"),
    ],
)
def test_that_shares_are_percent_and_other_figures_are_not(
    metric: str, estimate: dict[str, float] | None, expected: str
):
    from sem_plugins.training.cells import shown

    assert shown(estimate, metric) == expected


@pytest.mark.parametrize(
    ("aim", "metric", "value", "expected"),
    [
        ({"least": 0.6}, "accuracy", 0.583, "≥ 60: missed by 1.7"),
        ({"least": 0.6}, "accuracy", 0.6, "≥ 60: met"),
        ({"most": 0.3}, "preference_bias", 0.45, "≤ 0.3: missed by 0.15"),
        ({"most": 0.03}, "ece", 0.02, "≤ 3: met"),
    ],
)
def test_that_an_aim_says_how_far_it_was_missed(aim: dict[str, float], metric: str, value: float, expected: str):
    from sem_plugins.training.card import told
    from sem_plugins.training.measure.tasks import Aim

    assert told(Aim(**aim), metric, {"value": value}) == expected


def test_that_the_reliability_diagram_shows_confidence_and_accuracy():
    from sem_plugins.training.card import plotted

    first, second = plotted([(0.2, 0.1, 5), (0.8, 1.0, 9)], width=10).splitlines()
    assert first == "0.20 # |"
    assert second == "0.80 ########|#"
