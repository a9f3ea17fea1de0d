"""`heartline models recogniser`: learns which strategy a supporter's utterance follows, and measures that."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from agent.errors import DataError
from agent.sentences import OPENING, sentences_of
from agent.turn import Message
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.labels import ESCONV
from sem_plugins.probability import softmax
from sem_plugins.training.examples import Example
from sem_plugins.training.floors import majority, words_one
from sem_plugins.training.intervals import Estimate, Measure
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.scores import accuracy, macro_f1
from sem_plugins.training.sets.esconv import supporter_turns
from sem_plugins.vectors import mean_vector
from sem_plugins.verify.cues import CUES
from sem_plugins.verify.recogniser import FILE, FORMAT, features_of
from sem_plugins.weights import MODEL, Manifest

__all__ = ["Figures", "learn", "opening_of"]

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]
Figures = Mapping[str, Mapping[str, Estimate]]
"""Who recognises (`"recogniser"` or a floor) to metric to figure."""

_COVERAGE = 0.95  # of utterances of a strategy that are not denied it
_PENALTY = 0.005  # `C`; 0.002 and 0.01 are as good on the held-out fifth, 0.05 is worse by 0.01 of accuracy
_DIGITS = 5


def learn(folder: Path, out: Path, manifest: Manifest) -> tuple[Path, Figures]:
    """Learn on ESConv train: minutes for the readings, which are kept in `out`, seconds for the rest.

    A fifth of the dialogues sets, per strategy, the probability below which it is denied (split-conformal: of new
    utterances of the strategy at most 5% fall below it); it is not learned from.

    Args:
        folder: The prepared data sets.
        out: Folder that gets the file and keeps what was read.
        manifest: The weights.

    Returns:
        The file; and figures on ESConv valid with intervals over dialogues: accuracy, macro-F1, `denied` (share
        of utterances that are denied their own strategy) and `caught` (share of the seven others that they are
        denied).

    Raises:
        DataError: The data set is missing or malformed.
    """
    out.mkdir(parents=True, exist_ok=True)
    train, valid = supporter_turns(folder, "train"), supporter_turns(folder, "valid")
    rows, asked = (_read(each, out / f"openings-{name}.npz", manifest) for each, name in
                   ((train, "train"), (valid, "valid")))  # fmt: skip
    truth, true = _labels(train), _labels(valid)
    held = np.array([_is_held(example.group) for example in train])
    weight, bias = fit(rows[~held], truth[~held])
    least = bounds(softmax(rows[held] @ weight.T + bias), truth[held])
    figures = _figures(softmax(asked @ weight.T + bias), true, least, valid)
    texts = [[opening_of(str(example.targets["reply"])) for example in part] for part in (train, valid)]
    figures |= {
        "TF-IDF": _scores(words_one(texts[0], truth, texts[1]), true, valid),
        "majority": _scores(majority(truth, len(ESCONV), len(true)), true, valid),
    }
    content = {
        "format": FORMAT,
        "model": manifest.sha256[MODEL],
        "labels": list(ESCONV.labels),
        "cues": list(CUES),
        "bias": _rounded(bias),
        "weight": [_rounded(row) for row in weight],
        "least": dict(zip(ESCONV.labels, _rounded(least), strict=True)),
        "card": {
            "weights": manifest.id,
            "learned_on": f"ESConv train, {int((~held).sum())} openings; bounds on {int(held.sum())} others",
            "scores": {who: {name: one.as_dict() for name, one in of.items()} for who, of in figures.items()},
        },
    }
    file = out / FILE
    file.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    return file, figures


def opening_of(reply: str) -> str:
    """What a verifier sees of a reply before any of it is shown."""
    return "".join(sentences_of(reply)[:OPENING])


def fit(rows: Array, truth: Labels) -> tuple[Array, Array]:
    """Weights (8, F) and biases (8,) of multinomial logistic regression over features (N, F).

    Raises:
        DataError: A strategy does not occur.
    """
    missing = [name for label, name in enumerate(ESCONV.labels) if label not in truth]
    if missing:
        raise DataError(f"No utterance to learn from is of {', '.join(missing)}. Use the whole of ESConv train.")
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=_PENALTY, max_iter=1000).fit(scaler.transform(rows), truth)
    weight = model.coef_ / scaler.scale_
    return weight, model.intercept_ - weight @ scaler.mean_


def bounds(probabilities: Array, truth: Labels) -> Array:
    """Per strategy the probability below which it is denied, (8,); 0 where there are too few to say.

    With n utterances of a strategy it is the k-th lowest probability that they give it, k = 0.05 (n + 1) rounded
    down: of new ones at most 5% fall below it (Angelopoulos & Bates 2021, arXiv 2107.07511, section 4.1).
    """
    found = np.zeros(probabilities.shape[1])
    for label in range(probabilities.shape[1]):
        given = np.sort(probabilities[truth == label, label])
        place = math.floor((1 - _COVERAGE) * (len(given) + 1))
        found[label] = given[place - 1] if place else 0.0
    return found


def _read(examples: Sequence[Example], file: Path, manifest: Manifest) -> Array:
    """Features of every opening, (N, F); the vectors in them are kept for the next run of the same weights."""
    openings = [opening_of(str(example.targets["reply"])) for example in examples]
    key = hashlib.sha256("\0".join([manifest.sha256[MODEL], *openings]).encode()).hexdigest()
    vectors = _kept(file, key)
    if vectors is None:
        encoder = Encoder(manifest, threads=1, inner=[VECTORS], remembered=1)
        found = on_every_core(lambda text: _vector(encoder, text), openings, name=file.stem)
        vectors = np.stack(found).astype(np.float32)
        np.savez_compressed(file, key=np.array(key), vectors=vectors)
    pairs = zip(vectors, openings, strict=True)
    return np.stack([features_of(vector.astype(np.float64), text) for vector, text in pairs])


def _kept(file: Path, key: str) -> NDArray[np.float32] | None:
    if not file.exists():
        return None
    with np.load(file) as kept:
        return kept["vectors"] if str(kept["key"]) == key else None


def _vector(encoder: Encoder, opening: str) -> Array:
    found = mean_vector(encoder.read((Message("seeker", opening),)))
    if found is None:
        raise DataError("An utterance of a supporter in ESConv is empty. Prepare the data set again.")
    return found


def _figures(
    probabilities: Array, truth: Labels, least: Array, examples: Sequence[Example]
) -> dict[str, Mapping[str, Estimate]]:
    """Of the recogniser; `denied` over all utterances and per strategy."""
    rows = np.arange(len(truth))
    denied = probabilities < least
    others = np.ones_like(denied)
    others[rows, truth] = False
    groups = _groups(examples)
    found = dict(_scores(probabilities, truth, examples))
    found["denied"] = Measure(np.mean, groups, (denied[rows, truth].astype(float),)).estimate()
    found["caught"] = Measure(np.mean, groups, ((denied & others).sum(axis=1) / (len(least) - 1),)).estimate()
    for label, name in enumerate(ESCONV.labels):
        true = truth == label
        found[f"denied, {name}"] = Measure(np.mean, groups[true], (denied[true, label].astype(float),)).estimate()
        found[f"caught, {name}"] = Measure(
            np.mean, groups[~true], (denied[~true, label].astype(float),)
        ).estimate()
    return {"recogniser": found}


def _scores(probabilities: Array, truth: Labels, examples: Sequence[Example]) -> Mapping[str, Estimate]:
    guessed, groups = probabilities.argmax(axis=1), _groups(examples)
    return {
        "accuracy": Measure(accuracy, groups, (guessed, truth)).estimate(),
        "macro_f1": Measure(_macro_f1, groups, (guessed, truth)).estimate(),
    }


def _macro_f1(guessed: Labels, truth: Labels) -> float:
    return macro_f1(guessed, truth, len(ESCONV))


def _labels(examples: Sequence[Example]) -> Labels:
    return np.array([example.targets["strategy"] for example in examples], np.intp)


def _groups(examples: Sequence[Example]) -> NDArray[np.str_]:
    return np.array([example.group for example in examples])


def _is_held(dialogue: str) -> bool:
    """A fifth of the dialogues, the same on every machine."""
    return hashlib.sha256(dialogue.encode()).digest()[0] < 256 // 5


def _rounded(values: Array) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
