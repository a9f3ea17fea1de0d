"""Predictors that read no word: what a trained model has to beat to have understood something.

Most causes stand in the utterance that shows the emotion or in the one before. On RECCON's test part the
rule "target + previous" finds causes with an F1 of 64.2, the authors' RoBERTa with one of 64.3, so no
figure on causes says much without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError

__all__ = ["RULES", "positional_causes", "prior_sampling"]

RULES = {"target": 0, "target + previous": 1, "target + previous two": 2}
"""Name of a rule to the farthest distance at which it still predicts a cause, in utterances."""


def positional_causes(distance: NDArray[np.integer[Any]], *, rule: str) -> NDArray[np.bool_]:
    """Whether each pair is cause and emotion, (pairs,), by where both stand.

    Args:
        distance: (pairs,), index of the target utterance less that of the candidate: 0 for the target
            itself, 1 for the one before, negative for later ones, which no rule takes for a cause.
        rule: One of `RULES`.

    Raises:
        DataError: There is no such rule.
    """
    if rule not in RULES:
        raise DataError(f"No positional rule {rule!r}. Choose one of: {', '.join(map(repr, RULES))}.")
    return np.asarray((distance >= 0) & (distance <= RULES[rule]))


def prior_sampling(prior: ArrayLike, n: int, seed: int) -> NDArray[np.intp]:
    """`n` labels, (n,), drawn at random as often as in `prior`: the floor of F1 with next to no bias.

    Args:
        prior: (labels,), counts or shares of the labels, of train and never of the rows that are scored;
            all equal for a uniform draw.
        n: Rows.
        seed: The same one gives the same labels. Report the mean over several.

    Raises:
        DataError: `prior` is no distribution: negative, NaN, or all 0.
    """
    shares = np.asarray(prior, dtype=np.float64)
    if not (shares >= 0).all() or not 0 < shares.sum() < np.inf:
        raise DataError(f"Prior is {shares.tolist()}; expected counts or shares, at least 0 and not all 0.")
    drawn = np.random.default_rng(seed).choice(len(shares), size=n, p=shares / shares.sum())
    return np.asarray(drawn, dtype=np.intp)
