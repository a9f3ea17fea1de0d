"""What a run leaves: one JSON file with signature, figures, floors and every sample."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import DataError
from evals.task import Answers, Sample
from sem_plugins.training.intervals import Estimate

__all__ = ["Result", "as_json", "read_result", "sample_rows", "write_result"]

_FORMAT = 1
_KEYS = ("task", "signature", "metrics", "floors", "samples")


@dataclass(frozen=True, slots=True)
class Result:
    """A run.

    Attributes:
        task: Name.
        signature: What decides the figures (`evals.signature`).
        metrics: Metric to `value`, `low`, `high` (absent where no interval is drawn), `n`, `unscored`.
        floors: Name to the same of what understands nothing.
        notes: What a reader must know, e.g. which floor could not be had.
        samples: Per sample `id`, `group`, `truth` and `answer`; no text of the data set.
    """

    task: str
    signature: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]]
    floors: Mapping[str, Mapping[str, Mapping[str, float]]]
    notes: Sequence[str]
    samples: Sequence[Mapping[str, Any]]


def as_json(figures: Mapping[str, Estimate], unscored: int) -> dict[str, dict[str, float]]:
    """Figures as they stand in files; six digits."""
    made = {}
    for name, estimate in figures.items():
        one: dict[str, float] = {"value": round(float(estimate.value), 6)}
        if not math.isnan(estimate.low):
            one |= {"low": round(estimate.low, 6), "high": round(estimate.high, 6)}
        made[name] = one | {"n": estimate.n, "unscored": unscored}
    return made


def sample_rows(samples: Sequence[Sample], answers: Answers) -> list[dict[str, Any]]:
    """Samples as they stand in files."""
    return [
        {"id": sample.id, "group": sample.group, "truth": sample.truth, "answer": answer}
        for sample, answer in zip(samples, answers, strict=True)
    ]


def write_result(path: Path, result: Result) -> None:
    """Write beside, then rename: a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "format": _FORMAT,
        "task": result.task,
        "signature": result.signature,
        "metrics": result.metrics,
        "floors": result.floors,
        "notes": list(result.notes),
        "samples": list(result.samples),
    }
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def read_result(path: Path) -> Result:
    """A result file.

    Raises:
        DataError: It is missing, or no result file of this version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"Result file {str(path)!r} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"Result file {str(path)!r} is not JSON ({error}).") from error
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise DataError(
            f"{str(path)!r} is no result file: {', '.join(missing)} missing. `heartline eval` writes them."
        )
    if content.get("format") != _FORMAT:
        raise DataError(
            f"Result file {str(path)!r} has format {content.get('format')!r}, this version reads {_FORMAT}. "
            "Run the evaluation again."
        )
    return Result(*(content[key] for key in ("task", "signature", "metrics", "floors", "notes", "samples")))
