"""Likeness of replies and references in the space of somebody's vectors.

Which vectors is the caller's choice, and the figures say nothing without it: they compare runs that used the
same ones, and no published table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from evals.text.replies import References, Replies, Scores, check_pairs, score_each, words

__all__ = ["EmbedTokens", "EmbedWords", "embedding_average", "embedding_extrema", "embedding_f1"]

Vectors = NDArray[np.floating[Any]]
EmbedWords = Callable[[Sequence[str]], Vectors]
EmbedTokens = Callable[[Sequence[str]], Sequence[Vectors]]

_PAIRS = 32  # at a time: vectors of every token of a run would fill half a gigabyte


def embedding_average(replies: Replies, references: References, *, embed: EmbedWords) -> Scores:
    """Cosine of the mean vectors of the words, (N,), in [-1, 1].

    NaN where the reply is None, 0 where it or its reference has no word, or words without a vector only.
    Common words outweigh the rest, so any two English replies look alike.

    Args:
        replies: N texts, or None.
        references: N texts.
        embed: Takes W different lower-case words and gives their vectors, (W, d); zeros for an unknown
            one. Called once.

    Raises:
        DataError: Vectors are not (W, d), or not finite.
    """
    return _pooled(replies, references, embed, lambda vectors: vectors.mean(axis=0))


def embedding_extrema(replies: Replies, references: References, *, embed: EmbedWords) -> Scores:
    """Cosine of the vectors of extremes, (N,), in [-1, 1]: of all words, each dimension's value farthest from 0.

    Arguments, errors and what is unscored are those of `embedding_average`.

    Source:
        Forgues et al. 2014. Of two values as far from 0, the positive one counts.
    """
    return _pooled(replies, references, embed, _extremes)


def embedding_f1(replies: Replies, references: References, *, embed: EmbedTokens) -> Scores:
    """Greedy matching of token vectors, (N,), in [0, 1]; NaN where the reply is None, 0 where it is empty.

    Precision is the mean over the reply's tokens of the cosine with the reference's likest one, recall
    the other way round. As BERTScore F1 (Zhang et al. 2020) without weights by rarity and without its
    baseline; negative cosines count as 0. With other vectors than theirs it is not BERTScore.

    Args:
        replies: N texts, or None.
        references: N texts.
        embed: Takes texts and gives for each the vectors of its tokens, (tokens, d). Leave out marks of
            start and end: they match in any two texts. Called with up to 64 texts at a time.

    Raises:
        DataError: Not as many arrays as texts, or one that is not (tokens, d) or not finite.
    """
    scores = score_each(lambda _reply, _reference: 0.0, replies, references)
    said = [(row, reply) for row, reply in enumerate(replies) if reply is not None and reply.strip()]
    for start in range(0, len(said), _PAIRS):
        batch = said[start : start + _PAIRS]
        vectors = _token_vectors(embed, [reply for _, reply in batch] + [references[row] for row, _ in batch])
        for (row, _), own, other in zip(batch, vectors[: len(batch)], vectors[len(batch) :], strict=True):
            scores[row] = _greedy_f1(own, other)
    return scores


def _pooled(
    replies: Replies, references: References, embed: EmbedWords, pool: Callable[[Vectors], Vectors]
) -> Scores:
    check_pairs(replies, references)
    texts = [*(reply for reply in replies if reply is not None), *references]
    known = sorted({word for text in texts for word in words(text)})
    if not known:
        return score_each(lambda _reply, _reference: 0.0, replies, references)
    vectors = _checked(embed(known), f"{len(known)} words", rows=len(known))
    place = {word: row for row, word in enumerate(known)}

    def score(reply: str, reference: str) -> float:
        rows = [[place[word] for word in words(text)] for text in (reply, reference)]
        if not all(rows):
            return 0.0
        own, other = (pool(vectors[of_text]) for of_text in rows)
        lengths = np.linalg.norm(own) * np.linalg.norm(other)
        return float(np.clip(own @ other / lengths, -1, 1)) if lengths > 0 else 0.0

    return score_each(score, replies, references)


def _extremes(vectors: Vectors) -> Vectors:
    high, low = vectors.max(axis=0), vectors.min(axis=0)
    return np.asarray(np.where(high >= -low, high, low))


def _token_vectors(embed: EmbedTokens, texts: list[str]) -> list[Vectors]:
    found = embed(texts)
    if len(found) != len(texts):
        raise DataError(f"{len(found)} arrays of vectors for {len(texts)} texts; expected one for each.")
    return [_checked(vectors, "the tokens of a text") for vectors in found]


def _greedy_f1(own: Vectors, other: Vectors) -> float:
    if not len(own) or not len(other):
        return 0.0
    cosines = np.clip(_unit(own) @ _unit(other).T, 0, 1)
    precision, recall = cosines.max(axis=1).mean(), cosines.max(axis=0).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall > 0 else 0.0


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _checked(vectors: Vectors, of: str, *, rows: int | None = None) -> Vectors:
    """Vectors as float64: in eight bits or half precision their products would overflow."""
    array: Vectors = np.asarray(vectors, dtype=np.float64)
    if array.ndim != 2 or (rows is not None and len(array) != rows):  # noqa: PLR2004
        raise DataError(f"Vectors of {of} have shape {array.shape}; expected (number of them, dimensions).")
    if not np.isfinite(array).all():
        raise DataError(f"Vectors of {of} hold NaN or infinity; give zeros where there is no vector.")
    return array
