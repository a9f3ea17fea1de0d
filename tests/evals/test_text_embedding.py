from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from evals.text.embedding import embedding_average, embedding_extrema, embedding_f1

VECTORS = {"sad": [3.0, -1.0], "low": [1.0, 2.0], "glad": [-3.0, 1.0], "well": [1.0, 0.0], "up": [0.0, 1.0]}

known = st.lists(st.sampled_from(sorted(VECTORS)), min_size=1, max_size=6).map(" ".join)


def embed_words(names):
    return np.array([VECTORS.get(name, [0.0, 0.0]) for name in names])


def embed_tokens(texts):
    return [embed_words(text.split()) for text in texts]


def test_that_average_is_the_cosine_of_the_mean_vectors():
    # "sad low": (2, 0.5). "up": (0, 1). Cosine: 0.5 / sqrt(4.25).
    found = embedding_average(["Sad, low"], ["up"], embed=embed_words)
    assert found.tolist() == pytest.approx([0.5 / np.sqrt(4.25)])


def test_that_extrema_takes_the_value_farthest_from_0():
    # "sad low": 3 of (3, 1), 2 of (-1, 2). "glad low": -3 of (-3, 1), 2 of (1, 2). Cosine: (-9 + 4) / 13.
    found = embedding_extrema(["sad low"], ["glad low"], embed=embed_words)
    assert found.tolist() == pytest.approx([-5 / 13])


def test_that_extrema_prefers_the_positive_of_two_as_far():
    # "sad glad": 3 of (3, -3), 1 of (-1, 1); against "well": 3 / sqrt(10).
    assert embedding_extrema(["sad glad"], ["well"], embed=embed_words).tolist() == pytest.approx(
        [3 / np.sqrt(10)]
    )


def test_that_f1_matches_each_token_with_the_likest_one():
    # Reply (1, 0), (0, 1); reference (1, 0): precision (1 + 0) / 2, recall 1: 2 * 0.5 / 1.5.
    assert embedding_f1(["well up"], ["well"], embed=embed_tokens).tolist() == pytest.approx([2 / 3])


def test_that_f1_counts_opposites_as_unlike():
    # (3, -1) and (-3, 1) have the cosine -1.
    assert embedding_f1(["sad"], ["glad"], embed=embed_tokens).tolist() == [0]


@pytest.mark.parametrize("metric", [embedding_average, embedding_extrema])
def test_that_words_are_embedded_once_for_the_whole_run(metric):
    calls = []

    def embed(names):
        calls.append(list(names))
        return embed_words(names)

    metric(["sad", "sad low", None], ["low", "sad", "up"], embed=embed)
    assert calls == [["low", "sad", "up"]]


def test_that_texts_are_embedded_in_batches_and_scores_stay_in_place():
    sizes = []

    def embed(texts):
        sizes.append(len(texts))
        return embed_tokens(texts)

    replies = ["well", None, "up", ""] * 25
    found = embedding_f1(replies, ["well"] * 100, embed=embed)
    assert found[~np.isnan(found)].tolist() == [1, 0, 0] * 25
    assert np.isnan(found[1::4]).all()
    assert max(sizes) <= 64
    assert sum(sizes) == 100


@pytest.mark.parametrize(
    ("metric", "embed"),
    [(embedding_average, embed_words), (embedding_extrema, embed_words), (embedding_f1, embed_tokens)],
)
class TestAll:
    def test_that_an_empty_reply_scores_0_and_none_is_unscored(self, metric, embed):
        found = metric(["", None, " "], ["sad", "sad", "sad"], embed=embed)
        assert found[[0, 2]].tolist() == [0, 0]
        assert np.isnan(found[1])

    def test_that_unknown_words_score_0(self, metric, embed):
        assert metric(["日本 zzz"], ["sad"], embed=embed).tolist() == [0]

    def test_that_vectors_of_half_precision_do_not_overflow(self, metric, embed):
        def large(texts):
            return [np.asarray(vectors * 20000, np.float16) for vectors in embed(texts)]

        assert metric(["sad low"], ["sad low"], embed=large).tolist() == pytest.approx([1])

    def test_that_vectors_that_are_not_numbers_are_refused(self, metric, embed):
        with pytest.raises(DataError, match="NaN or infinity"):
            metric(["sad"], ["low"], embed=lambda texts: [vectors * np.nan for vectors in embed(texts)])

    def test_that_vectors_of_another_number_are_refused(self, metric, embed):
        with pytest.raises(DataError, match="expected"):
            metric(["sad"], ["low"], embed=lambda texts: embed(texts)[:1])

    @given(reply=known)
    def test_that_an_identical_reply_scores_1(self, metric, embed, reply):
        found = metric([reply], [reply], embed=embed)[0]
        # Opposites may cancel out, which leaves no mean vector.
        assert found == pytest.approx(1) or (metric is embedding_average and found == 0)

    @given(reply=known, reference=known)
    def test_that_the_score_lies_in_its_range(self, metric, embed, reply, reference):
        lowest = 0 if metric is embedding_f1 else -1
        assert lowest <= metric([reply], [reference], embed=embed)[0] <= 1 + 1e-12


def test_that_token_vectors_of_another_shape_are_refused():
    with pytest.raises(DataError, match="shape"):
        embedding_f1(["sad"], ["low"], embed=lambda texts: [np.zeros(3) for _ in texts])


def test_that_a_text_without_tokens_scores_0():
    assert embedding_f1(["sad"], ["low"], embed=lambda texts: [np.zeros((0, 3)) for _ in texts]).tolist() == [0]


def test_that_texts_without_words_need_no_vectors():
    assert embedding_average(["?"], ["..."], embed=pytest.fail).tolist() == [0]
