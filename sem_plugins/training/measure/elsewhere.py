"""Figures outside of what the heads were made for: developers' comments, and longer posts of people in need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sem_plugins.encoder import Encoder
from sem_plugins.ontology import SE_EMOTIONS
from sem_plugins.risk.branch import load_branch
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.risk.rules import LADDER
from sem_plugins.training import figures
from sem_plugins.training.examples import Example
from sem_plugins.training.intervals import Estimate, bootstrap, estimates
from sem_plugins.training.measure.reading import ReadSet, ValidParts, on_every_core
from sem_plugins.training.sets import imhi
from sem_plugins.training.sets.se_emotions import primaries_of_expression
from sem_plugins.weights import Head, Manifest

__all__ = ["alarms_of_questions", "developers", "developers_floors", "levels_of_users", "posts", "stress"]

Figures = dict[str, Estimate]

_IDEATION = LADDER.index("ideation")
_DISTRESS = LADDER.index("distress")


def developers(parts: ValidParts, head: Head) -> Figures:
    """Six emotions in developers' comments, zero-shot: what is present of GoEmotions counts as its primary."""
    found = parts["developers"]
    present = head.each(found.outputs("expression")) >= np.array(head.thresholds)
    primaries = np.array(primaries_of_expression())
    columns = [present[:, primaries == emotion].any(axis=1) for emotion in SE_EMOTIONS.labels]
    return estimates(figures.several(np.stack(columns, axis=1), found.targets("se_emotion") > 0, found.groups))


def developers_floors(parts: ValidParts) -> dict[str, Figures]:
    """Every emotion in every comment."""
    found = parts["developers"]
    truth = found.targets("se_emotion") > 0
    return {"all of them": estimates(figures.several(np.ones_like(truth), truth, found.groups))}


def levels_of_users(parts: ValidParts, manifest: Manifest) -> Figures:
    """The highest level in any piece of a user's posts against the psychiatrists' level of the user.

    `ideation_recall`: users at ideation or above that are found; `supportive_alarms`: users who only
    support others, in communities about suicide, that are taken for people in danger.
    """
    pieces = parts.examples("users")
    truth = {example.group: example.targets["level"] for example in pieces}
    said = _highest_levels(pieces, manifest)
    return estimates(
        figures.levels_of_users(
            np.array(list(said.values())), np.array([truth[user] for user in said]), danger=_IDEATION
        )
    )


def posts(parts: ValidParts, head: Head) -> Figures:
    """How well the risk head's highest probability in any piece of a post ranks IMHI's yes before no.

    Areas under the ROC curve, 50 by chance: of at least distress for depression and loneliness, of at
    least ideation for feeling a burden and not belonging.
    """
    found = parts["posts"]
    rows, highest = _by_group(found, head)
    areas = {}
    for number, task in enumerate(imhi.TASKS):
        chosen = np.array([found.examples[row].targets["task"] == number for row in rows])
        yes = np.array([found.examples[row].targets["answer"] for row in rows])
        step = _DISTRESS if task in {"depression", "loneliness"} else _IDEATION
        groups = np.arange(chosen.sum())
        areas[f"{task}_auc"] = bootstrap(_area, groups, highest[chosen, step - 1], yes[chosen], draws=300)
    return areas


def stress(parts: ValidParts, head: Head) -> Figures:
    """The same of at least distress for Dreaddit's stress, whose train part the head learned from."""
    found = parts["segments"]
    said = head.each(found.outputs("risk"))[:, _DISTRESS - 1]
    yes = np.array([example.targets["risk"][_DISTRESS - 1] for example in found.examples])
    return {"stress_auc": bootstrap(_area, found.groups, said, yes, draws=300)}


def alarms_of_questions(parts: ValidParts, manifest: Manifest) -> Figures:
    """Share of questions to therapists that are read as distress, and as ideation or above; no truth is known."""
    said = np.array(list(_highest_levels(parts.examples("questions"), manifest).values()))
    rows = np.arange(len(said))
    return {
        "read_as_distress": bootstrap(np.mean, rows, said >= _DISTRESS),
        "read_as_ideation": bootstrap(np.mean, rows, said >= _IDEATION),
    }


def _highest_levels(pieces: Sequence[Example], manifest: Manifest) -> dict[str, int]:
    """Group to the highest level in any of its pieces, by rules and head together."""
    plugin = RiskPlugin(Encoder(manifest, threads=1), load_branch(manifest, threads=1))
    levels: dict[str, int] = {}
    readings = on_every_core(plugin.judge, [example.text for example in pieces], name="messages", progress=False)
    for example, reading in zip(pieces, readings, strict=True):
        levels[example.group] = max(levels.get(example.group, 0), LADDER.index(reading.level))
    return levels


def _by_group(found: ReadSet, head: Head) -> tuple[list[int], NDArray[np.float64]]:
    """First row of each group, and the group's highest probability of each step for self, (groups, steps)."""
    said = head.each(found.outputs("risk"))[:, : len(LADDER) - 1]
    _, first, group = np.unique(found.groups, return_index=True, return_inverse=True)
    highest = np.zeros((len(first), said.shape[1]))
    np.maximum.at(highest, group, said)
    return first.tolist(), highest


def _area(scores_: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Area under the ROC curve; NaN where all rows are of one kind."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores_)) if 0 < truth.mean() < 1 else np.nan
