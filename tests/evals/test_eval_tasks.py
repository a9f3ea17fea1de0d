"""Tasks: what a sample is, and what answers are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import DataError
from agent.turn import Message
from evals.task import Answers, Sample
from sem_plugins.labels import ESCONV
from tests.evals.small_sets import small_sets, task, task_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


def told(*truths: Any) -> list[Sample]:
    """Samples of one dialogue each."""
    return [Sample(str(n), str(n), (Message("seeker", "Well."),), truth) for n, truth in enumerate(truths)]


def values(name: str, samples: list[Sample], answers: Answers) -> dict[str, float]:
    return {metric: measure.value() for metric, measure in task(name).measures(samples, answers).items()}


@pytest.mark.parametrize("name", task_names())
def test_that_a_task_says_what_it_is_and_warns_of_its_traps(name: str):
    found = task(name)
    assert found.name == name
    about = found.__doc__ or ""
    assert "An item (made up)" in about
    assert "Protocol: " in about
    assert "Traps: " in about


@pytest.mark.parametrize("name", task_names())
def test_that_samples_have_ids_of_their_own_and_a_dialogue(folder: Path, name: str):
    samples = task(name).samples(folder, "valid")
    assert len({sample.id for sample in samples}) == len(samples) > 1
    assert all(sample.group and sample.messages for sample in samples)


@pytest.mark.parametrize("name", task_names())
def test_that_any_name_of_a_split_is_read(tmp_path: Path, name: str):
    small_sets(tmp_path, split="autumn")
    assert task(name).samples(tmp_path, "autumn")


@pytest.mark.parametrize("name", task_names())
def test_that_a_missing_split_is_named(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=r"No file 'winter\.jsonl'"):
        task(name).samples(tmp_path, "winter")


@pytest.mark.parametrize("name", task_names())
def test_that_floors_answer_every_sample(folder: Path, name: str):
    samples = task(name).samples(folder, "valid")
    for floor, make in task(name).floors(samples, folder).items():
        answers = make()
        assert len(answers) == len(samples), floor
        assert task(name).measures(samples, answers)


def test_that_of_strategies_accuracy_f1_and_top3_are_counted():
    q, r, s = "question", "reflection", "suggestions"
    samples = told(q, q, r, s)
    answers: Answers = [
        {"label": q, "probabilities": {q: 0.6, r: 0.4}},
        {"label": r, "probabilities": {r: 0.5, s: 0.3, q: 0.2}},
        {"label": r, "probabilities": {r: 1.0}},
        {"label": q, "probabilities": {q: 0.7, "others": 0.2, r: 0.1}},
    ]
    measures = task("esconv/next-strategy").measures(samples, answers)
    assert measures["accuracy"].value() == 0.5
    assert measures["top3"].value() == 0.75
    # question: one of two found, one false alarm; reflection: found, one false alarm; suggestions: missed.
    assert measures["f1_question"].value() == pytest.approx(0.5)
    assert measures["f1_reflection"].value() == pytest.approx(2 / 3)
    assert measures["macro_f1"].value() == pytest.approx((0.5 + 2 / 3 + 0) / 3)  # over the labels that occur


def test_that_a_sure_answer_has_not_every_other_label_in_its_top3():
    sure: Answers = [{"label": label, "probabilities": {label: 1.0}} for label in ESCONV.labels]
    truth = told(*(ESCONV.labels[-1] for _ in ESCONV.labels))
    assert task("esconv/next-strategy").measures(truth, sure)["top3"].value() == 1 / len(ESCONV.labels)


def test_that_a_guess_without_probabilities_has_no_top3_and_no_calibration():
    found = task("esconv/next-strategy").measures(told(*ESCONV.labels), [{"label": "question"}] * 8)
    assert not {"top3", "ece"} & set(found)


def test_that_the_chosen_label_is_the_answer_though_rounding_made_a_tie():
    answer = {"label": "reflection", "probabilities": {"question": 0.5, "reflection": 0.5}}
    found = task("esconv/next-strategy").measures(told("reflection", "reflection"), [answer, answer])
    assert found["accuracy"].value() == 1


def test_that_a_label_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(DataError, match=r"Sample '0': 'hugging' is no label\. Labels: question, "):
        task("esconv/next-strategy").measures(told("question"), [{"label": "hugging"}])


def test_that_what_has_no_answer_is_left_out_and_not_wrong():
    found = task("esconv/next-strategy").measures(told("question", "others"), [{"label": "question"}, None])
    assert found["accuracy"].value() == 1
    assert len(found["accuracy"].groups) == 1


def test_that_always_the_same_strategy_has_no_bias_but_an_error():
    found = task("esconv/next-strategy").measures(told(*ESCONV.labels), [{"label": "question"}] * 8)
    with pytest.raises(DataError, match="preference"):
        found["preference_bias"].value()


def test_that_pairs_of_causes_are_counted_over_all_dialogues():
    samples = told([True, True], [False, True])
    found = values("reccon/entailment", samples, [{"holds": [True, False]}, {"holds": [True, True]}])
    # Positive: 2 hits, 1 false alarm, 1 miss. Negative: 0 hits, 1 false, 1 miss.
    assert found == {"positive_f1": pytest.approx(2 / 3), "macro_f1": pytest.approx(1 / 3)}


def test_that_spans_are_compared_by_their_words():
    samples = [
        Sample(
            str(n),
            str(n),
            (Message("seeker", "They gave my desk away."),),
            {"utterance": 0, "start": 5, "end": 17},
        )
        for n in range(2)
    ]
    found = values("reccon/span", samples, [{"start": 5, "end": 17}, {"start": 10, "end": 23}])
    # "gave my desk" against "my desk away": two of three words each way.
    assert found == {"exact_match": 0.5, "token_f1": pytest.approx((1 + 2 / 3) / 2)}


def test_that_several_labels_are_counted_label_by_label():
    samples = told(["joy", "love"], ["anger"])
    found = task("goemotions").measures(samples, [{"labels": ["joy"]}, {"labels": ["anger", "joy"]}])
    assert found["f1_joy"].value() == pytest.approx(2 / 3)
    assert found["f1_love"].value() == 0
    assert found["f1_anger"].value() == 1
    assert found["macro_f1"].value() == pytest.approx((2 / 3 + 1) / 28)


def test_that_numbers_are_correlated_and_their_errors_averaged():
    names = ("valence", "arousal", "dominance")
    samples = told(*(dict.fromkeys(names, n / 10) for n in range(3)))
    found = values("emobank", samples, [dict.fromkeys(names, -n / 10) for n in range(3)])
    assert found["valence_r"] == pytest.approx(-1)
    assert found["valence_mae"] == pytest.approx((0 + 0.2 + 0.4) / 3)


def test_that_each_mechanism_of_empathy_is_scored_on_its_own():
    names = ("emotional_reactions", "interpretations", "explorations")
    samples = told(*(dict.fromkeys(names, level) for level in (0, 1, 2)))
    answers: Answers = [dict(zip(names, (level, 0, 2), strict=True)) for level in (0, 1, 2)]
    found = values("epitome", samples, answers)
    assert found["emotional_reactions_macro_f1"] == 1
    assert found["interpretations_accuracy"] == pytest.approx(1 / 3)
    assert found["explorations_macro_f1"] == pytest.approx(0.5 / 3)


def test_that_the_highest_level_in_any_piece_is_the_users():
    pieces = [
        Sample(f"u{user}#{piece}", f"u{user}", (Message("seeker", "Well."),), ("ideation", "supportive")[user % 2])
        for user in range(4)
        for piece in range(2)
    ]
    quiet, loud = {"level": "none"}, {"level": "plan"}
    found = values("cssrs", pieces, [quiet, loud, quiet, quiet, quiet, quiet, loud, quiet])
    assert found["ideation_recall"] == 0.5
    assert found["supportive_alarms"] == 0.5


def test_that_a_conformal_set_is_scored_by_what_it_holds_and_its_size():
    samples = told("sad", "proud")
    answers: Answers = [{"label": "sad", "primary": ["sad", "lonely"]}, {"label": "sad", "primary": ["sad"]}]
    found = values("empathetic-dialogues/situation", samples, answers)
    assert (found["coverage"], found["set_size"]) == (0.5, 1.5)


def test_that_the_three_emotion_tasks_read_different_texts(folder: Path):
    texts = {
        form: [
            " / ".join(message.text for message in sample.messages)
            for sample in task(f"empathetic-dialogues/{form}").samples(folder, "valid")
        ]
        for form in ("situation", "seeker-turns", "dialogue")
    }
    assert texts["situation"][1] == "Day 1 of rain."
    assert texts["seeker-turns"][1] == "It rains for 1 days. Yes."
    assert set(texts["dialogue"]) <= {f"It rains for {n} days." for n in range(5)} | {
        f"It rains for {n} days. / Still? / Yes." for n in range(5)
    }
    assert np.unique(texts["dialogue"]).size == 5
