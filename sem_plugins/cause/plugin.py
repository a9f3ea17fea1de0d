"""The cause plugin: which utterances brought the emotion about, and which words in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.readings import CausalSpan, CauseReading
from agent.turn import Turn
from sem_plugins.encoder import Encoded, Encoder, encoder_for
from sem_plugins.language import readability
from sem_plugins.spans import best_span, whole_words

__all__ = ["CausePlugin", "create"]

_NEUTRAL = 0.5  # what shows no emotion has no cause
_MOST = 3  # spans; RECCON's emotions have 1.6 causes on average


class CausePlugin:
    """Reads the heads `cause`, `span` and `cause_type` of the shared encoder.

    Learned on everyday two-person dialogues, in which the other's words are a third of the causes; here
    only the seeker's own words are told, since the other is the agent. No spans means: cannot tell,
    which is also said of messages whose words show no emotion and of languages other than English.
    """

    name = "cause"
    reads = frozenset({"text", "history"})
    writes = "cause"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        heads = encoder.manifest.heads
        self._cause, self._types = heads["cause"], heads["cause_type"]
        self._expression = heads["expression"]
        self._neutral = self._expression.label_set.index("neutral")

    def __call__(self, turns: Sequence[Turn]) -> Sequence[CauseReading]:
        """One reading per turn, at most three spans, the surest first."""
        return [self._reading(turn) for turn in turns]

    def _reading(self, turn: Turn) -> CauseReading:
        source = self._encoder.manifest.id
        if readability(turn.text).kind not in {"english", "too short to tell"}:
            return CauseReading(source=source)
        encoded = self._encoder.read_turn(turn)
        expression = self._expression.each(encoded.outputs["expression"])
        if expression[self._neutral] >= _NEUTRAL:
            return CauseReading(source=source)
        spans = sorted(self._spans(turn, encoded), key=lambda span: -span.score)[:_MOST]
        types = self._types.each(encoded.outputs["cause_type"])
        named = dict(zip(self._types.label_set.labels, types.tolist(), strict=True)) if spans else {}
        return CauseReading(tuple(spans), source, named)

    def _spans(self, turn: Turn, encoded: Encoded) -> list[CausalSpan]:
        window, found = encoded.window, []
        utterances = np.array([*window.marks])
        probabilities = self._cause.at_distances(
            encoded.outputs["cause"][[*window.marks.values()], 0], len(turn.dialogue) - 1 - utterances
        )
        for utterance, probability in zip(window.marks, probabilities.tolist(), strict=True):
            if turn.dialogue[utterance].role != "seeker" or probability < self._cause.thresholds[0]:
                continue
            span = best_span(encoded.outputs["span"], window, utterance)
            if span is not None:
                text = turn.dialogue[utterance].text
                start, end = whole_words(text, span)
                found.append(CausalSpan(utterance, start, end, text[start:end], probability))
        return found


def create(settings: Any = None) -> CausePlugin:
    """Entry point `cause`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    return CausePlugin(encoder_for(settings))
