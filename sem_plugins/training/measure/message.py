"""Figures of what is read of the message: emotion, expression, affect, what was felt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins import conformal
from sem_plugins.labels import AFFECT, EMPATHETIC_DIALOGUES, FELT, GO_EMOTIONS
from sem_plugins.training import calibration, floors
from sem_plugins.training import figures as figures_
from sem_plugins.training.examples import Example
from sem_plugins.training.intervals import Estimate, bootstrap, estimates
from sem_plugins.training.measure.reading import ReadSet, ValidParts
from sem_plugins.training.sets import emobank, empathetic_dialogues, empathic_reactions, goemotions
from sem_plugins.weights import Head

__all__ = ["affect", "emotion", "expression", "felt"]

Array = NDArray[np.floating[Any]]
Figures = dict[str, Estimate]

_EMOTIONS = len(EMPATHETIC_DIALOGUES)


def emotion(parts: ValidParts, head: Head, name: str) -> Figures:
    """Of 32 emotions, on `situations`, `seeker-turns` or `live`.

    `coverage` and `set_size` are of the shipped conformal rule; `crossfitted_coverage` judges each half
    with the other half's rule.
    """
    found = parts[name]
    probabilities, truth = head.distribution(found.outputs("emotion")), found.labels("emotion")
    groups = found.groups
    figures = estimates(figures_.one_of(probabilities, truth, groups))
    figures["ece"] = bootstrap(calibration.expected_calibration_error, groups, probabilities, truth, draws=200)
    if head.conformal is not None:
        members = head.conformal.members(probabilities)
        figures["coverage"] = bootstrap(np.mean, groups, members[np.arange(len(truth)), truth])
        figures["set_size"] = bootstrap(np.mean, groups, members.sum(axis=1))
        halves = conformal.crossfitted(probabilities, truth, method=head.conformal.method)
        figures["crossfitted_coverage"] = _plain(halves.coverage, len(truth))
    return figures


def emotion_floors(parts: ValidParts, name: str) -> dict[str, Figures]:
    """The commonest label, and words without order, trained on the same form of input."""
    found = parts[name]
    truth, groups = found.labels("emotion"), found.groups
    dialogues = empathetic_dialogues.dialogues(parts.folder, "train")
    forms: Mapping[str, Callable[..., list[Example]]] = {
        "situations": empathetic_dialogues.situations,
        "seeker-turns": empathetic_dialogues.seeker_turns,
        "live": empathetic_dialogues.in_dialogue,
    }
    train = forms[name](dialogues)
    labels = np.array([example.targets["emotion"] for example in train])
    words = floors.words_one([_seeker(e) for e in train], labels, [_seeker(e) for e in found.examples])
    return {
        "majority": estimates(figures_.one_of(floors.majority(labels, _EMOTIONS, len(truth)), truth, groups)),
        "TF-IDF": estimates(figures_.one_of(words, truth, groups)),
    }


def _seeker(example: Example) -> str:
    return " ".join(message.text for message in example.messages if message.role == "seeker")


def expression(parts: ValidParts, head: Head) -> Figures:
    """Of GoEmotions' 28 labels; thresholds as shipped."""
    found = parts["comments"]
    predicted = head.each(found.outputs("expression")) >= np.array(head.thresholds)
    truth = found.targets("expression") > 0
    return estimates(figures_.several(predicted, truth, found.groups))


def expression_floors(parts: ValidParts) -> dict[str, Figures]:
    """`neutral` for everything, and words without order."""
    found = parts["comments"]
    truth, groups = found.targets("expression") > 0, found.groups
    train, held_out = goemotions.held_out_tenth(goemotions.comments(parts.folder, "train"))
    labels = np.array([example.targets["expression"] for example in train]) > 0
    texts = [example.text for example in train]
    asked = [example.text for example in (*held_out, *found.examples)]
    words = floors.words_many(texts, labels, asked)
    chosen = calibration.best_thresholds(
        words[: len(held_out)], np.array([example.targets["expression"] for example in held_out]) > 0
    )
    neutral = np.tile(np.arange(len(GO_EMOTIONS)) == GO_EMOTIONS.index("neutral"), (len(truth), 1))
    return {
        "always neutral": estimates(figures_.several(neutral, truth, groups)),
        "TF-IDF": estimates(figures_.several(words[len(held_out) :] >= chosen, truth, groups)),
    }


def affect(parts: ValidParts) -> Figures:
    """Pearson's r and mean absolute error on EmoBank, on its scale of -1 to 1."""
    return _numbers(parts["sentences"], "affect", AFFECT.labels)


def affect_floors(parts: ValidParts) -> dict[str, Figures]:
    """Words without order, by ridge regression."""
    return _ridge(parts["sentences"], emobank.sentences(parts.folder, "train"), "affect", AFFECT.labels)


def felt(parts: ValidParts) -> Figures:
    """The same on Empathic Reactions, from 0 to 1."""
    return _numbers(parts["reactions"], "felt", FELT.labels)


def felt_floors(parts: ValidParts) -> dict[str, Figures]:
    """Words without order, by ridge regression."""
    return _ridge(parts["reactions"], empathic_reactions.reactions(parts.folder, "train"), "felt", FELT.labels)


def _numbers(found: ReadSet, head: str, names: tuple[str, ...]) -> Figures:
    return estimates(figures_.correlations(found.outputs(head), found.targets(head), found.groups, names))


def _ridge(found: ReadSet, train: list[Example], head: str, names: tuple[str, ...]) -> dict[str, Figures]:
    texts, values = [e.text for e in train], np.array([e.targets[head] for e in train])
    predicted = floors.words_numbers(texts, values, [e.text for e in found.examples])
    return {"TF-IDF": estimates(figures_.correlations(predicted, found.targets(head), found.groups, names))}


def _plain(value: float, n: int) -> Estimate:
    return Estimate(value, float("nan"), float("nan"), n)


__all__ += ["affect_floors", "emotion_floors", "expression_floors", "felt_floors"]
