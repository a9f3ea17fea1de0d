"""Whether a message is readable English, which is all that the shipped models know.

Each word speaks for English or against it, by how common it is there: the vocabulary of the shipped
tokenizer lists words by frequency. `language.toml` adds chat spellings and the words that give other
languages away. No model of other languages is needed: whichever it is, English does not have its words.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from agent.errors import WeightsError
from agent.once import once
from sem_plugins.weights import CURE, SHIPPED

__all__ = ["Kind", "Readability", "in_other_language", "is_readable", "readability", "trust"]

Kind = Literal["english", "other language", "code", "unreadable", "too short to tell"]

_CHARACTERS = 1000  # more than the encoder reads of a message; like there, the oldest part is left out
_FEW_WORDS = 3
_EVEN = 0.5  # as likely as not

# What a word says is the logarithm of how much likelier it is in English than elsewhere, rounded: counted in
# the train parts of EmpatheticDialogues, ESConv and GoEmotions, and in sixty messages in ten other languages.
_COMMON = ((2600, 2.0), (4500, 1.25), (10_000, 0.5))  # words that stand before this place in the vocabulary
_CHAT = 2.0
_RARE = -1.0
_NAME = -1.0
_UNKNOWN = -2.75
_ELSEWHERE = -3.0
_FOREIGN_LETTER = -3.0  # each, down to _FOREIGN_WORD: some scripts do not part their words
_FOREIGN_WORD = -6.0
_PRIOR = 3.0  # nearly all messages are English, so that one unknown word is no news
_AGAINST_FEW = -5.0  # one to three words may be names or slang: less than this says nothing

_ADDRESS_SIGN = re.compile(r"[@#/\\`]|:\w|\.[a-z]")
_ADDRESS = re.compile(
    r"""(?<!\S)(?: [@#]\w | [ru]/\w | www\. | \S*?(?:://|\w@\w | \.(?:com|org|net|io)\b | \w[/\\]\w\S*[/\\]\w ))\S*
    | :\w+: | `[^`\s]+`""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LATIN = re.compile(r"[A-Za-z'\u00c0-\u024f\u1e00-\u1eff]+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_LAUGHTER = re.compile(r"[abmu]*(?:[hj][aeiou]+){2,}h*")
_AFTER_APOSTROPHE = frozenset({"s", "m", "re", "ve", "ll", "d", "all", "em"})

# A line is code if it has many of these for its words. Signs are hardly ever typed in prose and count twice.
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_CHARACTER = re.compile(r"[{}()\[\]<>=;:$|&_-]|[a-z][A-Z]")
_CODE_SIGN = re.compile(
    r"""[)\]}'"];\s*$ | [{}]\s*$ | ^\s*[{}] | =\s[\[({"'] | =>|===?|!=|\+=|&&|\|\| | \w::\w |
    </?[a-z]+(?:\s[^>]*)?/?> | [\w\])]\.\w+\( | \w\(['"] | ^\s*\$\s\w | ^\s+return\b | ^\s*[\w.]+\(.*\)$ |
    \blambda\s\w+: |
    ^\s*(?:class|const|def|export|fn|from|func|function|import|\#include|let|private|public|return|var)\s
        (?=\S.*[(){}=;$."'\[+*/<]) |
    ^\s*import\s[\w.]+(?:\sas\s\w+)?\s*$ | ^\s*from\s[\w.]+\simport\s |
    ^\s*(?:if|for|while|elif|else|try|except|with)\b.*:\s*$ |
    \b(?:SELECT|INSERT|UPDATE|DELETE|CREATE)\s(?=.*\b(?:FROM|INTO|SET|TABLE)\b) |
    ^\s*File\s".*",\sline\s\d | ^Traceback\s | ^\w*(?:Error|Exception):\s""",
    re.VERBOSE,
)
_CODE_SHAPE = re.compile(
    r"""\w\((?!s\)) | \w\[ | \w_\w | [a-z]{2}[A-Z][a-z]{2} | \s=\s | \s--?[a-zA-Z] | \$\w | -> | [:;]\s*$ |
    "\w+"\s?: | [<>]=?\s\d | \b(?:git|npm|pip|sudo|docker)\s\w+\s""",
    re.VERBOSE,
)

# What fingers do that fall on the keys: a group of letters again and again, or the keys in their order.
_ON_THE_KEYS = re.compile(
    r"(..{1,3}?)\1\1 | ([^aeiouy]{2,4})\2 | (.{4,9})\3 | asdf|sdfg|qwer|zxcv|xcvb|lkjh|uiop|poiu|hjkl", re.VERBOSE
)
_ODD_PAIRS = 0.42  # share of the pairs of letters; the oddest of 600 messages in other languages had 0.40
_MASHED_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Readability:
    """How well the models can read a message.

    Attributes:
        english: How sure it is that the message is readable English, in [0, 1]. 1 for up to three words that
            speak for it or say nothing, such as "ok", a name, an emoji, no letter at all. Of a message that is
            mainly code, the share of its letters outside of the code.
        kind: What the message is. `"english"` from an `english` of 0.5 on, or `"too short to tell"`.
    """

    english: float
    kind: Kind


@once  # eight readers ask
def readability(text: str) -> Readability:
    """What `text` is, judged by its last 1000 characters.

    Addresses, file paths, @names, #tags and names in backticks are passed over, in whatever language.

    Raises:
        WeightsError: The vocabulary of the shipped tokenizer cannot be read.
    """
    text = text[-_CHARACTERS:]
    if _ADDRESS_SIGN.search(text):
        text = _ADDRESS.sub(" ", text)
    lines = _CODE_BLOCK.sub("\n", text).split("\n")
    prose = "\n".join(line for line in lines if not _is_code(line))
    if prose != text:
        outside = _letters(prose) / max(1, _letters(text))
        if outside < _EVEN:
            return Readability(outside, "code")
    if not prose.isascii():
        composed = unicodedata.normalize("NFC", prose.replace("\u2019", "'"))
        # The combining marks that are left are the vowels of scripts whose words they would cut.
        prose = "".join(character for character in composed if unicodedata.category(character)[0] != "M")
    words = _WORD.findall(prose)
    return _judged(words, [_evidence(word) for word in words])


def trust(text: str) -> float:
    """By which factor, in [0, 1], the certainty of readings of `text` is to be lowered.

    1 for English and for what is too short to tell, else twice `english`, so that nothing jumps between them.
    """
    return min(1.0, 2 * readability(text).english)


def in_other_language(message: str, reply: str) -> bool:
    """Whether a reply is English where the message is not, or the other way round.

    Other languages are not told from each other, and what is too short to tell is in the message's language.
    Code and keyboard mash are no language.
    """
    asked, said = readability(message).kind, readability(reply).kind
    if asked == "other language":
        return said == "english"
    return said == "other language"


def is_readable(text: str) -> bool:
    """Whether the encoder, which knows English alone, can read it; a blank text holds nothing to read."""
    return bool(text.strip()) and readability(text).kind in {"english", "too short to tell"}


def _judged(words: Sequence[str], evidence: Sequence[float]) -> Readability:
    few = len(words) <= _FEW_WORDS
    total = sum(evidence)
    if few and total >= 0:
        return Readability(1.0, "english" if total > 0 else "too short to tell")
    english = _sure(total + _PRIOR, len(words))
    if not few and english >= _EVEN:
        return Readability(english, "english")
    if _is_mash(words, evidence):
        return Readability(_sure(total, len(words)), "unreadable")
    if few and total > _AGAINST_FEW:
        return Readability(1.0, "too short to tell")
    return Readability(english, "other language")


def _sure(evidence: float, words: int) -> float:
    # Words of one message say partly the same: the square root keeps long ones from undue certainty.
    return 1 / (1 + math.exp(-evidence / math.sqrt(words)))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _is_code(line: str) -> bool:
    # Most marks have such a character, and to search for the marks themselves takes ten times as long.
    if 5 * len(_CODE_CHARACTER.findall(line)) + 9 < line.strip().count(" "):
        return False
    marks = 2 * len(_CODE_SIGN.findall(line)) + len(_CODE_SHAPE.findall(line))
    return marks > 1 and 5 * marks >= 2 * len(_WORD.findall(line))


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """Evidence per plain word, the words of other languages, and the pairs of letters that languages use."""

    words: Mapping[str, float]
    elsewhere: frozenset[str]
    pairs: frozenset[str]


@cache
def _knowledge() -> _Knowledge:
    raw = tomllib.loads(files("sem_plugins").joinpath("language.toml").read_text(encoding="utf-8"))
    path = SHIPPED / "tokenizer.json"
    try:
        vocabulary: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"The vocabulary in {str(path)!r} cannot be read. {CURE}") from error
    words = {
        word: next((value for end, value in _COMMON if place < end), _RARE)
        for word, place in vocabulary.items()
        if word.isascii() and word.isalpha()
    }
    elsewhere = " ".join(raw["elsewhere"].values()).split()
    words |= dict.fromkeys(elsewhere, _ELSEWHERE)
    words |= dict.fromkeys(raw["shared"].split(), 0.0)
    words |= dict.fromkeys(raw["english"].split(), _CHAT)
    return _Knowledge(
        words=words,
        elsewhere=frozenset(word for word in elsewhere if words[word] == _ELSEWHERE),
        pairs=frozenset(first + second for first, following in raw["pairs"].items() for second in following),
    )


def _plain(word: str) -> str:
    """Lower case and without accents, as the vocabulary has it."""
    if word.isascii():
        return word.lower()
    return "".join(part for part in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(part))


def _evidence(word: str) -> float:
    known = _knowledge().words
    plain = _plain(word)
    if plain in known:
        return known[plain]
    if _LATIN.fullmatch(word):
        return _guessed(word, plain, known)
    return (
        max(_FOREIGN_WORD, _FOREIGN_LETTER * len(word)) if len(word) > 1 else 0.0
    )  # one letter makes a face: ಠ_ಠ


def _guessed(word: str, plain: str, known: Mapping[str, float]) -> float:
    """Evidence of a Latin word that is not known as it stands."""
    head, apostrophe, tail = plain.partition("'")
    if apostrophe:
        if tail == "t":
            return _CHAT
        return known.get(head, _UNKNOWN) + 1 if tail in _AFTER_APOSTROPHE else _ELSEWHERE
    for kept in (r"\1\1", r"\1"):  # "goood" is "good", "sooo" is "so"
        short = _DRAWN_OUT.sub(kept, plain)
        if short in known:
            return known[short]
    if _LAUGHTER.fullmatch(plain):
        return 0.0
    return _NAME if word.istitle() else _UNKNOWN


def _is_mash(words: Sequence[str], evidence: Sequence[float]) -> bool:
    """Whether most of it is unknown words, none of any language, with pairs of letters that no language has."""
    elsewhere, pairs = _knowledge().elsewhere, _knowledge().pairs
    if any(word.lower() in elsewhere or not word.isascii() for word in words):
        return False
    unknown = [word.lower() for word, value in zip(words, evidence, strict=True) if value == _UNKNOWN]
    letters = sum(map(len, unknown))
    if letters < _MASHED_LETTERS or 2 * letters < sum(map(len, words)):
        return False
    count = odd = 0
    for word in unknown:
        mashed = _ON_THE_KEYS.search(word)
        found = [word[place : place + 2] for place in range(len(word) - 1)]
        count += len(found)
        odd += sum(bool(mashed) or pair not in pairs for pair in found)
    return odd >= _ODD_PAIRS * count
