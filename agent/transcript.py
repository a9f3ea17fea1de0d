"""A conversation in one text, for an LLM that is to judge it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.role_marks import defused_line
from agent.turn import Message

__all__ = ["transcript"]

_CHARACTERS = 1200  # of one message; of a longer one the beginning and the end are shown


def transcript(messages: Sequence[Message]) -> str:
    """A message a line, long ones cut in their middle, role markers of chat templates made harmless.

    It belongs into a `user` message and nowhere else.
    """
    return "\n".join(map(_line, messages))


def _line(message: Message) -> str:
    """One message in one line, so that nobody can write a line of the other's."""
    text = defused_line(message.text)
    if len(text) > _CHARACTERS:
        half = _CHARACTERS // 2
        text = f"{text[:half]} […] {text[-half:]}"
    return f"{message.role.capitalize()}: {text}"
