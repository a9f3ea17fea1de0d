"""`heartline train emotion`: train, export, measure what is shipped, and write its card."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sem_plugins.encoder import Encoder
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.probability import sigmoid, softmax
from sem_plugins.training import calibration, floors
from sem_plugins.training.base import BASE_SHA256, HUB_ID, base_weights
from sem_plugins.training.emotion_data import EmotionData, load, sha256_of
from sem_plugins.training.examples import Example
from sem_plugins.training.export import export
from sem_plugins.training.loop import Recipe, Task, train
from sem_plugins.training.network import SharedEncoder
from sem_plugins.weights import Manifest, load_manifest

__all__ = ["run"]

ID = "heartline-text-1"
MODEL = "encoder.int8.onnx"
TOKENIZER = "tokenizer.json"

Array = NDArray[np.floating[Any]]
Say = Callable[[str], None]


def run(
    data_folder: Path, out: Path, *, base: Path | None = None, recipe: Recipe | None = None, say: Say = print
) -> Manifest:
    """Train both heads, and write weights, manifest and card to `out`/weights.

    A run that was stopped goes on where it was: the checkpoint lies in `out`.

    Args:
        data_folder: With `empathetic_dialogues/` and `goemotions/`.
        out: Folder of the run.
        base: Folder of the base encoder; None fetches it.
        recipe: Hyper-parameters; None takes the shipped ones.
        say: Gets a line about each step.

    Raises:
        DataError: Data is missing or malformed.
        WeightsError: The base encoder cannot be had.
    """
    recipe = recipe or Recipe()
    data = load(data_folder)
    folder = base_weights(base, cache=out / "base")
    say(f"{len(data.dialogues):,} dialogues, {len(data.comments):,} comments; base encoder verified")
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(recipe.max_tokens)
    heads = {"emotion": len(EMPATHETIC_DIALOGUES), "expression": len(GO_EMOTIONS)}
    tasks = [
        Task("emotion", heads["emotion"], exclusive=True, examples=data.emotion_examples(recipe.seed)),
        Task("expression", heads["expression"], exclusive=False, examples=lambda _epoch: data.comments),
    ]
    network = SharedEncoder(folder, heads, dropout=recipe.dropout, head_dropout=recipe.head_dropout)
    network = train(network, tasks, tokenizer, recipe, checkpoint=out / "checkpoint.pt")

    weights = out / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    export(network, weights / MODEL)
    shutil.copyfile(folder / TOKENIZER, weights / TOKENIZER)
    say("exported; measuring what was exported, and the floors")
    _write_manifest(weights, recipe, temperature=1.0, thresholds=[0.5] * heads["expression"], card={})
    return measure(weights, data, recipe)


def measure(weights: Path, data: EmotionData, recipe: Recipe) -> Manifest:
    """Calibrate the exported model, score it and the floors, and write manifest and card."""
    encoder = Encoder(load_manifest(weights))
    situations = _logits(encoder, data.situations, "emotion")
    seeker = _logits(encoder, data.seeker_turns, "emotion")
    truth = _truth(data.situations)
    # One temperature for both inputs, so that the same number serves first and later turns.
    temperature = calibration.fit_temperature(
        np.vstack([situations, seeker]), np.concatenate([truth, truth]), recipe.label_smoothing
    )
    held_out = sigmoid(_logits(encoder, data.held_out, "expression"))
    thresholds = calibration.best_thresholds(held_out, _many(data.held_out))
    comments = sigmoid(_logits(encoder, data.valid_comments, "expression"))

    train_situations = [Example(dialogue.situation, (dialogue.label,)) for dialogue in data.dialogues]
    train_turns = [Example(" ".join(dialogue.seeker), (dialogue.label,)) for dialogue in data.dialogues]
    many = _many(data.valid_comments)
    go_words = floors.words_many(data.comments, [e.text for e in data.valid_comments], len(GO_EMOTIONS))
    go_words_held_out = floors.words_many(data.comments, [e.text for e in data.held_out], len(GO_EMOTIONS))
    scores = {
        "empathetic-dialogues/situation": _one_label(situations, truth, temperature, recipe.label_smoothing),
        "empathetic-dialogues/seeker-turns": _one_label(seeker, truth, temperature, recipe.label_smoothing),
        "goemotions": {"macro_f1": _macro_f1(comments >= thresholds, many)},
    }
    floor_scores = {
        "empathetic-dialogues/situation": {
            "majority": _accuracy(floors.majority(train_situations, len(EMPATHETIC_DIALOGUES), len(truth)), truth),
            "TF-IDF": _accuracy(floors.words_one(train_situations, [e.text for e in data.situations]), truth),
        },
        "empathetic-dialogues/seeker-turns": {
            "majority": _accuracy(floors.majority(train_turns, len(EMPATHETIC_DIALOGUES), len(truth)), truth),
            "TF-IDF": _accuracy(floors.words_one(train_turns, [e.text for e in data.seeker_turns]), truth),
        },
        "goemotions": {
            "always neutral": {"macro_f1": _macro_f1(np.eye(28, dtype=bool)[[27] * len(many)], many)},
            "TF-IDF": {
                "macro_f1": _macro_f1(
                    go_words >= calibration.best_thresholds(go_words_held_out, _many(data.held_out)), many
                )
            },
        },
    }
    per_label = {
        "emotion": _per_label_one(softmax(seeker), truth),
        "expression": dict(
            zip(
                GO_EMOTIONS.labels,
                calibration.f1_per_label(comments >= thresholds, many).round(3).tolist(),
                strict=True,
            )
        ),
    }
    card = {
        "licence": "CC-BY-NC-4.0",
        "base": {"id": HUB_ID, "sha256": BASE_SHA256, "licence": "Apache-2.0"},
        "data": data.hashes,
        "examples": {
            "dialogues": len(data.dialogues),
            "comments": len(data.comments),
            "held_out": len(data.held_out),
            "valid_dialogues": len(truth),
            "valid_comments": len(many),
        },
        "recipe": dataclasses.asdict(recipe),
        "scores": scores,
        "floors": floor_scores,
        "per_label": per_label,
        "reliability": calibration.reliability(
            softmax(seeker, temperature, recipe.label_smoothing), truth, bins=10
        ),
    }
    _write_manifest(weights, recipe, temperature=temperature, thresholds=thresholds.tolist(), card=card)
    manifest = load_manifest(weights)
    (weights / "CARD.md").write_text(render_card(manifest), encoding="utf-8")
    return manifest


def render_card(manifest: Manifest) -> str:
    """The model card, from nothing but the manifest."""
    templates = Environment(
        loader=PackageLoader("sem_plugins.training", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures, no page
    )
    return templates.get_template("CARD.md.jinja").render(manifest=manifest, card=manifest.card)


def _write_manifest(
    weights: Path, recipe: Recipe, *, temperature: float, thresholds: Sequence[float], card: Mapping[str, Any]
) -> None:
    manifest = {
        "id": ID,
        "model": MODEL,
        "tokenizer": TOKENIZER,
        "sha256": {name: sha256_of(weights / name) for name in (MODEL, TOKENIZER)},
        "max_tokens": recipe.max_tokens,
        "heads": {
            "emotion": {
                "label_set": EMPATHETIC_DIALOGUES.id,
                "labels": EMPATHETIC_DIALOGUES.labels,
                "kind": "softmax",
                "temperature": round(temperature, 4),
                "smoothing": recipe.label_smoothing,
            },
            "expression": {
                "label_set": GO_EMOTIONS.id,
                "labels": GO_EMOTIONS.labels,
                "kind": "sigmoid",
                "temperature": 1.0,
                "thresholds": [round(threshold, 3) for threshold in thresholds],
            },
        },
        "card": card,
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (weights / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _logits(encoder: Encoder, examples: Sequence[Example], head: str) -> Array:
    return encoder.forward([example.text for example in examples])[head]


def _truth(examples: Sequence[Example]) -> NDArray[np.intp]:
    return np.array([example.labels[0] for example in examples], dtype=np.intp)


def _many(examples: Sequence[Example]) -> NDArray[np.bool_]:
    truth = np.zeros((len(examples), len(GO_EMOTIONS)), dtype=bool)
    for row, example in enumerate(examples):
        truth[row, list(example.labels)] = True
    return truth


def _one_label(logits: Array, truth: NDArray[np.intp], temperature: float, smoothing: float) -> dict[str, Any]:
    scores = _accuracy(logits, truth)
    scores["ece"] = _plain(calibration.crossfitted_error(logits, truth, smoothing=smoothing))
    shipped = calibration.expected_calibration_error(softmax(logits, temperature, smoothing), truth)
    scores["ece_as_shipped"] = _plain(shipped)
    return scores


def _accuracy(scores: Array, truth: NDArray[np.intp]) -> dict[str, Any]:
    ranks = (scores > scores[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    predicted, size = scores.argmax(axis=1), scores.shape[1]
    one_hot = np.eye(size, dtype=bool)
    return {
        "top1": _with_interval(ranks < 1),
        "top3": _with_interval(ranks < 3),  # noqa: PLR2004
        "top5": _with_interval(ranks < 5),  # noqa: PLR2004
        "macro_f1": _plain(calibration.f1_per_label(one_hot[predicted], one_hot[truth]).mean()),
    }


def _with_interval(hits: NDArray[np.bool_]) -> dict[str, float]:
    """Share of hits with its 95% bootstrap interval; one row is one dialogue."""
    draws = np.random.default_rng(13).integers(0, len(hits), (1000, len(hits)))
    low, high = np.percentile(hits[draws].mean(axis=1), [2.5, 97.5])
    return {"value": round(float(hits.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _macro_f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Macro-F1 with its 95% bootstrap interval over comments."""
    rng = np.random.default_rng(13)
    draws = []
    for _ in range(300):
        rows = rng.integers(0, len(truth), len(truth))
        draws.append(calibration.f1_per_label(predicted[rows], truth[rows]).mean())
    low, high = np.percentile(draws, [2.5, 97.5])
    value = calibration.f1_per_label(predicted, truth).mean()
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _plain(value: float) -> dict[str, float]:
    return {"value": round(float(value), 4)}


def _per_label_one(probabilities: Array, truth: NDArray[np.intp]) -> dict[str, float]:
    one_hot = np.eye(len(EMPATHETIC_DIALOGUES), dtype=bool)
    scores = calibration.f1_per_label(one_hot[probabilities.argmax(axis=1)], one_hot[truth])
    return dict(zip(EMPATHETIC_DIALOGUES.labels, scores.round(3).tolist(), strict=True))
