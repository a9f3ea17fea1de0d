"""What a person sets right about how they are read: found in their words, learned within bounds, applied.

Off until there is evidence: without a correction nothing changes, to the last bit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError
from agent.state import PersonalCalibration
from sem_plugins.ontology import MELD

__all__ = ["Correction", "applied", "corrected", "learned"]

Array = NDArray[np.float64]

_BELIEVED = 0.2  # from which a label was believed at all; a flat guess among seven gives 0.14
_STEP = 0.5  # in log-probability: a correction changes the odds of a label by a factor of 1.6
_MOST = 2.0  # a factor of 7.4; what is plainly said still gets through
_WARMER, _WARMEST = 0.1, 2.0
_LITERAL = 2  # corrections: one may be a slip
_LEAST = -30.0  # log-probability below which a label is as good as impossible
_LONGEST = 2000  # characters that are searched: who sets something right says so early


@dataclass(frozen=True, slots=True)
class Correction:
    """What a message sets right; labels are those of `meld-7`, each in one of the two at most.

    Attributes:
        denied: Labels that they say they do not feel; empty where only the reading is called wrong.
        claimed: Labels that they say they feel instead.
    """

    denied: frozenset[str]
    claimed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Phrases:
    label_of: Mapping[str, str]
    word: re.Pattern[str]
    denial: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    misread: re.Pattern[str]
    misfelt: re.Pattern[str]
    claim: re.Pattern[str]


def corrected(text: str, believed: Mapping[str, float]) -> Correction | None:
    """What a message sets right about the reading; None where it does not.

    "I'm not angry" is a correction where anger was believed, and news otherwise. "You got me wrong" is one where a
    feeling is denied or named beside it; "that's not how I feel" is one alone.

    Args:
        text: The person's message.
        believed: Label of `meld-7` to the probability that was believed before this message; one left out
            counts as 0.
    """
    plain = " ".join(text[:_LONGEST].lower().translate(_QUOTES).split())
    if not _HINT.search(plain):
        return None
    sentences = [_Sentence.of(sentence) for sentence in _SENTENCE.findall(plain)]
    misfelt = any(sentence.misfelt for sentence in sentences)
    misread = misfelt or any(sentence.misread for sentence in sentences)
    denied = frozenset[str]().union(*(sentence.denied for sentence in sentences))
    if not misread:
        denied = frozenset(label for label in denied if believed.get(label, 0.0) >= _BELIEVED)
    claimed = frozenset[str]()
    for sentence, following in zip(sentences, [*sentences[1:], None], strict=True):
        if sentence.misread or sentence.misfelt or sentence.denied & denied:
            claimed |= sentence.claimed | (following.claimed if following else frozenset())
    denied, claimed = denied - claimed, claimed - denied
    if not denied and (misfelt or (misread and claimed)):
        denied = _likeliest(believed)
        if denied & claimed:
            return None  # what they feel is what was believed: something else was misread
    return Correction(denied, claimed) if denied or misfelt else None


def _likeliest(believed: Mapping[str, float]) -> frozenset[str]:
    """What was believed most, if anything was."""
    likeliest = max(believed, key=lambda label: believed[label], default="")
    return frozenset({likeliest} if believed.get(likeliest, 0.0) >= _BELIEVED else ())


def learned(before: PersonalCalibration, correction: Correction) -> PersonalCalibration:
    """The calibration after a correction.

    Biases stay within 2 of 0, the temperature up to 2. From the second correction on the reading is literal.
    """
    bias = dict(before.bias)
    for labels, step in ((correction.denied, -_STEP), (correction.claimed, _STEP)):
        for label in sorted(labels):
            bias[label] = min(_MOST, max(-_MOST, bias.get(label, 0.0) + step))
    corrections = before.corrections + 1
    temperature = max(before.temperature, min(_WARMEST, before.temperature + _WARMER))
    return PersonalCalibration(corrections, bias, temperature, before.literal or corrections >= _LITERAL)


def applied(
    personal: PersonalCalibration, log_probabilities: Array, *, labels: Sequence[str] = MELD.labels
) -> Array:
    """Log-probabilities as this person is to be read.

    Args:
        personal: What was learned.
        log_probabilities: (..., labels), each row normalised; -inf counts as -30.
        labels: Names along the last axis. Biases of others do not count.

    Returns:
        The same shape, normalised and finite. Where nothing was learned, the very array that was given.

    Raises:
        ReadingError: The last axis is not as long as `labels`, or a value is NaN or +inf.
    """
    if personal.temperature == 1 and not any(personal.bias.values()):
        return log_probabilities
    if log_probabilities.shape[-1:] != (len(labels),):
        raise ReadingError(
            f"Log-probabilities of shape {log_probabilities.shape} are not over {len(labels)} labels."
        )
    if not (log_probabilities < np.inf).all():
        raise ReadingError("Log-probabilities hold NaN or +inf. Leave the reading out instead.")
    bias = np.array([personal.bias.get(label, 0.0) for label in labels])
    logits = np.maximum(log_probabilities, _LEAST) / personal.temperature + bias
    logits -= logits.max(axis=-1, keepdims=True)
    normalised: Array = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return normalised


_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_SENTENCE = re.compile(r"[^.!?;]+[.!?;]*")
_HINT = re.compile(r"\bnot\b|n'?t\b|\bneither\b|\bnever\b|\bwrong|\bmis")  # each pattern needs one of these


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What one sentence says of feelings. A question says nothing."""

    denied: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()
    misread: bool = False
    misfelt: bool = False

    @classmethod
    def of(cls, sentence: str) -> _Sentence:
        if sentence.rstrip().endswith("?"):
            return cls()
        phrases = _phrases()
        denials = [
            match for match in _own(phrases.denial, sentence) if not phrases.after.match(sentence, match.end())
        ]
        # What was denied with "but" or "just" in it must not be read as claimed.
        rest = phrases.denial.sub(" , ", sentence)
        return cls(
            denied=_labels(denials, phrases),
            claimed=_labels(_own(phrases.claim, rest), phrases),
            misread=any(_own(phrases.misread, sentence)),
            misfelt=any(_own(phrases.misfelt, sentence)),
        )


