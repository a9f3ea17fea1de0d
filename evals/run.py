"""From the name of a task to a result: read, answer, score, and the floors beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from agent.errors import DataError
from agent.settings import Settings
from evals.result import Result, as_json, sample_rows
from evals.signature import file_of, signature_of
from evals.task import Answers, Kit, Measures, OwnTexts, Sample, Task
from sem_plugins.encoder import Encoded, Encoder
from sem_plugins.training.intervals import Estimate
from sem_plugins.training.measure.reading import read_all
from sem_plugins.training.sets.records import data_folder
from sem_plugins.weights import SHIPPED, load_manifest

__all__ = ["EncoderKit", "checked", "evaluate", "folder_of"]

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
        self._read: dict[str, Encoded] = {}

    @cached_property
    def _encoder(self) -> Encoder:
        """Made when it is first asked for: agents bring their own."""
        return Encoder(self.manifest, threads=1)

    def read(self, samples: Sequence[Sample]) -> Sequence[Encoded]:
        """One pass per sample; samples that were read before are remembered by their id."""
        fresh = [sample for sample in samples if sample.id not in self._read]
        dialogues = [sample.messages for sample in fresh]
        encoded = read_all(self._encoder, dialogues, name="samples", progress=self.progress and bool(fresh))
        self._read |= {sample.id: one for sample, one in zip(fresh, encoded, strict=True)}
        return [self._read[sample.id] for sample in samples]


def folder_of(task: Task, named: Path | None) -> Path:
    """The folder of data sets that a task reads; any, where it brings its own texts.

    Raises:
        DataError: It reads one, and none is named.
    """
    return Path() if isinstance(task, OwnTexts) else data_folder(named)


def evaluate(
    task: Task, folder: Path, split: str, *, kit: Kit, systems: Sequence[str], limit: int | None = None
) -> list[Result]:
    """Run a task: one result per system, on the same samples and beside the same floors.

    Args:
        task: Which.
        folder: The prepared data sets.
        split: Name of the file, e.g. `valid`.
        kit: What systems answer with; of one task, since it remembers samples by their ids.
        systems: Who answers, by name.
        limit: Only the first samples.

    Raises:
        DataError: The file is missing, malformed, empty, names a sample twice, or holds too few dialogues.
        SettingsError: A system does not exist.
    """
    samples = checked(task, task.samples(folder, split)[:limit], file_of(task, split))
    answered = {system: task.answers(system, samples, kit) for system in systems}
    notes: list[str] = []
    floors = {}
    for name, make in task.floors(samples, folder).items():
        try:
            guessed = make()
        except DataError as error:  # most are made from train, which need not be there
            notes.append(f"floor {name!r} left out: {error}")
            continue
        floors[name] = as_json(_estimates(task.measures(samples, guessed), notes, of=f"floor {name!r}: "), 0)
    signed = signature_of(task, folder=folder, split=split, limit=limit, manifest=kit.manifest, n=len(samples))
    results = []
    for system, answers in answered.items():
        measures = task.measures(samples, answers)
        own: list[str] = []
        found = _estimates(measures, own, of="")
        versions = {name: measure.version for name, measure in measures.items() if measure.version}
        results.append(
            Result(
                task.name,
                signed | {"system": system, "metric_versions": versions} | _spoken(answers),
                as_json(found, sum(answer is None for answer in answers)),
                floors,
                [*own, *notes],
                sample_rows(samples, answers),
            )
        )
    return results


def _spoken(answers: Answers) -> dict[str, list[str]]:
    """Which LLM answered, how it was sampled, and the SHA-256 of what it was instructed with."""
    given = [answer for answer in answers if answer is not None]
    named = {"speakers": "speaker", "prompts_sha256": "prompt", "sampling": "sampling"}
    found = {
        name: sorted({str(answer[key]) for answer in given if answer.get(key)}) for name, key in named.items()
    }
    return {name: values for name, values in found.items() if values}


def checked(task: Task, samples: list[Sample], file: str) -> list[Sample]:
    """The samples, if figures can be made of them.

    Raises:
        DataError: They are of too few dialogues, or one stands there twice.
    """
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


def _estimates(measures: Measures, notes: list[str], *, of: str) -> dict[str, Estimate]:
    """Each with its interval; what is not defined is left out, with a note."""
    found = {}
    for name, measure in measures.items():
        try:
            found[name] = measure.estimate()
        except DataError as error:
            notes.append(f"{of}{name} left out: {error}")
    return found
