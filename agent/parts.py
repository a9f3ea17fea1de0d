"""An agent with other parts, and one that is warm before somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from threading import Thread

from agent.errors import HeartlineError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.safety.situations import prepare

__all__ = ["warm", "warm_meanwhile", "with_parts"]


def with_parts(agent: Agent, **parts: object) -> Agent:
    """The agent with other parts, for one request. Close the first one only."""
    other = copy(agent)
    for name, part in parts.items():
        setattr(other, name, part)
    return other


def warm(agent: Agent) -> None:
    """Answer once, for nobody and without an LLM: the first turn is ten times as slow."""
    prepare()
    speaker = agent.fallback or agent.generator
    quiet = with_parts(agent, store=InMemoryStore(), generator=speaker, fallback=None, second_reader=None)
    with suppress(HeartlineError):
        quiet.respond_sync("Good morning.")


def warm_meanwhile(agent: Agent) -> Callable[[], None]:
    """Begin to `warm` it in a thread.

    Returns:
        What waits until that is done. Until then, nothing may be asked of the agent, nor may it be closed.
    """
    warming = Thread(target=warm, args=(agent,), name="heartline-warm")
    warming.start()
    return warming.join
