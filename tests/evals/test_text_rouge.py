from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.text.rouge import rouge_l, signature

pytest.importorskip("rouge_score", reason="ROUGE needs the `evals` extra")

WORDS = ["i", "you", "we", "feel", "felt", "so", "very", "sad", "not"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def _score(reply, reference):
    return rouge_l([reply], [reference])[0]


def test_that_rouge_is_the_f1_of_the_longest_common_subsequence():
    # "you could ... her" is three of the reply's five words and of the reference's four: 2 * 3 / (5 + 4).
    assert _score("you could try calling her", "you could call her") == pytest.approx(2 * 3 / 9)


def test_that_order_matters():
    # One of "i" and "see" at most is in order.
    assert _score("see i", "i see") == pytest.approx(1 / 2)


def test_that_words_are_not_stemmed():
    assert _score("worried", "worry") == 0


def test_that_case_and_marks_do_not_matter():
    assert _score("I see!", "i see") == 1


def test_that_an_empty_reply_scores_0_and_none_is_unscored():
    found = rouge_l(["", None, "Yes"], ["I see", "I see", "yes"])
    assert found[[0, 2]].tolist() == [0, 1]
    assert np.isnan(found[1])


def test_that_letters_beyond_ascii_part_words():
    # "ça va" has the words "a" and "va", "ca va" has "ca" and "va".
    assert _score("ça va", "ca va") == pytest.approx(1 / 2)
    assert _score("我明白", "我明白") == 0


def _subsequence(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence, from its definition."""
    if not one or not other:
        return 0
    if one[0] == other[0]:
        return 1 + _subsequence(one[1:], other[1:])
    return max(_subsequence(one[1:], other), _subsequence(one, other[1:]))


short = st.lists(st.sampled_from(WORDS[:4]), min_size=1, max_size=6)


@given(short, short)
def test_that_rouge_is_that_of_an_independent_computation(reply, reference):
    found = 2 * _subsequence(reply, reference) / (len(reply) + len(reference))
    assert _score(" ".join(reply), " ".join(reference)) == pytest.approx(found)


@given(texts, texts)
def test_that_rouge_lies_between_0_and_1_and_does_not_mind_which_is_which(reply, reference):
    assert 0 <= _score(reply, reference) <= 1
    assert _score(reply, reference) == pytest.approx(_score(reference, reply))


@given(texts)
def test_that_an_identical_reply_scores_1(reply):
    assert _score(reply, reply) == 1


def test_that_the_signature_states_every_setting():
    from importlib.metadata import version

    assert signature() == f"rougeL|f:1|stem:no|case:lc|tok:a-z0-9|rouge-score:{version('rouge-score')}"
