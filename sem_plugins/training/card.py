"""The manifest and the model card: written from what was measured, rendered from nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from sem_plugins.labels import EMPATHETIC_DIALOGUES, ESCONV, GO_EMOTIONS
from sem_plugins.training import calibration, scores
from sem_plugins.training.base import BASE_SHA256, HUB_ID
from sem_plugins.training.cells import is_plain, shown
from sem_plugins.training.intervals import Estimate
from sem_plugins.training.measure.reading import ValidParts
from sem_plugins.training.measure.tasks import TASKS, Aim, figures_of, floors_of
from sem_plugins.training.sets.records import sha256_of
from sem_plugins.weights import MODEL, TOKENIZER, Manifest, load_manifest

__all__ = [
    "ID",
    "as_dicts",
    "data_hashes",
    "render_card",
    "rounded",
    "told",
    "with_card",
    "write_card",
    "write_manifest",
]

ID = "heartline-text-3"
HALF_A_POINT = 0.005
"""What eight bits may cost on any metric."""

_SETS = (
    "dreaddit", "emobank", "empathetic_dialogues", "empathic_reactions", "epitome", "esconv", "goemotions",
    "reccon",
)  # fmt: skip


def write_manifest(
    folder: Path, *, max_tokens: int, heads: Mapping[str, Mapping[str, Any]], card: Mapping[str, Any]
) -> None:
    """`manifest.json` of a folder that holds model and tokenizer."""
    manifest = {
        "id": ID,
        "model": MODEL,
        "tokenizer": TOKENIZER,
        "sha256": {name: sha256_of(folder / name) for name in (MODEL, TOKENIZER)},
        "max_tokens": max_tokens,
        "heads": heads,
        "card": card,
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def with_card(folder: Path, card: Mapping[str, Any]) -> Manifest:
    """Put a card into the manifest of a folder, whose heads stay as they are."""
    raw = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    write_manifest(folder, max_tokens=raw["max_tokens"], heads=raw["heads"], card=card)
    return load_manifest(folder)


def write_card(
    folder: Path,
    parts: ValidParts,
    *,
    recipe: Mapping[str, Any],
    in_floats: Mapping[str, Mapping[str, Estimate]],
    remark: str,
    say: Callable[[str], None],
) -> Manifest:
    """Measure the weights in `folder`, put the figures into their manifest, and write `CARD.md`.

    Args:
        folder: With model, tokenizer and a manifest whose heads are calibrated.
        parts: The valid parts, read with these weights.
        recipe: What they were trained by.
        in_floats: Figures of the same network in 32-bit floats, by task.
        remark: What a reader must know of how they came about, beyond the recipe.
        say: Gets a line about each step.
    """
    manifest = load_manifest(folder)
    figures = figures_of(parts, manifest)
    say("measured; now the floors")
    card = {
        "licence": "CC-BY-NC-4.0",
        "base": {"id": HUB_ID, "sha256": BASE_SHA256, "licence": "Apache-2.0"},
        "data": data_hashes(parts.folder),
        "recipe": dict(recipe),
        "scores": {task: as_dicts(found) for task, found in figures.items()},
        "floors": {
            task: {floor: as_dicts(found) for floor, found in floors.items()}
            for task, floors in floors_of(parts).items()
        },
        "in_floats": {task: as_dicts(found) for task, found in in_floats.items()},
        "per_label": _per_label(parts, manifest),
        "reliability": _reliability(parts, manifest),
        "remark": remark,
    }
    manifest = with_card(folder, card)
    (folder / "CARD.md").write_text(render_card(manifest), encoding="utf-8")
    return manifest


def render_card(manifest: Manifest) -> str:
    """The model card, from nothing but the manifest, the aims and the list of attempts."""
    templates = Environment(
        loader=PackageLoader("sem_plugins.training", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures, no page
    )
    templates.filters |= {"shown": shown, "told": told, "plotted": plotted}
    attempts = files("sem_plugins.training").joinpath("ATTEMPTS.md").read_text(encoding="utf-8")
    return templates.get_template("CARD.md.jinja").render(
        manifest=manifest,
        card=manifest.card,
        tasks=TASKS,
        rounded=rounded(manifest.card),
        attempts=attempts.partition("\n")[2].strip(),
    )


def rounded(card: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, float], Mapping[str, float]]]:
    """Task, metric, figure in floats and in eight bits: those with an aim, or over half a point apart."""
    return [
        (task.name, metric, floating, eight)
        for task in TASKS
        for metric, eight in card["scores"][task.name].items()
        for floating in [card["in_floats"][task.name][metric]]
        if metric in task.aims or abs(floating["value"] - eight["value"]) > HALF_A_POINT
    ]


def told(aim: Aim, metric: str, estimate: Mapping[str, float]) -> str:
    """An aim and whether it was met."""
    factor = 1.0 if is_plain(metric) else 100.0
    wanted = f"≥ {aim.least * factor:g}" if math.isfinite(aim.least) else f"≤ {aim.most * factor:g}"
    missed = aim.missed_by(estimate["value"])
    return f"{wanted}: missed by {missed * factor:.2g}" if missed else f"{wanted}: met"


def plotted(reliability: Sequence[tuple[float, float, int]], width: int = 50) -> str:
    """A reliability diagram in letters: `|` is the confidence, `#` how often it was right."""
    lines = []
    for confidence, accuracy, _ in reliability:
        bar = ["#" if place < accuracy * width else " " for place in range(width + 1)]
        bar[round(confidence * width)] = "|"
        lines.append(f"{confidence:.2f} {''.join(bar).rstrip()}")
    return "\n".join(lines)


def data_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that is trained or measured on."""
    names = [f"{name}/{part}.jsonl" for name in _SETS for part in ("train", "valid")]
    return {name: sha256_of(folder / name) for name in names}


