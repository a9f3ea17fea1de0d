"""What people do in a conversation that they took over, for the client of whoever writes there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.errors import StoreError, UnknownConversationError
from agent.events import Event, ReplyFinished, StageFinished
from agent.safety.human_acts import HumanAct
from agent.turn import Turn
from ui.http.insight import no_llm
from ui.http.insight_schemas import HumanActOut
from ui.http.side_schemas import PeopleOut
from ui.http.tools import ToolsCalled

if TYPE_CHECKING:
    from ui.http.turns import Asked

__all__ = ["Meanwhile", "acts_of", "held_by", "news_of", "people_during", "with_people", "words_of"]

_LOOKS_EVERY = 1.0
"""Seconds between two looks at the store for a client that waits: people who use this process ring, those who use
another one do not."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What people did since the turn before, as far as it was not told yet."""

    acts: tuple[HumanActOut, ...]


def acts_of(store: Any, conversation_id: str) -> tuple[HumanActOut, ...]:
    """What people did in a conversation, oldest first; nothing where the store keeps nothing of it.

    Raises:
        StoreError: It cannot be read.
    """
    acts: Sequence[HumanAct] = store.human_acts(conversation_id) if hasattr(store, "human_acts") else ()
    return tuple(
        HumanActOut(number=number, by=act.by, did=act.did, turns=act.turns, words=act.words, at=act.at)
        for number, act in enumerate(acts, 1)
    )


def words_of(acts: Sequence[HumanActOut]) -> list[str]:
    """What was said, as paragraphs of the content."""
    return [f"{act.by} wrote: {act.words}" for act in acts if act.words is not None]


def held_by(store: Any, conversation_id: str) -> str | None:
    """Who has taken a conversation over; None where nobody has."""
    name: str | None = store.held_by(conversation_id) if hasattr(store, "held_by") else None
    return name


def people_during(store: Any, turn: Turn) -> tuple[HumanActOut, ...]:
    """What people did between the turn before and the end of this one.

    Raises:
        StoreError: It cannot be read.
    """
    return tuple(act for act in acts_of(store, turn.conversation_id) if act.turns == turn.index)


async def with_people(
    events: AsyncGenerator[Event | ToolsCalled], asked: Asked
) -> AsyncGenerator[Event | ToolsCalled | Meanwhile]:
    """The events of a turn, and what people did meanwhile.

    It is looked for before the first words where somebody has to do with the conversation, and once more at the
    end; there also where an LLM spoke, which gives a person time to take over. Other turns cost no look.
    """
    told = 0

    async def untold(turn: Turn) -> tuple[HumanActOut, ...]:
        try:
            return (await asyncio.to_thread(people_during, asked.store, turn))[told:]
        except StoreError:  # the reply is worth more, and `GET …/people` has them still
            return ()

    concerned: bool | None = None
    async with aclosing(events):
        async for event in events:
            yield event
            if asked.conversation_id is None or not isinstance(event, StageFinished | ReplyFinished):
                continue
            turn = event.turn
            if first := concerned is None:
                concerned = turn.contact is not None or any(said.human for said in turn.history)
            ends = isinstance(event, ReplyFinished)
            looks = (concerned and (first or ends)) or (ends and not no_llm(turn.reply))
            if looks and (acts := await untold(turn)):
                told += len(acts)
                yield Meanwhile(acts)


async def news_of(
    store: Any,
    conversation_id: str,
    *,
    after: int,
    most: int,
    wait: float,
    rung: asyncio.Event,
    stopping: Callable[[], bool],
) -> PeopleOut:
    """What people did in a conversation.

    Args:
        store: Of whoever asks.
        conversation_id: Which.
        after: Number of the last act that is known.
        most: So many acts at most.
        wait: Seconds to wait until there are any.
        rung: Set when somebody did something in this process.
        stopping: Whether the server stops: then nobody waits.

    Raises:
        UnknownConversationError: There is none with this id.
        StoreError: It cannot be read.
    """
    ends = time.monotonic() + wait

    def look() -> PeopleOut:
        past = store.recall(conversation_id, turns=0)
        if not past.turns:
            raise UnknownConversationError("There is none with this id.")
        acts = acts_of(store, conversation_id)[after:]
        return PeopleOut(
            conversation_id=conversation_id,
            held_by=None if past.contact is None else past.contact.held_by,
            total_turns=past.turns,
            data=list(acts[:most]),
            has_more=len(acts) > most,
        )

    while True:
        rung.clear()  # before the look: what is done after it rings again
        news = await asyncio.to_thread(look)
        left = ends - time.monotonic()
        if news.data or left <= 0 or stopping():
            return news
        with suppress(TimeoutError):
            await asyncio.wait_for(rung.wait(), min(left, _LOOKS_EVERY))
