"""What answers cost: calls of the LLM, tokens, seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.decisions import TokenUsage
from evals.task import Measures
from sem_plugins.training.intervals import Measure

__all__ = ["COSTS", "Cost", "cost_measures", "count", "metered"]

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
        self.prompt_tokens = _sum(self.prompt_tokens, None if usage is None else usage.prompt)
        self.completion_tokens = _sum(self.completion_tokens, None if usage is None else usage.completion)

    def as_answer(self) -> dict[str, Any]:
        """For an answer of an evaluation."""
        return {"cost": {name: getattr(self, name) for name in COSTS}}


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


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


def count(usage: TokenUsage | None) -> None:
    """One call, towards the cost of the sample at hand; for `Asker(counted=count)`."""
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
