"""From numbers per token to spans of characters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.window import Window

__all__ = ["best_span", "tagged", "whole_words"]

Array = NDArray[np.floating[Any]]

_LONGEST = 64  # tokens of a causal span; RECCON's have 13 on average


def best_span(scores: Array, window: Window, utterance: int) -> tuple[int, int] | None:
    """The likeliest first and last token of one utterance, as characters; None where it did not fit.

    Args:
        scores: Logits of being first and last, (T, 2).
        window: What the encoder saw.
        utterance: Index in the dialogue.
    """
    tokens = window.tokens_of(utterance)
    if not tokens.size:
        return None
    pairs = scores[tokens, 0][:, None] + scores[tokens, 1][None, :]
    allowed = np.triu(np.ones(pairs.shape, bool)) & ~np.triu(np.ones(pairs.shape, bool), k=_LONGEST)
    first, last = np.unravel_index(np.where(allowed, pairs, -np.inf).argmax(), pairs.shape)
    return window.span(int(tokens[first]), int(tokens[last]))


def whole_words(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span, grown to the words that it begins and ends in: tokens may be pieces of words."""
    start, end = span
    while 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def tagged(probabilities: Array, window: Window, utterance: int, *, threshold: float) -> list[tuple[int, int]]:
    """Runs of tokens at or above `threshold`, as characters of one utterance.

    A single token below it between two above does not end a run: "want [to] die" is one span.

    Args:
        probabilities: Per token, (T,).
        window: What the encoder saw.
        utterance: Index in the dialogue.
        threshold: In [0, 1].
    """
    tokens = window.tokens_of(utterance)
    chosen = tokens[probabilities[tokens] >= threshold]
    runs: list[list[int]] = []
    for token in chosen.tolist():
        if runs and token - runs[-1][1] <= 2:  # noqa: PLR2004 - one token may lie between
            runs[-1][1] = token
        else:
            runs.append([token, token])
    return [window.span(first, last) for first, last in runs]
