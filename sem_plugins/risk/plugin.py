"""The risk plugin: the step of the risk ladder that a message shows, by the encoder and by rule.

The encoder finds what is worded freshly or veiled, the rules find what is said outright whatever the
encoder makes of it; the higher of the two holds. A message is read as a whole, and by its sentences where there is
a glimpse of danger in it, for everyday sentences lull the encoder (`heartline eval safety --between`). It is no
assessment of anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.readings import DANGER, RiskReading
from agent.sentences import sentences_of
from agent.turn import Turn
from sem_plugins.encoder import Encoded, Encoder, encoder_for
from sem_plugins.risk.branch import HALF, RiskBranch, load_branch
from sem_plugins.risk.rules import (
    LADDER,
    TO_OTHERS,
    is_jest,
    is_long_ago,
    read_rules,
    tells_of_the_past,
    without_regret,
    without_softened,
)
from sem_plugins.spans import tagged, whole_words

__all__ = ["RiskPlugin", "create"]

_IDEATION = LADDER.index("ideation")
_SELF = 0  # the first of the two ladders
_SURE = 0.99  # of ideation, to be taken as said, not as suspected
_GLIMPSE = 0.002  # of ideation, for sentences to be read: few everyday messages have it
_PIECE = 0.9  # of ideation, for one sentence of several to count: there are more of them than messages
_CALM = 0.02  # of ideation, for message and sentences: what was once does not count as danger then
_WORDS = 3  # of a sentence that is read by itself; a shorter one is read with the one before it
_PIECES = 12  # of a message at most: longer ones are read in longer pieces
_KINDS = {"self": "self-harm", "others": TO_OTHERS}


class RiskPlugin:
    """Reads a message by the encoder's branch for risk, and by the rules.

    It reads the message alone: what was said before is kept by `agent.safety.course`, and would make every message
    after a dangerous one look dangerous.

    Args:
        encoder: The shared one. Its head `evidence` gives the words that show danger.
        branch: None takes the encoder's own head `risk`, for weights that have no branch.
    """

    name = "risk"
    reads = frozenset({"text", "history"})
    writes = "risk"

    def __init__(self, encoder: Encoder, branch: RiskBranch | None = None) -> None:
        self._encoder = encoder
        self._branch = branch
        self._head = encoder.manifest.heads["risk"]
        self._words = encoder.manifest.heads["evidence"]

    def __call__(self, turns: Sequence[Turn]) -> Sequence[RiskReading]:
        """One reading per turn."""
        return [self.judge(turn.text) for turn in turns]

    def judge(self, text: str) -> RiskReading:
        """What a message shows, read without anything before it."""
        learned, highest = self._learned(text)
        if learned.level in DANGER and (rest := without_regret(text)) is not None:
            again, _ = self._learned(rest)
            learned = learned if again.level in DANGER else replace(again, level="distress")
        ruled = read_rules(text)
        if learned.level in DANGER and (rest := without_softened(text, ruled)) is not None:
            again, _ = self._learned(rest)
            learned = learned if again.level in DANGER else replace(again, level="distress", others="none")
        if self._branch is not None and ruled.sure and tells_of_the_past(text, ruled):
            long_ago = learned.level not in DANGER and is_long_ago(text)
            if long_ago or highest < _CALM:
                ruled = replace(ruled, level="distress")
        found = _higher(ruled, learned)
        return replace(found, sure=False) if found.level in {"ideation", "plan"} and is_jest(text) else found

    def _learned(self, text: str) -> tuple[RiskReading, float]:
        """What the network says, and how likely ideation is by the most alarming of message and sentences."""
        ladders, evidence = self._ladders(text), list[tuple[int, int]]()
        highest = _ideation(ladders)
        thresholds = np.full_like(ladders, HALF)
        if self._branch is None:
            thresholds = np.array(self._head.thresholds).reshape(ladders.shape)
        elif highest < HALF and (highest >= _GLIMPSE or self._encoder.window(text).cut):
            for start, end in _pieces(text):
                of_piece = self._ladders(text[start:end])
                highest = max(highest, _ideation(of_piece))
                if _ideation(of_piece) >= _PIECE:
                    ladders = np.maximum(ladders, of_piece)
                    evidence += self._evidence(text, start, end)
        passed = ladders >= thresholds
        passed[_SELF, _IDEATION:] &= passed[_SELF, _IDEATION - 1]
        # The highest step that passes its threshold: one below it that does not is no reason for calm.
        reached = (passed * np.arange(1, ladders.shape[1] + 1)).max(axis=1)
        level = LADDER[int(reached.max())]
        names = self._head.label_set.labels
        likeliest = (ladders * passed)[:, _IDEATION - 1].max()
        if level in DANGER and not evidence:
            evidence = self._evidence(text, 0, len(text)) or [
                span for piece in _pieces(text) for span in self._evidence(text, *piece)
            ]
        reading = RiskReading(
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
            sure=level not in DANGER or bool(likeliest >= _SURE),
        )
        return reading, highest

    def _ladders(self, text: str) -> NDArray[np.float64]:
        """How likely each step of both ladders is reached, (2, 4)."""
        if self._branch is not None:
            return self._branch.probabilities(self._encoder.window(text))
        ladders = np.asarray(self._head.each(self._alone(text).outputs["risk"]), np.float64).reshape(2, -1)
        return np.minimum.accumulate(ladders, axis=1)

    def _alone(self, text: str) -> Encoded:
        # As the first turn of a conversation is read, so that there it is read once.
        return self._encoder.read_turn(Turn("", "", 0, text))

    def _evidence(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """The words that show danger in a part of a text, read by itself, as character spans of the text."""
        part = text[start:end]
        alone = self._alone(part)
        words = self._words.each(alone.outputs["evidence"][:, 0])
        found = tagged(words, alone.window, 0, threshold=self._words.thresholds[0])
        return [(start + a, start + b) for a, b in (whole_words(part, span) for span in found)]


def _ideation(ladders: NDArray[np.float64]) -> float:
    """How likely it is, for self or for others."""
    return float(ladders[:, _IDEATION - 1].max())


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; none where it is a single one."""
    ends, start, words = [], 0, 0
    for sentence in sentences_of(text):
        start, words = start + len(sentence), words + len(sentence.split())
        if words >= _WORDS:
            ends.append(start)
            words = 0
    if words:
        ends = [*ends[:-1], start]
    together = -(-len(ends) // _PIECES)
    ends = [*ends[together - 1 : -1 : together], *ends[-1:]] if ends else []
    return list(zip([0, *ends[:-1]], ends, strict=True)) if len(ends) > 1 else []


def _higher(ruled: RiskReading, encoded: RiskReading) -> RiskReading:
    """The higher level of both, with the words and kinds of each that reach danger, or that level."""
    level = max(ruled.level, encoded.level, key=LADDER.index)
    holding = [one for one in (ruled, encoded) if one.level == level or one.level in DANGER]
    # Of words that the rules know as denied, past or somebody else's, the model can be too sure.
    softened = ruled.level == "distress" and bool(ruled.evidence)
    said = ruled.level in DANGER and ruled.sure
    sure = level not in DANGER or said or (encoded.level in DANGER and encoded.sure and not softened)
    return RiskReading(
        level=level,
        kinds=tuple(dict.fromkeys(kind for one in holding for kind in one.kinds)),
        evidence=_merged([span for one in holding for span in one.evidence]),
        source=" and ".join(one.source for one in holding),
        probabilities=encoded.probabilities,
        others=max(ruled.others, encoded.others, key=LADDER.index),
        sure=sure,
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
    return RiskPlugin(encoder, _branch_on(encoder, getattr(settings, "threads", 0)))


@lru_cache(maxsize=4)
def _branch_on(encoder: Encoder, threads: int) -> RiskBranch | None:
    """The branch of an encoder, loaded once per process, as the encoder is."""
    return load_branch(encoder.manifest, threads=threads)
