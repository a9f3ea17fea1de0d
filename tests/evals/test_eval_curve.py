"""Counter-weights: what they do to proficiency and bias."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.settings import load_settings
from evals.curve import METRICS, STEPS, Curve, draw
from evals.run import EncoderKit
from evals.task import Sample
from evals.tasks.esconv import NextStrategy
from evals.tasks.sequence import StrategySequence
from sem_plugins.labels import ESCONV
from sem_plugins.weights import Head
from strategies.blend import BlendPlanner
from strategies.sequence import THRESHOLD
from tests.evals.small_sets import small_sets
from tests.sem_plugins.tiny_sets import support, write_sets

pytestmark = pytest.mark.usefixtures("few_draws")

COMMON, RARE = "Question", "Information"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """In train nine of ten turns are questions; in valid each turn says what it is."""
    train = [support(str(n), "Well.", ("Yes.", COMMON if n % 10 else RARE)) for n in range(40)]
    valid = [support(str(n), f"{name} please.", ("Yes.", name)) for n in range(6) for name in (COMMON, RARE)]
    valid = [row | {"dialogue_id": str(n)} for n, row in enumerate(valid)]
    return write_sets(tmp_path, {"esconv/train.jsonl": train, "esconv/valid.jsonl": valid})


class Leaning:
    """An encoder that leans to what is common: by 2 of log-odds, against 1 for what was said."""

    manifest: Any = SimpleNamespace(heads={"strategy": Head(ESCONV, "softmax", offsets=(0.0,) * 8)})

    def read(self, samples: Sequence[Sample]) -> list[Any]:
        rows = []
        for sample in samples:
            row = np.full(8, -9.0)
            row[ESCONV.index("question")] = 2.0 + sample.messages[-1].text.startswith(COMMON)
            row[ESCONV.index("information")] = float(sample.messages[-1].text.startswith(RARE))
            rows.append(SimpleNamespace(outputs={"strategy": row}))
        return rows


def test_that_taking_the_prior_out_brings_back_what_is_rare(folder: Path):
    points = draw(Curve.counterweights, folder, "valid", kit=Leaning())
    plain, weighed, shipped = points[0], points[STEPS.index(0.8)], points[-1]
    assert plain.figures["macro_f1"].value == pytest.approx(1 / 3)  # all are questions: F1 of 2/3 and 0
    assert weighed.figures["macro_f1"].value == 1
    assert shipped.setting is None
    assert shipped.figures["macro_f1"] == plain.figures["macro_f1"]


def test_that_a_bias_that_is_not_defined_is_left_out_and_not_zero(folder: Path):
    plain, *_ = draw(Curve.counterweights, folder, "valid", kit=Leaning())
    assert set(plain.figures) == {"macro_f1", "accuracy"}


def test_that_the_blend_goes_from_the_rules_to_the_reading(folder: Path):
    kit = EncoderKit(load_settings(), progress=False)
    first, *_, last = draw(Curve.blend, folder, "valid", kit=kit)
    samples = NextStrategy().samples(folder, "valid")
    for point, system in ((first, "rules"), (last, "sem")):
        alone = NextStrategy().measures(samples, NextStrategy().answers(system, samples, kit))
        assert point.figures["accuracy"].value == alone["accuracy"].value()
        assert point.figures["macro_f1"].value == alone["macro_f1"].value()


def test_that_the_curve_of_the_blend_passes_through_the_planner(folder: Path):
    kit = EncoderKit(load_settings(), progress=False)
    points = {point.setting: point for point in draw(Curve.blend, folder, "valid", kit=kit)}
    samples = NextStrategy().samples(folder, "valid")
    planner = NextStrategy().measures(samples, NextStrategy().answers("blend", samples, kit))
    assert points[BlendPlanner().weight].figures["accuracy"].value == planner["accuracy"].value()


def test_that_the_curve_of_sequences_passes_through_the_task_s_systems(tmp_path: Path):
    kit, folder = EncoderKit(load_settings(), progress=False), small_sets(tmp_path)
    points = {point.setting: point for point in draw(Curve.sequences, folder, "valid", kit=kit)}
    samples = StrategySequence().samples(folder, "valid")
    for setting, system in ((None, "single"), (THRESHOLD, "sem")):
        alone = StrategySequence().measures(samples, StrategySequence().answers(system, samples, kit))
        assert {name: found.value for name, found in points[setting].figures.items()} == {
            name: alone[name].value() for name in METRICS[Curve.sequences]
        }


def test_that_the_curve_of_foresight_begins_with_the_planner_as_it_is(folder: Path):
    kit = EncoderKit(load_settings(), progress=False)
    points = draw(Curve.foresight, folder, "valid", kit=kit)
    assert [point.setting for point in points] == list(STEPS)
    samples = NextStrategy().samples(folder, "valid")
    planner = NextStrategy().measures(samples, NextStrategy().answers("blend", samples, kit))
    assert points[0].figures["accuracy"].value == planner["accuracy"].value()
