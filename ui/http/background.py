"""Calls that a front end makes for itself: titles, tags, follow-ups. They are no turns.

Nothing of them is read, followed, planned, guarded or stored: the chat history in them is a copy, and its words
were answered when they were said. They go to the LLM as they are, or are answered with a short fixed text.

Recognised are the templates of Open WebUI (its `config.py`, current ones and those of 2024) by how they begin and
by the key that they ask for. Both must fit: who merely writes "### Task:" is a person with something to say, and
so is whoever asks with documents ("Respond to the user query using the provided context"). A front end with
templates of its own says so with the header `X-Heartline-Task` or the field `heartline.task`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from agent.answers import usage_told
from agent.decisions import PromptMessage
from agent.errors import GenerationError
from agent.probe import LLMServer
from agent.tracing import answering
from ui.http.history import text_of
from ui.http.profiles import Profile
from ui.http.schemas import ChatMessage, ChatRequest

__all__ = ["FIXED", "answered", "task_of"]

FIXED: Mapping[str, str] = MappingProxyType(
    {
        "title": '{"title": "Conversation"}',
        "tags": '{"tags": ["General"]}',
        "follow_ups": '{"follow_ups": []}',
        "queries": '{"queries": []}',
        "text": '{"text": ""}',
        "prompt": '{"prompt": ""}',
        "emoji": "\N{SPEECH BALLOON}",
        "plain_title": "Conversation",
        "tool_calls": '{"tool_calls": []}',
    }
)
"""What is answered where no LLM is connected, by task."""

_LONGEST_ANSWER = 400  # tokens
_BEGINS = (
    ("title", r"### Task:\s+Generate a concise\b.{0,120}\btitle\b", r'"title"'),
    ("tags", r"### Task:\s+Generate 1-3 broad tags\b", r'"tags"'),
    ("follow_ups", r"### Task:\s+Suggest 3-5 relevant follow-up\b", r'"follow_ups"'),
    (
        "queries",
        r"### Task:\s+(?:Analyze the chat history to determine\b|Based on the chat history\b)",
        r'"queries"',
    ),
    ("text", r"### Task:\s+You are an autocompletion system\b", r'"text"'),
    ("prompt", r"### Task:\s+Generate a detailed prompt for an?m? image\b", r'"prompt"'),
    (
        "emoji",
        r"Your task is to reflect the speaker's likely facial expression through a fitting emoji\b",
        r"Message:",
    ),
    ("plain_title", r"Create a concise, 3-5 word title with an emoji\b", r"RESPOND ONLY WITH THE TITLE"),
    ("tool_calls", r"Available Tools:", r'"tool_calls"'),
)
_MARKS = tuple((task, re.compile(begins, re.DOTALL), re.compile(asks)) for task, begins, asks in _BEGINS)


def task_of(request: ChatRequest, header: str | None) -> str | None:
    """What a front end wants for itself; None where the request is a turn.

    Args:
        request: Any.
        header: `X-Heartline-Task`, where it was sent.
    """
    if named := (header or request.heartline.task):
        return named if named in FIXED else "plain_title"
    spoken = [message for message in request.messages if message.role in {"user", "assistant"}]
    # Open WebUI sends one message; functions are called with a system message before it.
    asking = [message for message in request.messages if message.role == "system"]
    if len(spoken) != 1 or spoken[0].role != "user":
        return None
    texts = [text_of(spoken[0], 0).lstrip()]
    if asking and (begun := text_of(asking[0], 0).lstrip()).startswith("Available Tools:"):
        texts.append(begun)
    return next(
        (task for task, begins, asks in _MARKS for text in texts if begins.match(text) and asks.search(text)), None
    )


async def answered(request: ChatRequest, task: str, profile: Profile) -> str:
    """The LLM's answer; a fixed one where there is no LLM or it fails."""
    if (server := profile.llm) is None:
        return FIXED[task]
    try:
        with server.breaker.passing():
            return await _said(request, server, profile.settings.llm_model) or FIXED[task]
    except GenerationError:  # a title is not worth an error
        return FIXED[task]


async def _said(request: ChatRequest, server: LLMServer, model: str | None) -> str:
    try:
        async with server.connect() as http:
            model = model or await server.first_model(http)
            messages = _messages(request.messages)
            asked = [{"role": message.role, "content": message.content} for message in messages]
            body = {"model": model, "messages": asked, server.limit_name: _LONGEST_ANSWER}
            with answering(server, model, messages) as told:
                said = await server.client(http).post("/chat/completions", body=body, cast_to=object)
                text, speaker = _text(said), said.get("model") if isinstance(said, dict) else None
                told(text, speaker if isinstance(speaker, str) else "", usage_told(said))
            return text
    except GenerationError:
        raise
    except Exception as error:  # noqa: BLE001 - a lying server breaks the library in many ways
        raise server.failure(error) from None


def _messages(messages: Sequence[ChatMessage]) -> list[PromptMessage]:
    return [
        PromptMessage("system" if message.role == "developer" else message.role, text_of(message, place))
        for place, message in enumerate(messages)
        if message.role in {"system", "developer", "user", "assistant"}
    ]


def _text(said: Any) -> str:
    """What a server said, however odd its answer is."""
    try:
        text = said["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return text if isinstance(text, str) else ""
