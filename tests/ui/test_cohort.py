"""Cohorts: what many conversations have in common."""

from __future__ import annotations

import json

import pytest
from trajectory_parts import CAUSE, MESSAGE, a_conversation, a_state

from agent.state import Shift
from agent.testing import a_reading, a_turn
from ui.cohort import POSITIONS, cohort_json, cohort_of
from ui.cohort_picture import cohort_picture
from ui.dialogues import Dialogue
from ui.trajectories import Trajectory, stored


def line(*valences: float | None) -> Trajectory:
    """A conversation of these valences."""
    return stored("c", [a_turn(id=str(n), index=n, state=None if v is None else a_state(v, n)) for n, v in enumerate(valences)])  # fmt: skip


def test_that_conversations_of_different_length_meet_at_their_relative_places():
    cohort = cohort_of([line(-0.4, 0.0, 0.4), line(-0.2, 0.2)])
    assert len(cohort.positions) == POSITIONS
    means = {round(p.place, 2): p.mean for p in cohort.positions}
    assert [means[0.0], means[0.5], means[1.0]] == pytest.approx([-0.3, 0.0, 0.3])
    assert cohort.changes == ((-0.4, 0.4), (-0.2, 0.2))


def test_that_the_band_holds_eight_of_ten_conversations():
    cohort = cohort_of(line(n / 10, n / 10) for n in range(11))
    for position in cohort.positions:
        assert (position.low, position.high, position.n) == (pytest.approx(0.1), pytest.approx(0.9), 11)


def test_that_nothing_is_made_up_where_nothing_is_known():
    cohort = cohort_of([line(None, 0.0, 0.2), line(0.5), line()])
    assert (cohort.conversations, cohort.turns, len(cohort.changes)) == (3, 4, 1)
    assert min(position.place for position in cohort.positions) == pytest.approx(0.5)


def test_that_shifts_are_counted_by_the_strategy_before_them_beside_all_its_messages():
    cohort = cohort_of([stored("c", a_conversation())])
    assert {(one.strategy, one.said, one.better, one.worse) for one in cohort.shifts} == {
        (None, 1, 0, 0), ("question", 1, 0, 0), ("reflection", 2, 1, 1),
    }  # fmt: skip


def test_that_a_shift_that_a_tracker_lays_to_an_unseen_strategy_is_counted():
    turn = a_turn(state=a_state(0.5, last_shift=Shift(0, "better", 0.5, None, "Information")))
    (unseen,) = [one for one in cohort_of([stored("c", [turn])]).shifts if one.strategy == "information"]
    assert (unseen.said, unseen.better) == (0, 1)


def test_that_transitions_are_between_neighbours_that_were_both_read():
    emotions = [a_reading("anxious"), a_reading("anxious"), None, a_reading("sad"), a_reading("content")]
    turns = [a_turn(id=str(n), index=n, emotion=emotion) for n, emotion in enumerate(emotions)]
    assert cohort_of([stored("c", turns)]).transitions == {("anxious", "anxious"): 1, ("sad", "content"): 1}


def test_that_emotions_are_averaged_by_place_over_conversations_that_have_one_there():
    def talk(*labels: str) -> Trajectory:
        return stored("c", [a_turn(id=str(n), index=n, emotion=a_reading(each)) for n, each in enumerate(labels)])

    cohort = cohort_of([talk("anxious", "content"), talk("anxious"), line(0.1, 0.2)])
    assert cohort.label_set == "test-2"
    first, last = cohort.emotions[0], cohort.emotions[-1]
    assert (first.place, first.n, last.place, last.n) == (0.0, 2, 1.0, 2)
    assert first.emotions == pytest.approx({"anxious": 0.7, "content": 0.3})
    assert last.emotions == pytest.approx({"anxious": 0.35, "content": 0.5, "sad": 0.15})
    assert sum(last.emotions.values()) == pytest.approx(1.0)


def test_that_what_answers_did_is_counted():
    assert cohort_of([stored("c", a_conversation())]).strategies == {"question": 1, "reflection": 1, "others": 1}


def test_that_what_could_not_be_read_is_counted():
    cohort = cohort_of([Dialogue({"line": 1}, problem="Line 1: not usable."), line(0.0, 0.1)])
    assert (cohort.conversations, cohort.left_out) == (1, 1)


def test_that_no_word_and_no_id_is_in_it():
    cohort = cohort_of([stored("the-id-of-somebody", a_conversation())])
    for text in (json.dumps(cohort_json(cohort)), cohort_picture(cohort)):
        for secret in ("the-id-of-somebody", CAUSE, "landlord"):
            assert secret not in text, MESSAGE


def test_that_its_json_has_every_part():
    content = cohort_json(cohort_of([stored("c", a_conversation())]))
    assert set(content) == {
        "format", "kind", "conversations", "turns", "left_out", "unread", "label_sets", "valence", "changes", "shifts",
        "transitions", "emotions", "label_set", "strategies",
    }  # fmt: skip
    assert content["changes"] == [{"start": -0.1, "end": 0.4, "change": 0.5}]
    assert content["transitions"] == []
    assert set(content["valence"][0]) == {"position", "mean", "low", "high", "n"}


def test_that_nothing_at_all_is_a_cohort_too():
    cohort = cohort_of([])
    assert cohort_json(cohort)["conversations"] == 0
    assert "No conversation has two turns with a state." in cohort_picture(cohort)


def test_that_its_picture_does_not_grow_with_the_number_of_conversations():
    few = len(cohort_picture(cohort_of(line(-n / 20, n / 20) for n in range(20))))
    assert len(cohort_picture(cohort_of(line(-n / 2000, n / 2000) for n in range(2000)))) < 1.2 * few
