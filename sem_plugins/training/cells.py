"""Figures as they stand in tables, of cards and of evaluations."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["is_plain", "shown"]


def shown(estimate: Mapping[str, float] | None, metric: str) -> str:
    """A figure as it stands in tables: percent, or two decimals where the figure is no share."""
    if estimate is None:
        return "\N{EN DASH}"
    digits, factor = (2, 1.0) if is_plain(metric) else (1, 100.0)
    value = f"{estimate['value'] * factor:.{digits}f}"
    if "low" not in estimate:
        return value
    return f"{value} ({estimate['low'] * factor:.{digits}f}\N{EN DASH}{estimate['high'] * factor:.{digits}f})"


def is_plain(metric: str) -> bool:
    """Whether a metric is a number and no share: correlations, errors, bias, sizes."""
    return metric.endswith(("_r", "_mae", "bias", "_size", "kappa", "cider", "words_per_reply"))
