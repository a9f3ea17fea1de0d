from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies.balance
from agent.errors import ReadingError, WiringError
from strategies.balance import check_share, counterweighted, esconv_prior
from strategies.taxonomy import esconv

PRIOR = {"question": 0.6, "reflection": 0.3, "others": 0.1}


def test_that_the_prior_is_a_distribution_over_esconv() -> None:
    assert list(esconv_prior()) == [strategy.id for strategy in esconv().strategies]
    assert sum(esconv_prior().values()) == pytest.approx(1, abs=1e-3)
    with pytest.raises(TypeError):
        esconv_prior()["question"] = 1.0  # type: ignore[index]


def test_that_questions_are_commonest_and_restatements_rarest() -> None:
    assert max(esconv_prior(), key=esconv_prior().__getitem__) == "question"
    assert min(esconv_prior(), key=esconv_prior().__getitem__) == "restatement"


def test_that_no_strength_changes_nothing() -> None:
    given_ = {"question": 0.2, "reflection": 0.5, "others": 0.3}
    assert counterweighted(given_, prior=PRIOR, strength=0) == pytest.approx(given_)


def test_that_full_strength_leaves_nothing_of_the_prior_itself() -> None:
    flat = counterweighted(PRIOR, prior=PRIOR, strength=1)
    assert flat == pytest.approx(dict.fromkeys(PRIOR, 1 / 3))


def test_that_a_rare_strategy_gains_with_the_strength() -> None:
    given_ = {"question": 0.5, "reflection": 0.3, "others": 0.2}
    shares = [counterweighted(given_, prior=PRIOR, strength=strength)["others"] for strength in (0, 0.3, 0.6, 1)]
    assert shares == sorted(set(shares))


def test_that_odds_move_by_the_odds_of_the_prior() -> None:
    moved = counterweighted({"question": 0.5, "others": 0.5}, prior=PRIOR, strength=0.5)
    assert moved["others"] / moved["question"] == pytest.approx((0.6 / 0.1) ** 0.5)


def test_that_what_is_impossible_stays_so() -> None:
    assert counterweighted({"question": 1.0, "others": 0.0}, prior=PRIOR, strength=1) == {
        "question": 1,
        "others": 0,
    }


@given(
    weights=st.dictionaries(st.sampled_from(list(PRIOR)), st.floats(1e-9, 1), min_size=1),
    strength=st.floats(0, 20),
)
def test_that_the_outcome_is_always_a_distribution(weights, strength) -> None:
    total = sum(weights.values())
    probabilities = {strategy: weight / total for strategy, weight in weights.items()}
    outcome = counterweighted(probabilities, prior=PRIOR, strength=strength)
    assert list(outcome) == list(probabilities)
    assert sum(outcome.values()) == pytest.approx(1)


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_that_an_unusable_strength_is_refused(strength) -> None:
    with pytest.raises(ReadingError, match="strength"):
        counterweighted(PRIOR, prior=PRIOR, strength=strength)


@pytest.mark.parametrize("prior", [{"question": 0.5}, {**PRIOR, "others": 0.0}, {**PRIOR, "others": float("nan")}])
def test_that_a_prior_that_says_nothing_of_a_strategy_is_refused(prior) -> None:
    with pytest.raises(ReadingError, match="prior of"):
        counterweighted(PRIOR, prior=prior, strength=1)


@pytest.mark.parametrize("probabilities", [{}, {"question": 0.0}])
def test_that_nothing_cannot_be_weighed(probabilities) -> None:
    with pytest.raises(ReadingError, match="above 0"):
        counterweighted(probabilities, prior=PRIOR, strength=1)


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_that_a_share_outside_its_range_is_refused_by_name(value) -> None:
    check_share("weight", 0.0)
    check_share("weight", 1.0)
    with pytest.raises(WiringError, match=r"`weight`.*\[0, 1\]"):
        check_share("weight", value)


def test_that_the_example_in_the_docstring_holds() -> None:
    outcome = doctest.testmod(strategies.balance)
    assert outcome.attempted
    assert not outcome.failed
