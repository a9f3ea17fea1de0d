from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_plugins.probability import sigmoid, softmax
from sem_plugins.training import calibration


def drawn(temperature: float, *, rows: int = 4000, seed: int = 5) -> tuple[calibration.Array, np.ndarray]:
    """Logits, and true labels that follow them once they are divided by `temperature`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, 6))
    probabilities = softmax(logits, temperature)
    truth = (probabilities.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return logits, truth


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.7, 2.5])
def test_that_a_known_temperature_is_found_again(temperature: float):
    logits, truth = drawn(temperature)
    assert calibration.fit_temperature(logits, truth) == pytest.approx(temperature, rel=0.06)


def test_that_the_fitted_temperature_calibrates():
    logits, truth = drawn(2.0)
    before = calibration.expected_calibration_error(softmax(logits), truth)
    fitted = softmax(logits, calibration.fit_temperature(logits, truth))
    assert before > 0.1
    assert calibration.expected_calibration_error(fitted, truth) < 0.03


def test_that_a_higher_temperature_flattens_and_a_lower_one_sharpens():
    logits = np.array([[2.0, 0.0]])
    flat, plain, sharp = (softmax(logits, temperature)[0, 0] for temperature in (4.0, 1.0, 0.5))
    assert 0.5 < flat < plain < sharp < 1
    assert plain == pytest.approx(1 / (1 + np.exp(-2)))


def test_that_huge_logits_do_not_overflow():
    assert softmax(np.array([[1e4, -1e4]]))[0] == pytest.approx([1.0, 0.0])


@given(st.lists(st.lists(st.floats(-50, 50), min_size=4, max_size=4), min_size=1, max_size=9), st.floats(0.3, 4))
def test_that_every_row_of_a_softmax_sums_to_one(logits: list[list[float]], temperature: float):
    assert np.allclose(softmax(np.array(logits), temperature).sum(axis=1), 1)


def test_that_a_sigmoid_reads_each_label_on_its_own():
    values = sigmoid(np.array([[0.0, np.log(3), -np.log(3)]]))
    assert values[0] == pytest.approx([0.5, 0.75, 0.25])
    assert sigmoid(np.array([[2.0]]), 2.0)[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


# Confidences 0.9, 0.9, 0.6, 0.6, 0.6 in two bins; right: yes, no, yes, yes, no.
PROBABILITIES = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6], [0.6, 0.4]])
TRUTH = np.array([0, 0, 0, 1, 1])


def test_that_the_calibration_error_is_the_one_worked_out_by_hand():
    # |0.9 - 1/2| * 2/5 + |0.6 - 2/3| * 3/5 = 0.16 + 0.04
    assert calibration.expected_calibration_error(PROBABILITIES, TRUTH, bins=10) == pytest.approx(0.2)


def test_that_one_bin_compares_the_means():
    # |mean confidence 0.72 - accuracy 0.6|
    assert calibration.expected_calibration_error(PROBABILITIES, TRUTH, bins=1) == pytest.approx(0.12)


def test_that_reliability_lists_the_bins_that_are_not_empty():
    rows = calibration.reliability(PROBABILITIES, TRUTH, bins=10)
    assert [count for _, _, count in rows] == [3, 2]
    assert [confidence for confidence, _, _ in rows] == pytest.approx([0.6, 0.9])
    assert [accuracy for _, accuracy, _ in rows] == pytest.approx([2 / 3, 1 / 2])


def test_that_full_confidence_falls_into_the_last_bin():
    assert calibration.reliability(np.array([[1.0, 0.0]]), np.array([0]), bins=15) == [(1.0, 1.0, 1)]
    assert calibration.expected_calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1.0


def test_that_f1_is_the_one_worked_out_by_hand():
    predicted = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)
    truth = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
    # 2*2/(2+3); 2*1/(2+2); missed once; neither predicted nor true
    assert calibration.f1_per_label(predicted, truth) == pytest.approx([0.8, 0.5, 0.0, 0.0])


def test_that_a_common_label_gets_the_threshold_that_separates_it():
    rng = np.random.default_rng(2)
    truth = rng.random((20_000, 1)) < 0.5
    probabilities = np.where(truth, rng.uniform(0.6, 1, truth.shape), rng.uniform(0, 0.55, truth.shape))
    assert calibration.best_thresholds(probabilities, truth)[0] == pytest.approx(0.55, abs=0.002)


def test_that_the_threshold_of_a_rare_label_is_drawn_to_three_tenths():
    probabilities = np.concatenate([np.full((10, 1), 0.79), np.full((1000, 1), 0.695)])
    truth = np.concatenate([np.ones((10, 1), bool), np.zeros((1000, 1), bool)])
    # The best is 0.70, the first that leaves the others out; ten examples weigh 10 against 30.
    assert calibration.best_thresholds(probabilities, truth)[0] == pytest.approx(0.25 * 0.7 + 0.75 * 0.3)


def test_that_a_label_without_examples_gets_three_tenths():
    thresholds = calibration.best_thresholds(np.full((50, 2), 0.4), np.zeros((50, 2), bool))
    assert thresholds == pytest.approx([0.3, 0.3])


@given(st.lists(st.floats(-8, 8), min_size=4, max_size=4, unique=True), st.floats(0.5, 2), st.floats(0, 0.3))
def test_that_undoing_smoothing_keeps_a_distribution_in_the_order_of_the_logits(
    row: list[float], temperature: float, smoothing: float
):
    logits = np.round(np.array([row]), 3)
    probabilities = softmax(logits, temperature, smoothing)[0]
    assert np.isclose(probabilities.sum(), 1)
    assert (probabilities > 0).all()
    ordered = probabilities[np.argsort(logits[0])]
    assert (np.diff(ordered) >= 0).all()


def test_that_undoing_smoothing_gives_back_what_was_smoothed():
    truth = np.array([[0.7, 0.2, 0.06, 0.04]])
    learned = 0.9 * truth + 0.1 / 4
    assert np.allclose(softmax(np.log(learned), 1.0, 0.1), truth, atol=1e-9)
