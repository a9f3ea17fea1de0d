"""The risk plugin: the step of the risk ladder that a message shows, by the encoder and by rule.

The encoder finds what is worded freshly or veiled, the rules find what is said outright whatever the
encoder makes of it; the higher of the two holds. It is no assessment of anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.readings import DANGER, RiskReading
from agent.turn import Turn
from sem_plugins.encoder import Encoded, Encoder, encoder_for
from sem_plugins.risk.opinion import Opinion, load_opinion
from sem_plugins.risk.rules import LADDER, TO_OTHERS, read_rules
from sem_plugins.spans import tagged, whole_words

__all__ = ["RiskPlugin", "create"]

_IDEATION = LADDER.index("ideation")
_SELF = 0  # the first of the two ladders
_KINDS = {"self": "self-harm", "others": TO_OTHERS}


class RiskPlugin:
    """Reads the heads `risk` and `evidence` of the shared encoder, a second opinion over all heads, and the rules.

    It reads the message alone: what was said before is kept by `agent.safety.course`, and would make every message
    after a dangerous one look dangerous.

    Args:
        encoder: The shared one.
        opinion: Takes the place of the head's own probability of ideation; None leaves that as it is.
    """

    name = "risk"
    reads = frozenset({"text", "history"})
    writes = "risk"

    def __init__(self, encoder: Encoder, opinion: Opinion | None = None) -> None:
        self._encoder = encoder
        self._opinion = opinion
        self._head = encoder.manifest.heads["risk"]
        self._words = encoder.manifest.heads["evidence"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[RiskReading]:
        """One reading per turn."""
        # As the first turn of a conversation is read, so that there it is read once.
        return [self.judge(turn.text, self._encoder.read_turn(Turn("", "", 0, turn.text))) for turn in turns]

    def judge(self, text: str, alone: Encoded) -> RiskReading:
        """What a message shows.

        Args:
            text: The message.
            alone: What the encoder says of it, read without anything before it.
        """
        return _higher(read_rules(text), self._learned(text, alone))

    def _learned(self, text: str, encoded: Encoded) -> RiskReading:
        # A step is reached at most as surely as the one below it.
        ladders = self._head.each(encoded.outputs["risk"]).reshape(2, -1)
        ladders = np.minimum.accumulate(ladders, axis=1)
        thresholds = np.array(self._head.thresholds).reshape(ladders.shape)
        passed = ladders >= thresholds
        if self._opinion is not None:
            ladders[_SELF, _IDEATION - 1] = likely = self._opinion.probability(encoded)
            passed[_SELF, _IDEATION - 1] = likely >= self._opinion.threshold
            passed[_SELF, _IDEATION:] &= passed[_SELF, _IDEATION - 1]
        # The highest step that passes its threshold: one below it that does not is no reason for calm.
        reached = (passed * np.arange(1, ladders.shape[1] + 1)).max(axis=1)
        level = LADDER[int(reached.max())]
        evidence: list[tuple[int, int]] = []
        if level in DANGER:
            words = self._words.each(encoded.outputs["evidence"][:, 0])
            found = tagged(words, encoded.window, 0, threshold=self._words.thresholds[0])
            evidence = [whole_words(text, span) for span in found]
        names = self._head.label_set.labels
        return RiskReading(
            level=level,
            kinds=tuple(
                kind
                for kind, steps in zip(_KINDS.values(), reached, strict=True)
                if steps and steps >= min(reached.max(), _IDEATION)
            ),
            evidence=tuple(evidence),
            source=self._encoder.manifest.id,
            probabilities=dict(zip(names, ladders.ravel().tolist(), strict=True)),
            others=LADDER[int(reached[1])],
        )


def _higher(ruled: RiskReading, encoded: RiskReading) -> RiskReading:
    """The higher level of both, with the words and kinds of each that reach danger, or that level."""
    level = max(ruled.level, encoded.level, key=LADDER.index)
    holding = [one for one in (ruled, encoded) if one.level == level or one.level in DANGER]
    return RiskReading(
        level=level,
        kinds=tuple(dict.fromkeys(kind for one in holding for kind in one.kinds)),
        evidence=_merged([span for one in holding for span in one.evidence]),
        source=" and ".join(one.source for one in holding),
        probabilities=encoded.probabilities,
        others=max(ruled.others, encoded.others, key=LADDER.index),
    )


def _merged(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same characters without overlaps, in order."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def create(settings: Any = None) -> RiskPlugin:
    """Entry point `risk`.

    Raises:
        WeightsError: The shipped weights are missing or altered.
    """
    encoder = encoder_for(settings)
    return RiskPlugin(encoder, load_opinion(encoder.manifest))
