from __future__ import annotations

import doctest
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from sem_plugins.training import scores

# True classes 0 0 0 1 1 2; the fourth class of four never occurs.
TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 1])
# F1: 2*2/(2+3); 2*1/(3+2); nothing right
F1 = [0.8, 0.4, 0.0, 0.0]


@pytest.fixture(scope="session")
def sklearn_metrics() -> ModuleType:
    """The second implementation."""
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn comes with the `train` extra")


def some_labels(size: int, *, rows: int = 500, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that are right half of the time, and the truth; small classes among them."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(size, rows, p=rng.dirichlet(np.ones(size)))
    return np.where(rng.random(rows) < 0.5, truth, rng.integers(0, size, rows)), truth


# Exclusive classes


def test_that_accuracy_is_the_share_that_is_right():
    assert scores.accuracy(PREDICTED, TRUTH) == pytest.approx(3 / 6)


def test_that_true_classes_are_the_rows_of_the_confusion():
    assert scores.confusion(PREDICTED, TRUTH, 4).tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0] * 4]


def test_that_narrow_integers_do_not_overflow_in_the_confusion():
    labels = np.array([31, 31, 0], dtype=np.uint8)
    assert scores.confusion(labels, labels, 32)[31, 31] == 2


def test_that_f1_is_the_one_worked_out_by_hand():
    assert scores.f1_per_class(PREDICTED, TRUTH, 4) == pytest.approx(F1)


def test_that_macro_f1_leaves_out_the_class_that_never_occurs():
    assert scores.macro_f1(PREDICTED, TRUTH, 4) == pytest.approx((0.8 + 0.4 + 0.0) / 3)


def test_that_macro_f1_counts_a_class_that_is_only_predicted():
    assert scores.macro_f1(np.array([0, 1]), np.array([0, 0]), 3) == pytest.approx((2 / 3 + 0) / 2)


def test_that_weighted_f1_weighs_by_the_true_counts():
    assert scores.weighted_f1(PREDICTED, TRUTH, 4) == pytest.approx((3 * 0.8 + 2 * 0.4 + 0) / 6)


@pytest.mark.train
@pytest.mark.parametrize("size", [2, 8, 32])
def test_that_f1_and_confusion_agree_with_scikit_learn(sklearn_metrics: ModuleType, size: int):
    predicted, truth = some_labels(size)
    every = list(range(size))
    assert (
        scores.confusion(predicted, truth, size)
        == sklearn_metrics.confusion_matrix(truth, predicted, labels=every)
    ).all()
    for average, ours in (("macro", scores.macro_f1), ("weighted", scores.weighted_f1)):
        theirs = sklearn_metrics.f1_score(truth, predicted, average=average, zero_division=0)
        assert ours(predicted, truth, size) == pytest.approx(theirs)
    each = sklearn_metrics.f1_score(truth, predicted, average=None, labels=every, zero_division=0)
    assert scores.f1_per_class(predicted, truth, size) == pytest.approx(each)


PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])


@pytest.mark.parametrize(("k", "share"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0)])
def test_that_the_share_among_the_likeliest_is_the_one_worked_out_by_hand(k: int, share: float):
    # The true labels are the first, the second and the third likeliest.
    assert scores.in_top(PROBABILITIES, np.array([0, 2, 0]), k).mean() == pytest.approx(share)


def test_that_a_flat_distribution_is_a_hit_for_the_first_labels_alone():
    found = scores.in_top(np.full((4, 4), 0.25), np.array([0, 1, 2, 3]), 2)
    assert found.tolist() == [True, True, False, False]


def test_that_a_row_with_nan_is_a_miss():
    found = scores.in_top(np.array([[np.nan, np.nan], [0.9, 0.1]]), np.array([0, 0]), 1)
    assert found.tolist() == [False, True]


@pytest.mark.train
@pytest.mark.parametrize("k", [1, 3, 5])
def test_that_the_share_among_the_likeliest_agrees_with_scikit_learn(sklearn_metrics: ModuleType, k: int):
    rng = np.random.default_rng(4)
    probabilities, truth = rng.dirichlet(np.ones(8), 300), rng.integers(0, 8, 300)
    theirs = sklearn_metrics.top_k_accuracy_score(truth, probabilities, k=k, labels=range(8))
    assert scores.in_top(probabilities, truth, k).mean() == pytest.approx(theirs)


