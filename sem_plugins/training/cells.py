"""Figures as they stand in tables, of cards and of evaluations."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console

__all__ = ["is_plain", "page", "shown"]

_PLAIN = (
    *("_r", "_mae", "bias", "_size", "kappa", "cider", "words_per_reply"),
    *("calls", "_tokens", "seconds", "_ms", "empathy"),
    *("perplexity", "bits_per_word", "tokens_per_reply", "delay", "false_alarms"),
    *("_reactions", "_interpretations", "_explorations", "ces", "tes", "coherence", "_extrema"),
)
_NATS = ("log_likelihood", "gain_over_table", "brier")  # whose differences lie in the third decimal
_FILE_WIDTH = 140  # columns; the widest table has four figures with intervals and an aim


def page() -> Console:
    """Standard output for tables. A file has no width of its own, and 80 columns would fold every figure."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)


def shown(estimate: Mapping[str, float] | None, metric: str) -> str:
    """A figure as it stands in tables: percent, or two or three decimals where the figure is no share."""
    if estimate is None:
        return "\N{EN DASH}"
    digits, factor = (3 if metric.endswith(_NATS) else 2, 1.0) if is_plain(metric) else (1, 100.0)
    value, low, high = (
        f"{estimate[name] * factor:z.{digits}f}" if name in estimate else "" for name in ("value", "low", "high")
    )
    if not low:
        return value
    return f"{value} ({low} to {high})" if low.startswith("-") else f"{value} ({low}\N{EN DASH}{high})"


def is_plain(metric: str) -> bool:
    """Whether a metric is a number and no share: correlations, errors, bias, sizes, levels, cosines, nats."""
    return metric.endswith((*_PLAIN, *_NATS))
