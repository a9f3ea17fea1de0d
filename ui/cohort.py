"""Many conversations seen together, without a word or an id of any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ui.dialogues import Dialogue
from ui.trajectories import FORMAT, Trajectory

__all__ = ["POSITIONS", "After", "Cohort", "Mixture", "Position", "cohort_json", "cohort_of"]

Values = NDArray[np.float64]

POSITIONS = 21
"""Places in a conversation, from 0 (its first message) to 1 (its last), at equal distances."""


@dataclass(frozen=True, slots=True)
class Position:
    """Valence at a place in the conversation.

    Attributes:
        place: In [0, 1].
        mean: Over conversations.
        low: 10% of them lie below.
        high: 10% of them lie above.
        n: Conversations that are known there.
    """

    place: float
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class After:
    """What came after a strategy.

    Attributes:
        strategy: Id; None where nobody says, or nothing was said.
        said: Messages of seekers that came after it, shifts or not.
        better: Those with a shift for the better.
        worse: Those with one for the worse.
    """

    strategy: str | None
    said: int
    better: int
    worse: int


@dataclass(frozen=True, slots=True)
class Mixture:
    """Emotions at a place in the conversation.

    Attributes:
        place: In [0, 1].
        emotions: Mean distribution over conversations.
        n: Conversations that are known there.
    """

    place: float
    emotions: dict[str, float]
    n: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """What conversations have in common.

    Attributes:
        conversations: How many went in.
        turns: Messages of seekers in them.
        left_out: Lines that could not be read.
        unread: Messages of the others that could not be taken in.
        positions: Valence over the place in the conversation; empty where none has two known turns.
        changes: Valence of the first and the last known turn of each conversation that has two.
        shifts: After which strategies shifts came; the commonest strategy first.
        transitions: Likeliest emotion of a turn and of the next one, to how often.
        label_sets: Of these emotions.
        emotions: Mean distribution at the same places, of the label set that most have; a message counts for the
            places that lie nearest to it. Empty where no emotion was read.
        label_set: Of that distribution.
        strategies: How many answers followed each; the commonest first.
    """

    conversations: int
    turns: int
    left_out: int
    unread: int
    positions: tuple[Position, ...]
    changes: tuple[tuple[float, float], ...]
    shifts: tuple[After, ...]
    transitions: dict[tuple[str, str], int]
    label_sets: tuple[str, ...]
    emotions: tuple[Mixture, ...]
    label_set: str
    strategies: dict[str, int]


def cohort_of(found: Iterable[Trajectory | Dialogue]) -> Cohort:
    """What conversations have in common. Each is looked at once and let go."""
    conversations = turns = left_out = unread = 0
    courses: list[Values] = []
    changes: list[tuple[float, float]] = []
    said: Counter[str | None] = Counter()
    shifts: Counter[tuple[str | None, str]] = Counter()
    transitions: Counter[tuple[str, str]] = Counter()
    label_sets: set[str] = set()
    shares: Counter[tuple[str, int, str]] = Counter()
    known: Counter[tuple[str, int]] = Counter()
    used: Counter[str] = Counter()
    for trajectory in found:
        if isinstance(trajectory, Dialogue):
            left_out += 1
            continue
        conversations += 1
        turns += len(trajectory.steps)
        unread += sum(step.unread for step in trajectory.steps)
        course = _course(trajectory)
        if course is not None:
            courses.append(course[0])
            changes.append(course[1])
        said.update(step.before for step in trajectory.steps)
        shifts.update((s.shift.after, s.shift.direction) for s in trajectory.steps if s.shift is not None)
        tops = [step.top for step in trajectory.steps]
        transitions.update((a[0], b[0]) for a, b in pairwise(tops) if a and b)
        for of, at, emotions in _mixture(trajectory):
            known[of, at] += 1
            shares.update({(of, at, label): p for label, p in emotions.items()})
        used.update(name for step in trajectory.steps for name in step.followed or ())
        label_sets |= {step.emotions[1] for step in trajectory.steps if step.top}
    names = dict.fromkeys([*said, *(name for name, _ in shifts)])  # a tracker may name one that was not seen
    most = max(label_sets, key=lambda of: sum(n for (one, _), n in known.items() if one == of), default="")
    after = {name: After(name, said[name], shifts[name, "better"], shifts[name, "worse"]) for name in names}
    return Cohort(
        conversations,
        turns,
        left_out,
        unread,
        _positions(courses),
        tuple(changes),
        tuple(sorted(after.values(), key=lambda one: (one.strategy is None, -one.said))),
        dict(transitions.most_common()),
        tuple(sorted(label_sets)),
        tuple(
            Mixture(
                at / (POSITIONS - 1),
                {label: p / n for (of, where, label), p in shares.items() if (of, where) == (most, at)},
                n,
            )
            for at in range(POSITIONS)
            if (n := known[most, at])
        ),
        most,
        dict(used.most_common()),
    )


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """The cohort, ready for JSON (docs/trace.md)."""
    return {
        "format": FORMAT,
        "kind": "cohort",
        "conversations": cohort.conversations,
        "turns": cohort.turns,
        "left_out": cohort.left_out,
        "unread": cohort.unread,
        "label_sets": list(cohort.label_sets),
        "valence": [
            {"position": round(p.place, 4), "mean": round(p.mean, 4), "low": round(p.low, 4)}
            | {"high": round(p.high, 4), "n": p.n}
            for p in cohort.positions
        ],
        "changes": [
            {"start": round(start, 4), "end": round(end, 4), "change": round(end - start, 4)}
            for start, end in cohort.changes
        ],
        "shifts": [
            {"after": one.strategy, "messages": one.said, "better": one.better, "worse": one.worse}
            for one in cohort.shifts
        ],
        "transitions": [{"from": a, "to": b, "n": n} for (a, b), n in cohort.transitions.items()],
        "emotions": [
            {"position": round(one.place, 4), "n": one.n}
            | {
                "probabilities": {
                    label: round(p, 4) for label, p in sorted(one.emotions.items(), key=lambda x: -x[1])
                }
            }
            for one in cohort.emotions
        ],
        "label_set": cohort.label_set,
        "strategies": cohort.strategies,
    }


def _course(trajectory: Trajectory) -> tuple[Values, tuple[float, float]] | None:
    """Valence at each position, (21,), NaN where nothing is known yet or any more; first and last."""
    points = ((place, step.affect) for place, step in enumerate(trajectory.steps))
    known = [(place, affect.valence) for place, affect in points if affect is not None]
    if len(known) < 2:  # noqa: PLR2004 - one point is no course
        return None
    places, values = np.array(known).T
    at = np.linspace(0, len(trajectory.steps) - 1, POSITIONS)
    return np.interp(at, places, values, left=np.nan, right=np.nan), (known[0][1], known[-1][1])


def _mixture(trajectory: Trajectory) -> Iterator[tuple[str, int, Mapping[str, float]]]:
    """Label set, position and distribution, at each position whose nearest message has one."""
    last = len(trajectory.steps) - 1
    for at in range(POSITIONS) if last >= 0 else ():
        _, label_set, emotions = trajectory.steps[round(at / (POSITIONS - 1) * last)].emotions
        if emotions:
            yield label_set, at, emotions


def _positions(courses: Sequence[Values]) -> tuple[Position, ...]:
    if not courses:
        return ()
    rows = np.vstack(courses)
    found = []
    for number, place in enumerate(np.linspace(0, 1, POSITIONS)):
        values = rows[:, number][~np.isnan(rows[:, number])]
        if len(values):
            low, high = np.percentile(values, (10, 90))
            found.append(Position(float(place), float(values.mean()), float(low), float(high), len(values)))
    return tuple(found)
