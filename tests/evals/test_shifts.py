"""`meld/shifts`: what a shift is, and when one was noticed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError, SettingsError
from agent.readings import Affect
from agent.settings import load_settings
from agent.state import EmotionalState, Shift
from agent.testing import a_turn
from evals.run import EncoderKit, evaluate
from evals.task import Sample
from evals.tasks import shifts as module
from evals.tasks.shifts import Shifts, turns_of_mood
from tests.evals.small_sets import scene, small_sets
from tests.sem_plugins.tiny_sets import write_sets

TASK = Shifts()


@pytest.fixture
def kit() -> EncoderKit:
    return EncoderKit(load_settings(), progress=False)


def samples_of(*truths: tuple[int, list[tuple[int, str]]]) -> list[Sample]:
    return [
        Sample(str(n), str(n), (), {"utterances": utterances, "shifts": [list(shift) for shift in shifts]})
        for n, (utterances, shifts) in enumerate(truths)
    ]


def values(samples: list[Sample], *marks: list[tuple[int, str]]) -> dict[str, float]:
    found = TASK.measures(samples, [{"shifts": [list(mark) for mark in each]} for each in marks])
    return {name: measure.value() for name, measure in found.items()}


# What a shift is


def test_that_a_shift_is_the_opposite_of_the_last_sentiment_that_was_not_neutral(tmp_path: Path):
    ana = ("positive", "neutral", "negative", "negative", "neutral", "positive")
    said = [pair for sentiment in ana for pair in (("Ana", sentiment), ("Bo", "negative"))]
    write_sets(tmp_path, {"meld/valid.jsonl": [scene("one", *said[:-1], ("Cy", "positive"))]})
    one, other = TASK.samples(tmp_path, "valid")
    assert one.truth == {"utterances": 6, "shifts": [[2, "worse"], [5, "better"]]}
    assert other.truth == {"utterances": 5, "shifts": []}  # Bo; of Cy there is too little


def test_that_a_speaker_is_followed_as_a_seeker_up_to_their_last_utterance(tmp_path: Path):
    said = [("Ana", "positive"), ("Bo", "neutral")] * 4
    write_sets(tmp_path, {"meld/valid.jsonl": [scene("one", *said)]})
    ana, bo = TASK.samples(tmp_path, "valid")
    assert [message.role for message in ana.messages] == ["seeker", "supporter"] * 3 + ["seeker"]
    assert [message.role for message in bo.messages] == ["supporter", "seeker"] * 4
    assert ana.group == bo.group == "one"
    assert ana.id != bo.id


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0])))
def test_that_moods_turn_one_way_and_then_the_other(signs: list[float]):
    found = turns_of_mood(signs)
    assert all(one[1] != other[1] for one, other in pairwise(found))
    assert all((signs[place] > 0) == (way == "better") for place, way in found)


# Figures


def test_that_a_mark_at_the_shift_or_within_two_utterances_notices_it():
    samples = samples_of((20, [(2, "worse"), (8, "better"), (14, "worse")]))
    found = values(samples, [(2, "worse"), (10, "better"), (17, "worse")])
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["delay"] == 1  # none and two
    assert found["false_alarms"] == pytest.approx(100 / 11)  # nine of twenty lie near a shift


def test_that_a_shift_is_noticed_once_and_only_the_way_it_goes():
    samples = samples_of((6, [(1, "worse")]))
    twice = values(samples, [(1, "worse"), (2, "worse")])
    assert (twice["recall"], twice["precision"], twice["false_alarms"]) == (1, 0.5, 0)
    wrong = TASK.measures(samples, [{"shifts": [[1, "better"]]}])
    assert (wrong["recall"].value(), wrong["precision"].value()) == (0, 0)
    with pytest.raises(DataError):
        wrong["delay"].value()


def test_that_one_mark_cannot_notice_two_shifts():
    samples = samples_of((8, [(1, "worse"), (2, "better"), (3, "worse")]))
    assert values(samples, [(3, "worse")])["recall"] == pytest.approx(1 / 3)


def test_that_who_marks_nothing_has_no_precision_and_no_alarms():
    found = TASK.measures(samples_of((6, [(1, "worse")])), [{"shifts": []}])
    assert (found["recall"].value(), found["false_alarms"].value()) == (0, 0)
    with pytest.raises(DataError):
        found["precision"].value()


# Systems


def test_that_a_mark_is_where_the_last_shift_changes_whatever_turn_it_names(monkeypatch: pytest.MonkeyPatch, kit):
    first, second = Shift(0, "worse", 0.4), Shift(3, "better", 0.5)

    def state(shift: Shift | None) -> EmotionalState:
        return EmotionalState(Affect(0.0, 0.0, 0.0), 1, 0.0, shift, 0, 0.5)

    followed = [(a_turn("Hm."), state(shift)) for shift in (None, first, first, second)]
    monkeypatch.setattr(module, "followed", lambda samples, kit: [[*followed[:2], None, *followed[2:]]])
    assert TASK.answers("tracker", samples_of((5, [])), kit) == [{"shifts": [[1, "worse"], [4, "better"]]}]


def test_that_signs_are_those_of_what_was_read(monkeypatch: pytest.MonkeyPatch, kit):
    state = EmotionalState(Affect(0.0, 0.0, 0.0), 1, 0.0, None, 0, 0.5)
    read = [
        None if v is None else (a_turn("Hm.", affect=Affect(v, 0.0, 0.0)), state) for v in (0.3, -0.1, None, 0.2)
    ]
    unread = (a_turn("Hm."), state)
    monkeypatch.setattr(module, "followed", lambda samples, kit: [[*read, unread]])
    assert TASK.answers("signs", samples_of((5, [])), kit) == [{"shifts": [[1, "worse"], [3, "better"]]}]


def test_that_an_unknown_system_is_named_with_those_that_there_are(kit):
    with pytest.raises(SettingsError, match=r"No system 'oracle'\. Systems: tracker, signs"):
        TASK.answers("oracle", [], kit)


def test_that_both_systems_and_the_floors_run(tmp_path: Path, kit):
    results = evaluate(TASK, small_sets(tmp_path), "valid", kit=kit, systems=TASK.systems)
    for result in results:
        assert {"recall", "false_alarms"} <= set(result.metrics)
        assert set(result.floors) == {"never", "at random"}
        assert result.floors["never"]["recall"]["value"] == 0


def test_that_random_marks_come_at_the_rate_of_train_and_are_the_same_each_time(tmp_path: Path):
    folder = small_sets(tmp_path)
    truths = [sample.truth for sample in TASK.samples(folder, "train")]
    rate = sum(len(truth["shifts"]) for truth in truths) / sum(truth["utterances"] for truth in truths)
    samples = samples_of(*[(50, [])] * 40)
    drawn = TASK.floors(samples, folder)["at random"]()
    assert drawn == TASK.floors(samples, folder)["at random"]()
    assert sum(len(answer["shifts"]) for answer in drawn) / 2000 == pytest.approx(rate, abs=0.05)
