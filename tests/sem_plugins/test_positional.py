from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from sem_plugins.training.positional import RULES, positional_causes, prior_sampling
from sem_plugins.training.scores import accuracy, entailment, macro_f1


@pytest.mark.parametrize(
    ("rule", "causes"),
    [
        ("target", [False, True, False, False, False]),
        ("target + previous", [False, True, True, False, False]),
        ("target + previous two", [False, True, True, True, False]),
    ],
)
def test_that_a_rule_takes_near_utterances_and_no_later_ones(rule: str, causes: list[bool]):
    assert positional_causes(np.array([-1, 0, 1, 2, 3]), rule=rule).tolist() == causes


def test_that_an_unknown_rule_is_named_with_the_choices():
    with pytest.raises(DataError, match=r"'previous'.*'target', 'target \+ previous', 'target \+ previous two'"):
        positional_causes(np.array([0]), rule="previous")


def test_that_a_rule_is_scored_as_a_model_is():
    # Three targets with all utterances up to them; causes: target; target and previous; two before.
    distance = np.array([0, 1, 0, 2, 1, 0])
    truth = np.array([True, True, True, True, False, False])
    found = entailment(positional_causes(distance, rule="target + previous").astype(float), truth, 0.5)
    assert found.positive == pytest.approx(2 * 3 / (5 + 4))
    assert found.negative == 0


def test_that_wider_rules_find_all_that_narrower_ones_find():
    distance = np.arange(-3, 9)
    target, previous, two = (positional_causes(distance, rule=rule) for rule in RULES)
    assert (target <= previous).all()
    assert (previous <= two).all()
    assert target.sum() < previous.sum() < two.sum()


def test_that_labels_are_drawn_as_often_as_in_the_prior():
    drawn = prior_sampling([30, 60, 0, 10], 20_000, 13)
    assert drawn.shape == (20_000,)
    assert np.bincount(drawn, minlength=4) / 20_000 == pytest.approx([0.3, 0.6, 0, 0.1], abs=0.015)


def test_that_counts_and_shares_draw_the_same():
    assert (prior_sampling([1, 3], 50, 2) == prior_sampling([0.25, 0.75], 50, 2)).all()


def test_that_a_seed_repeats_and_another_differs():
    assert (prior_sampling([1, 1], 50, 2) == prior_sampling([1, 1], 50, 2)).all()
    assert (prior_sampling([1, 1], 50, 2) != prior_sampling([1, 1], 50, 3)).any()


def test_that_drawing_from_the_prior_scores_what_chance_scores():
    prior = np.array([0.5, 0.3, 0.2])
    truth = prior_sampling(prior, 50_000, 1)
    drawn = prior_sampling(prior, 50_000, 2)
    assert accuracy(drawn, truth) == pytest.approx((prior**2).sum(), abs=0.01)
    assert macro_f1(drawn, truth, 3) == pytest.approx(1 / 3, abs=0.01)  # each class has its share as F1


@pytest.mark.parametrize("prior", [[0.5, -0.1], [0, 0], [np.nan, 1], [np.inf, 1], []])
def test_that_what_is_no_distribution_is_refused(prior: list[float]):
    with pytest.raises(DataError, match="expected counts or shares"):
        prior_sampling(prior, 5, 1)
