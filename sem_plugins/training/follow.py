"""`heartline models dynamics`: learns the numbers of the tracker and writes them as one file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.readings import LabelSet
from agent.turn import Message
from sem_plugins.affect.plugin import REACH
from sem_plugins.encoder import Encoder
from sem_plugins.labels import ESCONV, GO_EMOTIONS
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, MELD
from sem_plugins.tracker.evidence import shown_in_rows
from sem_plugins.tracker.parameters import FORMAT
from sem_plugins.training.chains import Chains, chains
from sem_plugins.training.dynamics import Taken, fit_dynamics
from sem_plugins.training.measure.reading import read_all
from sem_plugins.training.sets import emorynlp, esconv, meld, peld, reccon
from sem_plugins.weights import Manifest

__all__ = ["Reader", "Seekers", "learn", "seekers_of"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

_LABELLED = ((meld, MELD), (reccon, DAILY_DIALOG), (emorynlp, EMORY_NLP))
_LAGS = 3


@dataclass(frozen=True, slots=True)
class _Read:
    """What the encoder read of every utterance of a set: (N, 32), (N,) and (N, 3)."""

    emotion: Array
    neutrality: Array
    affect: Array


@dataclass(frozen=True, slots=True)
class Seekers:
    """Messages that seekers wrote after the supporter answered an earlier one.

    Attributes:
        rows: What came before each of N messages.
        targets: (N, K), what each shows.
        taken: (N, strategies), shares of what the supporter did in between.
        shown: (messages, K), what every message of a seeker shows.
        points: Valence, arousal and dominance of each dialogue's seeker, (messages, 3) each.
    """

    rows: Chains
    targets: Array
    taken: Array
    shown: Array
    points: Sequence[Array]


def learn(folder: Path, out: Path, reader: Reader) -> Path:
    """Learn dynamics and motion on the train parts; minutes for the readings, seconds for the rest.

    Args:
        folder: The prepared data sets.
        out: Folder that gets `parameters.json`.
        reader: Keeps what it read, so that a second run is quick.

    Returns:
        The file.

    Raises:
        DataError: A data set is missing or malformed.
    """
    found: dict[str, Any] = {"format": FORMAT, "weights": reader.weights, "dynamics": {}}
    for source, labels in _LABELLED:
        dialogues = source.dialogues(folder, "train")
        speakers = [[one.speaker for one in dialogue.utterances] for dialogue in dialogues]
        truth = np.eye(len(labels))[[labels.index(u.emotion) for each in dialogues for u in each.utterances]]
        asked = [
            each.heard_by(one.speaker, place + 1)
            for each in dialogues
            for place, one in enumerate(each.utterances)
        ]
        read = reader(source.__name__.rpartition(".")[2], asked)
        rows = shown_in_rows(read.emotion, read.neutrality, labels)
        told, heard = chains(speakers, truth), chains(speakers, rows)
        found["dynamics"][labels.id] = {
            "told": fit_dynamics(told, truth[told.place]),
            "read": fit_dynamics(heard, truth[heard.place]),
        }
    found["dynamics"]["peld"] = {"told": _answers(folder, MELD)}
    found["dynamics"]["support"], found["motion"] = _support(folder, reader, MELD)
    file = out / "parameters.json"
    file.write_text(json.dumps(_rounded(found), separators=(",", ":")) + "\n", encoding="utf-8")
    return file


def _answers(folder: Path, labels: LabelSet) -> dict[str, Any]:
    """PELD: how somebody answers, from what they and the other showed; the second utterance is not learned."""
    dialogues = [triple.dialogue.utterances for triple in peld.triples(folder, "train")]
    truth = np.eye(len(labels))[[labels.index(one.emotion) for each in dialogues for one in each]]
    rows = chains([[one.speaker for one in each] for each in dialogues], truth)
    last = _taken(rows, np.flatnonzero(rows.position == 2))  # noqa: PLR2004 - the third of three
    return fit_dynamics(last, truth[last.place])


def _support(folder: Path, reader: Reader, labels: LabelSet) -> tuple[dict[str, Any], dict[str, Any]]:
    """Seekers of ESConv: how what is read of them moves, and what of it is noise."""
    found = seekers_of(folder, "train", reader, labels)
    fitted = fit_dynamics(found.rows, found.targets, taken=Taken(ESCONV.labels, found.taken))
    return {"read": fitted, "prior": found.shown.mean(axis=0).tolist()}, _moments(found.points)


def seekers_of(folder: Path, part: str, reader: Reader, labels: LabelSet) -> Seekers:
    """The seekers of ESConv as they are read.

    Raises:
        DataError: The file is missing or malformed.
    """
    dialogues = [example.messages for example in esconv.outcomes(folder, part)]
    read = reader(
        f"esconv-{part}", [_heard(messages, place) for messages in dialogues for place in range(len(messages))]
    )
    rows = shown_in_rows(read.emotion, read.neutrality, labels)
    every = chains([[message.role for message in messages] for messages in dialogues], rows)
    seeker = np.array([message.role == "seeker" for messages in dialogues for message in messages])
    shares = np.array([row for messages in dialogues for row in _shares(messages)])
    kept = np.flatnonzero(seeker[every.place] & (every.spoken > 0) & (shares[every.place].sum(axis=1) > 0))
    some = _taken(every, kept)
    points = np.clip(read.affect / REACH, -1, 1)
    ends = np.cumsum([len(messages) for messages in dialogues])[:-1]
    runs = [part[mask] for part, mask in zip(np.split(points, ends), np.split(seeker, ends), strict=True)]
    return Seekers(some, rows[some.place], shares[some.place], rows[seeker], runs)


def _moments(runs: Sequence[Array]) -> dict[str, Any]:
    """The Ornstein-Uhlenbeck process with noisy readings that has the covariances of these, lag by lag.

    Args:
        runs: Points of each dialogue's seeker, (messages, 3).
    """
    every = np.concatenate(runs)
    mean = every.mean(axis=0)
    total = np.cov(every.T)
    lagged = [_lagged(runs, mean, lag) for lag in range(1, _LAGS + 1)]
    keep = float(np.mean([after[0, 0] / before[0, 0] for before, after in pairwise(lagged)]))
    spread = (lagged[0] + lagged[0].T) / 2 / keep
    noise = _positive(total - spread)
    return {"baseline": mean.tolist(), "spread": _positive(spread).tolist(), "keep": keep, "noise": noise.tolist()}


def _lagged(runs: Sequence[Array], mean: Array, lag: int) -> Array:
    pairs = [(run[:-lag] - mean, run[lag:] - mean) for run in runs if len(run) > lag]
    if not pairs:
        raise DataError(
            f"esconv/train.jsonl has no dialogue with more than {lag} messages of the seeker; how they move "
            "cannot be learned from it. Give the whole file."
        )
    products = np.sum([before.T @ after for before, after in pairs], axis=0)
    found: Array = products / sum(len(before) for before, _ in pairs)
    return found


def _positive(matrix: Array) -> Array:
    """The nearest matrix whose eigenvalues are not below a hundredth of the largest."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.maximum(values, values[-1] / 100)) @ vectors.T


