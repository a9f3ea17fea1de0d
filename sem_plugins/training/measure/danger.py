"""Figures of the risk reading: how many statements of danger it finds, and how often it is wrong about others.

The statements are of other writers than those trained on (`training/statements/risk_held_out.jsonl`),
and the thresholds were chosen without them. Benign messages are of the valid parts; a few of ESConv's
seekers do speak of death, so its false alarms are an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.readings import RiskReading
from sem_plugins.encoder import Encoder
from sem_plugins.risk.branch import load_branch
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.risk.rules import LADDER, read_rules
from sem_plugins.training import scores
from sem_plugins.training.examples import Example
from sem_plugins.training.intervals import Estimate, bootstrap
from sem_plugins.training.measure.reading import ValidParts, on_every_core
from sem_plugins.weights import Manifest

__all__ = ["danger", "danger_floors"]

Figures = dict[str, Estimate]
Levels = Callable[[Sequence[Example]], NDArray[np.intp]]

_IDEATION = LADDER.index("ideation")
_STEPS = len(LADDER) - 1
_BENIGN = {"empathetic-dialogues": "live", "goemotions": "comments", "esconv": "seekers of ESConv"}
# Families of the held-out statements in which nobody is in danger now.
_HARMLESS = ("denied", "idiom", "third-person", "past-recovered", "lyrics-quotes-fiction", "everyday-distress")


def danger(parts: ValidParts, manifest: Manifest) -> Figures:
    """Recall at or above ideation, per family, and the share of benign messages that reach it.

    `explicit_recall` is the figure of the aim; `level_kappa` is quadratic agreement of the level.
    """
    plugin = RiskPlugin(Encoder(manifest, threads=1), load_branch(manifest, threads=1))

    def levels(examples: Sequence[Example]) -> NDArray[np.intp]:
        return _steps(on_every_core(plugin.judge, [example.text for example in examples], name="messages"))

    return _figures(parts, levels)


def danger_floors(parts: ValidParts) -> dict[str, Figures]:
    """The rules alone."""
    return {"rules alone": _figures(parts, lambda examples: _steps([read_rules(e.text) for e in examples]))}


def _figures(parts: ValidParts, levels: Levels) -> Figures:
    statements = parts.examples("statements")
    found, truth = levels(statements), _true_levels(statements)
    families = np.array([example.group for example in statements])
    rows = np.arange(len(found))
    danger_, alarmed = truth >= _IDEATION, found >= _IDEATION
    figures = {"recall": bootstrap(np.mean, rows[danger_], alarmed[danger_])}
    for family in ("explicit", "veiled", "passive", "others-harm", "mixed"):
        chosen = (families == family) & danger_
        figures[f"{family}_recall"] = bootstrap(np.mean, rows[chosen], alarmed[chosen])
    for family in _HARMLESS:
        chosen = (families == family) & ~danger_
        figures[f"{family}_alarms"] = bootstrap(np.mean, rows[chosen], alarmed[chosen])
    for name, part in _BENIGN.items():
        messages = parts.examples(part)
        groups = np.array([example.group for example in messages])
        figures[f"{name}_alarms"] = bootstrap(np.mean, groups, levels(messages) >= _IDEATION)
    figures["level_kappa"] = bootstrap(lambda p, t: scores.ordinal(p, t).kappa, rows, found, truth)
    return figures


def _true_levels(examples: Sequence[Example]) -> NDArray[np.intp]:
    """The higher step of both ladders, 0 to 4."""
    reached = np.array([example.targets["risk"] for example in examples]).reshape(-1, 2, _STEPS)
    steps: NDArray[np.intp] = reached.sum(axis=2).max(axis=1).astype(np.intp)
    return steps


def _steps(readings: Sequence[RiskReading]) -> NDArray[np.intp]:
    return np.array([LADDER.index(reading.level) for reading in readings])
