"""Sequences of strategies: what a sample is, and what answers are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import DataError, SettingsError
from agent.settings import load_settings
from agent.turn import Message
from evals.run import EncoderKit, evaluate
from evals.task import Answers, Sample
from evals.tasks.sequence import StrategySequence, distance
from sem_plugins.labels import ESCONV, ESCONV_NAMES
from strategies.sequence import follows
from tests.evals.small_sets import small_sets
from tests.sem_plugins.tiny_sets import support, write_sets

TASK = StrategySequence()
Q, R, A = "question", "reflection", "affirmation"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six talks with an answer of one strategy and one of two, of which the first is said twice."""
    names = list(ESCONV_NAMES.values())
    talks = [
        support(
            f"talk {number}",
            f"The roof leaks since day {number}.",
            ("Since when?", "Question"),
            "Since the storm.",
            ("That is a lot.", "Reflection of feelings"),
            ("And all at once.", "Reflection of feelings"),
            ("Who helps?", names[number % 2 * 4]),
            "Nobody.",
        )
        for number in range(6)
    ]
    root = small_sets(tmp_path_factory.mktemp("sets"))
    return write_sets(root, {"esconv/valid.jsonl": talks, "esconv/train.jsonl": talks[:3]})


def told(*truths: list[str]) -> list[Sample]:
    """Samples of one dialogue each."""
    return [Sample(str(n), str(n), (Message("seeker", "Well."),), truth) for n, truth in enumerate(truths)]


def said(*sequences: list[str]) -> Answers:
    return [{"strategies": sequence} for sequence in sequences]


def values(samples: list[Sample], answers: Answers) -> dict[str, float]:
    return {name: measure.value() for name, measure in TASK.measures(samples, answers).items()}


def test_that_a_sample_is_an_answer_with_its_strategies_in_order(folder: Path):
    samples = TASK.samples(folder, "valid")
    assert [sample.truth for sample in samples[:4]] == [[Q], [R, Q], [Q], [R, A]]
    assert [message.text for message in samples[1].messages][-1] == "Since the storm."
    assert len({sample.id for sample in samples}) == len(samples) == 12


def test_that_the_same_list_is_a_full_match():
    assert values(told([Q], [R, Q]), said([Q], [R, Q])) == {
        "exact_match": 1,
        "set_f1": 1,
        "edit_similarity": 1,
        "first_accuracy": 1,
        "length_accuracy": 1,
        "several": 1 / 2,
    }


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        ([R, Q], [R], (0, 2 / 3, 1 / 2, 1, 0, 0)),
        ([R], [R, Q], (0, 2 / 3, 1 / 2, 1, 0, 1)),
        ([R, Q], [Q, R], (0, 1, 0, 0, 1, 1)),
        ([R, Q, A], [R, A], (0, 4 / 5, 2 / 3, 1, 0, 1)),
        ([R, Q, R], [R, Q], (0, 1, 2 / 3, 1, 0, 1)),
        ([R], [Q], (0, 0, 0, 0, 1, 0)),
    ],
    ids=["one left out", "one too many", "turned round", "the middle left out", "come back to", "another"],
)
def test_that_what_is_half_right_is_counted_by_hand(
    truth: list[str], answer: list[str], expected: tuple[float, ...]
):
    assert tuple(values(told(truth, truth), said(answer, answer)).values()) == pytest.approx(expected)


def test_that_figures_are_means_over_answers_that_there_are():
    found = values(told([R, Q], [Q], [A]), [*said([R, Q], [A, R]), None])
    assert found["exact_match"] == found["set_f1"] == 0.5
    assert found["length_accuracy"] == 0.5


@pytest.mark.parametrize(
    ("one", "other", "steps"), [("", "", 0), ("ab", "", 2), ("abc", "ac", 1), ("ab", "ba", 2), ("abcd", "bcde", 2)]
)
def test_that_the_distance_is_the_fewest_changes(one: str, other: str, steps: int):
    assert distance(one, other) == distance(other, one) == steps


def test_that_an_answer_that_is_no_sequence_is_named_with_the_strategies_that_there_are():
    with pytest.raises(DataError, match=r"Sample '0': 'hugging' is no strategy\. Strategies: question, "):
        TASK.measures(told([Q]), said([Q, "hugging"]))
    with pytest.raises(DataError, match=r"Sample '0': the answer holds no strategy"):
        TASK.measures(told([Q]), said([]))


def test_that_floors_are_the_commonest_sequence_and_single_draws(folder: Path):
    samples = TASK.samples(folder, "valid")
    floors = {name: make() for name, make in TASK.floors(samples, folder).items()}
    assert floors["commonest"] == said(*[[Q]] * len(samples))
    drawn: list[Any] = [answer["strategies"] for answer in floors["prior sampling"] if answer]
    assert {len(sequence) for sequence in drawn} == {1}
    assert {sequence[0] for sequence in drawn} == {Q, R}  # what train's answers begin with


def test_that_head_and_planners_answer_with_what_follows(folder: Path):
    systems = ["sem", "single", "rules", "blend", "predicted"]
    kit = EncoderKit(load_settings(), progress=False)
    results = evaluate(TASK, folder, "valid", kit=kit, systems=systems)
    for system, result in zip(systems, results, strict=True):
        assert result.signature["system"] == system
        assert set(result.metrics) == {
            *("exact_match", "set_f1", "edit_similarity", "first_accuracy", "length_accuracy", "several"),
        }
    firsts = [[row["answer"]["strategies"][0] for row in result.samples] for result in results]
    assert firsts[0] == firsts[1] == firsts[4]
    assert all(len(row["answer"]["strategies"]) == 1 for row in results[1].samples)


def test_that_the_head_goes_on_as_people_do(folder: Path, monkeypatch: pytest.MonkeyPatch):
    usual = dict.fromkeys(ESCONV.labels, 0.1) | {R: 0.3}
    rows = [[usual[label] for label in ESCONV.labels]] * 2
    monkeypatch.setattr("evals.tasks.sequence.distributions", lambda samples, kit: np.array(rows))
    samples = TASK.samples(folder, "valid")[:2]
    kit = EncoderKit(load_settings(), progress=False)
    assert follows(R, usual)
    assert TASK.answers("sem", samples, kit) == said(*[[R, *follows(R, usual)]] * 2)
    assert TASK.answers("single", samples, kit) == said([R], [R])


def test_that_an_unknown_system_is_named_with_those_that_there_are(folder: Path):
    samples = TASK.samples(folder, "valid")[:1]
    with pytest.raises(SettingsError, match=r"No planner 'oracle'\. Systems: sem, single, .*rules"):
        TASK.answers("oracle", samples, EncoderKit(load_settings(), progress=False))
