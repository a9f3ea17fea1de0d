"""Which words a reading rests on: occlusion (Zeiler & Fergus 2014; for words Li, Monroe & Jurafsky 2016).

Each word is left out in turn; what the score loses is the weight of that word. This needs no
gradients, so it works on any model, and it says what the model used, not what is true. Weights do not
add up to the score: of two words that say the same, leaving out either may change nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError

__all__ = ["Attribution", "Score", "occlude", "strongest"]

Score = Callable[[Sequence[str]], NDArray[np.floating[Any]]]
"""N texts to N numbers, shape (N,), e.g. the log-odds of one label."""

Span = tuple[int, int]

# Patterns over the kinds of characters (`_kind`), one letter per character of the text.
_WORD = re.compile(r"w[wm]*(?:[-'][wm]+)*|cm*|s[sm]*")
_WITHIN_PHRASE = re.compile(r"[ ']*")
_PHRASE = 8  # words; a longer one hides which of them it was

_FAINT = 0.1  # share of the strongest weight; below it a word is shown to no one


@dataclass(frozen=True, slots=True)
class Attribution:
    """What some words of a text add to a score.

    Attributes:
        start: First character, counted from 0.
        end: One past the last character.
        text: The words themselves, `whole_text[start:end]`.
        weight: Score of the whole text minus the score without them, in units of the score. Above 0:
            they speak for it; below 0: against it.

    Raises:
        ReadingError: The span is none, does not fit its text, or the weight is not finite.
    """

    start: int
    end: int
    text: str
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ReadingError(f"Attribution {self.start}:{self.end} is no span; it has at least one character.")
        if len(self.text) != self.end - self.start:
            raise ReadingError(
                f"An attribution's text has {len(self.text)} characters and does not fit {self.start}:{self.end}."
            )
        if not math.isfinite(self.weight):
            raise ReadingError(f"`Attribution.weight` is {self.weight!r}; it is finite.")


def occlude(
    text: str, score: Score, *, unit: Literal["word", "phrase"] = "word", most: int = 64
) -> tuple[Attribution, ...]:
    """What each word of `text` adds to `score`, in the order of the text.

    A word keeps its apostrophes, hyphens and accents. Characters of scripts without spaces (Chinese,
    Japanese) stand each for a word, and so does a run of emoji. A phrase is what stands between
    two punctuation marks, in pieces of at most eight words.

    Args:
        text: Any text. One without words gives no attributions, and is not scored.
        score: Called once, with the text and then the text without each unit: at most `most` + 1 texts.
            One of them may be empty.
        unit: What is left out together. A text of more than `most` words is read in phrases; there a single
            word changes little. Of more than `most` phrases, neighbours go together.
        most: The most units; at least 1.

    Raises:
        ReadingError: `unit` or `most` is none of the choices, or the scores are not one finite number per text.
    """
    if unit not in {"word", "phrase"}:
        raise ReadingError(f"`unit` is {unit!r}. Choose from: word, phrase.")
    if most < 1:
        raise ReadingError(f"`most` is {most!r}; at least one unit is left out.")
    spans = _units(text, unit, most)
    if not spans:
        return ()
    texts = [text, *(_without(text, span) for span in spans)]
    scores = np.asarray(score(texts), dtype=np.float64)
    if scores.shape != (len(texts),) or not np.isfinite(scores).all():
        raise ReadingError(
            f"`score` gave shape {scores.shape} for {len(texts)} texts; it gives one finite number per text."
        )
    weights = (scores[0] - scores[1:]).tolist()
    return tuple(
        Attribution(start, end, text[start:end], weight)
        for (start, end), weight in zip(spans, weights, strict=True)
    )


def strongest(text: str, attributions: Sequence[Attribution], *, k: int = 3) -> tuple[Attribution, ...]:
    """The words that speak most for the score: at most `k`, the strongest first.

    Only positive weights count, and of these none below a tenth of the strongest. Neighbours with
    nothing but white space between them become one span with the sum of their weights.

    Args:
        text: What the attributions are of.
        attributions: From `occlude`, none overlapping.
        k: How many are taken, before neighbours are joined; at least 1.

    Raises:
        ReadingError: An attribution does not lie in `text`, or `k` is below 1.
    """
    if k < 1:
        raise ReadingError(f"`k` is {k!r}; at least one attribution is taken.")
    for found in attributions:
        if text[found.start : found.end] != found.text:
            raise ReadingError(f"Attribution {found.start}:{found.end} is of another text. Give the one it is of.")
    ranked = sorted(attributions, key=lambda found: (-found.weight, found.start))[:k]
    chosen = sorted(
        (found for found in ranked if found.weight > 0 and found.weight >= _FAINT * ranked[0].weight),
        key=lambda found: found.start,
    )
    joined: list[Attribution] = []
    for found in chosen:
        if joined and not text[joined[-1].end : found.start].strip():
            before = joined.pop()
            weight = before.weight + found.weight
            joined.append(Attribution(before.start, found.end, text[before.start : found.end], weight))
        else:
            joined.append(found)
    return tuple(sorted(joined, key=lambda found: (-found.weight, found.start)))


def _units(text: str, unit: str, most: int) -> list[Span]:
    """At most `most` spans in the order of the text, none overlapping."""
    kinds = "".join(map(_kind, text))
    words = [match.span() for match in _WORD.finditer(kinds)]
    if unit == "word" and len(words) <= most:
        return words
    phrases = _phrases(kinds, words)
    if len(phrases) <= most:
        return phrases
    edges = np.linspace(0, len(phrases), most + 1).astype(int).tolist()
    return [(phrases[first][0], phrases[last - 1][1]) for first, last in pairwise(edges)]


def _phrases(kinds: str, words: Sequence[Span]) -> list[Span]:
    """The words between two punctuation marks or line ends, in even pieces of at most `_PHRASE`."""
    runs: list[list[Span]] = []
    for word in words:
        if runs and _WITHIN_PHRASE.fullmatch(kinds, runs[-1][-1][1], word[0]):
            runs[-1].append(word)
        else:
            runs.append([word])
    phrases: list[Span] = []
    for run in runs:
        edges = np.linspace(0, len(run), math.ceil(len(run) / _PHRASE) + 1).astype(int).tolist()
        phrases += [(run[first][0], run[last - 1][1]) for first, last in pairwise(edges)]
    return phrases


def _without(text: str, span: Span) -> str:
    """The text without the span and the spaces before it, or after it where it comes first.

    Putting a stand-in there ("[MASK]", "[UNK]", "something") was no better: on 250 situations, the three
    strongest words found this way flipped the emotion of 86% when left out, and of 83 to 84% found the others.
    """
    before, after = text[: span[0]].rstrip(" "), text[span[1] :]
    return before + after if before else after.lstrip(" ")


def _kind(character: str) -> str:
    """What a character is to `_WORD`.

    `w` a letter or digit, `c` one of a script without spaces, `m` a mark that belongs to what stands before
    it, `s` a symbol such as an emoji, `'` and `-` what may stand inside a word, a space, or `.` the rest.
    """
    if character in "'\u2019":
        return "'"
    if character in "-\u2010\u2011":
        return "-"
    category = unicodedata.category(character)
    if category[0] == "M" or character in "\u200c\u200d" or "\U0001f3fb" <= character <= "\U0001f3ff":
        return "m"  # the joiners of Indic and Persian words and of emoji; skin tones
    if category[0] in "LN":
        return "c" if _stands_alone(character) else "w"
    if category == "So":
        return "s"
    return " " if category == "Zs" or character == "\t" else "."


def _stands_alone(character: str) -> bool:
    """Whether it is of a script that writes no spaces: Han, kana."""
    code = ord(character)
    return (
        0x3005 <= code <= 0x30FF  # noqa: PLR2004 - blocks of Unicode
        or 0x3400 <= code <= 0x9FFF  # noqa: PLR2004
        or 0xF900 <= code <= 0xFAFF  # noqa: PLR2004
        or 0xFF66 <= code <= 0xFF9F  # noqa: PLR2004
        or 0x20000 <= code <= 0x3FFFF  # noqa: PLR2004
    )
