"""Which words of a message a reading rests on: each is left out in turn, and the reading made again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError
from agent.turn import Message, Turn
from sem_plugins.attribution import Attribution, occlude
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.probability import softmax
from sem_plugins.weights import Manifest

__all__ = ["READINGS", "Explainer", "explainer"]

Outputs = Mapping[str, NDArray[np.float32]]
Measure = Callable[[Outputs], float]


class Explainer:
    """Attributes readings of the shipped encoder to words, as character spans.

    One pass per word, at most 65 in all: some 100 ms for an ordinary message, so it is done when
    somebody asks, never on the way to a reply.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, turn: Turn, reading: str = "emotion") -> tuple[Attribution, ...]:
        """How much each word of the turn's message speaks for what was read.

        The weight is in the reading's own unit: log-odds of the likeliest label for `emotion`,
        `expression`, `strategy`; log-odds of at least ideation for `risk`; for `affect` the valence, in
        [-1, 1] of EmoBank's scale; for `felt` the distress, in [0, 1]. What was said before stays.

        Args:
            turn: Its `text` and `history` are read again.
            reading: One of `READINGS`.

        Raises:
            ReadingError: There is no such reading.
        """
        if reading not in READINGS:
            raise ReadingError(f"{reading!r} cannot be attributed to words. Choose from: {', '.join(READINGS)}.")
        measure = READINGS[reading](self._encoder.manifest, self._encoder.read_turn(turn).outputs)
        return occlude(turn.text, self._scores(turn, measure))

    def reply(self, message: str, reply: str, mechanism: str) -> tuple[Attribution, ...]:
        """How much each word of a reply raises the level of one of EPITOME's mechanisms, in levels (0 to 2).

        Raises:
            ReadingError: There is no such mechanism.
        """
        head = self._encoder.manifest.heads["empathy"]
        place = head.label_set.index(mechanism)

        def scores(texts: Sequence[str]) -> NDArray[np.float64]:
            said = Message("seeker", message)
            rows = [self._encoder.read((said, Message("supporter", text))).outputs["empathy"] for text in texts]
            levels = softmax(np.stack(rows).reshape(len(rows), -1, 3)[:, place], head.temperature)
            expected: NDArray[np.float64] = levels @ np.arange(3)
            return expected

        return occlude(reply, scores)

    def _scores(self, turn: Turn, measure: Measure) -> Callable[[Sequence[str]], NDArray[np.float64]]:
        def scores(texts: Sequence[str]) -> NDArray[np.float64]:
            found = [measure(self._encoder.read_turn(replace(turn, text=text)).outputs) for text in texts]
            return np.array(found, np.float64)

        return scores


def _likeliest(head: str) -> Callable[[Manifest, Outputs], Measure]:
    """Log-odds of the label that is the likeliest for the whole message."""

    def made(manifest: Manifest, outputs: Outputs) -> Measure:
        spec = manifest.heads[head]

        def probabilities(found: Outputs) -> NDArray[np.floating[Any]]:
            if spec.kind == "softmax":
                row: NDArray[np.floating[Any]] = spec.distribution(found[head][None])[0]
                return row
            return spec.each(found[head])

        chosen = int(probabilities(outputs).argmax())
        return lambda found: _log_odds(float(probabilities(found)[chosen]))

    return made


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def _ideation(manifest: Manifest, outputs: Outputs) -> Measure:
    """Of the ladder, self or others, that is reached more surely."""
    head = manifest.heads["risk"]
    places = [head.label_set.index(f"{whom}:ideation") for whom in ("self", "others")]
    chosen = max(places, key=lambda place: outputs["risk"][place])
    return lambda found: float(found["risk"][chosen]) / head.temperature


READINGS: Mapping[str, Callable[[Manifest, Outputs], Measure]] = {
    "emotion": _likeliest("emotion"),
    "expression": _likeliest("expression"),
    "strategy": _likeliest("strategy"),
    "affect": lambda _manifest, _outputs: lambda found: float(found["affect"][0]),
    "felt": lambda _manifest, _outputs: lambda found: float(found["felt"][0]),
    "risk": _ideation,
}
"""Readings whose words can be asked for. Causes need none: they are words already."""


def explainer(settings: Any = None) -> Explainer:
    """The explainer over the encoder that the settings ask for.

    Raises:
        WeightsError: The weights are missing or altered.
    """
    return Explainer(encoder_for(settings))
