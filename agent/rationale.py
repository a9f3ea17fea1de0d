"""What the agent understood, in three steps: what it noticed, how it took that, and what it drew from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agent.turn import Turn

__all__ = ["Conclusion", "Interpretation", "Noticed", "Observation", "Rationale", "rationale_of"]

Noticed = Literal["cause", "undertone", "risk"]

_LIKELY = 0.05  # emotions below it are not told


@dataclass(frozen=True, slots=True)
class Observation:
    """Words that something was seen in.

    Attributes:
        kind: What was seen.
        utterance: Index into `Turn.dialogue`.
        start, end: The words, as characters of that message, the end one past the last.
        text: The words themselves.
        probability: That they are what `kind` says; None where nobody tells.
    """

    kind: Noticed
    utterance: int
    start: int
    end: int
    text: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How the observations were taken.

    Attributes:
        emotions: The likeliest, with their probabilities; empty where none was read.
        primary: The set that holds the true one as often as its reader promises.
        certainty: Of the emotion, in [0, 1]; None where none was read.
        read_by: Who settled the emotion: `"sem"`, `"llm"` or `"both"`; empty where none was read.
        cause: The likeliest cause, in the person's words; None where nobody can tell.
        caveat: Why it deserves less trust.
    """

    emotions: tuple[tuple[str, float], ...] = ()
    primary: tuple[str, ...] = ()
    certainty: float | None = None
    read_by: Literal["", "sem", "llm", "both"] = ""
    cause: str | None = None
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was drawn from the interpretation.

    Attributes:
        strategies: Ids, in the order in which the reply follows them; empty where the reply follows no plan.
        reason: Why, without any of the person's words.
        tone: The emotion that the agent itself answers in; None where it follows none.
        careful: The careful reply was asked for instead of the plan.
    """

    strategies: tuple[str, ...] = ()
    reason: str = ""
    tone: str | None = None
    careful: bool = False


@dataclass(frozen=True, slots=True)
class Rationale:
    """The three steps. Each can be judged apart from the others: a right label may rest on the wrong words."""

    observations: tuple[Observation, ...]
    interpretation: Interpretation
    conclusion: Conclusion


def rationale_of(turn: Turn) -> Rationale:
    """The rationale of a turn, as far as it came: what was not read is left out."""
    return Rationale(tuple(_observations(turn)), _interpretation(turn), _conclusion(turn))


def _observations(turn: Turn) -> Iterator[Observation]:
    here = len(turn.history)
    if turn.cause is not None:
        for span in turn.cause.spans:
            yield Observation("cause", span.utterance, span.start, span.end, span.text, span.score)
    if turn.undertone is not None:
        surest = max(turn.undertone.masked, turn.undertone.ambivalent)
        for start, end in turn.undertone.evidence:
            yield Observation("undertone", here, start, end, turn.text[start:end], surest)
    if turn.risk is not None and turn.risk.level != "none":
        for start, end in turn.risk.evidence:
            yield Observation("risk", here, start, end, turn.text[start:end])


def _interpretation(turn: Turn) -> Interpretation:
    spans = turn.cause.spans if turn.cause is not None else ()
    cause = max(spans, key=lambda span: span.score).text if spans else None
    if turn.emotion is None:
        return Interpretation(cause=cause)
    likely = tuple((label, p) for label, p in turn.emotion.top(3) if p >= _LIKELY)
    return Interpretation(
        emotions=likely,
        primary=turn.emotion.primary,
        certainty=turn.emotion.certainty,
        read_by="sem" if turn.adjudication is None else turn.adjudication.won,
        cause=cause,
        caveat=turn.emotion.caveat,
    )


def _conclusion(turn: Turn) -> Conclusion:
    own = turn.state.own.emotion if turn.state is not None and turn.state.own is not None else None
    if turn.escalated:
        reasons = [
            reason for verdict in turn.verdicts if verdict.action == "escalate" for reason in verdict.reasons
        ]
        return Conclusion(reason="; ".join(reasons), careful=True)
    if turn.plan is None:
        return Conclusion(tone=own)
    planned = (turn.plan.chosen, *turn.plan.then)
    return Conclusion(tuple(strategy.id for strategy in planned), turn.plan.reason, own)
