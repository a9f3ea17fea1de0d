from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from evals.text.distinct import distinct, distinct_1_per_reply, signature


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, 4 / 6),  # i see you; i see now: i, see, you, now of six
        (2, 3 / 4),  # i-see, see-you; i-see, see-now: three of four
        (3, 2 / 2),
        (4, 0.0),  # no reply has four words
    ],
)
def test_that_distinct_is_the_share_of_different_ngrams_of_the_run(n, expected):
    assert distinct(["I see you", "I see now"], n=n) == expected


def test_that_the_last_ngram_of_a_reply_counts():
    # The code of ESConv drops it, and finds i, see of four.
    assert distinct(["I see you", "I see now"], n=1) != pytest.approx(2 / 4)


def test_that_ngrams_do_not_run_into_the_next_reply():
    assert distinct(["one", "two"], n=2) == 0


def test_that_marks_count_as_words():
    assert distinct(["Oh no!!"], n=1) == 3 / 4


def test_that_one_reply_again_and_again_is_varied_by_itself_and_not_over_the_run():
    replies = ["I hear you"] * 10
    assert distinct(replies, n=1) == 3 / 30
    assert distinct_1_per_reply(replies).tolist() == [1.0] * 10


def test_that_distinct_of_a_reply_is_over_its_own_words():
    assert distinct_1_per_reply(["no no no no", "Yes", "so, so"]).tolist() == pytest.approx([1 / 4, 1, 2 / 3])


def test_that_an_empty_reply_scores_0_and_none_is_unscored():
    found = distinct_1_per_reply(["", None])
    assert found[0] == 0
    assert np.isnan(found[1])
    assert distinct(["", None], n=1) == 0
    assert distinct(["a b", "", None], n=1) == 1


def test_that_letters_beyond_ascii_and_emoji_count():
    assert distinct(["Ça va 😢 😢"], n=1) == 3 / 4


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(1, 3))
def test_that_distinct_lies_between_0_and_1(replies, n):
    assert 0 <= distinct(replies, n=n) <= 1


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(1, 3))
def test_that_saying_everything_twice_halves_it(replies, n):
    assert distinct(replies * 2, n=n) == pytest.approx(distinct(replies, n=n) / 2)


def test_that_ngrams_without_words_are_refused():
    with pytest.raises(DataError, match="Distinct-0"):
        distinct(["a"], n=0)


def test_that_the_signature_tells_a_run_from_a_reply():
    assert signature(2, over="run") == "distinct|ngram:2|over:run|case:lc|tok:words,marks"