def _heard(messages: Sequence[Message], place: int) -> tuple[Message, ...]:
    """An utterance and what came before it, from its speaker's side; strategies are told of supporters alone."""
    role = messages[place].role
    said = messages[: place + 1]
    if role == "seeker":
        return tuple(said)
    return tuple(Message("seeker" if one.role == role else "supporter", one.text) for one in said)


def _shares(messages: Sequence[Message]) -> Iterator[Array]:
    """For each message, shares of the strategies that the supporter took since the seeker's last message."""
    counts = np.zeros(len(ESCONV))
    for message in messages:
        yield counts / max(1, counts.sum())
        if message.role == "seeker":
            counts = np.zeros(len(ESCONV))
        else:
            counts[ESCONV.index(str(message.strategy))] += 1


def _taken(rows: Chains, kept: Rows) -> Chains:
    return Chains(**{field.name: getattr(rows, field.name)[kept] for field in dataclasses.fields(rows)})


class Reader:
    """Reads utterances with the encoder, or takes what an earlier run of the same weights read.

    Args:
        manifest: The weights.
        out: Folder that keeps what was read.
        progress: Show a bar.
    """

    def __init__(self, manifest: Manifest, out: Path, *, progress: bool = True) -> None:
        self.weights = manifest.id
        self._manifest, self._out, self._progress = manifest, out, progress
        out.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, dialogues: Sequence[Sequence[Message]]) -> _Read:
        """What is read of the last message of each dialogue; `name` is that of the set."""
        file = self._out / f"{name}-{self._manifest.id}-{len(dialogues)}.npz"
        if not file.exists():
            encoded = read_all(Encoder(self._manifest, threads=1), dialogues, name=name, progress=self._progress)
            heads = self._manifest.heads
            emotion = heads["emotion"].distribution(np.stack([one.outputs["emotion"] for one in encoded]))
            expression = np.stack([heads["expression"].each(one.outputs["expression"]) for one in encoded])
            affect = np.stack([one.outputs["affect"] for one in encoded])
            quiet = expression[:, GO_EMOTIONS.index("neutral")]
            np.savez_compressed(file, emotion=emotion, neutrality=quiet, affect=affect)
        with np.load(file) as kept:
            return _Read(*(kept[name].astype(np.float64) for name in ("emotion", "neutrality", "affect")))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
