"""The exemplars plugin: what other people wrote in a like mood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import DataError, SettingsError
from agent.readings import EmotionReading
from agent.second_look import ExemplarReading
from agent.turn import Turn
from sem_plugins.exemplars.store import MOST, ExemplarStore
from sem_plugins.vectors import Embed, encoder_vectors, sentence_transformers_vectors

__all__ = ["ExemplarPlugin", "create", "embedder_of"]

_MOST = 3  # each is as long as a turn of the conversation


class ExemplarPlugin:
    """Looks for examples whose emotion distribution, and then whose words, are like the message's.

    Not the words first: examples that are alike in emotion raised the accuracy of LLMs more than those that are
    alike in words (EICL, arXiv 2510.06600).

    Args:
        store: Where to look.
        embed: Makes the vectors that the store holds.
        most: At most so many examples, 1 to 8.

    Raises:
        SettingsError: `most` is out of range.
    """

    name = "exemplars"
    reads = frozenset({"text", "emotion"})
    writes = "exemplars"

    def __init__(self, store: ExemplarStore, embed: Embed, *, most: int = _MOST) -> None:
        if not 1 <= most <= MOST:
            raise SettingsError(f"`most` examples is {most}; it lies between 1 and {MOST}.")
        self._store, self._embed, self._most = store, embed, most

    def __call__(self, turns: Sequence[Turn]) -> Sequence[ExemplarReading | None]:
        """One reading per turn, maybe without examples; None where the emotion was read in other labels."""
        return [self._reading(turn, turn.emotion) for turn in turns]

    def _reading(self, turn: Turn, emotion: EmotionReading | None) -> ExemplarReading | None:
        if emotion is None or emotion.label_set != self._store.label_set:
            return None
        row = np.array([emotion.probabilities[label] for label in self._store.labels], np.float32)
        return ExemplarReading(self._store.search(row, self._embed(turn.text), most=self._most), self._store.id)


def embedder_of(name: str, weights: Path | None, *, threads: int = 1) -> tuple[Embed, str]:
    """What makes vectors: `encoder`, or a sentence-transformers model."""
    return encoder_vectors(weights, threads=threads) if name == "encoder" else sentence_transformers_vectors(name)


def create(settings: Any) -> ExemplarPlugin:
    """Entry point `exemplars`; the file that the setting `exemplars` names.

    Raises:
        SettingsError: No file is named, or what made its vectors is not installed.
        DataError: The file is missing, damaged, or was made with other weights.
        WeightsError: The shipped weights are missing or altered.
    """
    if settings.exemplars is None:
        raise SettingsError(
            "The plugin `exemplars` needs a file of examples. Make one with `heartline exemplars build`, "
            "and name it in `exemplars` (HEARTLINE_EXEMPLARS)."
        )
    store = ExemplarStore.load(settings.exemplars)
    embed, name = embedder_of(settings.embedder, settings.weights, threads=settings.threads)
    if name != store.embedder:
        raise DataError(
            f"The examples in {str(settings.exemplars)!r} have vectors of {store.embedder!r}, "
            f"and messages would get those of {name!r}. Set `embedder`, or build the file again: "
            "heartline exemplars build."
        )
    return ExemplarPlugin(store, embed, most=settings.exemplars_most)
