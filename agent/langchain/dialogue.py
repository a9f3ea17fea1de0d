"""LangChain's messages as the two sides of a dialogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.errors import InputError
from agent.record import to_record
from agent.turn import Message, Turn

__all__ = ["METADATA", "about", "said_in", "split"]

METADATA = "heartline"
"""Key under which a turn's record stands: in `response_metadata`, in the state of an agent, in custom events."""


def said_in(messages: Sequence[BaseMessage]) -> list[Message]:
    """What the two sides said. Instructions, results of tools and messages without text are left out."""
    said: list[Message] = []
    for message in messages:
        text = message.text
        if isinstance(message, HumanMessage):
            said.append(Message("seeker", text))
        elif isinstance(message, AIMessage) and text.strip():
            said.append(Message("supporter", text, _strategy(message)))
    return [one for one in said if one.text.strip()]


def split(messages: Sequence[BaseMessage]) -> tuple[list[Message], str]:
    """What was said before the newest message, and that message.

    Raises:
        InputError: The last message is not the person's, or has no text.
    """
    if not messages or not isinstance(messages[-1], HumanMessage):
        found = type(messages[-1]).__name__ if messages else "nothing"
        raise InputError(f"The last message should be a HumanMessage, the one to answer. It is {found}.")
    text = messages[-1].text
    if not text.strip():
        raise InputError(
            "The last message has no text. Heartline reads text; say in words what the image or file shows."
        )
    return said_in(messages[:-1]), text


def about(turn: Turn) -> dict[str, Any]:
    """The turn's record, without the prompt and what the turns before hold, so that it does not grow with them."""
    record = to_record(turn, context=False)
    record["prompt"] = None
    return record


def _strategy(message: AIMessage) -> str | None:
    """The strategy that one of our own replies followed."""
    record = message.response_metadata.get(METADATA)
    try:
        found = record["plan"]["chosen"]["id"]  # type: ignore[index]  # whatever it is, it may come from outside
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
