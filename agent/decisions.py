"""What the stages after tracking decide: plan, prompt, reply, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent.errors import ReadingError

__all__ = [
    "Blocked",
    "Care",
    "Contact",
    "Ground",
    "Handoff",
    "HandoffReason",
    "Objection",
    "Plan",
    "Prompt",
    "PromptMessage",
    "RankedStrategy",
    "Reply",
    "Stage",
    "StageFailure",
    "Strategy",
    "Taxonomy",
    "Timing",
    "TokenUsage",
    "Verdict",
]

Stage = Literal["exploration", "comforting", "action"]
"""The three stages of a support conversation that ESConv takes from Hill's helping skills."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of supporting.

    Attributes:
        id: Stable id, e.g. `"reflection"`.
        name: As spelled in the data set.
        definition: What a supporter does who uses it.
        avoid: What not to do under its name.
        example: A sentence written for this project.
        stages: How well it fits each stage, 0 (not at all) to 1.
    """

    id: str
    name: str
    definition: str
    avoid: str
    example: str
    stages: Mapping[Stage, float]


@dataclass(frozen=True)
class Taxonomy:
    """A closed list of strategies."""

    id: str
    strategies: tuple[Strategy, ...]

    def __getitem__(self, strategy_id: str) -> Strategy:
        for strategy in self.strategies:
            if strategy.id == strategy_id:
                return strategy
        choices = ", ".join(strategy.id for strategy in self.strategies)
        raise ReadingError(f"No strategy {strategy_id!r} in taxonomy `{self.id}`. It holds: {choices}.")


@dataclass(frozen=True, slots=True)
class RankedStrategy:
    """A strategy id with the probability that it is the one to use now."""

    strategy: str
    probability: float


@dataclass(frozen=True, slots=True)
class Ground:
    """One of the things that a plan rests on, for whoever says it in words of their own, e.g. in another language.

    Attributes:
        id: What it is, as the planner calls it, e.g. `"asks_advice"`.
        strategies: Ids of the strategies that it speaks of, in its order.
    """

    id: str
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the supporter will do.

    Attributes:
        taxonomy: Id of the taxonomy.
        ranked: Every strategy, likeliest first; probabilities sum to 1.
        chosen: The strategy to follow.
        stage: Where in the conversation the planner sees itself.
        reason: Why, in one sentence, without any of the person's words.
        planner: Who planned.
        then: What follows the chosen strategy in the same reply, in order; mostly nothing.
        stands_in: Why somebody else planned in the planner's place; empty where nobody did.
        by_request: The request named the chosen strategy; `ranked` is the planner's all the same.
        grounds: What `reason` rests on, in its order; empty where the planner gives the sentence alone.
    """

    taxonomy: str
    ranked: tuple[RankedStrategy, ...]
    chosen: Strategy
    stage: Stage
    reason: str
    planner: str
    then: tuple[Strategy, ...] = ()
    stands_in: str = ""
    by_request: bool = False
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message to the LLM. Text of the person appears in `user` messages only."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the LLM is given.

    Attributes:
        messages: In order.
        template: Id of the template.
        sha256: Of the template files, so that a result can name the prompt it measured.
        dropped: Messages of history that did not fit the budget.
    """

    messages: tuple[PromptMessage, ...]
    template: str
    sha256: str
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens as the server counted them."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to the person.

    Attributes:
        text: Never empty.
        speaker: Who spoke: the name of the LLM, or `"offline"`.
        finish_reason: `"stop"`, `"length"`, `"interrupted"` (whoever listened stopped it), `"cut"` (verifier or
            guard had something against what followed), or whatever the server said.
        usage: Token counts; None where nobody counted.
        stood_in_for: Set by the loop when the fallback answered: the generator that failed.
    """

    text: str
    speaker: str
    finish_reason: str = "stop"
    usage: TokenUsage | None = None
    stood_in_for: str | None = None


@dataclass(frozen=True, slots=True)
class Objection:
    """What a verifier or the guard has against a draft.

    Attributes:
        check: Which check found it, e.g. `"plan"`, `"worse"`, `"safety"`; or `"guard: "` and its category.
        feedback: What the next draft should do otherwise; a fixed phrase, no text of the person or the LLM.
    """

    check: str
    feedback: str

    @property
    def blocked(self) -> str:
        """The category of the sentence that the guard held back; empty where a verifier objects."""
        return self.check.partition("guard: ")[2]


@dataclass(frozen=True, slots=True)
class Care:
    """What is done for somebody who is, was or may be in danger. Decided before anything is said.

    Attributes:
        protocol: Id of the protocol.
        acts: What the reply does, in order, e.g. `"acknowledge"`, `"lines"`, `"ask.plan"`.
        words: Sentences of the protocol: all of the reply where the turn is escalated, else its end; may be empty.
        note: For the LLM; a fixed sentence, or empty.
    """

    protocol: str
    acts: tuple[str, ...] = ()
    words: str = ""
    note: str = ""


HandoffReason = Literal["ideation", "plan", "acute", "asked"]
"""The step that the record of risk rose to, or that the person asked for somebody."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """A packet for a person is to be queued together with the turn.

    Attributes:
        reason: Why.
        consent: Whether the person agreed; None where they were not asked.
    """

    reason: HandoffReason
    consent: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """What people have to do with a conversation, before its next turn.

    Attributes:
        held_by: Who has taken it over; None where nobody has.
        untold: Whoever talks was not told yet that it was taken over, or given back.
        handoff: What became of the newest packet: `"queued"`, `"sent"`, `"failed"`, or None where none was queued.
    """

    held_by: str | None = None
    untold: bool = False
    handoff: Literal["queued", "sent", "failed"] | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A sentence that a guard holds back.

    Attributes:
        category: What it would have been, e.g. `"method"`.
        instead: What is said in its place; a fixed phrase. Empty: the reply ends there.
    """

    category: str
    instead: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard says.

    Attributes:
        action: `"allow"`; `"steer"`: the generator speaks, with `Turn.care` to hold to; or `"escalate"`: no free
            generation, the careful reply instead.
        guard: Who said it.
        reasons: Why; no text of the person.
    """

    action: Literal["allow", "steer", "escalate"]
    guard: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageFailure:
    """A part that failed or was skipped, and did not end the turn.

    Attributes:
        stage: E.g. `"perceive"`.
        part: Name of the plugin, planner, generator or store.
        error: Class of the error.
        message: What it said; our own errors only carry no text of the person, so the message
            of a stranger's exception is left out.
    """

    stage: str
    part: str
    error: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a stage took, in milliseconds; or, within `generate`, how long the first words were held back."""

    stage: str
    milliseconds: float = field(compare=False)

    @property
    def within(self) -> bool:
        """Whether it is a part of `generate`, which the time of that stage holds already."""
        return self.stage in ("hold", "verify")
