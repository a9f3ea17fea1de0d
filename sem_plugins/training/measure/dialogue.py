"""Figures of what is read of the dialogue: the next strategy, causes, empathy of a reply."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.labels import CAUSE_TYPES, EMPATHY, ESCONV
from sem_plugins.probability import sigmoid, softmax
from sem_plugins.spans import best_span, whole_words
from sem_plugins.training import calibration, floors
from sem_plugins.training import figures as figures_
from sem_plugins.training.intervals import Estimate, bootstrap, estimates
from sem_plugins.training.measure.calibrate import cause_calibration, cause_pairs, strategy_offsets
from sem_plugins.training.measure.reading import ReadSet, ValidParts
from sem_plugins.training.positional import RULES, positional_causes, prior_sampling
from sem_plugins.training.sets import epitome, esconv
from sem_plugins.weights import Head

__all__ = ["causes", "empathy", "spans", "strategies"]

Array = NDArray[np.floating[Any]]
Figures = dict[str, Estimate]

_STRATEGIES = len(ESCONV)
_LEVELS = 3


def strategies(parts: ValidParts, head: Head, name: str = "strategies") -> Figures:
    """Of ESConv's eight next strategies, n = every supporter turn.

    `crossfitted_macro_f1` adjusts each fifth of the dialogues by the others' strength.
    """
    found = parts[name]
    truth, groups, logits = found.labels("strategy"), found.groups, found.outputs("strategy")
    figures = estimates(figures_.strategies(head.distribution(logits), truth, groups))
    figures["ece"] = bootstrap(
        calibration.expected_calibration_error, groups, head.distribution(logits), truth, draws=200
    )
    adjusted = logits.copy()
    for scored in calibration.folds(groups):
        adjusted[scored] += strategy_offsets(logits[~scored], truth[~scored])
    predicted = adjusted.argmax(axis=1)
    crossfitted = estimates(figures_.strategies(np.eye(_STRATEGIES)[predicted], truth, groups))
    return figures | {f"crossfitted_{name}": crossfitted[name] for name in ("macro_f1", "preference_bias")}


def strategy_floors(parts: ValidParts) -> dict[str, Figures]:
    """Draws from the shares of the strategies in train, the commonest one, and words without order."""
    found = parts["strategies"]
    truth, groups = found.labels("strategy"), found.groups
    train = esconv.supporter_turns(parts.folder, "train")
    labels = np.array([example.targets["strategy"] for example in train])
    shares = np.bincount(labels, minlength=_STRATEGIES)
    drawn = estimates(
        figures_.strategies(np.eye(_STRATEGIES)[prior_sampling(shares, len(truth), 13)], truth, groups)
    )
    commonest = np.tile(np.eye(_STRATEGIES)[shares.argmax()], (len(truth), 1))
    words = floors.words_one([_last_two(e) for e in train], labels, [_last_two(e) for e in found.examples])
    del drawn["top3"]  # one draw ranks one strategy
    always = estimates(figures_.one_of(commonest, truth, groups))
    return {
        "prior sampling": drawn,
        "majority": {name: always[name] for name in ("accuracy", "macro_f1")},
        "TF-IDF": estimates(figures_.strategies(words, truth, groups)),
    }


def _last_two(example: Any) -> str:
    return " ".join(message.text for message in example.messages[-2:])


def causes(parts: ValidParts, head: Head) -> Figures:
    """RECCON's entailment, history pairs: which earlier or same utterance is a cause.

    `crossfitted_*` calibrate each fifth of the dialogues on the others.
    """
    logits, truth, distance, groups = cause_pairs(parts["causes"])
    figures = estimates(figures_.pairs(head.at_distances(logits, distance) >= head.thresholds[0], truth, groups))
    predicted = np.zeros(len(truth), bool)
    for scored in calibration.folds(groups):
        fitted = dataclasses.replace(head, **cause_calibration(logits[~scored], truth[~scored], distance[~scored]))
        predicted[scored] = fitted.at_distances(logits[scored], distance[scored]) >= fitted.thresholds[0]
    return figures | {
        f"crossfitted_{name}": value for name, value in estimates(figures_.pairs(predicted, truth, groups)).items()
    }


def cause_floors(parts: ValidParts) -> dict[str, Figures]:
    """Rules that look at nothing but the position."""
    _, truth, distance, groups = cause_pairs(parts["causes"])
    return {
        rule: estimates(figures_.pairs(positional_causes(distance, rule=rule), truth, groups)) for rule in RULES
    }


def spans(parts: ValidParts, name: str = "causes") -> tuple[Figures, dict[str, Figures]]:
    """Spans of RECCON (or another set) where the utterance is a cause, and the floor: the whole utterance."""
    found = parts[name]
    said, true, whole, groups = [], [], [], []
    for example, encoded in zip(found.examples, found.encoded, strict=True):
        for utterance, (start, end) in example.targets["span"].items():
            text = example.messages[utterance].text
            span = best_span(encoded.outputs["span"], encoded.window, utterance)
            said.append(text[slice(*whole_words(text, span))] if span else "")
            true.append(text[start:end])
            whole.append(text)
            groups.append(example.group)
    return estimates(figures_.spans(said, true, groups)), {
        "whole utterance": estimates(figures_.spans(whole, true, groups))
    }


def cause_types(found: ReadSet, head: Head) -> Figures:
    """RECCON's five types of causes; several may hold."""
    predicted = head.each(found.outputs("cause_type")) >= np.array(head.thresholds)
    truth = found.targets("cause_type") > 0
    held = truth.any(axis=0)  # of 200 valid emotions none may have a rare type

    def mean_f1(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return float(calibration.f1_per_label(p[:, held], t[:, held]).mean())

    figures = {"macro_f1": bootstrap(mean_f1, found.groups, predicted, truth)}
    per_type = calibration.f1_per_label(predicted, truth)
    return figures | {
        f"{name}_f1": Estimate(float(value), float("nan"), float("nan"), len(truth))
        for name, value in zip(CAUSE_TYPES.labels, per_type, strict=True)
    }


def empathy(parts: ValidParts, head: Head) -> tuple[Figures, dict[str, Figures]]:
    """EPITOME's mechanisms at three levels, and the floor: each mechanism's commonest level."""
    found = parts["replies"]
    levels = found.outputs("empathy").reshape(len(found.examples), len(EMPATHY), _LEVELS)
    predicted = softmax(levels.reshape(-1, _LEVELS), head.temperature).reshape(levels.shape).argmax(axis=2)
    truth, groups = found.labels("empathy"), found.groups
    train = np.array([e.targets["empathy"] for e in epitome.pairs(parts.folder, "train")])
    commonest = np.array([np.bincount(column, minlength=_LEVELS).argmax() for column in train.T])
    floor = np.tile(commonest, (len(truth), 1))
    figures, floors_ = (
        estimates(figures_.mechanisms(said, truth, groups, EMPATHY.labels)) for said in (predicted, floor)
    )
    return figures, {"majority": floors_}


def evidence_f1(found: ReadSet, head: str, threshold: float = 0.5) -> Estimate:
    """F1 of tokens that are tagged, over all tokens of the messages that are read."""
    said, true, groups = [], [], []
    for example, encoded in zip(found.examples, found.encoded, strict=True):
        tokens = np.flatnonzero((encoded.window.types == 1) & (encoded.window.places >= 0))
        spots = encoded.window.offsets[tokens]
        for place, spans_ in enumerate(example.targets[head]):
            said.append(sigmoid(encoded.outputs[head][tokens, place]) >= threshold)
            true.append(np.array([any(s < e2 and s2 < e for s, e in spans_) for s2, e2 in spots], bool))
            groups.append(np.full(len(tokens), example.group))

    def f1(p: NDArray[np.bool_], t: NDArray[np.bool_]) -> float:
        return float(2 * (p & t).sum() / max(1, p.sum() + t.sum()))

    return bootstrap(f1, np.concatenate(groups), np.concatenate(said), np.concatenate(true), draws=300)


__all__ += ["cause_floors", "cause_types", "evidence_f1", "strategy_floors"]
