"""Back from the JSON that `heartline trace` and `heartline analyze --conversations` write (docs/trace.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.decisions import StageFailure
from agent.errors import InputError, ReadingError
from agent.readings import Affect, CausalSpan, EmotionReading, RiskLevel, RiskReading
from agent.state import EmotionalState, OwnAffect, Shift
from agent.turn import Turn
from ui.trajectories import FORMAT, Ids, Step, Trajectory

__all__ = ["MalformedError", "named", "trajectory_of"]

Unit = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Place = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Distribution = Mapping[str, Share]

_ROUNDED_AWAY = 1e-6  # a confidence that is not 0, and was written as 0


class MalformedError(InputError):
    """A field does not hold what it should.

    Attributes:
        path: Keys and places that lead to it, from the whole.
    """

    def __init__(self, path: tuple[str | int, ...], why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"`{named(path)}`: {why}.")


def named(path: tuple[str | int, ...]) -> str:
    """E.g. `turns[3].affect.valence`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".") or "the whole"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Affect(_Part):
    valence: Unit | None
    arousal: Unit | None
    dominance: Unit | None

    @property
    def known(self) -> Affect | None:
        if self.valence is None or self.arousal is None or self.dominance is None:
            return None
        return Affect(self.valence, self.arousal, self.dominance)


class _Own(_Affect):
    emotion: str
    persona: str


class _Emotions(_Part):
    of: Literal["state", "message"]
    label_set: str
    probabilities: Distribution

    @property
    def exact(self) -> dict[str, float]:
        """Summing to 1 again: what is written was rounded."""
        total = sum(self.probabilities.values())
        return {label: p / total for label, p in self.probabilities.items()} if total else {}


class _Cause(_Part):
    utterance: Place
    start: Place
    end: Place
    score: Share | None
    text: str = ""


class _Shift(_Part):
    direction: Literal["better", "worse"]
    size: Number
    after: str | None
    cause: _Cause | None


class _Strategy(_Part):
    planned: list[str] | None
    followed: list[str] | None
    careful: bool


class _Turn(_Part):
    index: Place
    at: Number | None = None
    text: str = ""
    emotions: _Emotions | None
    affect: _Affect | None
    covariance: Annotated[list[list[Number | None]], Field(max_length=3)] | None = None
    confidence: Share | None
    trend: Number | None = None
    turns_since_shift: Place | None = None
    shift: _Shift | None
    strategy: _Strategy
    expected: Distribution | None = None
    own: _Own | None = None
    risk: RiskLevel | None
    failures: list[str] = []


class _Trajectory(_Part):
    format: int
    kind: Literal["trajectory"]
    opening: list[str] | None
    turns: list[_Turn]
    conversation: str = ""
    dialogue_id: str | int = ""
    id: str | int = ""
    notes: list[str] = []


def trajectory_of(row: Mapping[str, Any]) -> Trajectory:
    """The trajectory that was written. What JSON rounded stays rounded; words are in it where they were written.

    Args:
        row: As `ui.trajectories.as_json` gives it, or as JSON gave it back.

    Raises:
        MalformedError: A field is missing or of another kind. No value is in the error: it may be a person's.
    """
    try:
        found = _Trajectory.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise MalformedError(first["loc"], _why(first["type"], first["msg"])) from None
    if found.format != FORMAT:
        raise MalformedError(("format",), f"it is {found.format}, and this version reads {FORMAT}")
    name = str(found.conversation or found.dialogue_id or found.id)
    said: Ids | None = _ids(found.opening)
    steps: list[Step] = []
    for place, each in enumerate(found.turns):
        followed = _ids(each.strategy.followed)
        try:
            turn = _turn(each, name, place)
            shift = None if each.shift is None else _shift(each.shift, each.index)
        except ReadingError:  # without what it says: it may quote the person
            raise MalformedError(("turns", place), "its parts do not fit together") from None
        before = said[-1] if said else None
        planned, careful = _ids(each.strategy.planned), each.strategy.careful
        steps.append(Step(turn, turn.state, before, shift, planned, followed, careful))
        if followed != () or careful:  # as `steps_of` has it: who writes twice has still heard the same
            said = followed
    return Trajectory(name, tuple(steps), _ids(found.opening), notes=tuple(found.notes))


def _why(kind: str, told: str) -> str:
    return "it is missing" if kind == "missing" else told[:1].lower() + told[1:]


def _ids(values: list[str] | None) -> Ids | None:
    return None if values is None else tuple(values)


def _turn(each: _Turn, name: str, place: int) -> Turn:
    emotions = each.emotions
    reading = None
    if emotions is not None and emotions.of == "message" and emotions.exact:
        reading = EmotionReading(emotions.label_set, emotions.exact)
    return Turn(
        id=str(place),
        conversation_id=name,
        index=each.index,
        text=each.text,
        at=each.at,
        emotion=reading,
        risk=None if each.risk is None else RiskReading(each.risk),
        state=_state(each),
        failures=tuple(map(_failure, each.failures)),
    )


def _state(each: _Turn) -> EmotionalState | None:
    if each.confidence is None:
        return None
    affect = None if each.affect is None else each.affect.known
    of_state = each.emotions is not None and each.emotions.of == "state"
    fields: dict[str, Any] = {
        "affect": affect or Affect(0.0, 0.0, 0.0),
        "turns": each.index + 1,
        "trend": each.trend or 0.0,
        "last_shift": None if each.shift is None else _shift(each.shift, each.index),
        "turns_since_shift": each.turns_since_shift or 0,
        "confidence": (each.confidence or _ROUNDED_AWAY) if affect is not None else 0.0,
        "label_set": each.emotions.label_set if each.emotions is not None and of_state else "",
        "emotions": each.emotions.exact if each.emotions is not None and of_state else {},
        "expected": _summed(each.expected or {}),
        "own": _own(each.own),
    }
    if each.covariance is not None:
        try:
            return EmotionalState(**fields, covariance=tuple(map(tuple, each.covariance)))  # type: ignore[arg-type]
        except ReadingError:
            pass  # rounding made a tiny one unsound: then nobody says how sure it is
    return EmotionalState(**fields)


def _own(own: _Own | None) -> OwnAffect | None:
    return None if own is None or own.known is None else OwnAffect(own.known, own.emotion, own.persona)


def _summed(values: Distribution) -> dict[str, float]:
    total = sum(values.values())
    return {label: p / total for label, p in values.items()} if total else {}


def _shift(shift: _Shift, index: int) -> Shift:
    cause, span = shift.cause, None
    if cause is not None and cause.text:  # without its words there is nothing to show
        span = CausalSpan(cause.utterance, cause.start, cause.end, cause.text, cause.score or 0.0)
    return Shift(index, shift.direction, shift.size, span, shift.after)


def _failure(told: str) -> StageFailure:
    """As `as_json` writes it: stage, part, and what it said."""
    stage, _, rest = told.partition("/")
    part, _, message = rest.partition(": ")
    return StageFailure(stage, part, message, message)
