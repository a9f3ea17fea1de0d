"""`Turn`, the one object that flows: a seeker's message and everything done about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, Self

from agent.decisions import Care, Contact, Handoff, Objection, Plan, Prompt, Reply, StageFailure, Timing, Verdict
from agent.errors import TurnError
from agent.options import AS_MADE, Options
from agent.readings import (
    Affect,
    CauseReading,
    EmotionReading,
    ExpressionReading,
    FeltReading,
    RiskReading,
    SenseReading,
    StrategyReading,
    UndertoneReading,
)
from agent.safety.course import RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.second_look import Adjudication, ExemplarReading
from agent.state import EmotionalState, PersonalCalibration

__all__ = [
    "DECISION_FIELDS",
    "GIVEN_FIELDS",
    "READING_FIELDS",
    "READING_TYPES",
    "SENSES",
    "Message",
    "Role",
    "Turn",
    "new_turn",
    "without_profile",
]

Role = Literal["seeker", "supporter"]

GIVEN_FIELDS = frozenset(
    {
        "text",
        "history",
        "state_before",
        "course_before",
        "reliance_before",
        "sitting_before",
        "contact",
        "at",
        "options",
        "context_tokens",
    }
)
"""Fields that are there before any stage runs."""

READING_TYPES: Mapping[str, type[Any]] = MappingProxyType(
    {
        "emotion": EmotionReading,
        "expression": ExpressionReading,
        "affect": Affect,
        "cause": CauseReading,
        "likely_strategies": StrategyReading,
        "risk": RiskReading,
        "felt": FeltReading,
        "undertone": UndertoneReading,
        "voice": SenseReading,
        "face": SenseReading,
        "body": SenseReading,
        "exemplars": ExemplarReading,
    }
)
"""Fields that plugins may write, one plugin each, and what each holds."""

READING_FIELDS = frozenset(READING_TYPES)

SENSES = ("voice", "face", "body")
"""Readings of other senses than the words, e.g. `body` from a wearable. None of our plugins writes them."""

DECISION_FIELDS = frozenset(
    {"course", "reliance", "sitting", "care", "handoff", "state", "plan", "prompt", "reply"}
)
"""Fields that the later stages write."""

_FILLABLE = READING_FIELDS | DECISION_FIELDS
_NOTED = ((Objection, "objections"), (Verdict, "verdicts"), (StageFailure, "failures"), (Timing, "timings"))


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance of a dialogue.

    Attributes:
        role: Whose side it is of.
        text: What was said.
        strategy: Which one a supporter's followed, where that is known.
        human: A supporter's that a person of the team wrote, who had taken the conversation over.
    """

    role: Role
    text: str
    strategy: str | None = None
    human: bool = False


