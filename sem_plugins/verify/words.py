"""What the words of a draft say against it, without any model: repetition, other scripts, role marks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from agent.repetition import FEWEST, grams_of, words_of
from agent.role_marks import has_control_token

__all__ = ["has_role_marks", "in_other_script", "repeats_one_of"]

_SAME = 0.7  # share of a draft's word triples that stand in an earlier reply
_FEWEST_LETTERS = 4  # of a script: a word or a name may be quoted

_WRITTEN_ROLE = re.compile(
    r"^\s*(?:#{2,}\s*|\*{1,2})?(?:user|human|assistant|system|seeker|supporter|instruction|response)\*{0,2}\s*:"
    r"|^\s*#{2,}\s*(?:user|human|assistant|system|instruction|response)\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def repeats_one_of(draft: str, earlier: Sequence[str]) -> bool:
    """Whether a draft of some length is, nearly word by word, what was said before."""
    words = words_of(draft)
    if len(words) < FEWEST:
        return False
    grams = grams_of(words)
    return any((grams & grams_of(words_of(reply))).total() >= _SAME * grams.total() for reply in earlier)


def in_other_script(message: str, text: str) -> bool:
    """Whether most letters of a text are of another script than most letters of the message.

    False where either has but few letters.
    """
    asked, said = _script(message), _script(text)
    return bool(asked and said and asked != said)


def has_role_marks(draft: str) -> bool:
    """Whether it holds what chat templates mark roles with: the model writes on for somebody else."""
    return has_control_token(draft) or bool(_WRITTEN_ROLE.search(draft))


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
