"""What answers cost: calls of the LLM, tokens, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.asking import Asker, Choice
from agent.decisions import PromptMessage, TokenUsage
from evals.task import Measures
from sem_plugins.training.intervals import Measure

__all__ = ["COSTS", "Cost", "MeteredAsker", "cost_measures", "metered"]

COSTS = ("calls", "prompt_tokens", "completion_tokens", "seconds")


@dataclass
class Cost:
    """Of one sample, filled while it is answered. Tokens are None where the server does not count them."""

    calls: int = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    seconds: float = 0.0

    def add(self, usage: TokenUsage | None) -> None:
        """One call."""
        self.calls += 1
        known = usage is not None and self.prompt_tokens is not None and self.completion_tokens is not None
        self.prompt_tokens = self.prompt_tokens + usage.prompt if known else None  # type: ignore[operator,union-attr]
        self.completion_tokens = self.completion_tokens + usage.completion if known else None  # type: ignore[operator,union-attr]

    def as_answer(self) -> dict[str, Any]:
        """For an answer of an evaluation."""
        return {"cost": {name: getattr(self, name) for name in COSTS}}


_spent: ContextVar[Cost | None] = ContextVar("spent", default=None)


@contextmanager
def metered() -> Iterator[Cost]:
    """What is asked inside counts towards the cost that this gives."""
    cost = Cost()
    token, started = _spent.set(cost), time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - started
        _spent.reset(token)


class MeteredAsker:
    """An `Asker` whose calls count towards the cost of the sample at hand.

    Args:
        asker: Asks.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> Choice:
        """As `Asker.choose`."""
        choice = await self._asker.choose(messages, choices)
        self._count(choice.usage)
        return choice

    async def fill(self, messages: Sequence[PromptMessage], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """As `Asker.fill`, which does not tell its tokens."""
        found = await self._asker.fill(messages, schema)
        self._count(None)
        return found

    @staticmethod
    def _count(usage: TokenUsage | None) -> None:
        cost = _spent.get()
        if cost is not None:
            cost.add(usage)


def cost_measures(answers: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> Measures:
    """Means of what the answers cost; what no server counted is left out."""
    found: Measures = {}
    dialogues = np.array(groups)
    for name in COSTS:
        rows = [answer["cost"][name] for answer in answers if "cost" in answer]
        if rows and len(rows) == len(answers) and all(row is not None for row in rows):
            found[name] = Measure(np.mean, dialogues, (np.array(rows, float),))
    return found


Clock = Callable[[], float]
