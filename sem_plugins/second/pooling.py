"""Two opinions about an emotion are made one: the small model's distribution and the LLM's answer.

The LLM's answer becomes a distribution over all labels, and the two are pooled in their logarithms (a logarithmic
opinion pool: Genest & Zidek 1986), so that neither can revive what the other rules out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from agent.readings import EmotionReading
from agent.second_look import Adjudication

__all__ = ["adjudication", "primary_of", "zero_shot"]

_NONE = "none of these"
"""Name of the mass that the LLM gave to none of the primary emotions."""

Won = Literal["sem", "llm", "both"]

_REASONS: Mapping[Won, str] = {
    "both": "Small model and LLM name the same emotion.",
    "llm": "The small model was unsure, and by both together the LLM's choice is the likelier one.",
    "sem": "The LLM chose otherwise, but the small model was surer of its own.",
}

_LLM_SHARE = 0.5
# LLMs name the emotion of a dialogue of EmpatheticDialogues in 32 to 52 of 100 (EICL's tables), and are far
# surer than that of what they say: their log-odds are halved, and a bare answer counts as right half of the time.
_LLM_TEMPERATURE = 2.0
_LLM_RIGHT = 0.5
_LLM_ALONE = 0.4  # right, where nobody told it which ones are likely
_FLOOR = 1e-3  # of a label that was offered
_COVERED = 0.9  # by the labels that stand for a set where the reader promises none


def primary_of(reading: EmotionReading) -> tuple[str, ...]:
    """HEF's primary emotions: the reader's set, or else the likeliest labels up to 90%; likeliest first."""
    if reading.primary:
        return tuple(sorted(reading.primary, key=lambda label: -reading.probabilities[label]))
    labels, total = [], 0.0
    for label, probability in reading.top(len(reading.probabilities)):
        labels.append(label)
        total += probability
        if total >= _COVERED:
            break
    return tuple(labels)


def adjudication(
    reading: EmotionReading, said: str | None, offered: Mapping[str, float], *, opened: bool, speaker: str
) -> Adjudication:
    """What goes on from here, and whose it is.

    Args:
        reading: Of the small model.
        said: The LLM's label; None where it gave none.
        offered: Its distribution over the primary emotions, from log-probabilities; what is missing to 1 went to
            none of them. Empty where the server tells none.
        opened: It left the primary emotions.
        speaker: Which LLM.
    """
    if said is None:
        reason = "The LLM gave no usable answer, so the small model's reading stands."
        return Adjudication(reading, reading, None, opened, "sem", reason, speaker=speaker)
    heard = _over_labels(reading, said, offered)
    pooled = {
        label: math.exp((1 - _LLM_SHARE) * _log(p) + _LLM_SHARE * _log(heard[label]))
        for label, p in reading.probabilities.items()
    }
    total = sum(pooled.values())
    after = _reading(reading, {label: p / total for label, p in pooled.items()}, speaker)
    won: Won = "sem" if after.label != said else "both" if said == reading.label else "llm"
    reason = _REASONS[won]
    told = {**offered, _NONE: max(1 - sum(offered.values()), 0.0)} if offered else {}
    return Adjudication(reading, after, said, opened, won, reason, told, speaker)


def zero_shot(label_set: str, labels: tuple[str, ...], said: str, speaker: str) -> EmotionReading:
    """A reading from an LLM's bare answer: two fifths on its label, the rest spread evenly."""
    rest = (1 - _LLM_ALONE) / (len(labels) - 1)
    probabilities = {label: _LLM_ALONE if label == said else rest for label in labels}
    return EmotionReading(label_set, probabilities, speaker, caveat="read by the LLM")


def _over_labels(reading: EmotionReading, said: str, offered: Mapping[str, float]) -> dict[str, float]:
    """The LLM's distribution over all labels."""
    own = reading.probabilities
    if not offered or said not in offered:
        return {
            label: _LLM_RIGHT * (label == said) + (1 - _LLM_RIGHT) * probability
            for label, probability in own.items()
        }
    tempered = {label: max(p, _FLOOR) ** (1 / _LLM_TEMPERATURE) for label, p in offered.items()}
    none = max(1 - sum(offered.values()), _FLOOR) ** (1 / _LLM_TEMPERATURE)
    total = sum(tempered.values()) + none
    others = {label: p for label, p in own.items() if label not in offered}
    of_others = sum(others.values())
    spread = {label: none / total * p / of_others for label, p in others.items()} if of_others else {}
    return {label: p / total for label, p in tempered.items()} | spread


def _reading(before: EmotionReading, probabilities: Mapping[str, float], speaker: str) -> EmotionReading:
    """The pooled reading; its set is the small model's with the likeliest label in it, likeliest first."""
    likeliest = max(probabilities, key=lambda label: probabilities[label])
    members = {*before.primary, likeliest} if before.primary else set()
    primary = tuple(sorted(members, key=lambda label: -probabilities[label]))
    return EmotionReading(
        before.label_set, probabilities, f"{before.source}+{speaker}", primary=primary, caveat=before.caveat
    )


def _log(probability: float) -> float:
    return math.log(max(probability, 1e-9))
