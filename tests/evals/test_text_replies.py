from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from evals.text.replies import check_pairs, check_replies, ngrams, score_each, words, words_and_marks
from sem_plugins.training.intervals import mean_scored


def test_that_words_are_lower_case_and_without_marks():
    assert words("I'm so sorry -- that's HARD!") == ["i'm", "so", "sorry", "that's", "hard"]


def test_that_a_typographic_apostrophe_is_a_plain_one():
    assert words("I’m here") == words("I'm here")


def test_that_words_of_other_scripts_are_words():
    assert words("Ça va, naïve Überraschung?") == ["ça", "va", "naïve", "überraschung"]


def test_that_each_mark_can_be_a_token():
    assert words_and_marks("Oh no... 😢") == ["oh", "no", ".", ".", ".", "😢"]


def test_that_the_last_ngram_counts():
    assert ngrams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert ngrams(["a"], 2) == []


def test_that_no_reply_is_nan_and_an_empty_one_is_scored():
    found = score_each(lambda reply, reference: float(reply == reference), ["a", None, ""], ["a", "b", "c"])
    assert found[[0, 2]].tolist() == [1.0, 0.0]
    assert np.isnan(found[1])


def test_that_a_mean_leaves_out_what_is_unscored():
    assert mean_scored(np.array([1.0, np.nan, 0.0])) == 0.5


def test_that_a_mean_of_nothing_is_refused():
    with pytest.raises(DataError, match="None of 2 replies is scored"):
        mean_scored(np.array([np.nan, np.nan]))


@pytest.mark.parametrize(
    ("replies", "references", "message"),
    [
        (["a"], ["a", "b"], "1 replies for 2 references"),
        (["a"], "b", "1 replies for 1 references"),
        ("abc", ["a", "b", "c"], "one text"),
        (["a", 3], ["a", "b"], "Reply 1 is of type int"),
        (["a", "b"], ["a", " "], "Reference 1 "),
        (["a"], [None], "Reference 0 "),
        ([None], ["a"], "None of 1 replies is a text"),
        ([], [], "None of 0 replies is a text"),
    ],
)
def test_that_what_cannot_be_scored_is_refused_by_name(replies, references, message):
    with pytest.raises(DataError, match=message):
        check_pairs(replies, references)


def test_that_errors_hold_no_words_of_a_person():
    with pytest.raises(DataError) as caught:
        check_pairs(["my secret", "b"], ["my secret", ""])
    assert "secret" not in str(caught.value)


def test_that_empty_replies_alone_can_be_scored():
    check_replies(["", None])
