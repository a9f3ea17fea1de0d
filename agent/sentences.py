"""Where sentences end, in text that still grows.

    sentences = Sentences()
    sentences.push("That is a lot. Since")   # ["That is a lot."]
    sentences.push(" when?")                 # []: more may come, as in "when?!"
    sentences.finish()                       # [" Since when?"]

What is given out depends on the text alone and not on how it was chopped up: an end is decided once the character
behind it is known, or the two where the first is a space, and is never taken back.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "OPENING", "Portions", "Sentences", "can_end", "sentences_of", "without_torn_end"]

LONGEST = 300
"""Characters after which a sentence that does not end is let go."""

OPENING = 2
"""Sentences that are looked at together before any is shown."""

_ENDS = ".!?\u2026\u3002\uff01\uff1f\uff61"
_STOP, _WIDE_STOP = r"[.!?\u2026]+", r"[\u3002\uff01\uff1f\uff61]+"
_QUOTES = "\"'\u201d\u2019\u00bb\u300d\u300f"
_CLOSERS = _QUOTES + ")]}*_\uff09\u3011\u300b"
_CLOSE = rf"[{re.escape(_CLOSERS)}]*"
_FACE = r"[\u2600-\u27bf\u2b50\u2b55\ufe0f\u200d\u20e3\U0001f000-\U0001faff]"
_FACES = rf"(?: ?{_FACE}+)*"
_MARK = re.compile(
    rf"(?P<stop>{_STOP})(?P<close>{_CLOSE})(?P<faces>{_FACES})"
    rf"|(?P<wide>{_WIDE_STOP}{_CLOSE}{_FACES})|(?P<alone>{_FACE}+{_FACES})|\n"
)
_SIGN = re.compile(rf"[{_ENDS}\n]|{_FACE}")  # one of these is in every mark
_ENDING_FACES = re.compile(rf"{_FACES}$")
_LIST_MARK = re.compile(r"\s*(?:\d{1,3}|[A-Za-z])")
_LAST_WORD = re.compile(r"[^\s(\[\"'\u201c\u2018]*$")

_GOES_ON = frozenset(
    ["approx", "cf", "dr", "e.g", "fig", "i.e", "mr", "mrs", "ms", "mx", "prof", "st", "viz", "vs"]
)
_MAY_END = frozenset({"a.m", "etc", "jr", "p.m", "ph.d", "sr", "u.k", "u.s"})


class Sentences:
    """Splits a stream. All that is given out, joined, is all that was put in.

    White space stands before the sentence that follows it. A line break ends a sentence, so that each item of a
    list is one.
    """

    def __init__(self) -> None:
        self._text = ""

    def push(self, piece: str) -> list[str]:
        """The next piece of the stream; gives the sentences that are finished now, mostly none."""
        found, self._text = _split(self._text + piece, final=False)
        return found

    def finish(self) -> list[str]:
        """The stream is over; gives what is left, often one sentence."""
        found, self._text = sentences_of(self._text), ""
        return found


class Portions:
    """What is to be looked at in one go: the opening of a text, two sentences, then each sentence."""

    def __init__(self) -> None:
        self._sentences = Sentences()
        self._opening: list[str] | None = []

    def push(self, piece: str) -> list[str]:
        """The next piece of the stream; gives the portions that are complete now."""
        return self._portions(self._sentences.push(piece))

    def finish(self) -> list[str]:
        """The stream is over; gives what is left."""
        found = self._portions(self._sentences.finish())
        opening, self._opening = self._opening, None
        return ["".join(opening)] if opening else found

    def _portions(self, sentences: list[str]) -> list[str]:
        if self._opening is None:
            return sentences
        self._opening += sentences
        if len(self._opening) < OPENING:
            return []
        opening, later = "".join(self._opening[:OPENING]), self._opening[OPENING:]
        self._opening = None
        return [opening, *later]


def sentences_of(text: str) -> list[str]:
    """The sentences of a text that grows no more."""
    found, rest = _split(text, final=True)
    return [*found, rest] if rest else found


def can_end(shown: str, rest: str) -> bool:
    """Whether a reply can end after `shown`, where `rest` would have followed.

    It cannot in the middle of a sentence, nor where a list was announced.
    """
    bare = _ENDING_FACES.sub("", shown.rstrip())
    if bare != shown.rstrip():
        return True
    bare = bare.rstrip(_CLOSERS)
    if not bare or bare[-1] in _ENDS:
        return bool(bare)
    return rest.lstrip(" \t").startswith("\n") and bare[-1] not in ",;:"


def without_torn_end(shown: str, text: str) -> str:
    """The end of a reply that was too long, without a last sentence that breaks off in its middle.

    The whole text, where what would be left cannot end there.

    Args:
        shown: What was shown before.
        text: What comes after it.
    """
    *whole, last = sentences_of(text) or [""]
    kept = "".join(whole)
    return text if can_end(last, "") or not can_end(shown + kept, last) else kept


def _split(text: str, *, final: bool) -> tuple[list[str], str]:
    """The sentences that are finished, and what comes behind them."""
    if len(text) < LONGEST and not _SIGN.search(text):  # as after most words of a stream
        return [], text
    found, start = [], 0
    while (end := _end(text, start, final=final)) is not None:
        found.append(text[start:end])
        start = end
    return found, text[start:]


def _end(text: str, start: int, *, final: bool) -> int | None:
    """Where the sentence from `start` on ends; None where that cannot be told yet, or is the end of the text."""
    limit = start + LONGEST
    for mark in _MARK.finditer(text, start):
        end = mark.end()
        if end >= limit:
            break
        before = text[start : mark.start()]
        if not before.strip():  # "... well", or a line break behind the last sentence
            continue
        if mark[0] == "\n":
            return mark.start()
        after = text[end : end + 2]
        if not final and (not after or (len(after) == 1 and after.isspace() and after != "\n")):
            return None
        if not after:
            return end
        if _ends(mark, before, after):
            return end
    if len(text) < limit + 2:  # fewer, and an end within the limit might not be known yet
        return None
    space = max(text.rfind(sign, start + 1, limit) for sign in " \n\t")
    return space if space > start and text[start:space].strip() else limit


def _ends(mark: re.Match[str], before: str, after: str) -> bool:
    """Whether a sentence ends at a mark that has text on both sides."""
    if mark["wide"]:
        return True
    following = after[1:]
    if mark["alone"]:
        return after[0].isspace() and (after[0] == "\n" or following[:1].isupper())
    if not after[0].isspace():  # 3.5, e.g., example.com
        return bool(mark["faces"])
    if mark["stop"] == "." and not mark["close"]:
        if _LIST_MARK.fullmatch(before):
            return False
        word = _LAST_WORD.search(before)
        return _ends_with(word[0] if word else "", following)
    trails_off = not set(mark["stop"]) & {"!", "?"}
    quoted = bool(set(mark["close"]) & set(_QUOTES))
    return not ((trails_off or quoted) and following[:1].islower())


def _ends_with(word: str, following: str) -> bool:
    """Whether a full stop behind a word ends a sentence."""
    if word.lower() in _GOES_ON or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    return word.lower() not in _MAY_END or not following[:1].islower()
