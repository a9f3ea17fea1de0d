"""How a person's emotions went over a conversation: the form that is shown, drawn and written.

What a turn lacks stays None: not read is not zero. Words of the people are in it only where they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.readings import Affect
from agent.state import EmotionalState, Shift
from agent.turn import Turn
from strategies.taxonomy import esconv, strategy_id

__all__ = ["FORMAT", "Ids", "Step", "Trajectory", "as_json", "steps_of", "stored", "strategy_name", "strategy_of"]

FORMAT = 1
"""Version of the JSON form (docs/trace.md). A key may be added without a new one."""

Ids = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the seeker, and where it left them.

    Attributes:
        turn: With its readings.
        state: After the turn; None where nobody tracked.
        before: Strategy of what the supporter had said just before; None where there was none or nobody says.
        shift: A marked change that this turn brought, or None. Its `after` is `before` where the
            tracker says none.
        planned: Strategies that a planner chose for the answer; None where nobody planned.
        followed: Strategies that the answer followed; empty where there was no answer, or a careful one,
            which follows none; None where nobody says.
        careful: Whether a guard asked for the careful reply.
    """

    turn: Turn
    state: EmotionalState | None
    before: str | None
    shift: Shift | None
    planned: Ids | None
    followed: Ids | None
    careful: bool

    @property
    def affect(self) -> Affect | None:
        """Valence, arousal and dominance; None as long as nothing was ever read."""
        return self.state.affect if self.state is not None and self.state.confidence > 0 else None

    @property
    def emotions(self) -> tuple[str, str, Mapping[str, float]]:
        """Whose distribution (`"state"`, or `"message"` where the tracker keeps none), its label set, itself."""
        if self.state is not None and self.state.emotions:
            return "state", self.state.label_set, self.state.emotions
        if self.turn.emotion is not None:
            return "message", self.turn.emotion.label_set, self.turn.emotion.probabilities
        return "", "", {}

    @property
    def top(self) -> tuple[str, float] | None:
        """The likeliest emotion with its probability."""
        return max(self.emotions[2].items(), key=lambda pair: pair[1], default=None)

    @property
    def deviation(self) -> tuple[float, float, float] | None:
        """Standard deviations of valence, arousal and dominance."""
        spread = None if self.state is None or self.affect is None else self.state.spread
        return None if spread is None else (float(spread[0]), float(spread[1]), float(spread[2]))

    @property
    def unread(self) -> bool:
        """Whether the message could not be taken in."""
        return any(failure.stage == "intake" for failure in self.turn.failures)

    @property
    def risk(self) -> str | None:
        """The level that was read."""
        return None if self.turn.risk is None else self.turn.risk.level


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A whole conversation.

    Attributes:
        id: Of the conversation.
        steps: One per message of the seeker, in order.
        opening: Strategies of the supporter before the seeker's first message; None where nobody says.
        place: Line and ids, where it came from a file.
        notes: What was mended on the way in.
    """

    id: str
    steps: tuple[Step, ...]
    opening: Ids | None = ()
    place: Mapping[str, Any] | None = None
    notes: Ids = ()


def stored(conversation_id: str, turns: Sequence[Turn]) -> Trajectory:
    """The trajectory of a conversation as a store has it."""
    followed: list[Ids | None] = []
    for turn in turns:
        if turn.reply is None or turn.escalated:
            followed.append(())
        else:
            followed.append(_planned(turn))
    return Trajectory(conversation_id, steps_of(turns, followed))


def newest(trajectory: Trajectory, most: int) -> Trajectory:
    """Its last `most` steps, from 1; the strategies before them are its `opening`."""
    left_out = trajectory.steps[:-most]
    if not left_out:
        return trajectory
    return replace(trajectory, steps=trajectory.steps[-most:], opening=left_out[-1].followed)


def steps_of(turns: Sequence[Turn], followed: Sequence[Ids | None], opening: Ids | None = ()) -> tuple[Step, ...]:
    """Steps of turns that were read and tracked.

    Args:
        turns: In order, from the first.
        followed: Strategies of the answer to each turn (see `Step`).
        opening: Strategies of the supporter before the first turn.
    """
    steps: list[Step] = []
    last: Shift | None = None
    said = opening
    for turn, answer in zip(turns, followed, strict=True):
        shift = turn.state.last_shift if turn.state is not None else None
        # Not by the turn's number: the store may have moved that up after the tracker saw it.
        new = shift if shift != last else None
        before = said[-1] if said else None
        if new is not None:
            new = replace(new, after=before if new.after is None else strategy_of(new.after))
        last = shift if turn.state is not None else last
        steps.append(Step(turn, turn.state, before, new, _planned(turn), answer, turn.escalated))
        if answer != () or turn.escalated:  # a person who writes twice has still heard the same
            said = answer
    return tuple(steps)


def _planned(turn: Turn) -> Ids | None:
    return None if turn.plan is None else tuple(strategy.id for strategy in (turn.plan.chosen, *turn.plan.then))


def strategy_of(named: str) -> str:
    """The id where it is one of ESConv's strategies, however it is spelled; else what is given."""
    return strategy_id(esconv(), named) or named


