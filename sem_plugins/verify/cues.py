"""What the outside of an utterance says of the strategy that a supporter followed in it: a few plain numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from agent.sentences import sentences_of

__all__ = ["CUES", "cues_of"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_QUESTION_WORDS = frozenset({"who", "what", "when", "where", "which", "why", "how"})
_AUXILIARIES = frozenset({"are", "can", "could", "did", "do", "does", "has", "have", "is", "was", "were"})
_FIRST = frozenset({"i", "i'm", "i've", "i'd", "i'll", "me", "my", "mine", "myself", "im"})
_SECOND = frozenset({"you", "you're", "you've", "you'd", "you'll", "your", "yours", "yourself", "youre"})
# An imperative has no form of its own in English: these begin most of those that advise.
_IMPERATIVES = frozenset(
    {
        *("ask", "call", "consider", "find", "focus", "get", "give", "go", "just", "keep", "let", "make", "maybe"),
        *("perhaps", "remember", "see", "set", "start", "take", "talk", "tell", "think", "try", "write"),
    }
)

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "it seems": r"\b(?:sounds?|seems?|looks?)\b|\byou (?:feel|must|are feeling)\b",
        "so you": r"(?:^|[.!?,]\s*)(?:so|ok(?:ay)?,? so)\b|\byou(?: are|'re)? (?:saying|said|mean|mentioned)\b",
        "i understand": r"\b(?:i (?:can )?(?:understand|imagine|see|hear|get)|understandable)\b",
        "i did": r"\bi (?:have|had|was|felt|went|used|did|lost|know|also|too|myself)\b|\bme too\b|\bwhen i\b",
        "you could": r"\byou (?:can|could|might|may|should|need|want)\b|\byou (?:tried|considered|thought)\b",
        "how about": r"\b(?:how|what) about\b|\bwh(?:at if|y not)\b|\bi (?:would )?(?:suggest|recommend|advise)\b",
        "it is": r"\b(?:there (?:is|are)|it (?:is|can|will)|they|people|studies|research|according)\b",
        "praise": r"\b(?:good|great|strong|brave|proud|well|wonderful|amazing|awesome|best|better|able|okay|ok)\b",
        "hope": r"\b(?:will|hope|hopefully|sure|get through|not alone|believe|confident)\b",
        "greeting": r"\b(?:hi|hello|hey|welcome|morning|evening|bye|goodbye|good night|take care|nice day)\b",
        "thanks": r"\b(?:thanks?|thank you|pleasure|glad|problem|happy)\b",
        "sorry": r"\b(?:sorry|apologi[sz]e|unfortunate(?:ly)?)\b",
        "address": r"https?:|www\.|\w\.(?:com|org|net)\b|\d",
    }.items()
}


def _begins(words: list[str], among: frozenset[str]) -> float:
    return float(bool(words) and words[0] in among)


def _share(words: list[str], among: frozenset[str]) -> float:
    return sum(word in among for word in words) / max(1, len(words))


_Of = Callable[[str, list[str], list[str]], float]
_NUMBERS: Mapping[str, _Of] = {
    "words": lambda _text, words, _sentences: math.log1p(len(words)),
    "sentences": lambda _text, _words, sentences: math.log1p(len(sentences)),
    "ends as a question": lambda text, _words, _sentences: float(text.rstrip("\"' )").endswith("?")),
    "questions": lambda text, _words, sentences: text.count("?") / max(1, len(sentences)),
    "exclamations": lambda text, _words, _sentences: float("!" in text),
    "question word first": lambda _text, words, _sentences: _begins(words, _QUESTION_WORDS),
    "auxiliary first": lambda _text, words, _sentences: _begins(words, _AUXILIARIES),
    "imperative first": lambda _text, words, _sentences: _begins(words, _IMPERATIVES),
    "first person": lambda _text, words, _sentences: _share(words, _FIRST),
    "second person": lambda _text, words, _sentences: _share(words, _SECOND),
}

CUES: tuple[str, ...] = (*_NUMBERS, *_PATTERNS)
"""Names, in the order of `cues_of`."""


def cues_of(text: str) -> NDArray[np.float64]:
    """The cues of an utterance, (len(CUES),)."""
    words = [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]
    sentences = sentences_of(text)
    numbers = [number(text, words, sentences) for number in _NUMBERS.values()]
    return np.array([*numbers, *(float(bool(pattern.search(text))) for pattern in _PATTERNS.values())])
