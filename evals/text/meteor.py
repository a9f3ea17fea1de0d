"""METEOR without synonyms: only exact words and Porter stems match.

Not the METEOR of the papers, whose third stage matches synonyms of WordNet: that is no Python package, and
would have to be downloaded. This one is at most as high where synonyms would match more, so the two must not
be compared.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from evals.text.replies import References, Replies, Scores, score_each, words

__all__ = ["meteor_exact_stem", "signature"]

_ALPHA, _BETA, _GAMMA = 0.9, 3.0, 0.5


class _NoSynonyms:
    """A WordNet that knows no word."""

    def synsets(self, word: str) -> list[Any]:  # noqa: ARG002 - the name is nltk's
        return []


def meteor_exact_stem(replies: Replies, references: References) -> Scores:
    """Score of each reply, (N,), in [0, 1); NaN where the reply is None, 0 where it is empty.

    Recall weighs nine times as much as precision; the score is cut, by half at most, the more chunks the
    matched words fall into. Hence a reply of n words equal to its reference scores 1 - 0.5 / n**3.

    Source:
        Banerjee and Lavie 2005, with their weights. nltk's alignment runs from the end of the reply and
        does not always find the fewest chunks. Words are those of `replies.words`, without marks.
    """
    from nltk.translate.meteor_score import single_meteor_score

    def score(reply: str, reference: str) -> float:
        found: float = single_meteor_score(
            words(reference),
            words(reply),
            wordnet=_NoSynonyms(),
            alpha=_ALPHA,
            beta=_BETA,
            gamma=_GAMMA,
        )
        return found

    return score_each(score, replies, references)


def signature() -> str:
    """Settings and version."""
    weights = f"alpha:{_ALPHA}|beta:{_BETA}|gamma:{_GAMMA}"
    return f"meteor|{weights}|stages:exact,porter|synonyms:no|case:lc|tok:words|nltk:{version('nltk')}"
