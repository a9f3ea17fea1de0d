"""Turns and prompts for the tests of the composer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import prompts.composer
from agent.decisions import Plan, Prompt, RankedStrategy, Strategy
from agent.readings import Affect, CausalSpan, CauseReading, EmotionReading, ExpressionReading, RiskReading
from agent.state import EmotionalState, Shift
from agent.turn import Message, Turn
from prompts.composer import SectionComposer

__all__ = [
    "PERSONA",
    "PLACES",
    "PLAN",
    "QUESTION",
    "STATE",
    "TEMPLATES",
    "a_turn",
    "contents",
    "full",
    "notes_in",
    "notes_of",
    "roles",
    "said",
    "system_text",
]

PLACES = ["first-system", "system-before-last"]
TEMPLATES = Path(prompts.composer.__file__).parent / "templates"
PERSONA = (TEMPLATES / "persona.jinja").read_text(encoding="utf-8").strip()

QUESTION = Strategy(
    "question",
    "Question",
    "Ask one open question.",
    "asking several things at once",
    "What weighs most?",
    {"exploration": 1.0},
)
PLAN = Plan("test-1", (RankedStrategy("question", 1.0),), QUESTION, "exploration", "It is early, so ask.", "tests")
STATE = EmotionalState(Affect(-0.35, 0.2, 0.1), 3, -0.12, Shift(2, "worse", 0.4), 0, 0.7)


def said(*texts: str, first: str = "seeker") -> tuple[Message, ...]:
    """A history in which the two sides take turns."""
    roles = ("seeker", "supporter") if first == "seeker" else ("supporter", "seeker")
    return tuple(Message(roles[place % 2], text) for place, text in enumerate(texts))  # type: ignore[arg-type]


def a_turn(text: str = "It rained in.", history: tuple[Message, ...] = (), **fields: Any) -> Turn:
    return Turn("turn", "conversation", 0, text, history, **fields)


def full(text: str = "It rained in.", history: tuple[Message, ...] = ()) -> Turn:
    """A turn with everything read and planned."""
    return a_turn(
        text,
        history,
        emotion=EmotionReading(
            "e", {"anxious": 0.62, "apprehensive": 0.17, "sad": 0.11, "joyful": 0.07, "proud": 0.03}
        ),
        expression=ExpressionReading("g", {"fear": 0.7, "neutral": 0.1}, ("fear",)),
        affect=Affect(-0.42, 0.3, -0.2),
        cause=CauseReading((CausalSpan(len(history), 0, len(text), text, 0.8),)),
        risk=RiskReading("distress", ("self-harm",), ((0, 1),)),
        state=STATE,
        plan=PLAN,
    )


def roles(prompt: Prompt) -> list[str]:
    return [message.role for message in prompt.messages]


def system_text(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages if message.role == "system")


def notes_of(turn: Turn, **options: Any) -> str:
    """The notes alone."""
    return notes_in(SectionComposer(**options).compose(turn))


def notes_in(prompt: Prompt) -> str:
    """The notes of a prompt alone."""
    return system_text(prompt).removeprefix(PERSONA).strip()


def contents(prompt: Prompt, role: str = "user") -> list[str]:
    """What one side says in a prompt, in order."""
    return [message.content for message in prompt.messages if message.role == role]
