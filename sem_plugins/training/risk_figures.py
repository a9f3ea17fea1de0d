"""What the branch for risk is worth, family by family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.training.intervals import Estimate, bootstrap

__all__ = ["figures_of"]

_PLACE_OF_IDEATION = 1  # among the eight steps


def figures_of(
    held_out: Sequence[Any], alarmed: NDArray[np.bool_], everyday: NDArray[np.bool_]
) -> dict[str, Estimate]:
    """Which statements are read as ideation, per family, and how many everyday messages."""
    shown = np.array([example.targets["risk"][_PLACE_OF_IDEATION] > 0 for example in held_out])
    families = np.array([example.group for example in held_out])
    figures = {}
    for family in sorted(set(families)):
        for name, chosen in (("recall", (families == family) & shown), ("alarms", (families == family) & ~shown)):
            if chosen.sum() > 1:  # an interval needs two
                rows = np.arange(int(chosen.sum()))
                figures[f"{family}_{name}"] = bootstrap(np.mean, rows, alarmed[chosen])
    figures["everyday_alarms"] = bootstrap(np.mean, np.arange(len(everyday)), everyday)
    return figures
