"""ROUGE-L by rouge-score: F1 of the longest common subsequence of words."""

from __future__ import annotations

from importlib.metadata import version

from evals.text.replies import References, Replies, Scores, score_each

__all__ = ["rouge_l", "signature"]


def rouge_l(replies: Replies, references: References) -> Scores:
    """F1 of each reply, (N,), in [0, 1]; NaN where the reply is None, 0 where it is empty.

    Without stemmer, as in the code published with ESConv. Words are runs of a-z and 0-9, lower-cased: "don't" is
    two, and a text in another script has none and scores 0.

    That code weighs recall more (beta 1.2), which lifts replies longer than their references: figures of
    papers that use it are not F1.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return score_each(
        lambda reply, reference: scorer.score(reference, reply)["rougeL"].fmeasure, replies, references
    )


def signature() -> str:
    """Settings and version."""
    return f"rougeL|f:1|stem:no|case:lc|tok:a-z0-9|rouge-score:{version('rouge-score')}"
