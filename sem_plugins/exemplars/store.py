"""The file of examples: texts, replies, emotion distributions and sentence vectors, searched by likeness."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.second_look import Exemplar
from agent.whole_file import whole_file

__all__ = ["FORMAT", "MOST", "ExemplarStore", "Row"]

FORMAT = 1
MOST = 8
"""Examples in a prompt. EICL's best number was five; past eight a prompt grows and little is gained."""

_EMOTION_SHARE = 0.7
_LEAST = 0.5  # likeness; below it an example is about something else
_SHOWN = 3  # emotions of an example that are told
_CURE = "Build it again: heartline exemplars build."


@dataclass(frozen=True, slots=True)
class Row:
    """One example before it is stored.

    Attributes:
        group: The dialogue that it is from; one prompt takes one example of each.
        text: What the other person wrote.
        reply: What the supporter replied.
    """

    group: str
    text: str
    reply: str


class ExemplarStore:
    """Examples in memory. Immutable; safe to search from several threads.

    Args:
        labels: Emotions, in the order of the columns.
        label_set: Their id.
        embedder: Who made the vectors (`sem_plugins.vectors`).
        rows: N examples.
        emotions: (N, K), each row a distribution.
        vectors: (N, D), each of length 1, or all zeros.

    Attributes:
        id: Of what is in it; it says `exemplars` and a digest.

    Raises:
        DataError: Shapes do not fit, a number is not finite, or there is no example.
    """

    def __init__(
        self,
        *,
        label_set: str,
        labels: Sequence[str],
        embedder: str,
        rows: Sequence[Row],
        emotions: NDArray[Any],
        vectors: NDArray[Any],
    ) -> None:
        self.label_set, self.labels, self.embedder, self.rows = label_set, tuple(labels), embedder, tuple(rows)
        n = len(self.rows)
        if not n:
            raise DataError(f"A file of examples without an example is none. {_CURE}")
        if emotions.shape != (n, len(self.labels)) or vectors.ndim != 2 or len(vectors) != n:  # noqa: PLR2004
            raise DataError(
                f"{n} examples come with emotions of shape {emotions.shape} and vectors of shape {vectors.shape}; "
                f"expected ({n}, {len(self.labels)}) and ({n}, any). {_CURE}"
            )
        if not (np.isfinite(emotions).all() and np.isfinite(vectors).all() and (emotions >= 0).all()):
            raise DataError(f"A file of examples holds a number that is none. {_CURE}")
        self._emotions = emotions.astype(np.float32)
        self._roots = np.sqrt(self._emotions)
        self._vectors = vectors.astype(np.float32)
        texts = json.dumps([(row.group, row.text, row.reply) for row in self.rows]).encode()
        self.id = f"exemplars-{hashlib.sha256(texts).hexdigest()[:12]}"

    def search(
        self,
        emotions: NDArray[Any],
        vector: NDArray[Any],
        *,
        most: int,
        share: float = _EMOTION_SHARE,
        least: float = _LEAST,
    ) -> tuple[Exemplar, ...]:
        """The examples that are most alike, the likest first, one of each dialogue.

        Likeness is `share` times the Bhattacharyya coefficient of the emotion distributions and the rest times
        the cosine of the vectors, where it is positive; in [0, 1].

        Args:
            emotions: (K,), a distribution.
            vector: (D,), of length 1.
            most: At most so many.
            share: Of the emotion, in [0, 1]; 1 looks at nothing else.
            least: Likeness that an example must have.

        Raises:
            DataError: `vector` has another width than those of the store.
        """
        if vector.shape != self._vectors.shape[1:]:
            raise DataError(
                f"A vector of {vector.shape[0]} numbers cannot be compared with those of the examples, "
                f"which have {self._vectors.shape[1]} ({self.embedder}). {_CURE}"
            )
        alike = share * (self._roots @ np.sqrt(emotions.astype(np.float32)))
        alike += (1 - share) * np.clip(self._vectors @ vector.astype(np.float32), 0, 1)
        found: list[Exemplar] = []
        groups: set[str] = set()
        # Of one dialogue there may be several: look at some more than are wanted.
        some = min(len(alike), 16 * most)
        nearest = np.argpartition(-alike, some - 1)[:some]
        for place in nearest[np.argsort(-alike[nearest], kind="stable")]:
            row = self.rows[place]
            if len(found) == most or alike[place] < least:
                break
            if row.group in groups:
                continue
            groups.add(row.group)
            found.append(Exemplar(row.text, row.reply, self._top(place), float(min(1.0, alike[place]))))
        return tuple(found)

    def _top(self, place: int) -> dict[str, float]:
        order = np.argsort(-self._emotions[place], kind="stable")[:_SHOWN]
        return {self.labels[label]: round(float(self._emotions[place][label]), 4) for label in order}

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all, readable by its owner alone.

        Raises:
            InputError: It cannot be written.
        """
        about = {
            "format": FORMAT,
            "label_set": self.label_set,
            "labels": self.labels,
            "embedder": self.embedder,
            "examples": [(row.group, row.text, row.reply) for row in self.rows],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            np.savez_compressed(
                file,
                about=np.frombuffer(json.dumps(about).encode(), np.uint8),
                emotions=self._emotions.astype(np.float16),
                vectors=self._vectors.astype(np.float16),
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """The store in a file that `save` wrote.

        Raises:
            DataError: The file is missing, damaged, or of another version.
        """
        try:
            # Opened here: NumPy leaves a file open that it cannot read.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                emotions, vectors = file["emotions"].astype(np.float32), file["vectors"].astype(np.float32)
            version = about["format"]
        except FileNotFoundError as error:
            raise DataError(f"No file of examples at {str(path)!r} (setting `exemplars`). {_CURE}") from error
        except Exception as error:  # a damaged archive breaks NumPy in many ways
            raise DataError(f"{str(path)!r} is no file of examples, or it is damaged. {_CURE}") from error
        if version != FORMAT:
            raise DataError(f"{str(path)!r} is of format {version}; this version reads {FORMAT}. {_CURE}")
        try:
            rows = [Row(*map(str, row)) for row in about["examples"]]
            return cls(
                label_set=str(about["label_set"]),
                labels=tuple(map(str, about["labels"])),
                embedder=str(about["embedder"]),
                rows=rows,
                emotions=emotions,
                vectors=vectors,
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"{str(path)!r} is damaged: it lacks a part. {_CURE}") from error
