from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from evals.text.cider import cider, signature

WORDS = ["i", "you", "we", "feel", "felt", "so", "very", "sad", "not"]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
pairs = st.lists(st.tuples(texts, texts.filter(bool)), min_size=2, max_size=8).filter(
    lambda rows: len({reference for _, reference in rows}) > 1
)


def test_that_cider_is_the_mean_of_four_cosines():
    # Every n-gram is in one of two references, so that all weigh log 2.
    # "a b": words 1, pairs 1, none longer: 10 * (1 + 1) / 4.
    # "a d" for "c d": "d" is shared, 1 / (sqrt 2 * sqrt 2) of the words, no pair: 10 * 0.5 / 4.
    assert cider(["a b", "a d"], ["a b", "c d"]).tolist() == pytest.approx([5, 1.25])


def test_that_a_difference_in_length_is_punished():
    # "d" for "c d": 1 / sqrt 2 of the words; one word short: exp(-1 / (2 * 36)).
    expected = 10 / 4 / math.sqrt(2) * math.exp(-1 / 72)
    assert cider(["a b", "d"], ["a b", "c d"])[1] == pytest.approx(expected)


def test_that_repeating_a_word_does_not_pay():
    # Of two "d" one counts, while the length of (2) is 2: 1 / (2 * sqrt 2).
    assert cider(["a b", "d d"], ["a b", "c d"])[1] == pytest.approx(10 / 4 / (2 * math.sqrt(2)))


def test_that_a_word_of_every_reference_weighs_nothing():
    # Words of the reply: log 2 for "b", 0 for "i". Those of the reference: log 2 for "a".
    found = cider(["i b", "i b"], ["i a", "i b"])
    assert found[0] == 0
    assert found[1] == pytest.approx(5)


def test_that_a_common_word_weighs_less_by_its_frequency():
    # Of four references two have "a" (log 2), one has "b", one "c" (log 4 = 2 log 2). No pair is shared.
    # "a z" for "a b": a * a over the lengths of (1, 2) and (1, 2) log 2, "z" being unseen: 1 / 5.
    found = cider(["a z", "c", "d", "e"], ["a b", "a c", "d", "e"])
    assert found[0] == pytest.approx(10 / 4 / 5)


def test_that_a_reference_which_comes_twice_counts_twice():
    # Three of four references have "a", one has "c"; "z" is unseen and weighs what "c" does.
    found = cider(["", "", "a z", ""], ["a b", "a b", "a c", "d"])
    of_a, of_c = math.log(4 / 3), math.log(4)
    assert found[2] == pytest.approx(10 / 4 * of_a**2 / (of_a**2 + of_c**2))


def test_that_cider_is_that_of_the_coco_caption_code():
    # Computed with `CiderScorer` of pycocoevalcap 1.2 from the same words; it equals ours on random texts too.
    replies = [
        "That must have been a very hard week.",
        "Have you talked to your sister about it?",
        "It could help to write to her, to write it all down.",
        "That must have been lonely.",
    ]
    references = [
        "That must have been a hard week for you.",
        "Have you told your sister how you feel?",
        "You could write down what went well today.",
        "That must have been lonely.",
    ]
    coco = [4.635604085264198, 1.6590942831832622, 0.4824576751383055, 10.0]
    assert cider(replies, references).tolist() == pytest.approx(coco, rel=1e-12)


def test_that_an_empty_reply_scores_0_and_none_is_unscored():
    found = cider(["", None, "?!"], ["I see", "I do not", "I hear you"])
    assert found[[0, 2]].tolist() == [0, 0]
    assert np.isnan(found[1])


def test_that_references_of_unscored_replies_count_for_rarity():
    assert (
        cider(["a b", None, None], ["a b", "c d", "a e"])[0] == cider(["a b", "", "c"], ["a b", "c d", "a e"])[0]
    )


def test_that_one_identical_word_scores_a_quarter():
    assert cider(["Yes.", "no"], ["yes", "no"]).tolist() == pytest.approx([2.5, 2.5])


def test_that_letters_beyond_ascii_match():
    assert cider(["Ça va", "no"], ["ça va", "no"])[0] == pytest.approx(5)


@given(pairs)
def test_that_cider_is_that_of_an_independent_computation(rows):
    # As matrices of n-grams: a column per n-gram, a row per text.
    replies, references = ([row[side].split() for row in rows] for side in (0, 1))
    lengths = np.array([[len(text) for text in texts] for texts in (replies, references)])
    expected = np.zeros(len(rows))
    for order in (1, 2, 3, 4):
        grams = [
            [tuple(text[i : i + order]) for i in range(len(text) - order + 1)] for text in replies + references
        ]
        every = sorted({gram for text in grams for gram in text})
        counts = np.array([[text.count(gram) for gram in every] for text in grams]).reshape(len(grams), -1)
        weights = counts * np.log(len(rows) / np.maximum(1, (counts[len(rows) :] > 0).sum(axis=0)))
        own, other = weights[: len(rows)], weights[len(rows) :]
        norms = np.linalg.norm(own, axis=1) * np.linalg.norm(other, axis=1)
        expected += (np.minimum(own, other) * other).sum(axis=1) / np.where(norms > 0, norms, 1)
    expected *= 10 / 4 * np.exp(-((lengths[0] - lengths[1]) ** 2) / 72)
    found = cider([row[0] for row in rows], [row[1] for row in rows])
    assert found == pytest.approx(expected)


@given(pairs)
def test_that_cider_lies_between_0_and_10(rows):
    replies, references = map(list, zip(*rows, strict=True))
    found = cider(replies, references)
    assert ((found >= 0) & (found <= 10 + 1e-9)).all()


@given(st.sets(st.sampled_from("abcdefghijkl"), min_size=8), st.integers(4, 5))
def test_that_identical_replies_of_four_words_or_more_score_10(letters, length):
    letters = sorted(letters)
    references = [" ".join(letters[:length]), " ".join(letters[-3:])]
    assert cider(references, references)[0] == pytest.approx(10)


def test_that_references_which_are_all_alike_are_refused():
    with pytest.raises(DataError, match="All 2 references are alike"):
        cider(["a", "b"], ["a", "a"])


def test_that_the_signature_says_where_the_frequencies_come_from():
    assert "df:references" in signature()
