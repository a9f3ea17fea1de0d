"""What the weights of planners cost: proficiency and bias on ESConv's next strategy over each.

Counter-weights against preference bias: logit adjustment takes `strength` times the log of how often each strategy
is used in train out of the encoder's outputs, as they are before the manifest's own offsets. Proficiency (Q) is
macro-F1, bias (B) the spread of Bradley-Terry preferences (Kang et al. 2024). B alone says nothing: drawing from
the prior has next to none.
The blend: the reading's share in the pool with the rules (`strategies.blend`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.errors import DataError
from evals.task import Answers, Kit, Sample
from evals.tasks.esconv import NextStrategy
from evals.tasks.one_label import as_answer, labels_of
from sem_plugins.labels import ESCONV
from sem_plugins.training.intervals import Estimate
from strategies.blend import pooled

__all__ = ["STRENGTHS", "Point", "blend_curve", "counterweight_curve"]

STRENGTHS = tuple(round(step / 10, 1) for step in range(11))
"""From none of the prior taken out, or of the reading, to all of it."""

METRICS = ("macro_f1", "preference_bias", "accuracy")


@dataclass(frozen=True, slots=True)
class Point:
    """One strength, or one share.

    Attributes:
        strength: In [0, 1]; None for the encoder's weights as they are shipped, with offsets of their own.
        figures: `macro_f1` (Q), `preference_bias` (B) and `accuracy`; one that is not defined is not there.
    """

    strength: float | None
    figures: Mapping[str, Estimate]


def counterweight_curve(
    folder: Path, split: str, *, kit: Kit, limit: int | None = None, strengths: Sequence[float] = STRENGTHS
) -> list[Point]:
    """The curve on a split, and the shipped weights' own point last.

    Args:
        folder: The prepared data sets; ESConv's train gives the prior.
        split: Name of the file.
        kit: With the encoder.
        limit: Only the first samples.
        strengths: In the order in which they are shown.

    Raises:
        DataError: A file is missing or malformed.
    """
    task = NextStrategy()
    samples = task.samples(folder, split)[:limit]
    counted = labels_of(task.samples(folder, "train"))
    prior = np.maximum(1, np.array([counted[label] for label in ESCONV.labels], np.float64))
    logs = np.log(prior / prior.sum())
    head = kit.manifest.heads["strategy"]
    outputs = np.stack([encoded.outputs["strategy"] for encoded in kit.read(samples)]).astype(np.float64)
    points = []
    for strength in (*strengths, None):
        offsets = head.offsets if strength is None else tuple((-strength * logs).tolist())
        answers = [as_answer(ESCONV, row) for row in replace(head, offsets=offsets).distribution(outputs)]
        points.append(Point(strength, _figures(task, samples, answers)))
    return points


def blend_curve(
    folder: Path, split: str, *, kit: Kit, limit: int | None = None, shares: Sequence[float] = STRENGTHS
) -> list[Point]:
    """The blend planner's figures over the reading's share; 0 is the rules alone, 1 the reading.

    Args:
        folder: The prepared data sets.
        split: Name of the file.
        kit: With the encoder.
        limit: Only the first samples.
        shares: In the order in which they are shown.

    Raises:
        DataError: A file is missing or malformed.
    """
    task = NextStrategy()
    samples = task.samples(folder, split)[:limit]
    read, ruled = (
        [(answer or {})["probabilities"] for answer in task.answers(system, samples, kit)]
        for system in ("sem", "rules")
    )
    points = []
    for share in shares:
        pools = [pooled(one, _positive(other), weight=share) for one, other in zip(read, ruled, strict=True)]
        answers: Answers = [{"label": max(pool, key=pool.__getitem__), "probabilities": pool} for pool in pools]
        points.append(Point(share, _figures(task, samples, answers)))
    return points


def _positive(probabilities: Mapping[str, float]) -> dict[str, float]:
    """Answers are rounded; the rules hold nothing impossible."""
    return {strategy: max(p, 1e-5) for strategy, p in probabilities.items()}


def _figures(task: NextStrategy, samples: Sequence[Sample], answers: Answers) -> dict[str, Estimate]:
    figures = {}
    for name, measure in task.measures(samples, answers).items():
        if name in METRICS:
            try:
                figures[name] = measure.estimate()
            except DataError:  # one strategy wins every confusion
                continue
    return figures
