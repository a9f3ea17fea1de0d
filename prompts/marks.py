"""What is done to the prompt's copy of a text: cause marks, and role markers made harmless.

The stored text stays as it is. In the copy

- `⟦` and `⟧` stand around the words that likely tell a cause. Where a person typed these two themselves, the copy
  has `[` and `]`, so that nobody can set a mark but the composer.
- role markers of chat templates are made harmless (`agent.role_marks`).
- what a person of the team wrote, who had taken the conversation over, is marked as theirs: chat templates know no
  third side.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.readings import CausalSpan
from agent.role_marks import breaks, defused, inserted
from agent.turn import Message, Turn

__all__ = ["CLOSE", "OPEN", "answered", "likely_causes", "marked"]

OPEN, CLOSE = "⟦", "⟧"
"""Mathematical white square brackets: rare in what people type, and no part of any chat template known to us."""

_THEIRS = "[A person of the team wrote this, not you:] {words} [Their words end here.]"
"""The guard holds back a reply that copies it: `human` in agent/safety/outgoing.toml."""

_LEAST_SCORE = 0.5  # below it the words are more likely no cause; the shipped reader's own bar is 0.53
_MOST = 3

_TYPED = str.maketrans(OPEN + CLOSE, "[]")


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
    return inserted(text, sorted([*closing, *breaks(text), *opening]))


def answered(message: Message) -> str:
    """What a supporter said as the LLM gets it: its own replies, and what a person of the team wrote."""
    words = defused(message.text)
    return _THEIRS.format(words=words) if message.human else words


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
