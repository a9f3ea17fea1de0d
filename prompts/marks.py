"""What is done to the prompt's copy of a text: cause marks, and role markers made harmless.

The stored text stays as it is. In the copy

- `⟦` and `⟧` stand around the words that likely tell a cause. Where a person typed these two themselves, the copy
  has `[` and `]`, so that nobody can set a mark but the composer.
- one space is put after the first character of everything that looks like a control token of a chat template
  (`<|im_start|>` becomes `< |im_start|>`, `[INST]` becomes `[ INST]`), and before the colon of a written-out role
  (`System:` becomes `System :`). It reads the same, and no tokenizer takes it for the token: a control token is
  matched character by character. A zero-width character would not do, since some tokenizers strip those first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.readings import CausalSpan
from agent.turn import Turn

__all__ = ["CLOSE", "OPEN", "defused", "likely_causes", "marked"]

OPEN, CLOSE = "⟦", "⟧"
"""Mathematical white square brackets: rare in what people type, and no part of any chat template known to us."""

_LEAST_SCORE = 0.5  # below it the words are more likely no cause; the shipped reader's own bar is 0.53
_MOST = 3

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
_TYPED = str.maketrans(OPEN + CLOSE, "[]")


def defused(text: str) -> str:
    """The text with role markers of chat templates made harmless; mostly the same object.

    Args:
        text: Anybody's: a person's, an earlier reply, an example.
    """
    # Nearly every text has none of these, and looking for characters takes a quarter of a pattern's time.
    for sign in _SIGNS:
        if sign in text:
            return _with(text, _breaks(text))
    return text


def marked(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """A text of the person's as the LLM gets it: defused, and with marks around the spans.

    Args:
        text: As it is stored.
        spans: First and one-past-last character of each; in order, none overlapping another.
    """
    if OPEN in text or CLOSE in text:
        text = text.translate(_TYPED)  # one character for one, so that spans still fit
    if not spans:
        return defused(text)
    # At one place: a mark that closes, then a space, then one that opens.
    closing = [(end, 0, CLOSE) for _, end in spans]
    opening = [(start, 2, OPEN) for start, _ in spans]
    return _with(text, sorted([*closing, *_breaks(text), *opening]))


def likely_causes(turn: Turn, *, first: int, cut: tuple[int, int] | None) -> list[CausalSpan]:
    """The words to mark: what is likely enough, seen by the LLM and said by the person; the earliest first.

    Args:
        turn: With its cause reading, or None.
        first: Index of the oldest message of the dialogue that the LLM sees.
        cut: Characters of the turn's own text that it does not see.

    Returns:
        At most three. Overlapping ones are one, with the higher score. Spans that do not fit the text that they
        claim to be of are left out.
    """
    if turn.cause is None:
        return []
    joined: list[CausalSpan] = []
    for span in sorted(turn.cause.spans, key=lambda span: (span.utterance, span.start)):
        if span.score < _LEAST_SCORE or span.utterance < first or not _fits(turn, span, cut):
            continue
        last = joined[-1] if joined else None
        if last is not None and last.utterance == span.utterance and span.start < last.end:
            joined[-1] = _union(last, span)
        else:
            joined.append(span)
    surest = sorted(joined, key=lambda span: -span.score)[:_MOST]
    return sorted(surest, key=lambda span: (span.utterance, span.start))


def _fits(turn: Turn, span: CausalSpan, cut: tuple[int, int] | None) -> bool:
    dialogue = len(turn.history)
    if span.utterance > dialogue:
        return False
    if span.utterance == dialogue:
        if cut is not None and span.start < cut[1] and span.end > cut[0]:
            return False
        return turn.text[span.start : span.end] == span.text
    message = turn.history[span.utterance]
    return message.role == "seeker" and message.text[span.start : span.end] == span.text


def _union(one: CausalSpan, other: CausalSpan) -> CausalSpan:
    """Two that overlap, the first of which begins no later."""
    text = one.text + other.text[one.end - other.start :]
    return CausalSpan(one.utterance, one.start, max(one.end, other.end), text, max(one.score, other.score))


def _breaks(text: str) -> list[tuple[int, int, str]]:
    return [(found.end(), 1, " ") for pattern in (_CONTROL, _ROLE) for found in pattern.finditer(text)]


def _with(text: str, insertions: Sequence[tuple[int, int, str]]) -> str:
    """The text with each string put in at its place; of those at one place, the lower rank goes first."""
    pieces, done = [], 0
    for place, _, inserted in sorted(insertions):
        pieces += [text[done:place], inserted]
        done = place
    return "".join([*pieces, text[done:]])
