"""What `heartline eval` tells: what can be run, how far a run is, why it failed, and how two differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.errors import HeartlineError

__all__ = ["Difference", "EvaluationError", "Going", "Kind", "OfferedTask", "Pace", "Problem", "State", "Wanted"]

State = Literal["running", "done", "stopped", "failed"]

Kind = Literal[
    "data", "llm", "weights", "settings", "other", "crashed", "killed", "slow",
    "unwritable", "not_offered", "busy", "gone", "unlike",
]  # fmt: skip
"""What went wrong: the first five as the command names them, the rest as the page saw it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something of an evaluation failed.

    Attributes:
        kind: What people are told of in the language of the page.
        said: The command's own words, in English; empty where it said nothing.
    """

    kind: Kind
    said: str = ""


class EvaluationError(HeartlineError):
    """Something of an evaluation failed.

    Attributes:
        problem: Why.
    """

    def __init__(self, problem: Problem, message: str = "") -> None:
        super().__init__(message or problem.said or problem.kind)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class OfferedTask:
    """A task, as `heartline eval tasks --json` lists it: see `evals.listing.Listed`."""

    name: str
    about: str = ""
    data: str = ""
    parts: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()
    get: str = ""
    extra: str = ""
    problem: str = ""

    @classmethod
    def parsed(cls, row: Mapping[str, Any]) -> OfferedTask:
        """A row of the list."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be run.

    Attributes:
        task, part, system: By name.
        limit: Only the first samples; None takes all.
    """

    task: str
    part: str
    system: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Going:
    """A run that goes on, or the last one that did.

    Attributes:
        wanted: What is run.
        id: Of its result.
        asks: Whether an LLM is asked, whose answers are kept over runs.
        state: Whether it runs, or how it ended.
        what: What is counted at the moment, as the command calls it; empty until it begins.
        done, of: How many of how many.
        seconds_left: Of what is counted; None where that is not known yet.
        seconds: Since it began; how long it took once it has ended.
        problem: Why it failed; None where it did not.
    """

    wanted: Wanted
    id: str
    asks: bool = False
    state: State = "running"
    what: str = ""
    done: int = 0
    of: int = 0
    seconds_left: float | None = None
    seconds: float = 0.0
    problem: Problem | None = None

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.done / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one metric, the second run less the first, as `heartline eval compare --json` has it."""

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float


@dataclass(slots=True)
class Pace:
    """How quickly what is counted goes on, from the first piece: loading before it takes its own time."""

    what: str = ""
    since: tuple[float, int] | None = None

    def left(self, what: str, done: int, of: int, seconds: float) -> float | None:
        """Seconds that what is counted still takes; None while nothing can be said.

        Args:
            what: Is counted.
            done: How many are done.
            of: How many there are.
            seconds: Since it began.
        """
        if what != self.what:
            self.what, self.since = what, None
        if done and self.since is None:
            self.since = seconds, done
            return None
        if self.since is None or done <= self.since[1]:
            return None
        return (seconds - self.since[0]) / (done - self.since[1]) * (of - done)
