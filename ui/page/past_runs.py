"""The folder of results that `heartline eval` wrote, as the page lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sem_plugins.training.cells import shown

__all__ = ["PastRun", "RunFolder"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LISTED = 60
_LARGEST = 200_000_000  # bytes; no result comes near
_NOT_OF_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class PastRun:
    """A result file.

    Attributes:
        id: Name of the file without its ending.
        task, part, system: What was run, on what, and who answered.
        n: Samples.
        limit: Whether they were but the first ones of the part.
        weights: Name of the weights.
        at: When it was written.
        figures: Metric to the figure with its interval as tables show it, the main one first.
        unscored: Samples without an answer.
        notes: What a reader must know.
    """

    id: str
    task: str
    part: str
    system: str
    n: int
    limit: bool
    weights: str
    at: datetime
    figures: Mapping[str, str]
    unscored: int
    notes: tuple[str, ...]

    @property
    def main(self) -> tuple[str, str]:
        """Name and text of the figure that a task puts first."""
        return next(iter(self.figures.items()), ("", ""))

    def like(self, other: PastRun) -> bool:
        """Whether the two may stand side by side, so far as this page knows."""
        return (self.task, self.part, self.n) == (other.task, other.part, other.n)


class RunFolder:
    """Result files and the reports that were made of them.

    Args:
        path: The folder; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[str, tuple[float, PastRun | None]] = {}

    def runs(self) -> list[PastRun]:
        """The newest ones, newest first. Files that are no results are passed over."""
        try:
            files = [path for path in self.path.glob("*.json") if self.result(path.stem) is not None]
            files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        except OSError:  # deleted in between, or not ours to read: what is left is told the next time
            return []
        found = [self.run(path.stem) for path in files[:_LISTED]]
        return [run for run in found if run is not None]

    def run(self, run_id: str) -> PastRun | None:
        """One of them; None where there is no such one, or the file is no result."""
        path = self.result(run_id)
        if path is None:
            return None
        written = path.stat().st_mtime
        known = self._read.get(run_id)
        if known is None or known[0] != written:
            known = self._read[run_id] = written, _parsed(path, written)
        return known[1]

    def result(self, run_id: object) -> Path | None:
        """The file of a run, which lies in this folder itself; None where there is none, whatever is asked for."""
        return self._own(run_id, ".json")

    def report(self, name: str, *, of: Collection[Path]) -> Path | None:
        """A report of results, by its name; None where there is none, or it is older than one of them."""
        made = self._own(name, ".html")
        if made is None or any(path.stat().st_mtime > made.stat().st_mtime for path in of):
            return None
        return made

    def new_id(self, *words: str) -> str:
        """An id for a run that begins now: the time, and words that tell what it is."""
        tells = "-".join(_NOT_OF_NAMES.sub("-", word.lower()).strip("-") for word in words)[:60]
        stem = f"{datetime.now(UTC).astimezone():%Y%m%d-%H%M%S}-{tells}"
        taken = (stem if not place else f"{stem}-{place}" for place in range(1000))
        return next(name for name in taken if not (self.path / f"{name}.json").exists())

    def _own(self, name: object, ending: str) -> Path | None:
        if not isinstance(name, str) or not _ID.fullmatch(name):
            return None
        path = self.path / f"{name}{ending}"
        return path if path.is_file() and not path.is_symlink() and path.stat().st_size < _LARGEST else None


def _parsed(path: Path, written: float) -> PastRun | None:
    """What a result file says; None where it says something else."""
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        signature, metrics = content["signature"], content["metrics"]
        return PastRun(
            path.stem,
            str(content["task"]),
            str(signature["split"]),
            str(signature["system"]),
            int(signature["n"]),
            signature.get("limit") is not None,
            str(signature["weights"]),
            datetime.fromtimestamp(written).astimezone(),
            {str(name): shown(figure, name) for name, figure in metrics.items()},
            max((int(figure["unscored"]) for figure in metrics.values()), default=0),
            tuple(map(str, content.get("notes", ()))),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
