from __future__ import annotations

import json
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ReadingError
from sem_plugins.conformal import ConformalRule, Method, SetFigures, crossfitted, fit

METHODS = get_args(Method)


def drawn(
    rows: int, *, labels: int = 8, sharpness: float = 1.0, seed: int = 3
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Distributions and true labels that follow them; stated `sharpness` times as sharp as they are."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, labels))
    real = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (real.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    stated = np.exp(sharpness * logits)
    return stated / stated.sum(axis=1, keepdims=True), truth


def measure(rule: ConformalRule, probabilities: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> SetFigures:
    """What the sets of a rule are worth on examples that it was not fitted on."""
    inside = rule.members(probabilities)
    return SetFigures(inside[np.arange(len(truth)), truth].mean(), inside.sum(axis=1).mean())


@st.composite
def labelled(draw: st.DrawFn, least: int = 9) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A few distributions with their true labels; coarse weights, so that scores are often tied."""
    labels = draw(st.integers(1, 7))
    weights = st.lists(st.integers(0, 9), min_size=labels, max_size=labels).filter(any)
    rows = np.array(draw(st.lists(weights, min_size=least, max_size=least + 14)), dtype=float)
    truth = draw(st.lists(st.integers(0, labels - 1), min_size=len(rows), max_size=len(rows)))
    return rows / rows.sum(axis=1, keepdims=True), np.array(truth)


@given(labelled(), st.sampled_from(METHODS), st.sampled_from([0.5, 0.6, 0.75, 0.8]))
def test_that_of_any_examples_enough_are_covered_by_the_rule_of_the_others(
    examples: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], method: Method, coverage: float
):
    # What makes the promise: leave out each of n + 1 in turn, and ceil((n + 1) coverage) at least are covered.
    probabilities, truth = examples
    covered = 0
    for row in range(len(truth)):
        others = np.arange(len(truth)) != row
        rule = fit(probabilities[others], truth[others], coverage=coverage, method=method)
        covered += bool(rule.members(probabilities[[row]])[0, truth[row]])
    assert covered >= np.ceil(round(len(truth) * coverage, 9))


@pytest.mark.parametrize("coverage", [0.55, 0.7, 0.9])
@pytest.mark.parametrize("method", ["aps", "raps"])
def test_that_no_more_are_covered_than_were_asked_for(method: Method, coverage: float):
    # Scores without ties, and examples whose true label never comes first, which would be free.
    probabilities, _ = drawn(60)
    truth = np.argsort(-probabilities, axis=1)[np.arange(60), 1 + np.arange(60) % 7]
    covered = 0
    for row in range(60):
        others = np.arange(60) != row
        rule = fit(probabilities[others], truth[others], coverage=coverage, method=method)
        covered += bool(rule.members(probabilities[[row]])[0, truth[row]])
    assert covered == round(60 * coverage)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("method", METHODS)
def test_that_new_examples_are_covered_as_promised_however_wrong_the_model(method: Method, sharpness: float):
    probabilities, truth = drawn(12_000, sharpness=sharpness)
    rule = fit(probabilities[:6000], truth[:6000], coverage=0.9, method=method)
    assert measure(rule, probabilities[6000:], truth[6000:]).coverage == pytest.approx(0.9, abs=0.015)


@given(labelled(least=20), st.sampled_from(METHODS), st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)))
def test_that_a_higher_promise_only_adds_labels(
    examples: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], method: Method, promises: tuple[float, float]
):
    lower, higher = (fit(*examples, coverage=promise, method=method) for promise in sorted(promises))
    assert lower.quantile <= higher.quantile
    assert not (lower.members(examples[0]) & ~higher.members(examples[0])).any()


@given(labelled(), st.sampled_from(METHODS), st.floats(0, 1.5))
def test_that_no_set_is_empty_and_the_likeliest_label_is_in_it(
    examples: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], method: Method, quantile: float
):
    probabilities, _ = examples
    inside = ConformalRule(method, quantile, 0.5, 9).members(probabilities)
    assert inside.shape == probabilities.shape
    assert inside[np.arange(len(inside)), probabilities.argmax(axis=1)].all()


@given(labelled(), st.sampled_from(METHODS), st.floats(0, 1.5))
def test_that_no_label_outside_a_set_is_likelier_than_one_in_it(
    examples: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], method: Method, quantile: float
):
    probabilities, _ = examples
    inside = ConformalRule(method, quantile, 0.5, 9).members(probabilities)
    least = np.where(inside, probabilities, 2).min(axis=1)
    most = np.where(inside, -1, probabilities).max(axis=1)
    assert (least >= most).all()


ROW = np.array([[0.04, 0.5, 0.01, 0.2, 0.1, 0.08, 0.07]])  # in order: 1, 3, 4, 5, 6, 0, 2


@pytest.mark.parametrize(
    ("method", "quantile", "expected"),
    [
        ("lac", 0.899, {1, 3}),
        ("lac", 0.901, {1, 3, 4}),
        ("aps", 0.499, {1}),
        ("aps", 0.501, {1, 3}),  # half of the mass is likelier than label 3
        ("aps", 0.951, {0, 1, 3, 4, 5, 6}),
        ("raps", 0.881, {1, 3, 4, 5, 6}),  # the first five cost nothing more
        ("raps", 0.959, {1, 3, 4, 5, 6}),  # 0.95 and one penalty
        ("raps", 0.961, {0, 1, 3, 4, 5, 6}),
        ("raps", 1.009, {0, 1, 3, 4, 5, 6}),  # 0.99 and two
        ("raps", 1.011, {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_that_the_set_is_the_one_worked_out_by_hand(method: Method, quantile: float, expected: set[int]):
    [inside] = ConformalRule(method, quantile, 0.9, 100).members(ROW)
    assert set(np.flatnonzero(inside)) == expected


def test_that_the_quantile_is_the_rank_of_the_finite_sample():
    # Scores 0.01 to 0.19 in some order; the ceil(20 * 0.8) = 16th is 0.16, the 19th of 19 is the last.
    truth = np.zeros(19, dtype=int)
    sure = 1 - np.random.default_rng(1).permutation(np.arange(1, 20)) / 100
    probabilities = np.stack([sure, 1 - sure], axis=1)
    assert fit(probabilities, truth, coverage=0.8).quantile == pytest.approx(0.16)
    assert fit(probabilities, truth, coverage=0.81).quantile == pytest.approx(0.17)
    assert fit(probabilities, truth, coverage=0.95).quantile == pytest.approx(0.19)
    assert fit(probabilities, truth, coverage=1e-12).quantile == pytest.approx(0.01)


def test_that_too_few_examples_are_refused_with_the_number_that_would_do():
    probabilities, truth = drawn(8)
    with pytest.raises(ReadingError, match=r"8 examples .* 0\.9\. Fit on at least 9"):
        fit(probabilities, truth, coverage=0.9)
    assert fit(*drawn(9), coverage=0.9).n == 9


def test_that_figures_are_those_worked_out_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]])
    truth = np.array([0, 2, 0, 1])
    # At 0.3 and above: {0} right, {0, 1} wrong, {1} wrong, {0, 1} right.
    rule = ConformalRule("lac", 0.701, 0.75, 3)
    assert measure(rule, probabilities, truth) == SetFigures(coverage=0.5, size=1.5)


def test_that_crossfitting_judges_each_half_with_the_rule_of_the_other():
    probabilities, truth = drawn(41)
    order = np.random.default_rng(7).permutation(41)
    halves = order[:20], order[20:]
    parts = [
        measure(fit(probabilities[a], truth[a], coverage=0.8, method="aps"), probabilities[b], truth[b])
        for a, b in (halves, halves[::-1])
    ]
    found = crossfitted(probabilities, truth, coverage=0.8, method="aps", seed=7)
    assert found.size == pytest.approx((21 * parts[0].size + 20 * parts[1].size) / 41)
    assert found.coverage == pytest.approx((21 * parts[0].coverage + 20 * parts[1].coverage) / 41)
    assert crossfitted(probabilities, truth, coverage=0.8, seed=8) != crossfitted(
        probabilities, truth, coverage=0.8, seed=7
    )


def test_that_lac_is_the_default_and_has_the_smallest_sets_where_the_model_is_right():
    probabilities, truth = drawn(4000)
    sizes = {method: crossfitted(probabilities, truth, method=method).size for method in METHODS}
    assert min(sizes, key=lambda method: sizes[method]) == "lac"
    assert fit(probabilities, truth).method == "lac"
    assert crossfitted(probabilities, truth).size == sizes["lac"]


def test_that_aps_covers_the_unsure_more_evenly_than_the_others():
    # Many labels, and rows from nearly flat to nearly sure: as in the shipped model.
    rng = np.random.default_rng(0)
    weights = np.exp(rng.normal(0, 1, (12_000, 32)) * rng.uniform(0.5, 4, (12_000, 1)))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    truth = (probabilities.cumsum(axis=1) > rng.random((12_000, 1))).argmax(axis=1)
    unsure = np.argsort(probabilities.max(axis=1))[:2400]
    covered = {
        method: measure(fit(probabilities, truth, method=method), probabilities[unsure], truth[unsure]).coverage
        for method in METHODS
    }
    assert covered["aps"] > 0.88
    assert covered["lac"] < 0.87
    assert covered["raps"] < 0.87


@given(st.sampled_from(METHODS), st.floats(0, 2), st.floats(0.01, 0.99), st.integers(100, 9999))
def test_that_a_rule_comes_back_from_json_as_it_was(method: Method, quantile: float, coverage: float, n: int):
    rule = ConformalRule(method, quantile, coverage, n)
    assert ConformalRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


def test_that_a_fitted_rule_still_admits_the_score_it_was_fitted_on_after_json():
    probabilities, truth = drawn(300)
    for method in METHODS:
        rule = fit(probabilities.astype(np.float32), truth, method=method)
        again = ConformalRule.from_dict(json.loads(json.dumps(rule.to_dict())))
        assert (again.members(probabilities) == rule.members(probabilities)).all()
        assert measure(again, probabilities.astype(np.float32), truth).coverage >= 0.9


GOOD = {"method": "lac", "quantile": 0.9, "coverage": 0.9, "n": 100}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"method": "guess"}, r"'guess' is unknown\. Choose from: lac, aps, raps"),
        ({"quantile": float("inf")}, r"quantile` is inf"),
        ({"quantile": float("nan")}, r"quantile` is nan"),
        ({"quantile": -0.1}, r"quantile` is -0\.1"),
        ({"coverage": 1.0}, r"`coverage` is 1\.0"),
        ({"coverage": 0.0}, r"`coverage` is 0\.0"),
        ({"coverage": float("nan")}, r"`coverage` is nan"),
        ({"n": 5}, "at least 9"),
        ({"n": None}, "entries method, quantile, coverage and n"),
        ({"quantile": "0.9"}, "entries method, quantile, coverage and n"),
        ({"extra": 1}, "entries method, quantile, coverage and n"),
    ],
)
def test_that_an_unsound_rule_is_refused(change: dict[str, Any], named: str):
    with pytest.raises(ReadingError, match=named):
        ConformalRule.from_dict(GOOD | change)


def test_that_a_rule_with_a_missing_entry_is_refused():
    with pytest.raises(ReadingError, match="entries method, quantile, coverage and n"):
        ConformalRule.from_dict({"method": "lac", "quantile": 0.9})


@pytest.mark.parametrize(
    ("probabilities", "truth", "named"),
    [
        (np.array([0.5, 0.5]), np.array([0]), r"shape \(2,\)"),
        (np.zeros((3, 0)), np.zeros(3, int), r"shape \(3, 0\)"),
        (np.zeros((0, 3)), np.zeros(0, int), "no rows"),
        (np.array([[0.5, 0.4]]), np.array([0]), "no distribution"),
        (np.array([[1.5, -0.5]]), np.array([0]), "no distribution"),
        (np.array([[np.nan, 1.0]]), np.array([0]), "no distribution"),
        (np.array([[0.5, 0.5]]), np.array([0, 1]), r"shape \(2,\); for 1 rows"),
        (np.array([[0.5, 0.5]]), np.array([[0]]), r"shape \(1, 1\)"),
        (np.array([[0.5, 0.5]]), np.array([0.0]), "float64"),
        (np.array([[0.5, 0.5]]), np.array([True]), "bool"),
        (np.array([[0.5, 0.5]]), np.array([2]), "index 2; of 2 labels the indices are 0 to 1"),
        (np.array([[0.5, 0.5]]), np.array([-1]), "index -1"),
    ],
)
def test_that_what_does_not_fit_is_refused(
    probabilities: np.ndarray[Any, Any], truth: np.ndarray[Any, Any], named: str
):
    for judge in (fit, crossfitted):
        with pytest.raises(ReadingError, match=named):
            judge(probabilities, truth)


@pytest.mark.parametrize("probabilities", [np.array([0.5, 0.5]), np.array([[0.5, 0.6]]), np.zeros((3, 0))])
def test_that_no_set_is_made_of_what_is_no_distribution(probabilities: np.ndarray[Any, Any]):
    with pytest.raises(ReadingError, match="probabilities"):
        ConformalRule("lac", 0.9, 0.5, 9).members(probabilities)


def test_that_no_rows_give_no_sets():
    assert ConformalRule("aps", 0.9, 0.5, 9).members(np.zeros((0, 4))).shape == (0, 4)


def test_that_an_unknown_method_is_refused_before_anything_is_fitted():
    with pytest.raises(ReadingError, match="'best' is unknown"):
        fit(*drawn(20), method="best")  # type: ignore[arg-type]
