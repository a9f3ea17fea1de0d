"""Which replies are in another language than what they answer, and which cannot be read at all."""

from __future__ import annotations

from sem_plugins.language import readability

__all__ = ["in_other_language", "is_readable"]


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
    """Whether Heartline's encoder, which knows English alone, can read it; a blank text holds nothing to read."""
    return bool(text.strip()) and readability(text).kind in {"english", "too short to tell"}
