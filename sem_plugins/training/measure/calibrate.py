"""From raw outputs to the numbers in the manifest: temperatures, thresholds, offsets, conformal rules.

Fitted on valid parts, except GoEmotions' thresholds (a tenth of train that was not trained on).
What was fitted on the same rows as it is scored on is scored cross-fitted as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from sem_plugins import conformal, labels
from sem_plugins.probability import sigmoid, softmax
from sem_plugins.training import calibration, scores
from sem_plugins.training.heads import HEADS
from sem_plugins.training.measure.reading import ReadSet, ValidParts
from sem_plugins.training.sets.risk import LADDER

__all__ = [
    "FALSE_ALARMS",
    "best_cause_threshold",
    "calibrated_heads",
    "cause_calibration",
    "cause_pairs",
    "plain_heads",
    "strategy_offsets",
]

Array = NDArray[np.floating[Any]]

FALSE_ALARMS = 0.004
"""Share of benign messages that may reach ideation; with the rules' own it stays below 1%."""

_DISTRESS_THRESHOLD = 0.5
_NO = -20.0  # a logit that no threshold reaches
_FAR = -8.0  # below it a logit says no more, and would weigh too much in a regression
_DISTANCES = 5  # the last of them: four utterances away or more


def calibrated_heads(parts: ValidParts, *, heads: Collection[str]) -> dict[str, dict[str, Any]]:
    """The manifest's heads, in the order of the outputs.

    Args:
        parts: The valid parts.
        heads: Those to calibrate; the others stay plain.

    Raises:
        DataError: A data set is missing or malformed.
    """
    fitted: dict[str, Callable[[], dict[str, Any]]] = {
        "emotion": lambda: _emotion(parts),
        "expression": lambda: _expression(parts),
        "risk": lambda: _risk(parts),
        "strategy": lambda: _strategy(parts["strategies"]),
        "cause": lambda: _cause(parts["causes"]),
    }
    made = plain_heads()
    for name in fitted.keys() & set(heads):
        made[name] |= fitted[name]()
    return made


def plain_heads() -> dict[str, dict[str, Any]]:
    """The manifest's heads before anything is calibrated: thresholds of one half, temperatures of 1."""
    made: dict[str, dict[str, Any]] = {}
    for name, label_set in labels.OF_HEADS.items():
        made[name] = {"label_set": label_set.id, "labels": list(label_set.labels), "kind": HEADS[name].kind}
        if HEADS[name].kind in {"sigmoid", "marks", "tags"}:
            made[name]["thresholds"] = [0.5] * len(label_set)
    return made


def _emotion(parts: ValidParts) -> dict[str, Any]:
    """One temperature for all three inputs, so that the same number serves first and later turns."""
    sets = [parts[name] for name in ("situations", "seeker-turns", "live")]
    logits = np.vstack([one.outputs("emotion") for one in sets])
    truth = np.concatenate([one.labels("emotion") for one in sets])
    smoothing = HEADS["emotion"].smoothing
    temperature = calibration.fit_temperature(logits, truth, smoothing)
    # The promise is kept for what an agent reads: fitted on whole dialogues, the sets of first
    # messages held the true emotion five points less often than promised.
    live = parts["live"]
    rule = conformal.fit(softmax(live.outputs("emotion"), temperature, smoothing), live.labels("emotion"))
    return {"temperature": round(temperature, 4), "smoothing": smoothing, "conformal": rule.to_dict()}


def _expression(parts: ValidParts) -> dict[str, Any]:
    held_out = parts["held-out comments"]
    thresholds = calibration.best_thresholds(
        sigmoid(held_out.outputs("expression")), held_out.targets("expression") > 0
    )
    return {"thresholds": thresholds.round(4).tolist()}


def _risk(parts: ValidParts) -> dict[str, Any]:
    """Thresholds at which benign messages reach ideation no more often than `FALSE_ALARMS` says.

    Chosen on benign messages alone; the statements of risk have no part in it, so recall on them is
    not flattered. Steps above ideation are told apart at one half, or where ideation begins.
    """
    benign = np.vstack([parts[name].outputs("risk") for name in ("live", "comments", "seekers of ESConv")])
    steps = len(LADDER) - 1
    thresholds = np.full(2 * steps, 0.5)
    for ladder in (0, steps):
        reached = np.minimum.accumulate(sigmoid(benign[:, ladder : ladder + steps]), axis=1)
        # Half of the false alarms each.
        ideation = float(np.quantile(reached[:, 1], 1 - FALSE_ALARMS / 2))
        thresholds[ladder] = _DISTRESS_THRESHOLD
        thresholds[ladder + 1] = ideation
        thresholds[ladder + 2 : ladder + steps] = max(0.5, ideation)
    # Rounded up: rounded down, a threshold of 0.00004 would be 0, and everything an alarm.
    return {"thresholds": (np.ceil(thresholds * 1e4) / 1e4).tolist()}


