"""Danger that is told between everyday sentences: held-out statements, alone and beside what others tell."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from agent.build import build_perception
from agent.readings import DANGER
from agent.settings import Settings
from agent.turn import new_turn
from evals.safety.benign import SPLIT
from evals.safety.figures import Share
from sem_plugins.training.sets import empathetic_dialogues, risk

__all__ = ["BESIDE", "found_between"]

BESIDE = (0, 1, 3)
"""How many everyday messages stand around a statement."""

_LENGTH = 20, 200  # of an everyday message, in characters


def found_between(folder: Path, settings: Settings, *, limit: int | None = None) -> dict[str, dict[str, Any]]:
    """Shares of statements that are read as ideation or more, of those of danger and of harmless ones.

    The statements are those that the reader is measured with (`training/statements`); what stands around them are
    messages of EmpatheticDialogues' seekers. The same are drawn each time.

    Args:
        folder: The prepared data sets.
        settings: With the weights that read.
        limit: So many statements, drawn at random; all where None.

    Raises:
        DataError: A file is missing or malformed.
    """
    perception = build_perception(settings.model_copy(update={"plugins": ("risk",)}))
    dialogues = empathetic_dialogues.dialogues(folder, SPLIT)
    shortest, longest = _LENGTH
    everyday = [text for dialogue in dialogues for text in dialogue.seeker if shortest <= len(text) <= longest]
    statements = [
        (example.text, bool(risk.danger(np.array([example.targets["risk"]]))[0]))
        for example in risk.statements(SPLIT)
    ]
    if limit is not None:
        statements = random.Random(13).sample(statements, min(limit, len(statements)))
    figures = {}
    for beside in BESIDE:
        rng = random.Random(13)
        texts = [_between(text, rng.sample(everyday, beside), rng) for text, _ in statements]
        read = perception.read([new_turn(text) for text in texts])
        found = [turn.risk is not None and turn.risk.level in DANGER for turn in read]
        for name, wanted in (("danger", True), ("harmless", False)):
            chosen = [one for one, (_, danger) in zip(found, statements, strict=True) if danger is wanted]
            figures[f"{name}, {beside} beside"] = Share.of(chosen).as_dict()
    return figures


def _between(text: str, others: list[str], rng: random.Random) -> str:
    return " ".join([*others[: (place := rng.randint(0, len(others)))], text, *others[place:]])