# Preference


def by_the_paper(confusion: np.ndarray) -> list[float]:
    """The formula of Kang et al. written out, with the geometric mean after each sweep."""
    size = len(confusion)
    strengths = [1.0] * size
    for _ in range(20):
        for i in range(size):
            rivals = [j for j in range(size) if j != i]
            won = sum(confusion[j][i] * strengths[j] / (strengths[i] + strengths[j]) for j in rivals)
            lost = sum(confusion[i][j] / (strengths[i] + strengths[j]) for j in rivals)
            strengths[i] = won / lost
        positive = [strength for strength in strengths if strength > 0]
        mean = np.prod(positive) ** (1 / len(positive))
        strengths = [float(strength / mean) for strength in strengths]
    return [strength * size / sum(strengths) for strength in strengths]


def test_that_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(scores).attempted == 2
    assert doctest.testmod(scores).failed == 0


def test_that_of_two_strategies_the_strengths_are_as_the_confusions():
    # 6 to 2, scaled to mean 1; the diagonal is no contest.
    assert scores.preferences([[8, 2], [6, 4]]) == pytest.approx([1.5, 0.5])
    assert scores.preferences([[98, 2], [6, 4]]) == pytest.approx([1.5, 0.5])
    assert scores.preference_bias([[8, 2], [6, 4]]) == pytest.approx(0.5)


def test_that_symmetric_confusion_is_no_bias():
    assert scores.preference_bias([[8, 2, 1], [2, 8, 5], [1, 5, 3]]) == pytest.approx(0)


def test_that_a_predictor_that_favours_one_strategy_prefers_it_and_its_transpose_does_not():
    favours_first = np.array([[9, 1, 1], [7, 3, 1], [7, 1, 3]])
    assert scores.preferences(favours_first)[0] > 1 > scores.preferences(favours_first)[1]
    assert scores.preferences(favours_first.T)[0] < 1


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_that_preferences_are_those_of_the_formula_in_the_paper(size: int, seed: int):
    confusion = np.random.default_rng(seed).integers(1, 60, (size, size))
    found = scores.preferences(confusion)
    assert found == pytest.approx(by_the_paper(confusion))
    assert found.mean() == pytest.approx(1)
    assert scores.preference_bias(confusion) == pytest.approx(np.std(by_the_paper(confusion)))


def test_that_strengths_known_beforehand_are_found_again():
    strengths = np.array([2.0, 1.0, 0.6, 0.4])
    confusion = 10_000 * strengths / (strengths + strengths[:, None])  # of each pair as often as the model says
    assert scores.preferences(confusion) == pytest.approx(strengths, abs=1e-4)


def test_that_a_strategy_that_is_never_predicted_has_strength_zero():
    found = scores.preferences([[8, 2, 0], [6, 4, 0], [3, 3, 0]])
    assert found[2] == 0
    assert found == pytest.approx([2.25, 0.75, 0])
    assert found == pytest.approx(by_the_paper(np.array([[8, 2, 0], [6, 4, 0], [3, 3, 0]])))


def test_that_two_strategies_that_are_never_predicted_are_no_division_by_zero():
    assert scores.preferences([[8, 2, 0, 0], [6, 4, 0, 0], [3, 3, 0, 0], [1, 1, 0, 0]]) == pytest.approx(
        [3, 1, 0, 0]
    )


def test_that_a_strategy_that_wins_against_such_ones_alone_has_strength_zero_too():
    found = scores.preferences([[5, 2, 0, 0], [6, 4, 0, 0], [3, 3, 5, 0], [0, 1, 4, 0]])
    assert found == pytest.approx([3, 1, 0, 0])


def test_that_the_bias_nears_its_bound_where_nearly_all_predictions_are_one_strategy():
    one_sided = np.full((4, 4), 1e-9)
    one_sided[:, 0] = 100
    assert scores.preference_bias(one_sided) == pytest.approx(np.sqrt(3), abs=1e-3)