def _strategy(found: ReadSet) -> dict[str, Any]:
    logits, truth = found.outputs("strategy"), found.labels("strategy")
    offsets = strategy_offsets(logits, truth)
    smoothing = HEADS["strategy"].smoothing
    temperature = calibration.fit_temperature(logits + offsets, truth, smoothing)
    return {
        "temperature": round(temperature, 4),
        "smoothing": smoothing,
        "offsets": offsets.round(4).tolist(),
    }


def strategy_offsets(logits: Array, truth: NDArray[np.intp], *, most_bias: float = 0.3) -> Array:
    """Logit adjustment (Menon et al. 2021): minus the log of the share of each class, times a strength.

    The strength in [-0.5, 1.5] with the best macro-F1 among those whose preference bias is at most
    `most_bias`; the least biased one where none is. A strategy that always comes out right leaves the bias
    undefined, as where a head that was not trained gives one answer to everything: that counts as the worst.
    """
    size = logits.shape[1]
    prior = np.maximum(1, np.bincount(truth, minlength=size)) / len(truth)
    tried = []
    for strength in np.linspace(-0.5, 1.5, 41):
        offsets = -strength * np.log(prior)
        predicted = (logits + offsets).argmax(axis=1)
        try:
            bias = scores.preference_bias(scores.confusion(predicted, truth, size))
        except DataError:
            bias = math.inf
        tried.append((bias, scores.macro_f1(predicted, truth, size), offsets))
    allowed = [one for one in tried if one[0] <= most_bias]
    best = max(allowed, key=lambda one: one[1]) if allowed else min(tried, key=lambda one: (one[0], -one[1]))
    return best[2]


def _cause(found: ReadSet) -> dict[str, Any]:
    logits, truth, distance, _ = cause_pairs(found)
    return cause_calibration(logits, truth, distance)


def cause_calibration(logits: Array, truth: NDArray[np.bool_], distance: NDArray[np.intp]) -> dict[str, Any]:
    """Temperature, an offset per distance, and the threshold of the cause head.

    The network sees where an utterance stands only through its position, and learned little from it: without
    the offsets its causes are worse than a rule's that looks at nothing but the distance. A logistic
    regression of six numbers, held near 0 by a unit ridge.
    """
    from sklearn.linear_model import LogisticRegression  # of the `train` extra; all else here does without

    near = np.minimum(distance, _DISTANCES - 1)
    features = np.column_stack([np.maximum(logits, _FAR), np.eye(_DISTANCES)[near]])
    scale, *offsets = LogisticRegression(fit_intercept=False).fit(features, truth).coef_[0]
    scale = max(float(scale), 0.1)  # a head that was not trained could have its logits turned round
    temperature = round(1 / scale, 4)
    by_distance = [round(float(offset) / scale, 4) for offset in offsets]
    probabilities = sigmoid(logits + np.array(by_distance)[near], temperature)
    threshold = round(best_cause_threshold(probabilities, truth), 4)
    return {"temperature": temperature, "by_distance": by_distance, "thresholds": [threshold]}


def best_cause_threshold(probabilities: Array, truth: NDArray[np.bool_]) -> float:
    """The threshold in [0.2, 0.7] with the best sum of positive and macro F1."""
    grid = np.linspace(0.2, 0.7, 51)
    found = [scores.entailment(probabilities, truth, float(threshold)) for threshold in grid]
    return float(grid[int(np.argmax([one.positive + one.macro for one in found]))])


def cause_pairs(
    found: ReadSet,
) -> tuple[Array, NDArray[np.bool_], NDArray[np.intp], NDArray[np.str_]]:
    """One row per target and earlier or same utterance: logit, truth, distance, dialogue.

    An utterance that did not fit into the window is as good as told to be no cause.
    """
    rows = [
        (
            float(encoded.outputs["cause"][mark, 0]) if (mark := encoded.window.marks.get(place)) else _NO,
            bool(holds),
            len(example.messages) - 1 - place,
            example.group,
        )
        for example, encoded in zip(found.examples, found.encoded, strict=True)
        for place, holds in enumerate(example.targets["cause"])
    ]
    logits, truth, distance, groups = zip(*rows, strict=True)
    return np.array(logits), np.array(truth), np.array(distance), np.array(groups)
