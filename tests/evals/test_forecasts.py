"""Forecasts of emotions: samples, what the dynamics are asked, figures and floors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError, SettingsError
from agent.settings import load_settings
from evals.compare import compare
from evals.run import EncoderKit, evaluate
from evals.task import Sample
from evals.tasks import forecast as module
from evals.tasks import next_emotion
from evals.tasks.agent_emotion import AgentEmotion, arithmetic
from evals.tasks.forecast import ABLATIONS, LEAST, Forecast, Table, last_label
from evals.tasks.next_emotion import EmoryNLPNext, MELDNext, RECCONNext
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, MELD
from sem_plugins.tracker.dynamics import climate_after
from sem_plugins.tracker.own import mehrabian
from tests.evals.small_sets import scene, small_sets
from tests.sem_plugins.tiny_sets import write_sets

Asked = list[dict[str, Any]]
TASKS: list[Forecast] = [MELDNext(), EmoryNLPNext(), RECCONNext(), AgentEmotion()]
pytestmark = pytest.mark.usefixtures("few_draws")

LABEL_SETS = {each.id: each for each in (MELD, DAILY_DIALOG, EMORY_NLP)} | {"peld": MELD}


class Echo:
    """Dynamics that remember what they were asked, and expect what the speaker last showed."""

    def __init__(self, asked: Asked, size: int, inputs: str) -> None:
        self.asked, self.size, self.inputs = asked, size, inputs

    def logits(self, own, since, other, run, climate, *, without=frozenset()):
        told = {"own": own, "since": since, "other": other, "run": run, "climate": climate}
        self.asked.append({**told, "without": without, "inputs": self.inputs})
        return np.log(np.full(self.size, 1 / self.size) if own is None else own * 0.5 + 0.5 / self.size)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the dynamics are asked, which are ours here."""
    found: Asked = []
    monkeypatch.setattr(module, "dynamics", lambda name, inputs: Echo(found, len(LABEL_SETS[name]), inputs))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_sets(tmp_path)


@pytest.fixture
def kit() -> EncoderKit:
    return EncoderKit(load_settings(), progress=False)


def sample(emotion: str, *before: str, speakers: tuple[int, ...] = (), **more: Any) -> Sample:
    speakers = speakers or tuple(range(len(before) + 1))
    return Sample(
        emotion, emotion, (), {"emotion": emotion, "before": list(before), "speakers": list(speakers), **more}
    )


# Samples


def test_that_every_utterance_but_the_first_is_forecast_from_the_side_of_who_speaks_next(tmp_path: Path):
    talk = scene("one", ("Ana", "joy"), ("Bo", "anger"), ("Cy", "neutral"), ("Bo", "fear"))
    write_sets(tmp_path, {"meld/valid.jsonl": [talk, scene("alone", ("Ana", "joy"))]})
    found = MELDNext().samples(tmp_path, "valid")
    assert [one.id for one in found] == ["one#1", "one#2", "one#3"]
    assert found[2].truth == {"emotion": "fear", "before": ["joy", "anger", "neutral"], "speakers": [0, 1, 2, 1]}
    assert [message.role for message in found[2].messages] == ["supporter", "seeker", "supporter"]
    assert not any("Bo, 3" in message.text for message in found[2].messages)  # what is said then is not told


@pytest.mark.parametrize("task", TASKS)
def test_that_the_last_label_is_the_next_speakers_own_or_else_anybodys(task: Forecast):
    assert last_label(sample("joy", "fear", "anger", speakers=(0, 1, 0))) == "fear"
    assert last_label(sample("joy", "fear", "anger", speakers=(0, 1, 2))) == "anger"


def test_that_a_table_counts_what_followed_and_leans_on_the_shares_where_little_was_seen():
    train = [sample("joy", "joy")] * 30 + [sample("anger", "joy")] * 10 + [sample("anger", "fear")]
    table = Table.of(MELD, train)
    joy, anger, fear = (MELD.index(label) for label in ("joy", "anger", "fear"))
    assert table.shares[[joy, anger, fear]] == pytest.approx([30 / 41, 11 / 41, 0])
    assert table.same == pytest.approx(30 / 41)
    assert table.after[joy, joy] == pytest.approx((30 + 7 * 30 / 41) / 47)
    assert table.after[fear, anger] == pytest.approx((1 + 7 * 11 / 41) / 8)
    assert table.after.sum(axis=1) == pytest.approx(np.ones(7))
    assert table.after[MELD.index("disgust")] == pytest.approx(table.shares)  # never seen


# What the dynamics are asked


def test_that_the_dynamics_are_told_own_other_distances_and_climate(asked: Asked, kit: EncoderKit):
    one = sample("joy", "fear", "anger", "neutral", speakers=(0, 1, 2, 0))
    MELDNext().answers("told", [one], kit)
    [question] = asked
    fear, anger, neutral = np.eye(7)[[MELD.index(label) for label in ("fear", "anger", "neutral")]]
    assert (question["since"], question["run"], question["without"]) == (3, 2, frozenset())
    assert (question["own"] == fear).all()
    assert (question["other"] == neutral).all()
    climate = climate_after(climate_after(climate_after(None, fear), anger), neutral)
    assert question["climate"] == pytest.approx(climate)


