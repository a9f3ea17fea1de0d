"""How many tokens a text has: counted with the model's own tokenizer, or estimated on the long side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.errors import SettingsError
from prompts.marks import marked

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Ruler"]

# What a character costs, in tokens, by Unicode block. Set so that none of seven tokenizers (Llama 3, Qwen, Mistral
# 7B, Tekken, DeepSeek, cl100k, o200k) counts more for sentences in 22 languages; docs/prompts.md says how much too
# long that is. Rows: first code point, tokens a character.
_COSTS = (
    (0x00, 1.0),  # line breaks
    (0x20, 0.33),  # space
    (0x21, 1.0),  # signs
    (0x30, 1.1),  # digits: some tokenizers put one more before a figure
    (0x3A, 1.0),
    (0x41, 0.6),  # capitals
    (0x5B, 1.0),
    (0x61, 0.33),  # small letters
    (0x7B, 1.0),
    (0x80, 2.0),  # accented Latin letters
    (0x370, 1.2),  # Greek
    (0x400, 0.6),  # Cyrillic
    (0x530, 1.2),  # Armenian, Hebrew, Arabic
    (0x900, 1.6),  # scripts of India
    (0xE00, 1.2),  # Thai
    (0xE80, 3.0),  # Lao, Tibetan, Georgian, Ethiopic and more
    (0x1E00, 2.0),  # Vietnamese and Greek with marks
    (0x2000, 3.0),  # signs
    (0x2E80, 1.85),  # Chinese and Japanese
    (0xA000, 3.0),
    (0xAC00, 1.85),  # Korean
    (0xD7B0, 3.0),
    (0xFF00, 1.85),  # full-width forms
    (0xFFF0, 4.0),  # emoji and whatever is rarer: one token a byte
)
_BLOCKS = np.array([first for first, _ in _COSTS], dtype=np.uint32)
_TOKENS = np.array([tokens for _, tokens in _COSTS])
_REMEMBERED = 20_000  # texts whose count is kept, about 3 MB


class Ruler:
    """Counts the tokens that a text has in a prompt, each text once.

    Args:
        tokenizer: The model's `tokenizer.json`; None estimates, on the long side.

    Raises:
        SettingsError: The file is no tokenizer.
    """

    def __init__(self, tokenizer: Path | None = None) -> None:
        self._tokenizer = None if tokenizer is None else _loaded(tokenizer)
        self._counts: dict[tuple[int, int], int] = {}  # by hash and length: words of people are not kept here

    def __call__(self, text: str) -> int:
        """Tokens of the prompt's copy of the text (see `prompts.marks`), from 0 up; without marks."""
        key = (hash(text), len(text))
        found = self._counts.get(key)
        if found is None:
            if len(self._counts) >= _REMEMBERED:
                self._counts.clear()
            found = self._counts[key] = self._count(marked(text))
        return found

    def _count(self, text: str) -> int:
        if self._tokenizer is None:
            points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
            return int(np.ceil(_TOKENS[np.searchsorted(_BLOCKS, points, side="right") - 1].sum()))
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _loaded(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer  # 40 ms

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain `Exception`
        raise SettingsError(
            f"`llm_tokenizer` (HEARTLINE_LLM_TOKENIZER) is {str(path)!r}, which cannot be read as a tokenizer. "
            "Name the `tokenizer.json` beside the model's weights, or leave it out: tokens are then estimated."
        ) from error
    tokenizer.no_truncation()  # some files cut at the length that an encoder was trained with
    tokenizer.no_padding()
    return tokenizer
