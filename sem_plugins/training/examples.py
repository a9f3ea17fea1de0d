"""What tasks learn from; apart from the loop, so that reading data needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Example"]


@dataclass(frozen=True, slots=True)
class Example:
    """One text with the indices of the labels that hold: one for exclusive tasks, else any number."""

    text: str
    labels: tuple[int, ...]
