"""Change points of valence, with a stated false-alarm rate.

Page's two-sided CUSUM over surprises: each is how far a reading lies from what was to be expected, in standard
deviations. To be expected is all between where the person was and where the filter, which relaxes towards people
in general, takes them: who stays glad, or sad, makes no news by it. Evidence for a rise is what surprises exceed
`SLACK` by, added up, and never below 0.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["FALSE_ALARMS", "SLACK", "THRESHOLD", "pressed"]

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
