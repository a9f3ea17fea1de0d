"""From logits to probabilities that mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["sigmoid", "softmax"]

Array = NDArray[np.floating[Any]]

_LEAST = 1e-3  # below it probabilities fade out instead of being cut, so that their order stays


def softmax(logits: Array, temperature: float = 1.0, smoothing: float = 0.0) -> Array:
    """Probabilities, (N, labels), each row summing to 1, in the order of the logits.

    A network trained with label smoothing e over K labels learns (1 - e) p + e / K. That is undone
    first; what is left of over- or underconfidence is the temperature's to mend. A
    temperature alone cannot do that, since smoothing bends the sure end of the curve and not the middle.

    Args:
        logits: (N, labels).
        temperature: Above 0; above 1 makes the distribution flatter.
        smoothing: e, in [0, 1).
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)  # exp of large ones would overflow
    exponentials = np.exp(shifted)
    learned = exponentials / exponentials.sum(axis=1, keepdims=True)
    unsmoothed = (learned - smoothing / logits.shape[1]) / (1 - smoothing)
    if smoothing:
        faded = _LEAST * np.exp(np.minimum(unsmoothed, _LEAST) / _LEAST - 1)
        unsmoothed = np.where(unsmoothed > _LEAST, unsmoothed, faded)
    powers = np.log(np.maximum(unsmoothed, np.finfo(np.float64).tiny)) / temperature
    weights = np.exp(powers - powers.max(axis=1, keepdims=True))
    probabilities: Array = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def sigmoid(logits: Array, temperature: float = 1.0) -> Array:
    """Probabilities of the same shape, each label on its own."""
    probabilities: Array = 1 / (1 + np.exp(-logits.astype(np.float64) / temperature))
    return probabilities
