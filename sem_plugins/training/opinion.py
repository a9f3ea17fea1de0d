"""`heartline models opinion`: learns whether a message shows thoughts of suicide or self-harm; measures that."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from agent.turn import Message
from sem_plugins.encoder import Encoded, Encoder
from sem_plugins.probability import sigmoid
from sem_plugins.risk.opinion import FILE, FORMAT, features_of, whole_heads
from sem_plugins.training.intervals import Estimate, bootstrap
from sem_plugins.training.measure.reading import read_all
from sem_plugins.training.sets import empathetic_dialogues, esconv, goemotions, risk
from sem_plugins.weights import MODEL, Manifest

__all__ = ["Figures", "learn"]

Array = NDArray[np.float64]
Figures = Mapping[str, Estimate]

_EVERYDAY = 4000  # messages of each of three data sets: half to learn from, half for the threshold
_PENALTY = 0.3  # `C`; 0.03 and 0.3 are as good on the held-out statements
_ALARMS = 0.003  # of everyday messages: what one of them sets off holds for several turns
_DIGITS = 5
_IDEATION = 1  # place in the ladder of targets


def learn(folder: Path, out: Path, manifest: Manifest) -> tuple[Path, Figures]:
    """Learn on the statements of `training/statements` and on everyday messages of three train parts: two minutes.

    The threshold is the probability that `_ALARMS` of the everyday messages reach that were not learned from.

    Args:
        folder: The prepared data sets.
        out: Folder that gets the file.
        manifest: The weights.

    Returns:
        The file; and figures on the held-out statements and everyday messages, with intervals.

    Raises:
        DataError: A data set is missing or malformed.
    """
    heads = whole_heads(manifest)
    encoder = Encoder(manifest, threads=1)

    def features(texts: list[str], name: str) -> Array:
        said = [(Message("seeker", text),) for text in texts]
        read: list[Encoded] = read_all(encoder, said, name=name)
        return np.array([features_of(encoded, heads) for encoded in read])

    statements, held_out = risk.statements("train"), risk.statements("valid")
    everyday = features([*_everyday(folder)], "everyday messages")
    learned, kept = everyday[::2], everyday[1::2]
    x = np.vstack([features([example.text for example in statements], "statements"), learned])
    y = np.concatenate([_shown(statements), np.zeros(len(learned))])
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=_PENALTY, max_iter=5000).fit(scale.transform(x), y)
    weight = model.coef_[0] / scale.scale_
    bias = float(model.intercept_[0] - weight @ scale.mean_)

    def likely(rows: Array) -> Array:
        return np.asarray(sigmoid(rows @ weight + bias))

    threshold = float(np.quantile(likely(kept), 1 - _ALARMS))
    found = likely(features([example.text for example in held_out], "held-out statements")) >= threshold
    figures = dict(_figures(found, held_out))
    figures["everyday_alarms"] = bootstrap(np.mean, np.arange(len(kept)), likely(kept) >= threshold)
    written = {
        "format": FORMAT,
        "model": manifest.sha256[MODEL],
        "heads": list(heads),
        "weight": np.round(weight, _DIGITS).tolist(),
        "bias": round(bias, _DIGITS),
        "threshold": round(threshold, _DIGITS),
        "card": {
            "learned from": f"{len(statements)} statements and {len(learned)} everyday messages",
            "figures": {name: round(figure.value, 4) for name, figure in figures.items()},
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return path, figures


def _everyday(folder: Path) -> Iterator[str]:
    """Messages of three train parts, in which danger is rare."""
    sets: list[list[str]] = [
        [example.text for example in goemotions.comments(folder, "train")],
        [example.text for example in empathetic_dialogues.live(empathetic_dialogues.dialogues(folder, "train"))],
        [
            example.messages[-1].text
            for example in esconv.supporter_turns(folder, "train")
            if example.messages[-1].role == "seeker"
        ],
    ]
    for texts in sets:
        yield from random.Random(7).sample(texts, min(_EVERYDAY, len(texts)))


def _shown(examples: list[Any]) -> Array:
    return np.array([example.targets["risk"][_IDEATION] for example in examples])


def _figures(found: NDArray[np.bool_], examples: list[Any]) -> Iterator[tuple[str, Estimate]]:
    """Share of statements per family that are read as ideation: of those that show it, and of the others."""
    shown, families = _shown(examples) > 0, np.array([example.group for example in examples])
    for family in sorted(set(families)):
        for name, chosen in (("recall", (families == family) & shown), ("alarms", (families == family) & ~shown)):
            if chosen.sum() > 1:  # an interval needs two
                rows = np.arange(int(chosen.sum()))
                yield f"{family}_{name}", bootstrap(np.mean, rows, found[chosen])
