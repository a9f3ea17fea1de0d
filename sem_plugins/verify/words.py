"""What the words of a draft say against it, without any model: repetition, other scripts, role marks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from agent.role_marks import has_control_token

__all__ = ["has_role_marks", "in_other_script", "repeats_itself", "repeats_one_of"]

# Scripts without spaces count each sign as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['\u2019][^\W_]+)*")
_GRAM = 3
_SAME = 0.7  # share of a draft's word triples that stand in an earlier reply
_SAME_SENTENCE = 0.85
_FEWEST = 8  # words: "I am so sorry to hear that." may come twice
_FEWEST_IN_SENTENCE = 4
_LOOP_WORDS, _LOOP_SHARE = 40, 0.35  # of the last words, the share of triples that differ

_FEWEST_LETTERS = 4  # of a script: a word or a name may be quoted

_WRITTEN_ROLE = re.compile(
    r"^\s*(?:#{2,}\s*|\*{1,2})?(?:user|human|assistant|system|seeker|supporter|instruction|response)\*{0,2}\s*:"
    r"|^\s*#{2,}\s*(?:user|human|assistant|system|instruction|response)\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def repeats_one_of(draft: str, earlier: Sequence[str]) -> bool:
    """Whether a draft of some length is, nearly word by word, what was said before."""
    grams = _grams(_words(draft))
    if sum(grams.values()) < _FEWEST - _GRAM + 1:
        return False
    return any((grams & _grams(_words(reply))).total() >= _SAME * grams.total() for reply in earlier)


def repeats_itself(sentences: Sequence[str]) -> bool:
    """Whether the last sentence of a draft was in it already, or its words go round in circles.

    Args:
        sentences: Of the draft, in order.
    """
    if not sentences:
        return False
    last = _words(sentences[-1])
    if len(last) >= _FEWEST_IN_SENTENCE:
        before = [_words(sentence) for sentence in sentences[:-1]]
        if last in before:
            return True
        grams = _grams(last)
        if len(last) >= _FEWEST and any(
            (grams & _grams(words)).total() >= _SAME_SENTENCE * grams.total() for words in before
        ):
            return True
    words = _words(" ".join(sentences))[-_LOOP_WORDS:]
    grams = _grams(words)
    return len(words) == _LOOP_WORDS and len(grams) < _LOOP_SHARE * grams.total()


def in_other_script(message: str, text: str) -> bool:
    """Whether most letters of a text are of another script than most letters of the message.

    False where either has but few letters.
    """
    asked, said = _script(message), _script(text)
    return bool(asked and said and asked != said)


def has_role_marks(draft: str) -> bool:
    """Whether it holds what chat templates mark roles with: the model writes on for somebody else."""
    return has_control_token(draft) or bool(_WRITTEN_ROLE.search(draft))


def _words(text: str) -> list[str]:
    return [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]


def _grams(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[place : place + _GRAM]) for place in range(len(words) - _GRAM + 1))


def _script(text: str) -> str:
    """Of most letters; empty where there are fewer than `_FEWEST_LETTERS`, or no script has more than half."""
    if text.isascii():
        return "LATIN" if sum(map(str.isalpha, text)) >= _FEWEST_LETTERS else ""
    scripts = Counter(_script_of(letter) for letter in text if letter.isalpha())
    if not scripts or scripts.total() < _FEWEST_LETTERS:
        return ""
    [(script, count)] = scripts.most_common(1)
    return script if 2 * count > scripts.total() else ""


@lru_cache(maxsize=4096)
def _script_of(letter: str) -> str:
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "JAPANESE OR CHINESE" if first in {"CJK", "HIRAGANA", "KATAKANA"} else first
