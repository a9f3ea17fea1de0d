"""Change points of valence, with a stated false-alarm rate.

Page's two-sided CUSUM over surprises: each is how far a reading lies from what was to be expected, in standard
deviations. To be expected is all between where the person was and where the filter, which relaxes towards people
in general, takes them: who stays glad, or sad, makes no news by it. Evidence for a rise is what surprises exceed
`SLACK` by, added up, and never below 0.
"""

from __future__ import annotations

from typing import Literal

from agent.state import EmotionalState, Shift
from agent.turn import Turn

__all__ = ["FALSE_ALARMS", "SLACK", "THRESHOLD", "Pressure", "began_at", "last_shift", "pressed"]

SLACK = 0.75
"""Standard deviations that a reading may lie off without counting. A step of one and a half is found soonest."""

THRESHOLD = 1.25
"""Evidence that makes a shift: one reading two deviations off, or two that are one and three eighths off."""

FALSE_ALARMS = 0.05
"""Share of turns with a shift where people move as the filter has learned that they do; where somebody stays as
they are, glad or sad, it is half of that or less (both simulated in tests/sem_plugins/tracker/test_filter.py)."""

Pressure = tuple[float, float]


def pressed(
    pressure: Pressure, surprise: float, *, left: float = 1.0
) -> tuple[Pressure, Literal["better", "worse"] | None]:
    """The evidence after one more reading, and the shift that it makes, if it does.

    Args:
        pressure: For a rise and for a fall, before it.
        surprise: In standard deviations; positive for better than expected.
        left: Share of the evidence that a wall-clock gap has left, in [0, 1]: what a night lies between adds up
            to no shift.
    """
    rise = max(0.0, left * pressure[0] + surprise - SLACK)
    fall = max(0.0, left * pressure[1] - surprise - SLACK)
    if max(rise, fall) <= THRESHOLD:
        return (rise, fall), None
    return (0.0, 0.0), "better" if rise > fall else "worse"


def began_at(before: EmotionalState | None, valence: float) -> tuple[float, float]:
    """Valence when the evidence for a rise, and that for a fall, began to gather."""
    if before is None:
        return valence, valence
    rise, fall = (
        began if evidence > 0 else before.affect.valence
        for evidence, began in zip(before.pressure, before.pressure_from, strict=True)
    )
    return rise, fall


def last_shift(
    turn: Turn,
    before: EmotionalState | None,
    direction: Literal["better", "worse"] | None,
    began: tuple[float, float],
    valence: float,
) -> Shift | None:
    """The one that this turn makes, with its likeliest cause: the surest causal words, and what the supporter had
    just done; else the one before.
    """
    if direction is None:
        return None if before is None else before.last_shift
    spans = turn.cause.spans if turn.cause is not None else ()
    cause = max(spans, key=lambda span: span.score, default=None)
    spoken = next((message for message in reversed(turn.history) if message.role == "supporter"), None)
    size = min(2.0, abs(valence - began[0 if direction == "better" else 1]))
    return Shift(turn.index, direction, size, cause, spoken.strategy if spoken else None)