@pytest.mark.parametrize(
    ("confusion", "said"),
    [
        ([[8, 2, 1], [6, 4, 1], [0, 0, 0]], "Strategy 2 never occurs as the true one"),
        ([[8, 2, 1], [0, 4, 0], [1, 6, 2]], "Strategy 1 is never taken for another"),
        ([[8, 0], [0, 8]], "Strategy 0 is never taken for another"),
        ([[8, 2, 1], [6, 4, 1]], r"shape \(2, 3\)"),
        ([8, 2], r"shape \(2,\)"),
    ],
)
def test_that_an_undefined_preference_is_an_error_and_not_no_bias(confusion: list[list[int]], said: str):
    with pytest.raises(DataError, match=said):
        scores.preference_bias(confusion)


# Numbers and levels


def test_that_the_correlation_is_the_one_worked_out_by_hand():
    # Deviations -1, 0, 1 and -1, 1, 0: 1 over 2
    assert scores.pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)
    assert scores.pearson(np.array([1.0, 2.0]), np.array([5.0, 3.0])) == pytest.approx(-1)


@pytest.mark.train
def test_that_the_correlation_agrees_with_scipys():
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with the `train` extra")
    x, y = np.random.default_rng(5).normal(3, 1, (2, 400))
    assert scores.pearson(x + y, y) == pytest.approx(stats.pearsonr(x + y, y).statistic)


