"""What a person sets right: what counts as that, what is learned from it, and how it is applied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.errors import ReadingError
from agent.state import PersonalCalibration
from sem_plugins.ontology import MELD
from sem_plugins.tracker.personal import Correction, applied, corrected, learned

BELIEVED = {"anger": 0.4, "sadness": 0.3, "fear": 0.2, "neutral": 0.1}

LABELS = st.frozensets(st.sampled_from(MELD.labels), max_size=3)
CORRECTIONS = st.builds(lambda denied, claimed: Correction(denied, claimed - denied), LABELS, LABELS)
ROWS = arrays.arrays(np.float64, (7,), elements=st.floats(1e-9, 1)).map(lambda row: np.log(row / row.sum()))


def found(text: str, **believed: float) -> tuple[set[str], set[str]] | None:
    """Denied and claimed."""
    correction = corrected(text, believed or BELIEVED)
    return None if correction is None else (set(correction.denied), set(correction.claimed))


def after(*corrections: Correction) -> PersonalCalibration:
    personal = PersonalCalibration()
    for correction in corrections:
        personal = learned(personal, correction)
    return personal


NOT_ANGRY = Correction(frozenset({"anger"}), frozenset())


# --- what counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "denied", "claimed"),
    [
        ("No, I'm not angry.", {"anger"}, set()),
        ("I\N{RIGHT SINGLE QUOTATION MARK}M NOT ANGRY", {"anger"}, set()),
        ("im not mad, im scared", {"anger"}, {"fear"}),
        ("I'm not angry at her", {"anger"}, set()),
        ("I told you I'm not angry!", {"anger"}, set()),
        ("I am not angry. I'm just hurt.", {"anger"}, {"sadness"}),
        ("I'm not sad, just tired", {"sadness"}, set()),
        ("I don't feel sad at all", {"sadness"}, set()),
        ("not angry, just sad", {"anger"}, {"sadness"}),
        ("No, I wasn't angry.", {"anger"}, set()),
        ("I never said I was angry", {"anger"}, set()),
        ("I'm neither angry nor sad", {"anger", "sadness"}, set()),
        ("I'm not angry or sad", {"anger", "sadness"}, set()),
        ("I'm not angry, I'm fine", {"anger"}, {"neutral"}),
        ("It's not that I'm angry, I'm just disappointed", {"anger"}, {"sadness"}),
        ("That isn't anger, it's grief", {"anger"}, {"sadness"}),
        ("you got me wrong, it's not fear", {"fear"}, set()),
    ],
)
def test_that_a_denial_of_what_was_believed_is_a_correction(text: str, denied: set[str], claimed: set[str]):
    assert found(text) == (denied, claimed)


def test_that_a_denial_of_what_nobody_believed_is_news_and_no_correction():
    assert found("I'm not happy.") is None
    assert found("I'm not happy.", joy=0.19, anger=0.81) is None
    assert found("I'm not happy.", joy=0.2, anger=0.8) == ({"joy"}, set())
    assert found("I'm not angry.", **dict.fromkeys(MELD.labels, 1 / 7)) is None


@pytest.mark.parametrize(
    ("text", "denied", "claimed"),
    [
        ("that's not what I meant, I am happy about it", {"anger"}, {"joy"}),
        ("You got me wrong. I'm happy.", {"anger"}, {"joy"}),
        ("You misread me: I'm scared.", {"anger"}, {"fear"}),
        ("you got me wrong, it's not disgust", {"disgust"}, set()),
        ("That's not how I feel.", {"anger"}, set()),
        ("you've misread how I feel, I'm actually relieved", {"anger"}, {"joy"}),
    ],
)
def test_that_a_reading_that_is_called_wrong_is_corrected_whatever_was_believed(
    text: str, denied: set[str], claimed: set[str]
):
    assert found(text) == (denied, claimed)


def test_that_a_reading_that_is_called_wrong_counts_where_nothing_was_believed():
    assert corrected("That's not how I feel.", {}) == Correction(frozenset(), frozenset())


NO_CORRECTIONS = [
    # Nothing is denied.
    "I'm angry", "I'm not sure why I'm angry", "who wouldn't be angry", "I don't know if I'm angry", "no one is angry",
    # A measure, or more than the word.
    "not only angry but sad", "I'm not just angry", "I'm not that angry", "I'm not very sad",
    "I'm not as angry as before", "Not angry enough", "I'm not angry, I'm furious", "I'm not mad, I'm annoyed",
    # Another time.
    "I'm not angry anymore", "I'm not angry at her any more, just tired", "I'm not sad today", "I never get angry",
    "I'm not angry all the time", "I don't feel sad often", "Sometimes I'm not sad", "I wasn't angry then",
    "I'm not sad when he is here",
    # Another occasion.
    "I'm not angry about the money but about the lie", "I'm not angry at her, I'm angry at myself",
    "I'm not angry because he left. I'm angry because he lied",
    # Supposed, asked, told, pretended.
    "If I'm not angry people walk over me", "Why am I not angry?", "I'm not angry?", "I'm not angry, am I?",
    "They think I'm not angry", "I told my mother I'm not angry", 'he said "I\'m not angry"',
    "Pretending I'm not sad is exhausting", "It worries me that I'm not sad", "it's not that I'm not angry",
    "I can't say I'm not angry", "I wish I was not angry",
    # Somebody or something else.
    "He's not angry", "you're not angry", "It's not okay that he lied", "the film is not sad",
    "My boss says I'm lazy. That's not true. I'm proud", "That's not right, I'm furious",
    # An idiom.
    "I'm not afraid to say it",
    # Of facts, as far as anybody can tell; or what was believed.
    "you got me wrong", "That's not what I meant.", "you got me wrong, I'm angry",
    "I said that's not what I meant and I'm sad",
    "", "  ", "?!", "\N{FACE WITH COWBOY HAT}",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_CORRECTIONS)
def test_that_what_is_no_correction_is_left_alone(text: str):
    assert found(text) is None


def test_that_a_feeling_that_is_named_far_from_the_denial_is_not_claimed_by_it():
    text = "I'm not angry. He is my brother. I'm happy for him."
    assert found(text) == ({"anger"}, set())


@given(text=st.text(max_size=200))
def test_that_any_text_is_taken(text: str):
    correction = corrected(f"I'm not angry {text}", BELIEVED)
    assert correction is None or correction.denied | correction.claimed <= set(MELD.labels)


@pytest.mark.parametrize("word", ["i'm not ", "not really ", "i am just ", "a", "i'm not angry ", "' "])
def test_that_a_very_long_message_is_taken(word: str):
    corrected(word * 20_000, BELIEVED)


# --- what is learned ------------------------------------------------------------------------------


def test_that_a_correction_lowers_what_was_denied_and_raises_what_was_claimed():
    personal = after(Correction(frozenset({"anger"}), frozenset({"sadness"})))
    assert personal.bias["anger"] < 0 < personal.bias["sadness"]
    assert set(personal.bias) == {"anger", "sadness"}
    assert personal.temperature > 1
    assert personal.corrections == 1


def test_that_the_second_correction_makes_the_reading_literal_and_it_stays_so():
    assert not after(NOT_ANGRY).literal
    assert after(NOT_ANGRY, NOT_ANGRY).literal
    assert after(NOT_ANGRY, NOT_ANGRY, NOT_ANGRY).literal


@given(corrections=st.lists(CORRECTIONS, min_size=1, max_size=9), row=ROWS)
def test_that_a_thousand_corrections_stay_within_bounds(corrections: list[Correction], row: Any):
    personal = PersonalCalibration()
    for number in range(1000):
        personal = learned(personal, corrections[number % len(corrections)])
    assert all(abs(value) <= 2 for value in personal.bias.values())
    assert 1 <= personal.temperature <= 2
    assert len(personal.bias) <= len(MELD)
    assert np.isfinite(applied(personal, row)).all()


# --- how it is applied ----------------------------------------------------------------------------


@given(row=ROWS)
def test_that_without_evidence_nothing_changes(row: Any):
    assert applied(PersonalCalibration(), row) is row


@given(corrections=st.lists(CORRECTIONS, max_size=6), row=ROWS)
def test_that_what_comes_out_is_a_distribution(corrections: list[Correction], row: Any):
    read = applied(after(*corrections), row)
    assert np.isfinite(read).all()
    assert np.exp(read).sum() == pytest.approx(1)


@given(row=ROWS)
def test_that_a_denied_label_is_believed_less_and_a_claimed_one_more_than_before(row: Any):
    personal = PersonalCalibration(1, {"anger": -0.5, "joy": 0.5})
    read = dict(zip(MELD.labels, applied(personal, row) - row, strict=True))
    assert read["anger"] < read["fear"] < read["joy"]


def test_that_a_higher_temperature_makes_a_reading_less_sure():
    row = np.log(np.array([0.7, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]))
    assert applied(PersonalCalibration(1, {}, 1.5), row)[0] < row[0]


def test_that_several_rows_are_read_as_each_would_be_alone():
    rows = np.log(np.random.default_rng(1).dirichlet(np.ones(7), size=5))
    personal = after(NOT_ANGRY)
    together = applied(personal, rows)
    assert together == pytest.approx(np.array([applied(personal, row) for row in rows]))


def test_that_the_impossible_stays_finite():
    row = np.array([0.0, *[-np.inf] * 6])
    read = applied(after(NOT_ANGRY), row)
    assert np.isfinite(read).all()
    assert read[0] == pytest.approx(0, abs=1e-6)


def test_that_biases_of_another_label_set_do_not_count():
    row = np.log(np.array([0.25, 0.75]))
    assert applied(PersonalCalibration(1, {"anger": -2.0}), row, labels=("up", "down")) == pytest.approx(row)


@pytest.mark.parametrize("row", [np.full(7, np.nan), np.full(7, np.inf), np.zeros(6), np.zeros((7, 2))])
def test_that_what_is_no_distribution_is_refused(row: Any):
    with pytest.raises(ReadingError, match="Log-probabilities"):
        applied(after(NOT_ANGRY), row)
