"""BLEU by sacrebleu, in percent: over the run, from counts that can be drawn again, and of single replies.

Lower-cased and with exponential smoothing, as in the code published with ESConv (which says "method 3" of
nltk); tokens of 13a. "BLEU-2" is the geometric mean of the precisions of one and two words, times the
brevity penalty. The run has no effective order, as is usual for corpora; single replies have it, since short
ones lack long n-grams. A mean of single replies is another figure than the one over the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.errors import DataError
from evals.text.replies import References, Replies, Scores, check_pairs, score_each

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

__all__ = ["corpus_bleu", "ngram_counts", "sentence_bleu", "signature"]

_MAX_ORDER = 4


def ngram_counts(replies: Replies, references: References) -> Scores:
    """What BLEU is made of, for each reply, (N, 10); a row of NaN where the reply is None.

    Columns: words of the reply, words of the reference, matched n-grams of 1 to 4 words, all of the
    reply's n-grams of 1 to 4 words. An empty reply has words of the reference alone.
    """
    check_pairs(replies, references)
    bleu = _bleu(_MAX_ORDER, effective_order=True)
    counts = np.full((len(replies), 2 + 2 * _MAX_ORDER), np.nan)
    for row, (reply, reference) in enumerate(zip(replies, references, strict=True)):
        if reply is not None:
            found = bleu.sentence_score(reply, [reference])
            counts[row] = [found.sys_len, found.ref_len, *found.counts, *found.totals]
    return counts


def corpus_bleu(counts: Scores, *, order: int) -> float:
    """BLEU-`order` of the rows together, in [0, 100]; equal to sacrebleu's over the same replies.

    Args:
        counts: Rows of `ngram_counts`, in any selection; those of NaN are left out.
        order: Longest n-gram, 1 to 4.

    Raises:
        DataError: No row is scored.
    """
    from sacrebleu.metrics.bleu import BLEU

    _check_order(order)
    scored = counts[~np.isnan(counts).any(axis=1)]
    if not len(scored):
        raise DataError(f"None of {len(counts)} replies is scored; BLEU needs one.")
    reply_words, reference_words, *grams = scored.sum(axis=0).astype(int).tolist()
    found = BLEU.compute_bleu(
        grams[:order],
        grams[_MAX_ORDER:][:order],
        reply_words,
        reference_words,
        smooth_method="exp",
        max_ngram_order=order,
    )
    return float(found.score)


def sentence_bleu(replies: Replies, references: References, *, order: int = 2) -> Scores:
    """BLEU-`order` of each reply, (N,), in [0, 100]; NaN where the reply is None, 0 where it is empty."""
    bleu = _bleu(order, effective_order=True)
    return score_each(lambda reply, reference: bleu.sentence_score(reply, [reference]).score, replies, references)


def signature(order: int, *, effective_order: bool) -> str:
    """Signature of sacrebleu, and the order, which that one leaves out."""
    bleu = _bleu(order, effective_order=effective_order)
    bleu.num_refs = 1
    return f"{bleu.get_signature()}|ngram:{order}"


def _bleu(order: int, *, effective_order: bool) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    _check_order(order)
    return BLEU(
        lowercase=True,
        tokenize="13a",
        smooth_method="exp",
        max_ngram_order=order,
        effective_order=effective_order,
    )


def _check_order(order: int) -> None:
    if not 1 <= order <= _MAX_ORDER:
        raise DataError(f"BLEU of order {order}; the order is 1 to {_MAX_ORDER}.")
