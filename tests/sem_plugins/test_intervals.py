from __future__ import annotations

import doctest
import json
from functools import partial

import numpy as np
import pytest

from agent.errors import DataError
from sem_plugins.training import intervals
from sem_plugins.training.intervals import Estimate, bootstrap, mean_scored
from sem_plugins.training.scores import accuracy, confusion, macro_f1, preference_bias


def test_that_the_example_of_the_docstring_holds():
    assert doctest.testmod(intervals, extraglobs={"np": np}).attempted == 3
    assert doctest.testmod(intervals, extraglobs={"np": np}).failed == 0


def test_that_the_value_is_that_of_all_rows():
    predicted, truth = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])
    found = bootstrap(accuracy, np.array([1, 1, 2, 2, 3]), predicted, truth)
    assert found.value == 0.8
    assert found.n == 5
    assert 0 <= found.low <= 0.8 <= found.high <= 1


def test_that_groups_are_drawn_whole():
    groups = np.array(["b", "a", "c", "b", "c", "b"])
    sizes = {"a": 1, "b": 3, "c": 2}
    drawn = []

    def look(names: np.ndarray, rows: np.ndarray) -> float:
        drawn.append(dict(zip(*np.unique(names, return_counts=True), strict=True)))
        assert (groups[rows] == names).all()
        return 0.0

    bootstrap(look, groups, groups, np.arange(6), draws=50)
    assert all(count % sizes[name] == 0 for counts in drawn for name, count in counts.items())
    assert {sum(count // sizes[name] for name, count in counts.items()) for counts in drawn} == {3}
    assert {count for counts in drawn for count in counts.values()} > {1, 2, 3, 4, 6}


def test_that_every_row_of_a_drawn_group_comes_once_each_time():
    groups = np.array([5, 9, 5, 9, 9, 2])

    def look(rows: np.ndarray) -> float:
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[2]
        assert counts[1] == counts[3] == counts[4]
        return float(counts[5])

    assert bootstrap(look, groups, np.arange(6), draws=50).high >= 2


def test_that_the_interval_of_a_mean_is_the_normal_one():
    values = np.random.default_rng(1).normal(2, 1, 2000)
    found = bootstrap(np.mean, np.arange(2000), values)
    error = values.std() / np.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_that_rows_that_repeat_within_a_group_make_the_interval_no_narrower():
    values = np.random.default_rng(2).normal(0, 1, 100)
    once = bootstrap(np.mean, np.arange(100), values)
    repeated = bootstrap(np.mean, np.repeat(np.arange(100), 9), np.repeat(values, 9))
    apart = bootstrap(np.mean, np.arange(900), np.repeat(values, 9))
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))
    assert apart.high - apart.low < 0.5 * (once.high - once.low)


def test_that_the_names_and_the_order_of_groups_change_nothing_that_matters():
    values = np.random.default_rng(3).random(60)
    groups = np.repeat(np.arange(20), 3)
    named = np.array([f"dialogue {group:02}" for group in groups])
    assert bootstrap(np.mean, named, values) == bootstrap(np.mean, groups, values)
    order = np.random.default_rng(4).permutation(60)
    shuffled = bootstrap(np.mean, groups[order], values[order])
    assert (shuffled.low, shuffled.high) == pytest.approx(
        (bootstrap(np.mean, groups, values).low, bootstrap(np.mean, groups, values).high)
    )


def test_that_a_seed_repeats_and_another_differs():
    values, groups = np.random.default_rng(5).random(50), np.arange(50)
    assert bootstrap(np.mean, groups, values) == bootstrap(np.mean, groups, values, seed=13)
    assert bootstrap(np.mean, groups, values) != bootstrap(np.mean, groups, values, seed=14)


def bias_of_three(predicted: np.ndarray, truth: np.ndarray) -> float:
    return preference_bias(confusion(predicted, truth, 3))


