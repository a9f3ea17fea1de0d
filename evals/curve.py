"""What the settings of planners do to figures on ESConv: a curve over each.

`counterweights` against preference bias: logit adjustment takes the setting times the log of how often each
strategy is used in train out of the encoder's outputs, as they are before the manifest's own offsets. `blend`: the
reading's share in the pool with the rules (`strategies.blend`). For both, proficiency (Q) is macro-F1, bias (B)
the spread of Bradley-Terry preferences (Kang et al. 2024), and B alone says nothing: drawing from the prior has
next to none. `foresight`: how much the tracker's forecast of what each strategy leads to counts in the blend, with
the state after the seeker's last message. `sequences`: the share of supporters who go on, from which a plan does
too (`strategies.sequence`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from agent.decisions import Plan
from agent.errors import DataError
from evals.task import Answers, Kit, Sample, Task
from evals.tasks.esconv import NextStrategy, distributions, planned
from evals.tasks.following import followed
from evals.tasks.one_label import as_answer, labels_of
from evals.tasks.sequence import StrategySequence
from sem_plugins.labels import ESCONV
from sem_plugins.training.intervals import Estimate
from strategies.blend import BlendPlanner, foreseen, pooled
from strategies.sequence import follows

__all__ = ["METRICS", "STEPS", "Curve", "Point", "draw"]

STEPS = tuple(round(step / 10, 1) for step in range(11))
"""From none of the prior taken out, or of the reading, to all of it."""

_THRESHOLDS = (0.1, 0.15, 0.2, 0.25)
"""Of going on; after no strategy do more than a quarter."""


class Curve(StrEnum):
    """Over which setting."""

    counterweights = "counterweights"
    blend = "blend"
    foresight = "foresight"
    sequences = "sequences"


METRICS: Mapping[Curve, tuple[str, ...]] = {
    Curve.counterweights: ("macro_f1", "preference_bias", "accuracy"),
    Curve.blend: ("macro_f1", "preference_bias", "accuracy"),
    Curve.foresight: ("macro_f1", "preference_bias", "accuracy"),
    Curve.sequences: ("exact_match", "set_f1", "edit_similarity", "length_accuracy", "several"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One setting.

    Attributes:
        setting: In [0, 1]; None for what is without it: the encoder's weights as they are shipped, with offsets of
            their own, or plans of one strategy.
        figures: Those of `METRICS`; one that is not defined is not there.
    """

    setting: float | None
    figures: Mapping[str, Estimate]


def draw(of: Curve, folder: Path, split: str, *, kit: Kit, limit: int | None = None) -> list[Point]:
    """A curve on a split.

    Args:
        of: Which one.
        folder: The prepared data sets; ESConv's train gives the prior of counter-weights.
        split: Name of the file.
        kit: With the encoder.
        limit: Only the first samples.

    Raises:
        DataError: A file is missing or malformed.
    """
    task: Task = StrategySequence() if of is Curve.sequences else NextStrategy()
    samples = task.samples(folder, split)[:limit]
    answers = _ANSWERS[of](samples, folder, kit)
    return [Point(setting, _figures(task, samples, said, METRICS[of])) for setting, said in answers]


def _counterweighted(samples: Sequence[Sample], folder: Path, kit: Kit) -> Iterator[tuple[float | None, Answers]]:
    counted = labels_of(NextStrategy().samples(folder, "train"))
    prior = np.maximum(1, np.array([counted[label] for label in ESCONV.labels], np.float64))
    logs = np.log(prior / prior.sum())
    head = kit.manifest.heads["strategy"]
    outputs = np.stack([encoded.outputs["strategy"] for encoded in kit.read(samples)]).astype(np.float64)
    for strength in (*STEPS, None):
        offsets = head.offsets if strength is None else tuple((-strength * logs).tolist())
        yield strength, [as_answer(ESCONV, row) for row in replace(head, offsets=offsets).distribution(outputs)]


def _blended(
    samples: Sequence[Sample],
    folder: Path,  # noqa: ARG001 - as the others
    kit: Kit,
) -> Iterator[tuple[float | None, Answers]]:
    rows = distributions(samples, kit)
    read = [dict(zip(ESCONV.labels, row.tolist(), strict=True)) for row in rows]
    ruled = planned("rules", samples, rows, kit=kit, others=(), task="curve", answer=_probabilities)
    for share in STEPS:
        pools = [pooled(one, other or {}, weight=share) for one, other in zip(read, ruled, strict=True)]
        yield share, [{"label": max(pool, key=pool.__getitem__), "probabilities": pool} for pool in pools]


def _foreseen(
    samples: Sequence[Sample],
    folder: Path,  # noqa: ARG001
    kit: Kit,
) -> Iterator[tuple[float | None, Answers]]:
    rows = distributions(samples, kit)
    read = [dict(zip(ESCONV.labels, row.tolist(), strict=True)) for row in rows]
    ruled = planned("rules", samples, rows, kit=kit, others=(), task="curve", answer=_probabilities)
    weight = BlendPlanner().weight
    pools = [pooled(one, other or {}, weight=weight) for one, other in zip(read, ruled, strict=True)]
    lifts = _lifts(samples, kit)
    for share in STEPS:
        ranked = [foreseen(pool, lift, weight=share) for pool, lift in zip(pools, lifts, strict=True)]
        yield share, [{"label": max(one, key=one.__getitem__), "probabilities": one} for one in ranked]


def _lifts(samples: Sequence[Sample], kit: Kit) -> list[Mapping[str, float]]:
    """What the tracker expects of each strategy, after the messages of each sample; nothing before the first."""
    longest = {sample.group: sample for sample in sorted(samples, key=lambda each: len(each.messages))}
    states = dict(zip(longest, followed([*longest.values()], kit), strict=True))
    found: list[Mapping[str, float]] = []
    for sample in samples:
        heard = sum(message.role == "seeker" for message in sample.messages)
        known = [each for each in states[sample.group][:heard] if each is not None]
        found.append(known[-1][1].lift if known else {})
    return found


def _sequenced(
    samples: Sequence[Sample],
    folder: Path,  # noqa: ARG001
    kit: Kit,
) -> Iterator[tuple[float | None, Answers]]:
    read = [dict(zip(ESCONV.labels, row.tolist(), strict=True)) for row in distributions(samples, kit)]
    first = [max(each, key=each.__getitem__) for each in read]
    for threshold in _THRESHOLDS:
        yield (
            threshold,
            [
                {"strategies": [best, *follows(best, each, threshold=threshold)]}
                for best, each in zip(first, read, strict=True)
            ],
        )
    yield None, [{"strategies": [best]} for best in first]


_ANSWERS: Mapping[Curve, Callable[[Sequence[Sample], Path, Kit], Iterator[tuple[float | None, Answers]]]] = {
    Curve.counterweights: _counterweighted,
    Curve.blend: _blended,
    Curve.foresight: _foreseen,
    Curve.sequences: _sequenced,
}


def _probabilities(plan: Plan) -> Mapping[str, float]:
    return {one.strategy: one.probability for one in plan.ranked}


def _figures(
    task: Task, samples: Sequence[Sample], answers: Answers, metrics: Sequence[str]
) -> dict[str, Estimate]:
    found = {}
    for name, measure in task.measures(samples, answers).items():
        if name in metrics:
            try:
                found[name] = measure.estimate()
            except DataError:  # one strategy wins every confusion
                continue
    return found
