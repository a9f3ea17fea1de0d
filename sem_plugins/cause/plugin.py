"""The cause plugin, first form: words that the person marks as a cause ("because …", "due to …").

It sees only what is said outright, in the current message. Where nothing is marked the reading has
no spans, which means: cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from agent.readings import CausalSpan, CauseReading
from agent.turn import Turn

__all__ = ["CausePlugin", "create"]

# Markers with the share of their spans that overlap an annotated cause in RECCON's training part
# (n = 41, 3, 24 and 113; the second is too rare to measure and takes the first's);
# tests/sem_plugins/test_cause.py measures them again where that data set is at hand.
_FEELINGS = (
    "worried|anxious|nervous|excited|happy|sad|upset|angry|mad|scared|afraid|stressed|guilty|ashamed|embarrassed|"
    "frustrated|disappointed|proud|glad|sorry|annoyed|terrified|grateful|thankful"
)
_ASKING = "am|are|can|could|did|do|does|has|have|is|should|was|were|will|would"
_MARKERS: tuple[tuple[str, float], ...] = (
    (r"because of|because|cause(?=\s+(?:i|i'm|he|she|it's|they|we|my)\b)|cuz|bc", 0.6),
    (r"due to|thanks to|on account of", 0.6),
    (rf"(?:{_FEELINGS})\s+(?:about|of|that|at|with|for|over|by)", 0.67),
    (rf"ever since|since(?!\s+when\b)|after(?!\s+all\b)|when(?!\s+(?:{_ASKING})\b)|now that", 0.5),
)

# A cause ends where the sentence, or the thought, ends. One white space each: with `\s+` the time
# would grow with the cube of a run of spaces.
_END = r"[.!?;\n]|,?\sbut\b|,\sso\b|\sso\s(?:i|we|he|she|they|it|now)\b|,?\sand\s(?:i|now|then)\b|$"
_CLAUSE = rf"\s+(?P<cause>[^.!?;\n]+?)(?={_END})"
_PATTERNS = tuple((re.compile(rf"\b(?:{marker})\b{_CLAUSE}", re.IGNORECASE), share) for marker, share in _MARKERS)

_LONGEST = 30  # words; a longer clause names no cause any more
_SHORTEST = 2  # words; "because." and "since yesterday" say nothing of a cause


class CausePlugin:
    """Finds marked causes by pattern."""

    name = "cause"
    reads = frozenset({"text", "history"})
    writes = "cause"

    def __call__(self, turns: Sequence[Turn]) -> Sequence[CauseReading]:
        """One reading per turn, at most two spans, the surest first."""
        return [CauseReading(_spans(turn), source="markers") for turn in turns]


def _spans(turn: Turn) -> tuple[CausalSpan, ...]:
    found: list[CausalSpan] = []
    for span in _candidates(turn.text, utterance=len(turn.history)):
        if all(span.end <= other.start or span.start >= other.end for other in found):
            found.append(span)
    return tuple(sorted(found[:2], key=lambda span: -span.score))


def _candidates(text: str, *, utterance: int) -> Iterator[CausalSpan]:
    for pattern, share in _PATTERNS:
        for match in pattern.finditer(text):
            start = match.start("cause")
            end = start + len(match["cause"].rstrip(" ,"))
            words = text[start:end].split()
            if _SHORTEST <= len(words) <= _LONGEST:
                yield CausalSpan(utterance, start, end, text[start:end], share)


def create(settings: Any = None) -> CausePlugin:  # noqa: ARG001 - every part is made with the settings
    """Entry point `cause`."""
    return CausePlugin()
