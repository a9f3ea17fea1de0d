from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from evals.text.embedding import bert_score, extrema, mean_cosine

VECTORS = {"sad": [3.0, -1.0], "low": [1.0, 2.0], "glad": [-3.0, 1.0], "well": [1.0, 0.0], "up": [0.0, 1.0]}

texts = st.lists(st.sampled_from(sorted(VECTORS)), min_size=1, max_size=6).map(" ".join)


def vectors(text):
    return np.array([VECTORS[word] for word in text.split()])


def test_that_bert_score_matches_each_token_with_the_likest_one():
    # Of (1, 0), (0, 1) one is like (1, 0), the other is not at all: precision 1/2, recall 1.
    found = bert_score(vectors("well up"), vectors("well"))
    assert found == pytest.approx((1 / 2, 1, 2 / 3))


def test_that_bert_score_takes_the_cosine_and_not_the_length():
    # "sad" (3, -1) with "well" (1, 0): 3 / sqrt(10); "low" (1, 2) with "up" (0, 1): 2 / sqrt(5).
    found = bert_score(vectors("sad low"), vectors("well up"))
    assert found.precision == pytest.approx((3 / math.sqrt(10) + 2 / math.sqrt(5)) / 2)
    assert found.recall == pytest.approx((3 / math.sqrt(10) + 2 / math.sqrt(5)) / 2)


def test_that_opposites_have_the_lowest_precision_and_no_f1():
    assert bert_score(vectors("sad"), vectors("glad")) == pytest.approx((-1, -1, 0))


def test_that_extrema_takes_the_value_farthest_from_0():
    # "sad low": 3 of (3, 1), 2 of (-1, 2). "glad low": -3 of (-3, 1), 2 of (1, 2). Cosine: (-9 + 4) / 13.
    assert extrema(vectors("sad low"), vectors("glad low")) == pytest.approx(-5 / 13)


def test_that_extrema_prefers_the_positive_of_two_as_far():
    # "sad glad": 3 of (3, -3), 1 of (-1, 1); against "well": 3 / sqrt(10).
    assert extrema(vectors("sad glad"), vectors("well")) == pytest.approx(3 / math.sqrt(10))


def test_that_the_mean_cosine_is_that_of_the_mean_vectors():
    # "sad low": (2, 0.5). "up": (0, 1). Cosine: 0.5 / sqrt(4.25).
    assert mean_cosine(vectors("sad low"), vectors("up")) == pytest.approx(0.5 / math.sqrt(4.25))


def test_that_a_mean_of_0_is_like_nothing():
    assert mean_cosine(vectors("sad glad"), vectors("up")) == 0


@given(texts, texts)
def test_that_precision_of_one_is_recall_of_the_other(one, other):
    there, back = bert_score(vectors(one), vectors(other)), bert_score(vectors(other), vectors(one))
    assert (there.precision, there.recall, there.f1) == pytest.approx((back.recall, back.precision, back.f1))


@given(texts)
def test_that_a_text_is_like_itself(text):
    assert bert_score(vectors(text), vectors(text)) == pytest.approx((1, 1, 1))
    assert extrema(vectors(text), vectors(text)) == pytest.approx(1)


@pytest.mark.parametrize("score", [bert_score, extrema, mean_cosine])
class TestAll:
    def test_that_vectors_of_half_precision_do_not_overflow(self, score):
        large = np.asarray(vectors("sad low") * 20000, np.float16)
        assert score(large, large) == pytest.approx(score(vectors("sad low"), vectors("sad low")))

    def test_that_vectors_that_are_not_numbers_are_refused(self, score):
        with pytest.raises(DataError, match="NaN or infinity"):
            score(vectors("sad"), vectors("low") * np.nan)

    @pytest.mark.parametrize("wrong", [np.zeros((0, 2)), np.zeros(2), np.zeros((1, 3))])
    def test_that_vectors_of_another_shape_are_refused(self, score, wrong):
        with pytest.raises(DataError, match="expected"):
            score(vectors("sad"), wrong)
