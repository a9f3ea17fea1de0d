"""CIDEr-D: shared n-grams, weighted by how rare they are among the references of the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from agent.errors import DataError
from evals.text.replies import References, Replies, Scores, check_pairs, ngrams, score_each, words

__all__ = ["cider", "signature"]

_MAX_ORDER = 4
_SIGMA = 6.0
_SCALE = 10.0

Gram: TypeAlias = tuple[str, ...]
Vector: TypeAlias = dict[Gram, float]


def cider(replies: Replies, references: References) -> Scores:
    """Score of each reply, (N,), in [0, 10]; NaN where the reply is None, 0 where it is empty.

    Each reference is a document of the document frequencies, those of unscored replies too. Scores
    hence depend on the run: compare systems on the same references only, and read an interval as one with
    these weights held fixed. Texts under four words lack the long n-grams: 5 is the most for two words.

    Raises:
        DataError: The references are all alike: no word is rarer than another.

    Source:
        Vedantam et al. 2015 (arXiv 1411.5726), as in the COCO caption code (counts clipped to the
        reference's, a Gaussian of the difference in length), but for its tokenizer and stemmer: words are
        those of `replies.words`.
    """
    check_pairs(replies, references)
    documents = {reference: _counts(reference) for reference in references}
    if len(documents) == 1:
        raise DataError(f"All {len(references)} references are alike; weights by rarity need at least two.")
    frequencies = Counter(gram for reference in references for counts in documents[reference] for gram in counts)
    most = math.log(len(references))
    rarities = {gram: most - math.log(frequency) for gram, frequency in frequencies.items()}

    def weighted(counts: Counter[Gram]) -> Vector:
        return {gram: count * rarities.get(gram, most) for gram, count in counts.items()}

    def score(reply: str, reference: str) -> float:
        by_order = zip(_counts(reply), documents[reference], strict=True)
        alike = sum(_clipped_cosine(weighted(own), weighted(other)) for own, other in by_order)
        apart = len(words(reply)) - len(words(reference))
        return _SCALE * alike / _MAX_ORDER * math.exp(-(apart**2) / (2 * _SIGMA**2))

    return score_each(score, replies, references)


def signature() -> str:
    """Settings."""
    return f"cider-d|ngram:{_MAX_ORDER}|sigma:{_SIGMA}|scale:{_SCALE}|df:references|stem:no|case:lc|tok:words"


def _counts(text: str) -> list[Counter[Gram]]:
    tokens = words(text)
    return [Counter(ngrams(tokens, order)) for order in range(1, _MAX_ORDER + 1)]


def _clipped_cosine(reply: Mapping[Gram, float], reference: Mapping[Gram, float]) -> float:
    shared = sum(
        min(weight, reference[gram]) * reference[gram] for gram, weight in reply.items() if gram in reference
    )
    if shared == 0:
        return 0.0
    return shared / (math.hypot(*reply.values()) * math.hypot(*reference.values()))
