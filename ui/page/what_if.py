"""A turn as it would have been: something of it changed, answered anew, and kept nowhere.

It goes through the whole loop. The guard sees the risk that was read then, and every sentence of the other
reply; nothing here can change or switch off either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, get_args

from agent.decisions import Prompt
from agent.errors import HeartlineError
from agent.events import Event, FailureNoted, ReplyFinished, Token
from agent.loop import Agent
from agent.parts import with_parts
from agent.protocols import Composer
from agent.readings import Affect, EmotionReading
from agent.registry import make
from agent.settings import Settings
from agent.turn import Turn
from sem_plugins.affect.plugin import circumplex
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from strategies.taxonomy import esconv
from ui.page.as_then import AsKnown, AsRead
from ui.page.desk import Desk
from ui.page.visitor import Choices, Visitor

__all__ = [
    "EMOTIONS",
    "Change",
    "Signal",
    "WhatIf",
    "offered_signals",
    "offered_strategies",
    "running_as",
    "what_if",
]

Signal = Literal["emotion", "cause", "state", "strategy", "likely_strategies", "exemplars"]
"""What an answer can rest on, and what can be left out of it."""

EMOTIONS = EMPATHETIC_DIALOGUES.labels
"""What the feeling may be taken as."""

_SURE = 0.9  # of a feeling that is put in place of the one that was read; the others share the rest


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different. Nothing, by default.

    Attributes:
        off: Signals that are left out.
        emotion: What the feeling is taken as; empty for what was read.
        strategy: Id of the strategy that is followed; empty for what the planner chooses.
        persona: Whose tone it is; empty for whose it was.
    """

    off: frozenset[Signal] = frozenset()
    emotion: str = ""
    strategy: str = ""
    persona: str = ""

    @classmethod
    def parsed(cls, given: Mapping[str, Any], desk: Desk) -> Change:
        """The change in what a browser sends: names of signals that stay on, and what is put in place.

        What is not offered is left out, as is what is put in place of a signal that is off.

        Args:
            given: `on.SIGNAL` for each signal that stays, `emotion`, `strategy` and `persona`.
            desk: Knows what is offered.
        """
        off = frozenset(signal for signal in offered_signals(desk) if f"on.{signal}" not in given)

        def chosen(name: str, choices: Sequence[str]) -> str:
            value = given.get(name)
            return value if isinstance(value, str) and value in choices and name not in off else ""

        return cls(
            off,
            emotion=chosen("emotion", EMOTIONS),
            strategy=chosen("strategy", offered_strategies(desk)),
            persona=chosen("persona", desk.offered["persona"]),
        )


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A turn, and what it would have been.

    Attributes:
        was: As it is kept.
        would_be: As it would have been. It is kept nowhere.
        change: What makes the difference.
        prompts: What the LLM was given in each, or would have been given where none was asked; None where safety
            spoke alone.
    """

    was: Turn
    would_be: Turn
    change: Change
    prompts: tuple[Prompt | None, Prompt | None]


def offered_signals(desk: Desk) -> tuple[Signal, ...]:
    """The signals that something is read for, and used."""
    agent = desk.agent
    reads = frozenset[str]() if agent.planner is None else agent.planner.reads
    there = {
        "emotion": "emotion" in agent.perception.writes,
        "cause": "cause" in agent.perception.writes,
        "state": agent.tracker is not None,
        "strategy": agent.planner is not None,
        "likely_strategies": "likely_strategies" in reads,
        "exemplars": "exemplars" in agent.perception.writes,
    }
    return tuple(signal for signal in get_args(Signal) if there[signal])


def offered_strategies(desk: Desk) -> tuple[str, ...]:
    """Ids of the strategies that the planner knows."""
    taxonomy = esconv() if desk.agent.planner is None else desk.agent.planner.taxonomy
    return tuple(strategy.id for strategy in taxonomy.strategies)


def running_as(visitor: Visitor) -> str:
    """By which `desk.running` knows, and stops, what a visitor asks."""
    return f"what if\n{visitor.mark}"


async def what_if(desk: Desk, visitor: Visitor, turn: Turn, change: Change) -> AsyncGenerator[str | WhatIf]:
    """The turn with a change, answered as it would be now, at the time when it was said. Nothing is stored.

    A visitor asks one at a time; more wait, in the order in which they came. Closing it ends the answer.

    Args:
        desk: Knows who answers.
        visitor: Whose turn it is.
        turn: As it is kept.
        change: What is to be different.

    Yields:
        The other reply so far, at first nothing and then whenever it is another one; at last both turns, unless it
        was stopped (`running_as`).

    Raises:
        HeartlineError: It cannot be answered.
        ApiError: Those before took too long.
    """
    choices = _voiced(visitor.choices, _persona_of(turn, desk), desk)
    others = _voiced(choices, change.persona, desk)
    agent = await desk.agent_for(others)
    after = agent.composer
    if after is None:
        after = await asyncio.to_thread(_composer, desk.settings_for(others))
    before = after if choices == others else await asyncio.to_thread(_composer, desk.settings_for(choices))
    would = _hypothetical(agent, turn, change, after)
    options = replace(turn.options, strategy=change.strategy or turn.options.strategy, deadline=None)
    asked = replace(turn, options=options)
    said, made, key = "", None, running_as(visitor)
    yield said
    async with aclosing(desk.running.followed(key, _in_order(desk, key, would, asked))) as happened:
        async for events in happened:
            if events and isinstance(last := events[-1], ReplyFinished):
                made = last.turn
            elif (now := reduce(_with, events, said)) != said:
                said = now
                yield said
    if made is not None:
        yield WhatIf(turn, made, change, (_prompt(turn, before), _prompt(made, after)))


async def _in_order(desk: Desk, key: str, agent: Agent, asked: Turn) -> AsyncGenerator[Event]:
    """The other turn, after those that the visitor asked for before."""
    async with desk.order.turn_of(key):
        turn = agent.stream(asked.text, conversation_id=asked.conversation_id, options=asked.options)
        async with aclosing(turn) as events:
            async for event in events:
                yield event


def _with(said: str, event: Event) -> str:
    """The reply so far, with what an event brings."""
    match event:
        case Token(text=text):
            return said + text
        case FailureNoted(discards=True):
            return ""
        case _:
            return said


def _hypothetical(agent: Agent, turn: Turn, change: Change, composer: Composer) -> Agent:
    """The agent as it stood before the turn, with nobody to keep what it says."""
    changed = _changed(turn, change)
    at = turn.at
    parts: dict[str, object] = {
        "perception": AsRead(changed, agent.perception.writes),
        "store": AsKnown(changed),
        "second_reader": None,  # what it said then is among the readings
        "composer": composer,
        "clock": time.time if at is None else lambda: at,
    }
    if "state" in change.off:
        parts["tracker"] = None
    if "strategy" in change.off:
        parts["planner"] = None
    return with_parts(agent, **parts)


def _changed(turn: Turn, change: Change) -> Turn:
    """The turn with the readings that are wanted. Risk is not among what can change."""
    if "emotion" in change.off:
        turn = replace(turn, emotion=None, expression=None, affect=None, adjudication=None)
    elif change.emotion:
        turn = _as_felt(turn, change.emotion)
    if "cause" in change.off:
        turn = replace(turn, cause=None)
    if "state" in change.off:
        turn = replace(turn, state_before=None)
    if "likely_strategies" in change.off:
        turn = replace(turn, likely_strategies=None)
    if "exemplars" in change.off:
        turn = replace(turn, exemplars=None)
    return turn


def _as_felt(turn: Turn, emotion: str) -> Turn:
    """The turn as if a feeling had been read in it, and a mood that goes with it."""
    rest = (1 - _SURE) / (len(EMOTIONS) - 1)
    reading = EmotionReading(
        EMPATHETIC_DIALOGUES.id,
        {label: _SURE if label == emotion else rest for label in EMOTIONS},
        source="what if",
        primary=(emotion,),
    )
    # What the words themselves show would speak against it.
    affect = Affect(*circumplex()[emotion])
    return replace(turn, emotion=reading, expression=None, affect=affect, adjudication=None)


def _persona_of(turn: Turn, desk: Desk) -> str:
    """Whose tone it was, where that can be had again; else empty."""
    own = None if turn.state is None else turn.state.own
    return own.persona if own is not None and own.persona in desk.offered["persona"] else ""


def _voiced(choices: Choices, persona: str, desk: Desk) -> Choices:
    """The choices with a persona; as they are where none is named."""
    if not persona:
        return choices
    return replace(choices, persona="" if persona == desk.settings.persona else persona)


def _composer(settings: Settings) -> Composer:
    """Who writes prompts, also where no LLM is asked."""
    composer: Composer = make("composers", settings.composer, settings)
    return composer


def _prompt(turn: Turn, composer: Composer) -> Prompt | None:
    """What the LLM was given, or what it would have been given; None where safety spoke alone."""
    if turn.escalated:
        return None
    if turn.prompt is not None:
        return turn.prompt
    try:
        return composer.compose(turn)
    except HeartlineError:  # a turn of another time may name a variant that there is no more
        return None
