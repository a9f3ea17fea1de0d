"""What decides the figures of a run, so that two runs are only compared where they may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.task import OwnTexts, Task
from sem_plugins.training.intervals import DRAWS
from sem_plugins.training.sets.records import sha256_of
from sem_plugins.weights import MODEL, Manifest

__all__ = ["differences", "file_of", "signature_of"]

_SHARED = ("task", "task_version", "metric_versions", "data_sha256", "split", "limit", "n")
"""What must be equal in two runs that are put side by side. Systems and weights are what is compared."""


def signature_of(
    task: Task, *, folder: Path, split: str, limit: int | None, manifest: Manifest, n: int
) -> dict[str, Any]:
    """The signature of a run, without what differs from system to system.

    Raises:
        DataError: The split's file is missing.
    """
    from heartline import __version__

    return {
        "task": task.name,
        "task_version": task.version,
        "data": file_of(task, split),
        "data_sha256": task.sha256(split)
        if isinstance(task, OwnTexts)
        else sha256_of(folder / file_of(task, split)),
        "split": split,
        "limit": limit,
        "n": n,
        "weights": manifest.id,
        "weights_sha256": manifest.sha256[MODEL],
        "heartline": __version__,
        "intervals": f"95% bootstrap over groups, {DRAWS} draws or as the figure says, seed 13",
    }


def file_of(task: Task, split: str) -> str:
    """What a split stands in, below the data folder; for messages alone where the task brings it."""
    return f"part {split} (its own)" if isinstance(task, OwnTexts) else f"{task.data}/{split}.jsonl"


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Why two runs may not be put side by side, a line each; empty where they may."""
    return [
        f"{name}: {one.get(name)!r} and {other.get(name)!r}"
        for name in _SHARED
        if one.get(name) != other.get(name)
    ]
