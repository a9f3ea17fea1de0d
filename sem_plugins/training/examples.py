"""What the heads learn from; apart from the loop, so that reading data needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.turn import Message
from sem_plugins.window import Window, WindowMaker

__all__ = ["Example", "alone"]


@dataclass(frozen=True, slots=True)
class Example:
    """One window and what the heads should say of it.

    Attributes:
        messages: The dialogue, oldest first; the last message is the one that is read.
        targets: Head name to target, in the form that the head's kind wants (`training.heads`).
        group: What belongs together when intervals are drawn, e.g. the dialogue.
    """

    messages: tuple[Message, ...]
    targets: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""

    @property
    def text(self) -> str:
        """The message that is read."""
        return self.messages[-1].text

    def window(self, maker: WindowMaker) -> Window:
        """The encoder's input."""
        return maker(self.messages)


def alone(text: str, group: str = "", **targets: Any) -> Example:
    """A single message of a seeker, without a history."""
    return Example((Message("seeker", text),), targets, group)
