"""What a call of `ChatHeartline` asks for, and what it gets beside the text."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableConfig, ensure_config

from agent.decisions import TokenUsage
from agent.errors import SettingsError
from agent.langchain.dialogue import METADATA, about
from agent.options import Options
from agent.turn import Turn

__all__ = ["asked", "ended", "with_thread"]

_THREAD = "thread_id"
_OPTIONS = frozenset(field.name for field in fields(Options))
_PASSED_OVER = frozenset({"stream"})  # says how LangChain calls, and nothing of the reply


def ended(turn: Turn | None) -> tuple[str, dict[str, Any], UsageMetadata | None]:
    """Text, metadata and token counts of a finished turn."""
    assert turn is not None  # noqa: S101 - `Agent.stream` ends with `ReplyFinished` or raises
    assert turn.reply is not None  # noqa: S101
    reply = turn.reply
    metadata = {"model_name": reply.speaker, "finish_reason": reply.finish_reason, METADATA: about(turn)}
    return reply.text, metadata, _usage(reply.usage)


def with_thread(config: RunnableConfig | None, given: dict[str, Any]) -> dict[str, Any]:
    """What a call was given, and the conversation that its config names."""
    thread = ensure_config(config).get("configurable", {}).get(_THREAD)
    return given if thread is None or _THREAD in given else {**given, _THREAD: str(thread)}


def asked(given: dict[str, Any]) -> tuple[str | None, Options]:
    """The conversation and the options of a call.

    Raises:
        SettingsError: It asks for something else.
    """
    unknown = given.keys() - _OPTIONS - _PASSED_OVER - {_THREAD}
    if unknown:
        choices = ", ".join(sorted(_OPTIONS | {_THREAD}))
        raise SettingsError(
            f"A call of ChatHeartline cannot be given {', '.join(map(repr, sorted(unknown)))}. It takes: "
            f"{choices}. What holds for every call is given when the model is made."
        )
    return given.get(_THREAD), Options(**{name: given[name] for name in _OPTIONS & given.keys()})


def _usage(counts: TokenUsage | None) -> UsageMetadata | None:
    """Tokens as LangChain names them; None where nobody counted."""
    if counts is None:
        return None
    total = counts.prompt + counts.completion
    return UsageMetadata(input_tokens=counts.prompt, output_tokens=counts.completion, total_tokens=total)
