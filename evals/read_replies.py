"""`heartline eval read-replies`: a finished run's replies, and those of its floors, read with the encoder.

Apart from the run, because it takes some passes a reply, and because a run of an LLM is kept and read again when
there are new weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import DataError
from evals.result import Result, as_json
from evals.task import Answer, Task
from evals.text.reader import Exchange, ReplyReader, Row, exchanges, read_measures, versions
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.sets.records import sha256_of
from sem_plugins.weights import MODEL, Manifest

__all__ = ["read_replies"]


def read_replies(task: Task, result: Result, folder: Path, *, manifest: Manifest, progress: bool = True) -> Result:
    """The result with what the encoder says of each reply (`evals.text.reader`) and the figures of it.

    Args:
        task: Of the result; its answers hold a `reply`.
        result: A finished run.
        folder: The prepared data sets: results hold no words of the data.
        manifest: The weights that read, whichever the run was made with.
        progress: Show a bar with the time left.

    Raises:
        DataError: The data are not those of the run, or its answers hold no replies.
        WeightsError: The weights are missing or altered, or lack the layer whose vectors are compared.
    """
    split = str(result.signature["split"])
    file = folder / task.data / f"{split}.jsonl"
    if sha256_of(file) != result.signature["data_sha256"]:
        raise DataError(
            f"{str(file)!r} is not the file that the run was made with: its SHA-256 differs. Give `--data` the "
            "folder that it was made with, or run again."
        )
    by_id = {sample.id: sample for sample in task.samples(folder, split)}
    samples = [by_id[row["id"]] for row in result.samples]
    speakers: dict[str, Sequence[Answer]] = {"": [row["answer"] for row in result.samples]}
    speakers |= {name: make() for name, make in task.floors(samples, folder).items()}
    said = {name: _replies(task, answers) for name, answers in speakers.items()}
    people = [sample.reference for sample in samples]
    reader = ReplyReader(Encoder(manifest, threads=1, inner=[VECTORS]))

    def read(item: tuple[Exchange, Sequence[str | None]]) -> list[Row]:
        exchange, replies = item
        return [
            reader(exchange, reply, compared=said[name] != people)
            for name, reply in zip(said, replies, strict=True)
        ]

    items = list(zip(exchanges(samples), zip(*said.values(), strict=True), strict=True))
    by_speaker = zip(*on_every_core(read, items, name="replies", progress=progress), strict=True)
    rows = dict(zip(said, by_speaker, strict=True))
    groups = [sample.group for sample in samples]
    own, floors = rows.pop(""), dict(result.floors)
    for name, of_floor in rows.items():
        floors[name] = {**floors.get(name, {}), **_figures(said[name], of_floor, groups)}
    return replace(
        result,
        signature=_signed(result.signature, manifest),
        metrics={**result.metrics, **_figures(said[""], own, groups)},
        floors=floors,
        samples=[
            row if row["answer"] is None else {**row, "answer": {**row["answer"], "read": scores}}
            for row, scores in zip(result.samples, own, strict=True)
        ],
    )


def _replies(task: Task, answers: Sequence[Answer]) -> list[str | None]:
    if not all(answer is None or "reply" in answer for answer in answers):
        raise DataError(f"Answers of {task.name} hold no replies to read. Give a result of `esconv/response`.")
    return [None if answer is None else str(answer["reply"]) for answer in answers]


def _figures(
    replies: Sequence[str | None], rows: Sequence[Row], groups: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Each with how many replies it is of; what was not said and what could not be read is unscored."""
    given = [place for place, reply in enumerate(replies) if reply is not None]
    out: dict[str, dict[str, float]] = {}
    for name, measure in read_measures(
        [rows[place] for place in given], [groups[place] for place in given]
    ).items():
        [numbers] = measure.arrays
        known = int(np.isfinite(numbers.astype(float)).sum())
        unread = 0 if name == "unread_replies" else sum(not rows[place] for place in given)
        unscored = len(replies) - len(given) + unread
        out |= as_json({name: replace(measure.estimate(), n=known)}, unscored)
    return out


def _signed(signature: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    return {
        **signature,
        "read_with": manifest.id,
        "read_with_sha256": manifest.sha256[MODEL],
        "metric_versions": {**signature["metric_versions"], **versions(manifest)},
    }
