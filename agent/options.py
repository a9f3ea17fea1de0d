"""What one request may ask for: which parts of the prompt, how the LLM is asked, which stimulus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from agent.deadline import Deadline
from agent.errors import SettingsError

__all__ = ["AS_MADE", "VARIANTS", "Options", "Part", "TwoStage", "checked_two_stage", "parts_of"]

Part = Literal["labels", "causes", "strategy", "exemplars"]
"""What Heartline may add to a prompt: typed readings, cause hints, the plan, examples of other people."""

TwoStage = Literal["inline", "adjudicated", "adaptive"]
"""How HEF's two stages are run: in the prompt of the reply, by a short question before it, or by that
question only where the small model is unsure."""

VARIANTS = ("plain", "labels", "causes", "hef", "hef+strategy", "hef+exemplars", "hef+strategy+exemplars")
"""The usual prompts. Parts can be joined by `+` in any other way, too; `hef` stands for `labels+causes`."""

_BOTH: tuple[Part, Part] = ("labels", "causes")


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for. None takes what the agent was made with.

    Attributes:
        variant: Parts of the prompt, e.g. `"hef+strategy"` (see `parts_of`).
        two_stage: How the two stages are run.
        stimulus: Name of an emotional stimulus, or `"none"`.
        temperature: Sampling temperature of the LLM, in [0, 2].
        max_tokens: Longest reply of the LLM, in tokens. The setting `llm_max_tokens` holds where it is less.
        minor: Whether the person is known or believed to be under 18; None where nobody knows. Setting `minors`
            treats everybody as a minor, whatever a request says.
        strategy: Id of the strategy that the reply is to follow, in the planner's taxonomy. Safety comes first
            (`agent.planning.bound`).
        deadline: By when the turn is to be answered. What asks an LLM is given up then, and the fallback answers;
            the message is read, guarded and stored whatever the time.
    """

    variant: str | None = None
    two_stage: TwoStage | None = None
    stimulus: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    minor: bool | None = None
    strategy: str | None = None
    deadline: Deadline | None = field(default=None, metadata={"kept": False})


AS_MADE = Options()
"""Asks for nothing in particular."""


def parts_of(variant: str) -> frozenset[Part]:
    """The parts of a prompt that a variant names; none for `plain`.

    Raises:
        SettingsError: It names a part that there is not.
    """
    if variant == "plain":
        return frozenset()
    parts: set[Part] = set()
    for name in variant.split("+"):
        if name == "hef":
            parts.update(_BOTH)
        elif name in get_args(Part):
            parts.add(name)  # type: ignore[arg-type]  # mypy does not narrow by `get_args`
        else:
            choices = ", ".join(("plain", "hef", *get_args(Part)))
            raise SettingsError(
                f"No part of a prompt is called {name!r} (in variant {variant!r}). "
                f"Choices, joined by `+`: {choices}."
            )
    return frozenset(parts)


def checked_two_stage(name: str) -> TwoStage:
    """The way of running the two stages that is called `name`.

    Raises:
        SettingsError: There is none.
    """
    if name not in get_args(TwoStage):
        raise SettingsError(f"`two_stage` is {name!r}. Choices: {', '.join(get_args(TwoStage))}.")
    return name  # type: ignore[return-value]  # mypy does not narrow by `get_args`