def _own(pattern: re.Pattern[str], sentence: str) -> Iterator[re.Match[str]]:
    """What the person says of themselves, and not in supposing or in telling what was said."""
    before = _phrases().before
    return (match for match in pattern.finditer(sentence) if not before.search(sentence[: match.start()]))


def _labels(matches: Iterable[re.Match[str]], phrases: _Phrases) -> frozenset[str]:
    return frozenset(phrases.label_of[word] for match in matches for word in phrases.word.findall(match[0]))


@cache
def _phrases() -> _Phrases:
    raw = tomllib.loads(files("sem_plugins.tracker").joinpath("personal.toml").read_text(encoding="utf-8"))
    feelings, nouns = (
        {word: label for label, words in raw[kind].items() for word in words} for kind in ("feelings", "nouns")
    )
    words = raw["words"] | {"feeling": _one_of(feelings), "noun": _one_of(nouns)}

    def any_of(patterns: Sequence[str], start: str = r"(?<!\w)", end: str = r"(?!\w)") -> re.Pattern[str]:
        whole = "|".join(f"(?:{pattern})" for pattern in patterns)
        for name, expansion in words.items():
            whole = whole.replace(f"{{{name}}}", expansion)
        return re.compile(f"{start}(?:{whole}){end}")

    after, later = raw["denial"]["after"], [f"[^,]{{0,60}}? {pattern}" for pattern in raw["denial"]["later"]]
    return _Phrases(
        feelings | nouns,
        any_of(["{feeling}", "{noun}"]),
        any_of(raw["denial"]["patterns"]),
        any_of(raw["denial"]["before"], end=r"\s*$"),
        any_of([*(rf",?\s*{pattern}" for pattern in after), *later], start=""),
        any_of(raw["misread"]["patterns"]),
        any_of(raw["misfelt"]["patterns"]),
        any_of(raw["claim"]["patterns"]),
    )


def _one_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"