@dataclass(frozen=True)  # without slots, so that `altered` takes all fields over in one go
class Turn:
    """A seeker's message and everything done about it.

    Frozen: `fill` and `note` return a copy. Holds values only, never a model, a client or a
    logger, so a turn can be stored, replayed and compared.

    Attributes:
        id: Unique.
        conversation_id: Which conversation.
        index: Place in the conversation, from 0.
        text: The seeker's message, cleaned (see `agent.intake`).
        history: What was said before, oldest first; may be cut to the newest part.
        state_before: The emotional state after the turn before, or None at the start.
        course_before: The record of risk after the turn before, or None at the start.
        reliance_before: How much they leaned on the conversation after the turn before, or None at the start.
        sitting_before: The sitting after the turn before, or None at the start.
        contact: What people have to do with the conversation; None where nothing was recalled.
        at: When the message came, in seconds since 1970; None where nobody said.
        options: What the request asked for.
        context_tokens: Tokens that the LLM can hold, prompt and reply together; None where nobody knows.
        emotion, expression, affect, cause, likely_strategies, risk, felt, undertone: Readings, one plugin each.
            None means: not read. It never means "nothing there".
        voice, face, body: What other senses show; None unless a plugin of somebody else reads them.
        exemplars: What other people wrote in a like mood; None unless a plugin looks for it.
        adjudication: The LLM's second look at `emotion`; None where nobody looked again.
        course: The record of risk, filled by the guard.
        reliance: How much they lean on the conversation, filled by the guard.
        sitting: The sitting that it belongs to: filled with the recall, and by the guard where notices are given.
        notices: What has to be said beside the reply, e.g. that this is an AI, in the words of the policy.
        care: What is done about it, filled by the guard; None where nothing needs to be.
        handoff: Filled by the guard where a person is to be told.
        state: Filled by the tracker.
        plan: Filled by the planner.
        prompt: Filled by the composer.
        reply: Filled by the generator.
        objections: What verifier and guard said against drafts, in order. The first draft that the verifier spoke
            against was dropped; a second one was sent all the same, ended early (`Reply.finish_reason` is
            `"cut"`), or left to the fallback.
        verdicts: What guards said, in order.
        failures: Parts that failed or were skipped.
        timings: How long each stage took.
    """

    id: str
    conversation_id: str
    index: int
    text: str
    history: tuple[Message, ...] = ()
    state_before: EmotionalState | None = None
    course_before: RiskCourse | None = None
    reliance_before: Reliance | None = None
    sitting_before: Sitting | None = None
    contact: Contact | None = None
    at: float | None = None
    options: Options = AS_MADE
    context_tokens: int | None = None
    emotion: EmotionReading | None = None
    expression: ExpressionReading | None = None
    affect: Affect | None = None
    cause: CauseReading | None = None
    likely_strategies: StrategyReading | None = None
    risk: RiskReading | None = None
    felt: FeltReading | None = None
    undertone: UndertoneReading | None = None
    voice: SenseReading | None = None
    face: SenseReading | None = None
    body: SenseReading | None = None
    exemplars: ExemplarReading | None = None
    adjudication: Adjudication | None = None
    course: RiskCourse | None = None
    reliance: Reliance | None = None
    sitting: Sitting | None = None
    notices: tuple[str, ...] = ()
    care: Care | None = None
    handoff: Handoff | None = None
    state: EmotionalState | None = None
    plan: Plan | None = None
    prompt: Prompt | None = None
    reply: Reply | None = None
    objections: tuple[Objection, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    failures: tuple[StageFailure, ...] = ()
    timings: tuple[Timing, ...] = ()

    def fill(self, **values: Any) -> Self:
        """A copy with the named fields filled.

        Raises:
            TurnError: A field is unknown, is not filled by a stage, or is filled already.
        """
        for name in values:
            if name not in _FILLABLE:
                choices = ", ".join(sorted(_FILLABLE))
                raise TurnError(f"`{name}` cannot be filled. Stages fill: {choices}.")
            if getattr(self, name) is not None:
                raise TurnError(f"`{name}` of turn {self.id!r} is filled already; a field is filled once.")
        return self.altered(**values)

    def altered(self, **values: Any) -> Self:
        """A copy with other values in the named fields, whatever stood there: what `dataclasses.replace` gives.

        A turn is copied some thirty times on its way, and `replace` looks at each of its forty fields by itself:
        10 microseconds a copy, not 2.

        Raises:
            TurnError: There is no such field.
        """
        if unknown := values.keys() - vars(self).keys():
            raise TurnError(f"A turn has no field {', '.join(map(repr, sorted(unknown)))}.")
        copy = object.__new__(type(self))
        vars(copy).update(vars(self), **values)
        return copy

    def adjudicated(self, adjudication: Adjudication) -> Self:
        """A copy with the LLM's second look, whose `after` takes the place of the small model's `emotion`.

        Raises:
            TurnError: Somebody looked again already.
        """
        if self.adjudication is not None:
            raise TurnError(f"The emotion of turn {self.id!r} is adjudicated already; that happens once.")
        return self.altered(emotion=adjudication.after, adjudication=adjudication)

    def note(self, *items: Objection | Verdict | StageFailure | Timing) -> Self:
        """A copy with the items appended to `objections`, `verdicts`, `failures` or `timings`."""
        noted: dict[str, tuple[object, ...]] = {}
        for item in items:
            for kind, name in _NOTED:
                if isinstance(item, kind):
                    noted[name] = (*noted.get(name, getattr(self, name)), item)
        return self.altered(**noted)

    @property
    def escalated(self) -> bool:
        """Whether a guard asked for the careful reply."""
        return any(verdict.action == "escalate" for verdict in self.verdicts)

    @property
    def dialogue(self) -> tuple[Message, ...]:
        """`history` and this turn's message, so that span indices have one meaning."""
        return (*self.history, Message("seeker", self.text))

    def said_by(self, role: Role) -> tuple[str, ...]:
        """What one side said in `history`, oldest first."""
        return tuple(message.text for message in self.history if message.role == role)


def new_turn(text: str, *, conversation_id: str = "", index: int = 0, history: tuple[Message, ...] = ()) -> Turn:
    """A turn with a fresh id and nothing filled. `text` is cleaned already (`agent.intake.clean`)."""
    return Turn(uuid.uuid4().hex, conversation_id, index, text, history)


def without_profile(turn: Turn) -> Turn:
    """A copy whose states hold nothing of what was learned about how the person is to be read."""
    after, before = (
        None if state is None else replace(state, personal=PersonalCalibration())
        for state in (turn.state, turn.state_before)
    )
    return turn.altered(state=after, state_before=before)
