"""What the branch for risk learns from: everyday messages, and statements among them.

A statement that is only ever learned from alone is not found where everyday sentences stand beside it
(`heartline eval safety --between`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.readings import DANGER
from sem_plugins.risk.rules import read_rules
from sem_plugins.training.sets import empathetic_dialogues, esconv, goemotions

__all__ = ["beside_each_other", "between", "calm_targets", "everyday_messages"]

Array = NDArray[np.float64]

_DISTRESS = (0, 4)  # places in the eight steps


def everyday_messages(folder: Path, *, daily: int, pool: int, seed: int) -> tuple[list[str], list[str]]:
    """Messages of three train parts, in which danger is rare.

    Args:
        folder: The prepared data sets.
        daily: So many of each, at random.
        pool: So many more of each, without what the rules find.
        seed: Of what is drawn.

    Returns:
        The two lists.

    Raises:
        DataError: A data set is missing or malformed.
    """
    sets: list[list[str]] = [
        [example.text for example in goemotions.comments(folder, "train")],
        [example.text for example in empathetic_dialogues.live(empathetic_dialogues.dialogues(folder, "train"))],
        [
            example.messages[-1].text
            for example in esconv.supporter_turns(folder, "train")
            if example.messages[-1].role == "seeker"
        ],
    ]
    first: list[str] = []
    further: list[str] = []
    for texts in sets:
        drawn = random.Random(seed).sample(texts, min(daily + pool, len(texts)))
        first += drawn[:daily]
        # The most alarming messages of a large pool are in part truly alarming.
        further += [text for text in drawn[daily:] if read_rules(text).level not in DANGER]
    return first, further


def between(
    said: Sequence[tuple[str, Array]], everyday: Sequence[str], *, share: float, most: int, seed: int
) -> list[tuple[str, Array]]:
    """Some of the statements once more, each somewhere among everyday messages.

    Args:
        said: Statements with their steps, (8,).
        everyday: What stands beside them.
        share: Of the statements that are taken, 0 to 1.
        most: So many messages stand beside one, or fewer, down to one; 0: no statement is taken.
        seed: Of what is drawn.

    Returns:
        Text, and steps, (8,); NaN for distress that the statement does not show, for the others may tell of it.
    """
    rng = random.Random(seed)
    mixed = []
    for text, steps in rng.sample(said, round(share * len(said))) if most else ():
        others = rng.sample(everyday, min(rng.randint(1, most), len(everyday)))
        others.insert(rng.randint(0, len(others)), text)
        wanted = steps.astype(float)
        wanted[[step for step in _DISTRESS if steps[step] == 0]] = np.nan
        mixed.append((" ".join(others), wanted))
    return mixed


def beside_each_other(everyday: Sequence[str], *, share: float, most: int, seed: int) -> list[str]:
    """Two to `most` + 1 everyday messages in one, a `share` of their number: length tells nothing of danger."""
    rng = random.Random(seed)
    several = range(round(share * len(everyday)) if most else 0)
    return [" ".join(rng.sample(everyday, min(rng.randint(1, most) + 1, len(everyday)))) for _ in several]


def calm_targets(judged: Array) -> Array:
    """Targets, (N, 8), of everyday messages: no danger; distress, which nobody labelled, as the encoder has it."""
    targets = np.zeros_like(judged)
    for step in _DISTRESS:
        targets[:, step] = judged[:, step]
    return targets
