"""Figures outside of what the encoder was trained on: developers' comments, and users of Reddit's C-SSRS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.turn import Turn
from sem_plugins.encoder import Encoder
from sem_plugins.labels import GO_EMOTIONS
from sem_plugins.ontology import SE_EMOTIONS, ontology
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.risk.rules import LADDER
from sem_plugins.training import calibration, scores
from sem_plugins.training.intervals import Estimate, bootstrap
from sem_plugins.training.measure.reading import ValidParts
from sem_plugins.weights import Head, Manifest

__all__ = ["developers", "developers_floors", "levels_of_users"]

Figures = dict[str, Estimate]

_IDEATION = LADDER.index("ideation")


def developers(parts: ValidParts, head: Head) -> Figures:
    """Six emotions in developers' comments, zero-shot: what is present of GoEmotions counts as its primary."""
    found = parts["developers"]
    present = head.each(found.outputs("expression")) >= np.array(head.thresholds)
    lattice = ontology()
    columns = []
    for emotion in SE_EMOTIONS.labels:
        named = [
            max(place, key=lambda node: place[node])
            for label in GO_EMOTIONS.labels
            for place in [lattice.place(GO_EMOTIONS.id, label)]
        ]
        columns.append(present[:, [lattice.tier(node, 1) == emotion for node in named]].any(axis=1))
    return _six(np.stack(columns, axis=1), found.targets("se_emotion") > 0, found.groups)


def developers_floors(parts: ValidParts) -> dict[str, Figures]:
    """Every emotion in every comment."""
    found = parts["developers"]
    truth = found.targets("se_emotion") > 0
    return {"all of them": _six(np.ones_like(truth), truth, found.groups)}


def _six(predicted: NDArray[np.bool_], truth: NDArray[np.bool_], groups: NDArray[Any]) -> Figures:
    def mean_f1(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return float(calibration.f1_per_label(p, t).mean())

    return {"macro_f1": bootstrap(mean_f1, groups, predicted, truth, draws=300)}


def levels_of_users(parts: ValidParts, manifest: Manifest) -> Figures:
    """The highest level in any piece of a user's posts against the psychiatrists' level of the user.

    `ideation_recall`: users at ideation or above that are found; `supportive_alarms`: users who only
    support others, in communities about suicide, that are taken for people in danger.
    """
    found = parts["users"]
    plugin = RiskPlugin(Encoder(manifest, threads=1))
    levels: dict[str, int] = {}
    truth: dict[str, int] = {}
    for example, encoded in zip(found.examples, found.encoded, strict=True):
        reading = plugin.judge(Turn("", "", 0, example.text), encoded)
        levels[example.group] = max(levels.get(example.group, 0), LADDER.index(reading.level))
        truth[example.group] = example.targets["level"]
    said, true = np.array(list(levels.values())), np.array(list(truth.values()))
    rows = np.arange(len(true))
    danger, supportive = true >= _IDEATION, true == 0
    return {
        "level_kappa": bootstrap(lambda p, t: scores.ordinal(p, t).kappa, rows, said, true),
        "ideation_recall": bootstrap(np.mean, rows[danger], said[danger] >= _IDEATION),
        "supportive_alarms": bootstrap(np.mean, rows[supportive], said[supportive] >= _IDEATION),
    }
