"""`esconv/outcome`: whether the tracker's relief goes with the survey's, and tells failed support apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import DataError
from agent.settings import load_settings
from agent.turn import Message
from evals.run import EncoderKit, evaluate
from evals.task import Answers, Sample
from evals.tasks.outcome import Outcome
from tests.evals.small_sets import small_sets
from tests.sem_plugins.tiny_sets import support, write_sets

TASK = Outcome()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_sets(tmp_path)


def samples_of(*truths: tuple[float | None, bool]) -> list[Sample]:
    """Of relief by the survey, and whether support failed."""
    return [
        Sample(str(n), str(n), (Message("seeker", "Well."),), {"relief": relief, "failed": failed})
        for n, (relief, failed) in enumerate(truths)
    ]


def values(samples: list[Sample], answers: Answers) -> dict[str, float]:
    return {name: measure.value() for name, measure in TASK.measures(samples, answers).items()}


def test_that_an_outcome_is_the_fall_of_the_bad_feeling_by_the_survey_or_unknown(folder: Path):
    found = [sample for sample in TASK.samples(folder, "valid") if not sample.truth["failed"]]
    assert [sample.id for sample in found] == [f"talk {number}" for number in range(8)]
    assert [sample.truth["relief"] for sample in found] == [None, 0, 0.25, 0.5, -0.25, 0, 0.25, 0.5]


def test_that_failed_dialogues_of_the_same_split_are_samples_too_but_never_those_of_train(folder: Path):
    failed = [sample.id for sample in TASK.samples(folder, "valid") if sample.truth["failed"]]
    assert failed == ["failed 0", "failed 1", "failed 2"]
    write_sets(
        folder, {"esconv_failed/train.jsonl": [support("failed", "It rains.", ("So?", "Question"), "Yes.")]}
    )
    assert not any(sample.truth["failed"] for sample in TASK.samples(folder, "train"))


def test_that_without_the_failed_dialogues_everything_else_is_measured(folder: Path):
    (folder / "esconv_failed" / "valid.jsonl").unlink()
    samples = TASK.samples(folder, "valid")
    found = TASK.measures(samples, [{"relief": n / 10} for n in range(len(samples))])
    assert found["relief_r"].value()
    with pytest.raises(DataError, match="both `esconv` and `esconv_failed`"):
        found["failed_auc"].value()


def test_that_relief_is_correlated_and_its_direction_counted_for_both():
    samples = samples_of((0.5, False), (0.25, False), (0.0, True), (-0.25, True))
    found = values(samples, [{"relief": r} for r in (0.4, -0.1, 0.1, -0.3)])
    assert found["better_recall"] == found["worse_recall"] == 0.5
    assert found["relief_r"] == pytest.approx(0.8214, abs=1e-3)


def test_that_dialogues_without_the_survey_tell_failed_support_apart_and_nothing_else():
    samples = samples_of((0.5, False), (0.25, False), (-0.25, False), (None, False), (None, True), (0.0, True))
    found = TASK.measures(samples, [{"relief": r} for r in (0.4, 0.3, -0.3, 0.2, 0.2, 0.3)])
    assert found["relief_r"].groups.tolist() == ["0", "1", "2", "5"]
    # Against 0.2: two higher, a tie, one lower. Against 0.3: one higher, a tie, two lower.
    assert found["failed_auc"].value() == pytest.approx((2.5 + 1.5) / 8)


def test_that_the_end_is_scored_where_there_is_one():
    samples = samples_of((0.5, False), (0.0, False), (None, True))
    assert not {"final_r", "final_auc"} & set(values(samples, [{"relief": r} for r in (0.2, 0.1, 0.0)]))
    found = values(samples, [{"relief": r, "final": -r} for r in (0.2, 0.1, 0.0)])
    assert (found["final_r"], found["final_auc"], found["failed_auc"]) == (pytest.approx(-1), 0, 1)


def test_that_what_has_no_answer_is_left_out():
    samples = samples_of((0.5, False), (0.0, False), (None, True), (None, True))
    found = TASK.measures(samples, [{"relief": 0.2}, {"relief": 0.1}, None, {"relief": 0.0}])
    assert len(found["failed_auc"].groups) == 3


def test_that_the_tracker_answers_with_relief_and_end_and_not_where_the_seeker_hardly_wrote(folder: Path):
    short = support("short", "The roof leaks.", ("Since when?", "Question"))
    blank = support("blank", "The roof leaks.", ("Since when?", "Question"), " ")
    rows = [
        support("one", "I hate this roof.", ("Since when?", "Question"), "Thank you, I feel so much better!"),
        short,
        blank,
    ]
    write_sets(folder, {"esconv/valid.jsonl": rows})
    kit = EncoderKit(load_settings(), progress=False)
    [result] = evaluate(TASK, folder, "valid", kit=kit, systems=["tracker"])
    answers = {row["id"]: row["answer"] for row in result.samples}
    assert answers["one"]["relief"] > 0
    assert -1 <= answers["one"]["final"] <= 1
    assert answers["short"] is None
    assert answers["blank"] is None
    assert "failed_auc" in result.metrics
    assert set(result.floors["longer is better"]) >= {"failed_auc"}