def test_that_who_has_not_spoken_has_no_own_and_who_is_alone_no_other(asked: Asked, kit: EncoderKit):
    new, alone = sample("joy", "fear", speakers=(0, 1)), sample("anger", "fear", speakers=(0, 0))
    MELDNext().answers("told", [new, alone], kit)
    assert (asked[0]["own"], asked[0]["since"], asked[0]["run"]) == (None, 0, 1)
    assert (asked[1]["other"], asked[1]["since"], asked[1]["run"]) == (None, 1, 0)


@pytest.mark.parametrize("system", ABLATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_that_an_ablation_leaves_out_the_part_it_names(
    task: Forecast, system: str, asked: Asked, kit: EncoderKit, folder: Path
):
    assert system in task.systems
    samples = task.samples(folder, "valid")
    answers = task.answers(system, samples, kit)
    assert len(answers) == len(samples) == len(asked)
    assert {one["without"] for one in asked} == {frozenset({system.rpartition("-")[2]})}
    assert {one["inputs"] for one in asked} == {"told"}


@pytest.mark.parametrize("task", TASKS)
def test_that_an_unknown_system_is_named_with_those_that_there_are(task: Forecast, asked: Asked, kit: EncoderKit):
    with pytest.raises(SettingsError, match=r"No system 'oracle'\. Systems: told, "):
        task.answers("oracle", [], kit)


def test_that_utterances_are_read_once_each_from_their_speakers_side_and_not_told(
    tmp_path: Path, asked: Asked, kit: EncoderKit, monkeypatch: pytest.MonkeyPatch
):
    talk = scene("one", ("Ana", "joy"), ("Bo", "anger"), ("Cy", "neutral"), ("Bo", "fear"))
    write_sets(tmp_path, {"meld/valid.jsonl": [talk]})
    turns: list[Any] = []
    read = next_emotion.read_turns

    def watched(given: Any, kit: Any) -> Any:
        turns.extend(given)
        return read(given, kit)

    def shown(turn: Any, labels: Any) -> Any:
        assert turn.emotion is not None
        assert turn.expression is not None
        return np.eye(len(labels))[4 + int(turn.text[-2])]

    monkeypatch.setattr(next_emotion, "read_turns", watched)
    monkeypatch.setattr(next_emotion, "shown", shown)
    MELDNext().answers("read", MELDNext().samples(tmp_path, "valid"), kit)
    assert [turn.text for turn in turns] == ["So says Ana, 0.", "So says Bo, 1.", "So says Cy, 2."]
    assert [[message.role for message in turn.history] for turn in turns] == [[], ["supporter"], ["supporter"] * 2]
    assert [place for one in asked for place in np.flatnonzero(one["other"])] == [4, 5, 6]
    assert {one["inputs"] for one in asked} == {"read"}


def test_that_what_cannot_be_read_counts_as_even(
    tmp_path: Path, asked: Asked, kit: EncoderKit, monkeypatch: pytest.MonkeyPatch
):
    write_sets(tmp_path, {"meld/valid.jsonl": [scene("one", ("Ana", "joy"), ("Bo", "anger"))]})
    monkeypatch.setattr(next_emotion, "read_turns", lambda turns, kit: turns)  # no plugin ran
    MELDNext().answers("read", MELDNext().samples(tmp_path, "valid"), kit)
    assert asked[0]["other"] == pytest.approx(np.full(7, 1 / 7))


# Figures


def values(samples: list[Sample], answers: list[Mapping[str, Any] | None]) -> dict[str, float]:
    return {name: measure.value() for name, measure in MELDNext().measures(samples, answers).items()}


def test_that_probabilities_are_scored_by_logarithm_square_and_against_the_table():
    samples = [sample("joy", "joy", table=0.25), sample("anger", "joy", table=0.5)]
    answer = {"label": "joy", "probabilities": {"joy": 0.5, "anger": 0.25, "fear": 0.25}}
    found = values(samples, [answer, answer])
    assert found["accuracy"] == 0.5
    assert found["log_likelihood"] == pytest.approx((np.log(0.5) + np.log(0.25)) / 2, abs=1e-6)
    assert found["brier"] == pytest.approx((0.375 + 0.25 + 0.5625 + 0.0625) / 2, abs=1e-6)
    assert found["gain_over_table"] == pytest.approx(0, abs=1e-6)  # twice as probable once, half once


def test_that_a_guess_without_probabilities_is_sure_and_a_sure_mistake_costs_no_more_than_the_least():
    samples = [sample("joy", "joy", table=0.25), sample("anger", "joy", table=0.25)]
    found = values(samples, [{"label": "joy"}, {"label": "joy"}])
    assert found["log_likelihood"] == pytest.approx(np.log(LEAST) / 2, abs=1e-6)
    assert found["brier"] == pytest.approx(1)
    assert "ece" not in found


def test_that_without_train_the_gain_is_left_out_with_a_note_and_the_rest_is_there(
    folder: Path, asked: Asked, kit: EncoderKit
):
    (folder / "meld" / "train.jsonl").unlink()
    [result] = evaluate(MELDNext(), folder, "valid", kit=kit, systems=["told"])
    assert {"accuracy", "macro_f1", "log_likelihood", "brier"} <= set(result.metrics)
    assert "gain_over_table" not in result.metrics
    assert "gain_over_table left out: the table is counted on train, which cannot be read" in result.notes
    assert result.floors == {}


def test_that_a_train_in_which_nothing_follows_anything_says_so(tmp_path: Path):
    rows = {"meld/train.jsonl": [scene("a", ("Ana", "joy"))], "meld/valid.jsonl": [scene("b", ("Bo", "joy"))] * 2}
    write_sets(tmp_path, rows)
    with pytest.raises(DataError, match="nothing can be counted"):
        MELDNext().floors([], tmp_path)["marginal"]()


@pytest.mark.parametrize("task", TASKS)
def test_that_floors_are_told_labels_and_give_distributions(task: Forecast, folder: Path):
    samples = task.samples(folder, "valid")
    floors = {name: make() for name, make in task.floors(samples, folder).items()}
    assert set(floors) == {"same as their last", "marginal", "transition table"}
    for answers in floors.values():
        assert len(answers) == len(samples)
        for answer in answers:
            assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert [a["label"] for a in floors["same as their last"]] == [last_label(one) for one in samples]
    assert len({tuple(answer["probabilities"].values()) for answer in floors["marginal"]}) == 1
    assert task.measures(samples, floors["transition table"])["gain_over_table"].value() == pytest.approx(
        0, abs=1e-3
    )


@pytest.mark.parametrize("task", TASKS)
def test_that_a_run_and_its_ablation_can_be_compared(task: Forecast, folder: Path, asked: Asked, kit: EncoderKit):
    one, other = evaluate(task, folder, "valid", kit=kit, systems=["told", "told-without-climate"])
    found = compare(task, one, other, samples=task.samples(folder, "valid"))
    by_name = {difference.metric: difference for difference in found}
    assert {"log_likelihood", "brier", "gain_over_table", "macro_f1"} <= set(by_name)
    assert by_name["gain_over_table"].value == 0


def test_that_no_words_of_people_are_in_a_result(folder: Path, asked: Asked, kit: EncoderKit):
    [result] = evaluate(MELDNext(), folder, "valid", kit=kit, systems=["told"])
    assert not any(word in str(result.samples) for word in ("seat", "stairs", "Ana", "Bo"))


# PELD


def test_that_an_answer_is_forecast_from_both_utterances_and_the_personality(asked: Asked, kit, folder: Path):
    [first, *_] = samples = AgentEmotion().samples(folder, "valid")
    assert first.truth["speakers"] == [0, 1, 0]
    assert len(first.truth["before"]) == len(first.messages) == 2
    assert set(first.truth["personality"].values()) == {0.0}
    AgentEmotion().answers("told", samples, kit)
    assert {(one["since"], one["run"]) for one in asked} == {(2, 1)}


def test_that_stability_and_not_neuroticism_makes_people_glad_and_calm():
    calm = dict(zip(("openness", "conscientiousness", "extraversion", "agreeableness"), [0.5] * 4, strict=True))
    steady, shaky = (np.array(mehrabian({**calm, "neuroticism": value})) for value in (0.0, 1.0))
    assert steady - shaky == pytest.approx([0.19, -0.57, 0])
    assert steady == pytest.approx([0.21 / 2 + 0.59 / 2 + 0.19, 0.45 / 2 - 0.57, (0.25 + 0.17 + 0.60 - 0.32) / 2])


def test_that_arithmetic_stays_where_nothing_moves_and_follows_where_all_does():
    traits = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
    cold = dict.fromkeys(traits, 0.0)
    assert arithmetic("joy", "joy", cold) == "joy"
    assert arithmetic("anger", "neutral", cold) == "anger"
    open_ = {**dict.fromkeys(traits, 1.0), "neuroticism": 0.4}
    assert arithmetic("joy", "sadness", open_) != "joy"


@given(
    st.sampled_from(MELD.labels),
    st.sampled_from(MELD.labels),
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
)
def test_that_any_person_answers_with_a_label_and_agreement_changes_nothing(
    own: str, other: str, values: list[float]
):
    traits = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
    person = dict(zip(traits, values, strict=True))
    assert arithmetic(own, other, person) in MELD.labels
    assert arithmetic(own, own, person) == own


@pytest.mark.data
@pytest.mark.parametrize("task", TASKS)
def test_that_on_the_real_sets_the_table_is_the_strongest_floor(task: Forecast, data_root: Path):
    samples = task.samples(data_root, "valid")
    found = {
        name: task.measures(samples, make())["log_likelihood"].value()
        for name, make in task.floors(samples, data_root).items()
    }
    assert max(found, key=lambda name: found[name]) == "transition table"
