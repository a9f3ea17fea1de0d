"""Where a support conversation stands: exploration, then comforting, then action.

The estimate is a position on a line of steps. Each supporter turn moves it on by as much as what
was done there usually does; a person who tells much moves it too. Three bells over the line give
the mixture of stages, so that they fade into each other as they do in real conversations.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from agent.decisions import Stage
from agent.turn import Turn
from strategies.facts import Fact

__all__ = ["STAGES", "position", "stage_mixture"]

STAGES: tuple[Stage, ...] = get_args(Stage)

_CENTRES: Mapping[Stage, float] = {"exploration": 0.0, "comforting": 4.0, "action": 8.0}
_WIDTH = 2.5  # neighbouring stages are equally likely half way, and each still has a half there

_STEPS: Mapping[str, float] = {
    "question": 0.8,
    "restatement": 0.9,
    "reflection": 1.0,
    "self_disclosure": 1.0,
    "affirmation": 1.1,  # comfort given is comfort done
    "suggestions": 1.5,  # who suggests has begun to act
    "information": 1.3,
    "others": 0.3,  # a greeting explores nothing
}
_UNKNOWN_STEP = 0.9  # close to the mean of what supporters do

_TOLD_STEPS = 2.0  # a long story is worth about two questions
_TOLD_CHARACTERS = 800  # of the person, counted in characters so that every script counts


def position(turn: Turn, *, strategies: Sequence[str | None], facts: Collection[Fact]) -> float:
    """How far the conversation has come, from 0 (just begun) to 8 (what could help is at hand).

    Args:
        turn: The turn; its index counts where the history was cut.
        strategies: What each supporter turn in the history did; None where unknown.
        facts: What holds for the turn (see `strategies.facts`).
    """
    forgotten = max(0, turn.index - len(strategies))
    steps = sum(_STEPS[strategy] if strategy else _UNKNOWN_STEP for strategy in strategies)
    told = len(turn.text) + sum(len(said) for said in turn.said_by("seeker"))
    steps += forgotten * _UNKNOWN_STEP + _TOLD_STEPS * min(1.0, told / _TOLD_CHARACTERS)
    if "asks_advice" in facts:
        return min(8.0, max(steps, 7.0))  # the person says which stage it is
    if "worsening" in facts or "rejects" in facts:
        return min(steps, 3.5)  # steps come too early: comfort again, with an ear for what was missed
    return min(8.0, steps)


def stage_mixture(at: float) -> Mapping[Stage, float]:
    """How much of each stage there is at a position; sums to 1."""
    bells = {stage: math.exp(-(((at - centre) / _WIDTH) ** 2)) for stage, centre in _CENTRES.items()}
    total = sum(bells.values())
    return {stage: bell / total for stage, bell in bells.items()}
