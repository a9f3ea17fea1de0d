"""How much of a conversation fits into the prompt, and what goes where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Protocol

from agent.errors import SettingsError
from agent.options import Part
from agent.second_look import Exemplar
from agent.turn import Turn
from prompts.marks import answered
from prompts.tokens import Ruler

__all__ = ["CUT", "Budget", "Characters", "Fit", "Tokens", "fit"]

_A_MESSAGE = 8  # ChatML puts 5 tokens around a message, Llama 3 five, Harmony six
_A_PROMPT = 48  # start of text, the opening of the reply, and the two dates of Llama 3.1's template (about 25)
_BRACKETS = 24  # three pairs, of three bytes each
_CAUSE_LINE = 130  # what the notes say of them: 75 tokens, 124 where they are estimated
_LEAST_MESSAGE = 32  # of less than that nobody could make sense
_FAIR_MESSAGE = 256  # where less is left of a message that must be cut, the notes give way
_MOST_EXEMPLARS = 8

CUT = "\n[…]\n"
"""Stands where the middle of a message was left out."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What of a turn goes into its prompt.

    Attributes:
        parts: Of the variant; fewer where the notes had to be shortened.
        exemplars: The most similar ones that fit.
        first: Index of the oldest message of the history that fits; its length where none does.
        cut: First and one-past-last character of what is left out of the middle of the turn's own text.
    """

    parts: frozenset[Part]
    exemplars: tuple[Exemplar, ...] = ()
    first: int = 0
    cut: tuple[int, int] | None = None


class Budget(Protocol):
    """What a prompt may cost, in some unit."""

    def cost(self, text: str) -> int:
        """Of one more message with this text."""
        ...

    def left(self, *texts: str, besides: int = 0) -> int:
        """For history and examples, beside texts that are there anyway and some tokens of which only the number is
        known; below 0 where these alone are too long."""
        ...


@dataclass(frozen=True, slots=True)
class Characters:
    """Where nobody knows how much the model can hold: characters of history and examples, all else unlimited."""

    limit: int

    def cost(self, text: str) -> int:
        """Its length."""
        return len(text)

    def left(self, *texts: str, besides: int = 0) -> int:  # noqa: ARG002 - the protocol's
        """Always the limit."""
        return self.limit


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where it is known.

    Attributes:
        ruler: Counts.
        context: Tokens that the model can hold, prompt and reply together.
        reply: Tokens kept free for the reply, but never more than half of the context.
    """

    ruler: Ruler
    context: int
    reply: int

    def cost(self, text: str) -> int:
        """Its tokens and what a chat template puts around a message."""
        return self.ruler(text) + _A_MESSAGE

    def left(self, *texts: str, besides: int = 0) -> int:
        """The context without the reply, the texts, and what a chat template adds."""
        free = self.context - min(self.reply, self.context // 2) - _A_PROMPT - _BRACKETS
        # Line by line, since most lines of the notes come again.
        lines = [self.ruler(line) + 1 for text in texts for line in text.splitlines()]
        return free - sum(lines) - _A_MESSAGE * len(texts) - besides


def fit(
    turn: Turn, parts: frozenset[Part], budget: Budget, *, persona: str, notes: Callable[[Fit], str]
) -> tuple[Fit, str]:
    """As much as fits, and the notes for it.

    What does not fit goes in this order: examples, the least similar first; the oldest messages, whole; readings
    and marks in the notes, then the plan, where the turn's own text is whole without them; at last its middle. The
    conversation begins with the person.

    Args:
        turn: With readings and plan.
        parts: Of the variant.
        budget: What the prompt may cost.
        persona: The first section, which is never cut.
        notes: Writes the notes for a fit.

    Raises:
        SettingsError: The context is too small even for what is never cut.
    """
    exemplars = _usable(turn) if "exemplars" in parts else ()
    opening = _opening(turn, 0)
    costs = [budget.cost(answered(message) if message.human else message.text) for message in turn.history]
    history = sum(costs[opening:])
    if budget.left(persona, turn.text) >= history:  # else it cannot fit, whatever the notes are
        whole = Fit(parts, exemplars, opening)
        written = notes(whole)
        spare = budget.left(persona, turn.text, written) - history
        shown = sum(used <= spare for used in accumulate(_cost_of(exemplar, budget) for exemplar in exemplars))
        if spare >= 0 and shown == len(exemplars):
            return whole, written
        if spare >= 0:
            fewer = replace(whole, exemplars=exemplars[:shown])
            return fewer, notes(fewer)
    shorter = [parts - {"exemplars"}, parts - {"exemplars", "labels", "causes"}, frozenset[Part]()]
    for fewer_parts in shorter:
        # The notes are longest where the whole history is gone: they say what was in it. But not of marks there.
        longest = notes(Fit(fewer_parts, (), len(turn.history)))
        marks = _CAUSE_LINE if "causes" in fewer_parts and turn.cause is not None else 0
        left = budget.left(persona, longest, turn.text, besides=marks)
        if left >= 0:
            fitting = Fit(fewer_parts, (), _opening(turn, len(costs) - _newest(costs, left)))
            return fitting, notes(fitting)
    return _cut(turn, shorter, budget, persona=persona, notes=notes)


def _cut(
    turn: Turn,
    parts: Sequence[frozenset[Part]],
    budget: Budget,
    *,
    persona: str,
    notes: Callable[[Fit], str],
) -> tuple[Fit, str]:
    """Of the conversation the two ends of the turn's own text, with the first of `parts` that leave it room."""
    for number, some in enumerate(parts, 1):
        fewest = Fit(some, (), len(turn.history), (0, len(turn.text)))
        room = budget.left(persona, notes(fewest), CUT)
        if room >= (_LEAST_MESSAGE if number == len(parts) else _FAIR_MESSAGE):
            break
    else:
        raise SettingsError(
            f"The prompt does not fit: persona, rules and notes leave {max(room, 0)} tokens for the person's "
            "message. Raise `llm_context` (HEARTLINE_LLM_CONTEXT) or lower `llm_max_tokens` "
            "(HEARTLINE_LLM_MAX_TOKENS)."
        )
    low, high = 0, len(turn.text)
    while low < high - 1:  # `low` characters fit
        middle = (low + high) // 2
        cost = sum(budget.cost(end) for end in _ends(turn.text, _middle(turn.text, middle)))
        low, high = (middle, high) if cost <= room else (low, middle)
    fitting = replace(fewest, cut=_middle(turn.text, low))
    return fitting, notes(fitting)


def _middle(text: str, kept: int) -> tuple[int, int]:
    """What goes where `kept` characters of its two ends stay."""
    return kept - kept // 2, len(text) - kept // 2


def _ends(text: str, cut: tuple[int, int]) -> tuple[str, str]:
    return text[: cut[0]], text[cut[1] :]


def _usable(turn: Turn) -> tuple[Exemplar, ...]:
    """Examples that show how somebody was answered, the most similar first."""
    if turn.exemplars is None:
        return ()
    return tuple(exemplar for exemplar in turn.exemplars.exemplars if exemplar.reply.strip())[:_MOST_EXEMPLARS]


def _cost_of(exemplar: Exemplar, budget: Budget) -> int:
    return budget.cost(exemplar.text) + budget.cost(exemplar.reply)


def _opening(turn: Turn, first: int) -> int:
    """Where the person speaks, from `first` on."""
    while first < len(turn.history) and turn.history[first].role == "supporter":
        first += 1
    return first


def _newest(costs: Sequence[int], left: int) -> int:
    """How many from the end fit."""
    return sum(used <= left for used in accumulate(reversed(costs)))
