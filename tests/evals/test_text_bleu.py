from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from evals.text.bleu import corpus_bleu, ngram_counts, sentence_bleu, signature

pytest.importorskip("sacrebleu", reason="BLEU needs the `evals` extra")

REPLIES = ["I am so sorry", "you could call her", "I see"]
REFERENCES = ["I am very sorry", "you could call your sister tonight", "I see what you mean"]

WORDS = ["i", "you", "we", "feel", "felt", "so", "very", "sad", "not", "?"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def _bleu(replies, references, order):
    return corpus_bleu(ngram_counts(replies, references), order=order)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (1, 3 / 4),  # i, am, sorry of four
        (2, math.sqrt(3 / 4 * 1 / 3)),  # "i am" of three
        (3, (3 / 4 * 1 / 3 * 1 / 4) ** (1 / 3)),  # none of two: smoothed to 1 / (2 * 2)
        (4, (3 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** (1 / 4)),  # none of one: smoothed to 1 / (4 * 1)
    ],
)
def test_that_bleu_is_the_geometric_mean_of_its_precisions(order, expected):
    assert _bleu(REPLIES[:1], REFERENCES[:1], order) == pytest.approx(100 * expected)


def test_that_bleu_adds_up_counts_before_it_divides():
    # Words: 3 of 4, 3 of 4, 2 of 2 make 8 of 10; pairs: 1 of 3, 2 of 3, 1 of 1 make 4 of 7.
    # 10 words for 4 + 6 + 5 = 15: the brevity penalty is exp(1 - 15 / 10).
    expected = 100 * math.exp(1 - 15 / 10) * math.sqrt(8 / 10 * 4 / 7)
    assert _bleu(REPLIES, REFERENCES, 2) == pytest.approx(expected)


def test_that_counts_of_a_reply_are_those_by_hand():
    assert ngram_counts(REPLIES[:1], REFERENCES[:1]).tolist() == [[4, 4, 3, 1, 0, 0, 4, 3, 2, 1]]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8), st.integers(1, 4))
def test_that_bleu_from_counts_is_that_of_sacrebleu(pairs, order):
    from sacrebleu.metrics.bleu import BLEU

    replies, references = map(list, zip(*pairs, strict=True))
    theirs = BLEU(lowercase=True, max_ngram_order=order).corpus_score(replies, [references]).score
    assert _bleu(replies, references, order) == pytest.approx(theirs)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8), st.integers(1, 4))
def test_that_bleu_lies_between_0_and_100(pairs, order):
    replies, references = map(list, zip(*pairs, strict=True))
    assert 0 <= _bleu(replies, references, order) <= 100 + 1e-9
    assert (sentence_bleu(replies, references, order=order) <= 100 + 1e-9).all()


@given(st.lists(texts, min_size=1, max_size=5))
def test_that_identical_replies_score_100(replies):
    longest = max(len(text.split()) for text in replies)
    assert _bleu(replies, replies, min(4, longest)) == pytest.approx(100)
    assert sentence_bleu(replies, replies) == pytest.approx(np.full(len(replies), 100))


def test_that_a_run_of_single_words_has_no_pairs_to_match_but_a_single_reply_is_forgiven():
    assert _bleu(["Yes"], ["Yes"], 2) == 0
    assert sentence_bleu(["Yes"], ["Yes"]).tolist() == pytest.approx([100])


def test_that_bleu_of_single_replies_is_by_hand():
    # 1: sqrt(3/4 * 1/3). 2: words 3/4, pairs 2/3, short by two of six. 3: all match, short by three of five.
    expected = [0.5, math.exp(1 - 6 / 4) * math.sqrt(3 / 4 * 2 / 3), math.exp(1 - 5 / 2)]
    assert sentence_bleu(REPLIES, REFERENCES) == pytest.approx(100 * np.array(expected))


def test_that_an_empty_reply_scores_0_and_shortens_the_run():
    assert sentence_bleu(["", "I am here"], ["I see", "I am here"]).tolist() == pytest.approx([0, 100])
    # Three words for five: all match.
    assert _bleu(["", "I am here"], ["I see", "I am here"], 2) == pytest.approx(100 * math.exp(1 - 5 / 3))
    assert _bleu([""], ["I see"], 1) == 0


def test_that_no_reply_is_left_out():
    assert np.isnan(sentence_bleu(["a", None], ["a", "b"])[1])
    assert _bleu([*REPLIES, None], [*REFERENCES, "and then"], 2) == _bleu(REPLIES, REFERENCES, 2)


def test_that_case_does_not_matter_and_marks_do():
    assert _bleu(["I SEE NOW."], ["i see now."], 4) == pytest.approx(100)
    assert _bleu(["i see now"], ["i see now."], 1) < 100


def test_that_other_scripts_and_emoji_match():
    assert sentence_bleu(["Ça va 😢"], ["ça va 😢"]).tolist() == pytest.approx([100])


def test_that_rows_without_a_reply_give_no_figure():
    with pytest.raises(DataError, match="None of 3 replies is scored"):
        corpus_bleu(np.full((3, 10), np.nan), order=2)


@pytest.mark.parametrize("order", [0, 5])
def test_that_an_unknown_order_is_refused(order):
    with pytest.raises(DataError, match=f"order {order}; the order is 1 to 4"):
        _bleu(REPLIES, REFERENCES, order)


def test_that_the_signature_states_every_setting():
    from importlib.metadata import version

    stated = signature(2, effective_order=False)
    assert stated == f"nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:{version('sacrebleu')}|ngram:2"
    assert "eff:yes" in signature(2, effective_order=True)
