"""Parts for tests of the loop: small strangers that plan, compose, wait and fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from agent.decisions import Plan, Prompt, PromptMessage, RankedStrategy, Reply, Strategy, Taxonomy
from agent.events import Event, FailureNoted, ReplyFinished, StageFinished, StageStarted, Token
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.testing import FixedPlugin, ScriptedGenerator, a_reading
from agent.turn import Turn

__all__ = [
    "NAME",
    "SAID",
    "STAGES",
    "AskingPlanner",
    "Forgetful",
    "PlainComposer",
    "Quotes",
    "Speechless",
    "Waiting",
    "an_agent",
    "events_of",
    "finished_turn",
    "offline",
    "told",
    "wait_for",
]

ASK = Strategy("question", "Question", "Ask.", "Interrogate.", "What happened?", {"exploration": 1.0})
NAME = "Quillonby"
SAID = f"My dog {NAME} died."
STAGES = ["recall", "perceive", "reread", "screen", "track", "plan", "compose", "generate", "remember"]


class AskingPlanner:
    """Always asks."""

    name = "asking"
    reads = frozenset({"text"})
    taxonomy = Taxonomy("one", (ASK,))

    async def plan(self, turn: Turn) -> Plan:
        return Plan("one", (RankedStrategy("question", 1.0),), ASK, "exploration", "It is early.", self.name)


class PlainComposer:
    """Passes the message on."""

    name = "plain"
    reads = frozenset({"text"})

    def compose(self, turn: Turn) -> Prompt:
        return Prompt((PromptMessage("user", turn.text),), "plain", "0" * 64)


class Waiting:
    """Says one piece, sets `said`, and waits until somebody stops it."""

    def __init__(self, piece: str, *, name: str = "waiting") -> None:
        self.name = name
        self.reads = frozenset({"text"})
        self.piece = piece
        self.said = asyncio.Event()
        self.closed = False

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        try:
            yield self.piece
            self.said.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True


class Quotes:
    """Stands for any part, and fails with the person's words in its exception."""

    name = "quotes"
    reads = frozenset({"text"})
    taxonomy = Taxonomy("none", ())

    def fail(self, turn: Turn) -> Any:
        raise ValueError(f"what is {turn.text!r}?")

    async def fail_later(self, turn: Turn) -> Any:
        self.fail(turn)

    update = compose = screen = fail
    plan = fail_later

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        yield self.fail(turn)


class Forgetful(InMemoryStore):
    """Recalls, and cannot write."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def append(self, turn: Turn) -> Turn:
        raise self.error


def an_agent(generator: Any, **parts: Any) -> Agent:
    """An agent in memory with one plugin."""
    given: dict[str, Any] = {"plugins": [FixedPlugin("emotion", a_reading())], "store": InMemoryStore()}
    return Agent(generator=generator, **(given | parts))


def told(event: Event) -> str:
    """An event in a word."""
    match event:
        case StageStarted(stage):
            return f"{stage} …"
        case StageFinished(stage):
            return f"{stage} ."
        case Token(text):
            return repr(text)
        case FailureNoted(failure, discards):
            return f"{failure.part} failed" + (", discard" if discards else "")
        case ReplyFinished():
            return "done"


async def events_of(agent: Agent, text: str = SAID) -> list[Event]:
    """Every event of one turn in conversation `c`."""
    return [event async for event in agent.stream(text, conversation_id="c")]


def finished_turn(events: list[Event]) -> Turn:
    """The turn of the last event, which must be `ReplyFinished`."""
    last = events[-1]
    assert isinstance(last, ReplyFinished)
    return last.turn


async def wait_for(event: asyncio.Event) -> None:
    """Wait, but not for ever: a broken test fails instead of hanging."""
    async with asyncio.timeout(60):
        await event.wait()


def offline(*scripts: Any) -> ScriptedGenerator:
    """A fallback."""
    return ScriptedGenerator(*scripts, name="offline")


class Speechless:
    """Ends without a reply, and without an error."""

    def __init__(self, *pieces: str, name: str = "speechless") -> None:
        self.name = name
        self.reads = frozenset({"text"})
        self.pieces = pieces

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        for piece in self.pieces:
            yield piece