def strategy_name(strategy: str) -> str:
    """For people: the name of ESConv's strategies, others with spaces."""
    names = {each.id: each.name for each in esconv().strategies}
    return names.get(strategy, strategy.replace("_", " "))


def as_json(trajectory: Trajectory, *, texts: bool = False) -> dict[str, Any]:
    """The whole trajectory, ready for JSON (docs/trace.md).

    Args:
        trajectory: Any.
        texts: Whether messages and the words of causes are in it.
    """
    out: dict[str, Any] = {"format": FORMAT, "kind": "trajectory"}
    out |= trajectory.place or {}
    if trajectory.place is None:
        out["conversation"] = trajectory.id
    if trajectory.notes:
        out["notes"] = list(trajectory.notes)
    out["opening"] = _list(trajectory.opening)
    out["turns"] = [_step(step, texts=texts) for step in trajectory.steps]
    return out


def _step(step: Step, *, texts: bool) -> dict[str, Any]:
    state, (of, label_set, emotions), top = step.state, step.emotions, step.top
    out: dict[str, Any] = {"index": step.turn.index, "at": _number(step.turn.at)}
    if texts:
        out["text"] = step.turn.text
    return out | {
        "emotion": None if top is None else {"label": top[0], "probability": _number(top[1])},
        "emotions": {"of": of, "label_set": label_set, "probabilities": _distribution(emotions)} if of else None,
        "affect": _affect(step.affect),
        "deviation": None if step.deviation is None else _point(step.deviation),
        "covariance": None
        if state is None or state.covariance is None or step.affect is None
        else [[_number(value, 6) for value in row] for row in state.covariance],
        "confidence": None if state is None else _number(state.confidence),
        "trend": None if state is None or step.affect is None else _number(state.trend),
        "turns_since_shift": None if state is None else state.turns_since_shift,
        "shift": None if step.shift is None else _shift(step.shift, texts=texts),
        "strategy": {"planned": _list(step.planned), "followed": _list(step.followed), "careful": step.careful},
        "expected": _distribution(state.expected) if state is not None and state.expected else None,
        "own": None
        if state is None or state.own is None
        else {**(_affect(state.own.affect) or {}), "emotion": state.own.emotion, "persona": state.own.persona},
        "risk": step.risk,
        "failures": [f"{each.stage}/{each.part}: {each.message or each.error}" for each in step.turn.failures],
    }


def _shift(shift: Shift, *, texts: bool) -> dict[str, Any]:
    cause = shift.cause
    out: dict[str, Any] = {"direction": shift.direction, "size": _number(shift.size), "after": shift.after}
    if cause is None:
        return out | {"cause": None}
    place = {"utterance": cause.utterance, "start": cause.start, "end": cause.end, "score": _number(cause.score)}
    return out | {"cause": place | ({"text": cause.text} if texts else {})}


def _affect(affect: Affect | None) -> dict[str, float | None] | None:
    if affect is None:
        return None
    return _point(affect.point.tolist()) | {"intensity": _number(affect.intensity)}


def _point(values: Sequence[float]) -> dict[str, float | None]:
    return dict(zip(("valence", "arousal", "dominance"), map(_number, values), strict=True))


def _distribution(values: Mapping[str, float]) -> dict[str, float | None]:
    """The likeliest first."""
    return {label: _number(p) for label, p in sorted(values.items(), key=lambda pair: -pair[1])}


def _list(values: Ids | None) -> list[str] | None:
    return None if values is None else list(values)


def _number(value: float | None, places: int = 4) -> float | None:
    """JSON has no number that is not finite; such a one is not known."""
    return None if value is None or not math.isfinite(value) else round(float(value), places)
