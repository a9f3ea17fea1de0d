from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.text.meteor import meteor_exact_stem, signature

pytest.importorskip("nltk", reason="METEOR needs the `evals` extra")

WORDS = ["i", "you", "we", "feel", "feeling", "so", "very", "sad", "not"]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def _score(reply, reference):
    return meteor_exact_stem([reply], [reference])[0]


def test_that_chunks_are_punished():
    # Three of four words match either way: mean 3/4. "i am" and "sorry" are two chunks of three matches.
    assert _score("I am so sorry", "I am very sorry") == pytest.approx(3 / 4 * (1 - 0.5 * (2 / 3) ** 3))


def test_that_recall_weighs_nine_times_as_much():
    # Precision 1, recall 1/4: mean 1/4 / (0.9 * 1 + 0.1 * 1/4). One chunk of one match: half is cut.
    assert _score("sorry", "I am so sorry") == pytest.approx(0.25 / 0.925 * 0.5)
    # The other way round: 1/4 / (0.9 * 1/4 + 0.1 * 1).
    assert _score("I am so sorry", "sorry") == pytest.approx(0.25 / 0.325 * 0.5)


def test_that_stems_match():
    # Porter gives "worri" for both; two matches in one chunk.
    assert _score("you worried", "you worry") == pytest.approx(1 - 0.5 * (1 / 2) ** 3)


def test_that_synonyms_do_not_match():
    assert _score("sad", "unhappy") == 0


def test_that_a_word_matches_but_once():
    # Precision 1/3, recall 1/2: mean 1/6 / (0.9 / 3 + 0.1 / 2); one chunk of one match.
    assert _score("so so so", "so sad") == pytest.approx(1 / 6 / (0.9 / 3 + 0.1 / 2) * 0.5)


def test_that_an_empty_reply_scores_0_and_none_is_unscored():
    found = meteor_exact_stem(["", None, "!!"], ["I see", "I see", "I see"])
    assert found[[0, 2]].tolist() == [0, 0]
    assert np.isnan(found[1])


def test_that_letters_beyond_ascii_match():
    assert _score("Ça va", "ça va") == pytest.approx(1 - 0.5 / 8)


once = st.lists(st.sampled_from([word for word in WORDS if word != "feeling"]), min_size=1, unique=True)


@given(once, once)
def test_that_meteor_is_that_of_an_independent_computation_where_words_come_once(reply, reference):
    # Then there is but one way to match: place in the reply and place in the reference of each shared word.
    matches = [(place, reference.index(word)) for place, word in enumerate(reply) if word in reference]
    expected = 0.0
    if matches:
        broken = sum(after != (a + 1, b + 1) for (a, b), after in itertools.pairwise(matches))
        precision, recall = len(matches) / len(reply), len(matches) / len(reference)
        mean = 10 * precision * recall / (recall + 9 * precision)
        expected = mean * (1 - 0.5 * ((broken + 1) / len(matches)) ** 3)
    assert _score(" ".join(reply), " ".join(reference)) == pytest.approx(expected)


@given(texts, texts.filter(bool))
def test_that_meteor_lies_between_0_and_1(reply, reference):
    assert 0 <= _score(reply, reference) < 1


@given(texts.filter(bool))
def test_that_an_identical_reply_loses_one_chunk_only(reply):
    assert _score(reply, reply) == pytest.approx(1 - 0.5 / len(reply.split()) ** 3)


def test_that_the_signature_says_that_synonyms_are_missing():
    assert "stages:exact,porter|synonyms:no" in signature()