def test_that_a_constant_has_no_correlation():
    flat, varied = np.full(3, 0.1), np.array([1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"Predictions are all 0\.1"):
        scores.pearson(flat, varied)
    with pytest.raises(DataError, match=r"True values are all 0\.1"):
        scores.pearson(varied, flat)


def test_that_the_absolute_error_is_the_one_worked_out_by_hand():
    assert scores.mean_absolute_error(np.array([0.5, -1.0]), np.array([1.0, 1.0])) == pytest.approx((0.5 + 2) / 2)


def test_that_unsigned_levels_below_the_truth_do_not_wrap_around():
    low, high = np.array([0, 2], dtype=np.uint8), np.array([2, 0], dtype=np.uint8)
    assert scores.ordinal(low, high) == scores.Ordinal(2.0, -1.0)


def test_that_kappa_is_the_one_worked_out_by_hand():
    # Squared distances 0 1 0 1, mean 1/2; drawn apart 1/2 + 11/16 + 1/16
    found = scores.ordinal(np.array([0, 0, 1, 2][::-1]), np.array([2, 0, 0, 1]))
    assert found.mean_absolute_error == pytest.approx(0.5)
    assert found.kappa == pytest.approx(1 - 0.5 / (2 * 0.6875))


@pytest.mark.train
def test_that_kappa_agrees_with_scikit_learn(sklearn_metrics: ModuleType):
    predicted, truth = some_labels(4)
    predicted = np.where(predicted == 1, 2, predicted)  # a level that is never predicted keeps its place
    theirs = sklearn_metrics.cohen_kappa_score(truth, predicted, weights="quadratic", labels=range(4))
    assert scores.ordinal(predicted, truth).kappa == pytest.approx(theirs)


def test_that_kappa_of_one_level_is_undefined():
    with pytest.raises(DataError, match="All levels, predicted and true, are 2"):
        scores.ordinal(np.array([2, 2]), np.array([2, 2]))


def test_that_kappa_of_a_constant_prediction_is_chance():
    assert scores.ordinal(np.array([1, 1, 1, 1]), np.array([0, 1, 2, 2])).kappa == pytest.approx(0)


# Causes


PAIRS = np.array([0.9, 0.6, 0.5, 0.4, 0.1])
CAUSES = np.array([True, False, True, True, False])


def test_that_entailment_is_the_one_worked_out_by_hand_and_the_threshold_counts():
    # From 0.5 on: 2 of 3 right, 2 of 3 found; of the rest 1 of 2 right, 1 of 2 found
    found = scores.entailment(PAIRS, CAUSES, 0.5)
    assert found == scores.Entailment(pytest.approx(2 / 3), pytest.approx(1 / 2), pytest.approx(7 / 12))


def test_that_no_cause_found_is_a_positive_f1_of_zero():
    found = scores.entailment(PAIRS, CAUSES, 0.95)
    assert found.positive == 0
    assert found.negative == pytest.approx(2 * 2 / (5 + 2))


@pytest.mark.train
def test_that_entailment_agrees_with_scikit_learn(sklearn_metrics: ModuleType):
    rng = np.random.default_rng(6)
    truth = rng.random(400) < 0.25
    pairs = rng.random(400) + 0.3 * truth
    negative, positive = sklearn_metrics.f1_score(truth, pairs >= 0.7, average=None)
    macro = sklearn_metrics.f1_score(truth, pairs >= 0.7, average="macro")
    found = scores.entailment(pairs, truth, 0.7)
    assert (found.positive, found.negative, found.macro) == pytest.approx((positive, negative, macro))


@pytest.mark.parametrize(
    ("predicted", "truth", "exact", "f1"),
    [
        ("the lost keys", "Lost keys!", 1, 1),
        ("An   apple, a day", "apple day", 1, 1),
        ("my theatre ticket", "theatre ticket", 0, 2 * 2 / 5),
        ("he he left", "he left left", 0, 2 * 2 / 6),
        ("left he he", "he left he", 0, 1),
        ("it rained", "the bus was late", 0, 0),
        ("", "", 1, 1),
        ("The.", "", 1, 1),
        ("", "it rained", 0, 0),
        ("it rained", "", 0, 0),
        ("don't", "dont", 1, 1),
    ],
)
def test_that_spans_are_compared_as_squad_compares_them(predicted: str, truth: str, exact: float, f1: float):
    assert scores.span_matches([predicted], [truth]) == pytest.approx(np.array([[exact, f1]]))


def test_that_each_span_is_compared_with_its_own():
    predicted, truth = ["lost keys", "it rained", "my ticket"], ["the lost keys", "the sun", "ticket"]
    assert scores.span_matches(predicted, truth) == pytest.approx(np.array([[1, 1], [0, 0], [0, 2 / 3]]))
    assert (
        scores.span_matches(np.array(predicted), np.array(truth)) == scores.span_matches(predicted, truth)
    ).all()


# What no score accepts


SCORES = {
    "accuracy": scores.accuracy,
    "confusion": lambda predicted, truth: scores.confusion(predicted, truth, 4),
    "mean_absolute_error": scores.mean_absolute_error,
    "pearson": scores.pearson,
    "ordinal": scores.ordinal,
    "entailment": lambda predicted, truth: scores.entailment(predicted, truth, 0.5),
    "span_matches": scores.span_matches,
}


@pytest.mark.parametrize("name", SCORES)
def test_that_a_column_is_not_broadcast_against_a_row(name: str):
    with pytest.raises(DataError, match=r"Predictions are \(3, 1\), truth \(3,\)"):
        SCORES[name](np.array([[0], [1], [2]]), np.array([0, 1, 1]))


@pytest.mark.parametrize("name", SCORES)
def test_that_no_rows_have_no_score(name: str):
    with pytest.raises(DataError, match="not empty"):
        SCORES[name](np.array([], dtype=int), np.array([], dtype=int))


def test_that_the_likeliest_need_a_row_for_each_true_label():
    with pytest.raises(DataError, match=r"Predictions are \(3,\), truth \(1,\)"):
        scores.in_top(PROBABILITIES, np.array([0]), 1)


@pytest.mark.parametrize("label", [-1, 3])
def test_that_a_label_out_of_range_is_named(label: int):
    good, bad = np.array([0, 1, 2]), np.array([0, 1, label])
    for check in (
        lambda: scores.confusion(bad, good, 3),
        lambda: scores.confusion(good, bad, 3),
        lambda: scores.in_top(PROBABILITIES, bad, 1),
    ):
        with pytest.raises(DataError, match=rf"Labels run from .*{label}.*\[0, 3\)"):
            check()
