"""The steps of the record of risk, from calm to danger at this moment."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["STEPS", "Ladder", "Step", "Why", "higher", "reaches"]

Step = Literal["none", "watch", "distress", "ideation", "plan", "acute"]
"""`watch`: a weak sign, the time after danger, or nothing could be read."""

STEPS: tuple[Step, ...] = get_args(Step)

Ladder = Literal["self", "others"]

Why = Literal["said", "answered", "suspected", "hinted", "unread", "cooled", "denied"]


def reaches(step: Step, other: Step) -> bool:
    """Whether a step is as high as another."""
    return STEPS.index(step) >= STEPS.index(other)


def higher(one: Step, other: Step) -> Step:
    """The higher of two steps."""
    return max(one, other, key=STEPS.index)