def test_that_draws_that_leave_the_metric_undefined_are_counted_and_skipped():
    # The third strategy is true in one dialogue of six: (5/6)^6 = 33% of the draws lack it.
    truth = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    predicted = np.array([1, 0, 1, 0, 2, 0, 1, 0, 1, 0, 0, 1])
    found = bootstrap(bias_of_three, np.repeat(np.arange(6), 2), predicted, truth)
    assert 250 < found.undefined < 500
    assert 0 <= found.low <= found.high < np.inf


def test_that_nan_counts_as_undefined():
    def share_of_ones_among_positive(values: np.ndarray) -> float:
        return float((values == 1).sum() / (values > 0).sum()) if (values > 0).any() else float("nan")

    found = bootstrap(share_of_ones_among_positive, np.arange(3), np.array([0, 0, 1]))
    assert 200 < found.undefined < 400  # (2/3)^3 = 30%
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_that_a_metric_that_is_undefined_on_all_rows_is_an_error():
    with pytest.raises(DataError, match="Strategy 2 never occurs"):
        bootstrap(bias_of_three, np.arange(4), np.array([0, 1, 1, 0]), np.array([1, 0, 0, 1]))
    with pytest.raises(DataError, match="NaN on all 3 rows"):
        bootstrap(np.mean, np.arange(3), np.array([np.nan, 1, 2]))


def test_that_a_metric_that_is_undefined_in_all_draws_is_an_error():
    def of_all_rows_alone(rows: np.ndarray) -> float:
        return 1.0 if rows.tolist() == list(range(40)) else float("nan")

    with pytest.raises(DataError, match="undefined in all 20 draws"):
        bootstrap(of_all_rows_alone, np.arange(40), np.arange(40), draws=20)


def test_that_a_mistake_in_the_metric_is_not_taken_for_undefined():
    def broken(values: np.ndarray) -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bootstrap(broken, np.arange(3), np.arange(3))


def test_that_one_group_is_too_few():
    with pytest.raises(DataError, match="1 group in 3 rows"):
        bootstrap(np.mean, np.zeros(3), np.arange(3))


def test_that_arrays_and_groups_are_of_one_length():
    with pytest.raises(DataError, match=r"\[3, 4\] rows for 3 "):
        bootstrap(accuracy, np.arange(3), np.arange(3), np.arange(4))


def test_that_an_interval_of_macro_f1_holds_the_value():
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 8, 600)
    predicted = np.where(rng.random(600) < 0.4, truth, rng.integers(0, 8, 600))
    found = bootstrap(partial(macro_f1, size=8), np.arange(600) // 10, predicted, truth, draws=300)
    assert found.value == macro_f1(predicted, truth, 8)
    assert found.low < found.value < found.high
    assert found.undefined == 0


def test_that_an_estimate_turns_into_json():
    found = Estimate(0.123456, 0.1, 0.2, 40)
    assert json.loads(json.dumps(found.as_dict())) == {
        "value": 0.1235,
        "low": 0.1,
        "high": 0.2,
        "n": 40,
        "undefined": 0,
    }


def test_that_a_mean_s_interval_is_that_of_the_rows_that_are_drawn():
    """Means are had from sums of groups, without drawing rows."""
    rng = np.random.default_rng(7)
    for groups in (rng.integers(0, 12, 40), np.arange(30), rng.integers(0, 2, 9)):
        rows = len(groups)
        for values in (rng.normal(0, 1, rows), rng.random(rows) < 0.3, rng.integers(0, 9, rows)):
            of_sums, of_rows = (
                bootstrap(metric, groups, values) for metric in (np.mean, lambda drawn: drawn.mean())
            )
            assert of_sums.value == of_rows.value
            assert (of_sums.low, of_sums.high) == pytest.approx((of_rows.low, of_rows.high), abs=1e-12)


def test_that_draws_in_which_nothing_is_scored_leave_a_mean_of_the_scored_undefined():
    groups, scores = np.arange(4), np.array([0.2, np.nan, np.nan, np.nan])
    of_sums, of_rows = (bootstrap(metric, groups, scores) for metric in (mean_scored, partial(mean_scored)))
    assert of_sums == of_rows
    assert of_sums.undefined > 0
