"""Role markers of chat templates in what people and LLMs write, and how a copy of it is made harmless.

One space is put after the first character of everything that looks like a control token of a chat template
(`<|im_start|>` becomes `< |im_start|>`, `[INST]` becomes `[ INST]`), and before the colon of a written-out role
(`System:` becomes `System :`). It reads the same, and no tokenizer takes it for the token: a control token is
matched character by character. A zero-width character would not do, since some tokenizers strip those first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["Insertion", "breaks", "defused", "defused_line", "has_control_token", "inserted"]

Insertion = tuple[int, int, str]
"""Place, rank among those at one place (the lower goes first), and what is put in."""

_INVISIBLE = "\u200b-\u200f\u2060\ufeff\u00ad"  # some tokenizers strip these before they look for control tokens
# Both forms of each sign, the plain and the full-width one: DeepSeek's tokens have the latter, and some tokenizers
# make the one into the other first.
_LESS, _GREATER, _BAR, _LEFT, _RIGHT = "<\uff1c\ufe64", ">\uff1e\ufe65", "|\uff5c", r"\[\uff3b", r"\]\uff3d"
_CONTROL = re.compile(
    # ChatML, Llama 3, Gemma, DeepSeek, <s>
    rf"[{_LESS}](?=[{_INVISIBLE}]*[{_BAR}]|/?[\w▁{_BAR}.:{_INVISIBLE}-]{{1,60}}[{_GREATER}])"
    # Mistral, EXAONE, ChatGLM
    rf"|[{_LEFT}](?=[{_INVISIBLE}]*[{_BAR}]|/?[A-Z_{_INVISIBLE}]{{3,40}}[{_RIGHT}]|[gs]MASK[{_RIGHT}])"
    r"|\](?=~)"  # MiniMax
)
_ROLE = re.compile(
    r"(?:^[^\S\n]*(?:#{1,6}[^\S\n]*)?(?i:system|user|assistant|human|instruction|input|response)"  # Alpaca
    r"|\b(?:SYSTEM|USER|ASSISTANT))(?=:)",  # Vicuna puts them on one line
    re.MULTILINE,
)
_SIGNS = ("<", "[", "]", ":", "\uff1c", "\ufe64", "\uff3b")  # one of them is in whatever the two patterns find


def defused(text: str) -> str:
    """The text with role markers of chat templates made harmless; mostly the same object.

    Args:
        text: Anybody's: a person's, an earlier reply, an example.
    """
    # Nearly every text has none of these, and looking for characters takes a quarter of a pattern's time.
    for sign in _SIGNS:
        if sign in text:
            return inserted(text, breaks(text))
    return text


def defused_line(text: str) -> str:
    """The same on one line, with single spaces."""
    return defused(" ".join(text.split()))


def has_control_token(text: str) -> bool:
    """Whether something in the text looks like a control token of a chat template."""
    return _CONTROL.search(text) is not None


def breaks(text: str) -> list[Insertion]:
    """The spaces that make a text harmless."""
    return [(found.end(), 1, " ") for pattern in (_CONTROL, _ROLE) for found in pattern.finditer(text)]


def inserted(text: str, insertions: Sequence[Insertion]) -> str:
    """The text with each string put in at its place; of those at one place, the lower rank goes first."""
    pieces, done = [], 0
    for place, _, piece in sorted(insertions):
        pieces += [text[done:place], piece]
        done = place
    return "".join([*pieces, text[done:]])