def as_dicts(figures: Mapping[str, Estimate]) -> dict[str, dict[str, float]]:
    """Figures as they stand in manifests: name to value, ends of the interval where one was drawn, and count."""
    return {name: _as_dict(estimate) for name, estimate in figures.items()}


def _as_dict(estimate: Estimate) -> dict[str, float]:
    """Without what says nothing: an interval that was not drawn, draws that were all defined."""
    made = estimate.as_dict()
    if math.isnan(estimate.low):
        del made["low"], made["high"]
    if not made["undefined"]:
        del made["undefined"]
    return made


def _per_label(parts: ValidParts, manifest: Manifest) -> dict[str, dict[str, float]]:
    """F1 of each label: emotion on seeker turns, expression on comments, strategy."""
    found = parts["seeker-turns"]
    emotion = manifest.heads["emotion"].distribution(found.outputs("emotion")).argmax(axis=1)
    strategy = manifest.heads["strategy"].distribution(parts["strategies"].outputs("strategy")).argmax(axis=1)
    head = manifest.heads["expression"]
    comments = head.each(parts["comments"].outputs("expression")) >= np.array(head.thresholds)
    made = {
        "emotion": (
            EMPATHETIC_DIALOGUES,
            scores.f1_per_class(emotion, found.labels("emotion"), len(EMPATHETIC_DIALOGUES)),
        ),
        "expression": (
            GO_EMOTIONS,
            calibration.f1_per_label(comments, parts["comments"].targets("expression") > 0),
        ),
        "strategy": (
            ESCONV,
            scores.f1_per_class(strategy, parts["strategies"].labels("strategy"), len(ESCONV)),
        ),
    }
    return {
        head_name: dict(zip(label_set.labels, np.round(values, 3).tolist(), strict=True))
        for head_name, (label_set, values) in made.items()
    }


def _reliability(parts: ValidParts, manifest: Manifest) -> list[tuple[float, float, int]]:
    found = parts["live"]
    probabilities = manifest.heads["emotion"].distribution(found.outputs("emotion"))
    return calibration.reliability(probabilities, found.labels("emotion"), bins=10)
