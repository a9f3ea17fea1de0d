"""One message said to the server, and what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from evals.load.connection import Answer, Connection

__all__ = ["BROKEN", "Said", "Telling", "say"]

BROKEN = "connection broke"

_PATH = "/v1/chat/completions"
_DONE = "[DONE]"
_HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a message.

    Attributes:
        at: `time.monotonic()` when it was sent.
        milliseconds: Until the last byte of the answer.
        first: Until the first words; the whole where it was not streamed.
        sentence: Until the first sentence was complete; the same.
        turn_id: Of the turn that was acknowledged; None where none was.
        told: The answer's field `heartline`.
        problem: What was wrong: the status, or what the answer lacks; None where all is well.
    """

    at: float
    milliseconds: float
    first: float
    sentence: float
    turn_id: str | None
    told: dict[str, Any]
    problem: str | None


class Telling:
    """Reads a stream of events as it comes, and notes when words came.

    Attributes:
        text: What was said so far.
        first: Milliseconds until the first words; None while there are none.
        sentence: Milliseconds until the first sentence was complete; None while it is not.
        told: The field `heartline` of the last chunk that has one.
        done: Whether the stream's end mark came.
        failed: An error was told in the stream.
    """

    def __init__(self) -> None:
        self.text = ""
        self.first: float | None = None
        self.sentence: float | None = None
        self.told: dict[str, Any] = {}
        self.done = self.failed = False
        self._rest = b""
        self._started = time.perf_counter()

    def hear(self, piece: bytes) -> None:
        """A piece of the stream; events may be cut anywhere."""
        *events, self._rest = (self._rest + piece).split(b"\n\n")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data: "):
                    self._event(line.removeprefix(b"data: ").decode())

    def _event(self, data: str) -> None:
        if data == _DONE:
            self.done = True
            return
        chunk = json.loads(data)
        self.failed = self.failed or "error" in chunk
        choices = chunk.get("choices") or []
        if choices and chunk.get("heartline"):
            self.told = chunk["heartline"]
        words = choices[0]["delta"].get("content") if choices else None
        if not words:
            return
        self.text += words
        passed = (time.perf_counter() - self._started) * 1000
        if self.first is None:
            self.first = passed
        if self.sentence is None and any(mark in self.text for mark in ".!?"):
            self.sentence = passed


async def say(
    connection: Connection, text: str, *, conversation: str | None, streamed: bool, model: str = "heartline"
) -> Said:
    """Say something, and wait for the whole answer.

    A connection that breaks is a problem of the answer and not an exception.

    Args:
        connection: To the server.
        text: Of the message.
        conversation: It goes on; None for a turn that is not stored.
        streamed: Whether the answer comes as a stream.
        model: Which profile answers.
    """
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], "stream": streamed}
    if conversation is not None:
        body["heartline"] = {"conversation_id": conversation}
    at, telling = time.monotonic(), Telling()
    try:
        answer = await connection.ask(_PATH, body, heard=telling.hear if streamed else None)
    except (OSError, asyncio.IncompleteReadError):
        passed = (time.monotonic() - at) * 1000
        return Said(at, passed, passed, passed, None, {}, BROKEN)
    return _streamed(at, answer, telling) if streamed else _whole(at, answer)


def _whole(at: float, answer: Answer) -> Said:
    took = answer.milliseconds
    if answer.status != _HTTP_OK:
        return Said(at, took, took, took, None, {}, _refused(answer))
    body = json.loads(answer.body)
    told = body.get("heartline") or {}
    problem = None if body["choices"][0]["message"]["content"] and told.get("turn_id") else "empty answer"
    return Said(at, took, took, took, told.get("turn_id"), told, problem)


def _streamed(at: float, answer: Answer, telling: Telling) -> Said:
    took = answer.milliseconds
    if answer.status != _HTTP_OK:
        return Said(at, took, took, took, None, {}, _refused(answer))
    problem = None
    if telling.failed:
        problem = "error in the stream"
    elif not (telling.done and telling.text and telling.told.get("turn_id")):
        problem = "stream without its end"
    first = telling.first or took
    turn_id = telling.told.get("turn_id")
    return Said(at, took, first, telling.sentence or took, turn_id, telling.told, problem)


def _refused(answer: Answer) -> str:
    try:
        code = json.loads(answer.body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = "no error of ours"
    return f"{answer.status} {code}"
