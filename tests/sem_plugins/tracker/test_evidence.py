"""What one message shows, over few labels, from readings in whatever labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.readings import SUM_TOLERANCE, EmotionReading, ExpressionReading, LabelSet
from agent.testing import a_turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, ESCONV_EMOTIONS, MELD, SE_EMOTIONS, ontology
from sem_plugins.tracker.evidence import converted, shown, shown_in_rows
from tests.sem_plugins.tracker.following import TURNS, distribution, feels, named, neutral

SETS = [EMPATHETIC_DIALOGUES, GO_EMOTIONS, MELD, DAILY_DIALOG, ESCONV_EMOTIONS, EMORY_NLP, SE_EMOTIONS]
STRANGE = EmotionReading("nobody-2", {"up": 0.5, "down": 0.5})
WRONG = EmotionReading("meld-7", {"joy": 0.5, "bliss": 0.5})  # a label that the set does not know
ROWS = arrays.arrays(np.float64, 32, elements=st.floats(0.001, 1)).map(lambda row: row / row.sum())


def top(row: np.ndarray | None, labels: LabelSet = MELD) -> str:
    assert row is not None
    return labels.labels[int(row.argmax())]


@pytest.mark.parametrize(
    ("labels", "label", "meant"),
    [
        (EMPATHETIC_DIALOGUES, "furious", "anger"),
        (EMPATHETIC_DIALOGUES, "lonely", "sadness"),
        (EMPATHETIC_DIALOGUES, "terrified", "fear"),
        (GO_EMOTIONS, "grief", "sadness"),
        (MELD, "disgust", "disgust"),
        (DAILY_DIALOG, "happiness", "joy"),
        (ESCONV_EMOTIONS, "anxiety", "fear"),
        (EMORY_NLP, "mad", "anger"),
        (SE_EMOTIONS, "joy", "joy"),
    ],
)
def test_that_any_known_label_set_is_understood(labels: LabelSet, label: str, meant: str):
    row = shown(a_turn(emotion=EmotionReading(labels.id, distribution(label, 0.9, labels))), MELD)
    assert top(row) == meant


@pytest.mark.parametrize("target", SETS, ids=lambda labels: labels.id)
def test_that_it_speaks_in_any_known_label_set(target: LabelSet):
    row = shown(a_turn(emotion=feels("sadness"), expression=neutral(0.2)), target)
    assert row is not None
    assert row.shape == (len(target),)
    assert row.sum() == pytest.approx(1)


@settings(max_examples=40)
@given(TURNS, st.sampled_from(SETS))
def test_that_what_is_shown_is_a_distribution_in_which_nothing_is_impossible(turns, labels):
    for fields in turns:
        row = shown(a_turn(**fields), labels)
        if row is not None:
            assert row.sum() == pytest.approx(1)
            assert row.min() > 0


@given(ROWS, st.floats(0, 1), st.sampled_from(SETS))
def test_that_one_message_and_many_at_once_show_the_same(row, quiet, labels):
    emotion = EmotionReading(EMPATHETIC_DIALOGUES.id, named(row, EMPATHETIC_DIALOGUES))
    one = shown(a_turn(emotion=emotion, expression=neutral(quiet)), labels)
    many = shown_in_rows(np.array([row, row]), np.array([quiet, 0.0]), labels)
    assert many.shape == (2, len(labels))
    assert many[0] == pytest.approx(one)


@given(ROWS, st.sampled_from(SETS))
def test_that_labels_are_converted_as_the_ontology_converts_them(row, target):
    given_row = named(row, EMPATHETIC_DIALOGUES)
    expected = ontology().convert(given_row, source=EMPATHETIC_DIALOGUES.id, target=target.id)
    assert converted(given_row, EMPATHETIC_DIALOGUES.id, target) == pytest.approx(list(expected.values()))


def test_that_the_order_of_labels_and_those_left_out_do_not_matter():
    one = shown(a_turn(emotion=EmotionReading("meld-7", {"anger": 0.75, "joy": 0.25})), MELD)
    whole = dict.fromkeys(MELD.labels, 0.0) | {"joy": 0.25, "anger": 0.75}
    other = shown(a_turn(emotion=EmotionReading("meld-7", dict(sorted(whole.items())))), MELD)
    assert one == pytest.approx(other)
    assert top(one) == "anger"


def test_that_a_reading_that_sums_to_one_within_its_tolerance_is_made_whole():
    reading = EmotionReading("meld-7", {"anger": 1 + SUM_TOLERANCE / 2})
    row = shown(a_turn(emotion=reading), MELD)
    assert row is not None
    assert row.sum() == pytest.approx(1, abs=1e-12)


def test_that_the_more_neutral_the_words_are_the_less_they_show():
    sad, quiet = MELD.index("sadness"), MELD.index("neutral")
    rows = [shown(a_turn(emotion=feels("sadness"), expression=neutral(share)), MELD) for share in (0, 0.4, 0.9, 1)]
    found = [(row[sad], row[quiet]) for row in rows if row is not None]
    assert len(found) == 4
    assert [sadness for sadness, _ in found] == sorted((sadness for sadness, _ in found), reverse=True)
    assert [calm for _, calm in found] == sorted(calm for _, calm in found)


def test_that_neutral_words_say_nothing_in_labels_without_neutral():
    emotion = feels("sadness")
    loud, quiet = (shown(a_turn(emotion=emotion, expression=neutral(share)), SE_EMOTIONS) for share in (0.0, 0.9))
    assert loud == pytest.approx(quiet)


def test_that_without_an_emotion_the_expression_speaks():
    grief = ExpressionReading(GO_EMOTIONS.id, dict.fromkeys(GO_EMOTIONS.labels, 0.02) | {"grief": 0.8})
    assert top(shown(a_turn(expression=grief), MELD)) == "sadness"
    assert top(shown(a_turn(expression=neutral(0.9)), MELD)) == "neutral"
    assert shown(a_turn(emotion=STRANGE, expression=grief), MELD) == pytest.approx(
        shown(a_turn(expression=grief), MELD)
    )


@pytest.mark.parametrize("reading", [STRANGE, WRONG])
def test_that_labels_that_nobody_knows_are_as_good_as_no_reading(reading: EmotionReading):
    expression = ExpressionReading(reading.label_set, reading.probabilities)
    assert shown(a_turn(emotion=reading), MELD) is None
    assert shown(a_turn(expression=expression), MELD) is None


def test_that_nothing_read_shows_nothing():
    assert shown(a_turn(), MELD) is None
    silent = ExpressionReading(GO_EMOTIONS.id, dict.fromkeys(GO_EMOTIONS.labels, 0.0))
    assert shown(a_turn(expression=silent), MELD) is None


def test_that_a_caveat_counts_through_its_flatter_probabilities_and_not_twice():
    plain = feels("anger", 0.5)
    doubtful = replace(plain, caveat="other language")
    assert (shown(a_turn(emotion=plain), MELD) == shown(a_turn(emotion=doubtful), MELD)).all()
