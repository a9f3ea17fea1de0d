"""An agent with other parts, and one that is warm before somebody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from threading import Thread

from agent.errors import HeartlineError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.safety.situations import prepare

__all__ = ["answer_once", "prepare_aside", "warm", "warm_meanwhile", "with_parts"]

_PLAIN = "I had a long day at work, and my friend is ill."
"""Goes through what most messages go through, and needs none of the patterns that few do."""
_MOMENT = 0.02  # seconds
_STANDS_ASIDE = 10  # moments, for each pattern


def with_parts(agent: Agent, **parts: object) -> Agent:
    """The agent with other parts, for one request. Close the first one only."""
    other = copy(agent)
    for name, part in parts.items():
        setattr(other, name, part)
    return other


def warm(agent: Agent) -> None:
    """Do for nobody what the first messages would wait for."""
    answer_once(agent)
    prepare()


def answer_once(agent: Agent) -> None:
    """Answer for nobody and without an LLM: the first turn is ten times as slow."""
    speaker = agent.fallback or agent.generator
    quiet = with_parts(agent, store=InMemoryStore(), generator=speaker, fallback=None, second_reader=None)
    with suppress(HeartlineError):
        quiet.respond_sync(_PLAIN)


def warm_meanwhile(agent: Agent) -> Callable[[], None]:
    """Begin to `warm` it in a thread.

    Returns:
        What waits until it answered once. Until then, nothing may be asked of the agent, nor may it be closed.
        Patterns that few messages need are compiled after that.
    """
    warming = Thread(target=answer_once, args=(agent,), name="heartline-warm")
    warming.start()
    Thread(target=_after, args=(warming,), name="heartline-prepare", daemon=True).start()
    return warming.join


def _after(warming: Thread) -> None:
    warming.join()
    prepare()


def prepare_aside(busy: Callable[[], bool]) -> Thread:
    """Begin to compile in a thread what few messages need, and a little later where somebody is being answered.

    A message that needs it before has it compiled at once.

    Args:
        busy: Whether somebody is.
    """

    def stand_aside() -> None:
        for _ in range(_STANDS_ASIDE):
            if not busy():
                return
            time.sleep(_MOMENT)

    preparing = Thread(target=prepare, args=(stand_aside,), name="heartline-prepare", daemon=True)
    preparing.start()
    return preparing
