"""From the name of a task to a result: read, answer, score, and the floors beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from agent.errors import DataError
from agent.settings import Settings
from evals.result import Result, as_json, sample_rows
from evals.signature import signature_of
from evals.task import Answers, Kit, Sample, Task
from sem_plugins.encoder import Encoded, Encoder
from sem_plugins.training.intervals import Estimate
from sem_plugins.training.measure.reading import read_all
from sem_plugins.weights import SHIPPED, load_manifest

__all__ = ["EncoderKit", "evaluate"]

_FEWEST_GROUPS = 2  # an interval needs dialogues to draw from


class EncoderKit:
    """Reads samples with one encoder, each once.

    Args:
        settings: With the weights that read, and the LLM of systems that have one.
        cache: Folder that keeps replies of LLMs; None keeps nothing.
        parallel: Replies that may be asked for at once.
        progress: Show progress bars.

    Raises:
        WeightsError: The weights are missing or altered.
    """

    def __init__(
        self, settings: Settings, *, cache: Path | None = None, parallel: int = 8, progress: bool = True
    ) -> None:
        self.settings, self.cache, self.parallel, self.progress = settings, cache, parallel, progress
        self.manifest = load_manifest(settings.weights or SHIPPED)
        self._encoder = Encoder(self.manifest, threads=1)
        self._read: dict[str, Encoded] = {}

    def read(self, samples: Sequence[Sample]) -> Sequence[Encoded]:
        """One pass per sample; samples that were read before are remembered by their id."""
        fresh = [sample for sample in samples if sample.id not in self._read]
        dialogues = [sample.messages for sample in fresh]
        encoded = read_all(self._encoder, dialogues, name="samples", progress=self.progress and bool(fresh))
        self._read |= {sample.id: one for sample, one in zip(fresh, encoded, strict=True)}
        return [self._read[sample.id] for sample in samples]


def evaluate(
    task: Task,
    folder: Path,
    split: str,
    *,
    kit: Kit,
    system: str | None = None,
    limit: int | None = None,
) -> Result:
    """Run a task.

    Args:
        task: Which.
        folder: The prepared data sets.
        split: Name of the file, e.g. `valid`.
        kit: What systems answer with; of one task, to share passes between its systems.
        system: Who answers; None takes the task's first.
        limit: Only the first samples.

    Raises:
        DataError: The file is missing, malformed, empty, names a sample twice, or holds too few dialogues.
        SettingsError: The system does not exist.
    """
    system = system or task.systems[0]
    samples = _checked(task, task.samples(folder, split)[:limit], f"{task.data}/{split}.jsonl")
    answers = task.answers(system, samples, kit)
    signature = signature_of(
        task, folder=folder, split=split, limit=limit, system=system, manifest=kit.manifest, n=len(samples)
    )
    notes: list[str] = []
    found = _estimates(task, samples, answers, notes=notes, of="")
    floors = {}
    for name, make in task.floors(samples, folder).items():
        try:
            guessed = make()
        except DataError as error:  # most are made from train, which need not be there
            notes.append(f"floor {name!r} left out: {error}")
            continue
        floors[name] = as_json(_estimates(task, samples, guessed, notes=notes, of=f"floor {name!r}: "), 0)
    unscored = sum(answer is None for answer in answers)
    return Result(task.name, signature, as_json(found, unscored), floors, notes, sample_rows(samples, answers))


def _checked(task: Task, samples: list[Sample], file: str) -> list[Sample]:
    groups = {sample.group for sample in samples}
    if len(groups) < _FEWEST_GROUPS:
        raise DataError(
            f"{file}: {len(groups)} dialogue{'s' * (len(groups) != 1)} for {task.name}; intervals need at least "
            f"{_FEWEST_GROUPS}. Give a larger file or a higher `--limit`."
        )
    twice = [name for name, count in Counter(sample.id for sample in samples).items() if count > 1]
    if twice:
        raise DataError(f"{file}: id {twice[0]!r} stands there more than once ({len(twice)} such ids).")
    return samples


def _estimates(
    task: Task, samples: list[Sample], answers: Answers, *, notes: list[str], of: str
) -> dict[str, Estimate]:
    """Every metric with its interval; what is not defined is left out, with a note."""
    found = {}
    for name, measure in task.measures(samples, answers).items():
        try:
            found[name] = measure.estimate()
        except DataError as error:
            notes.append(f"{of}{name} left out: {error}")
    return found
