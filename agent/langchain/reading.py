"""Reads the newest message of a LangChain conversation, and keeps what follows from it in the agent's state."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypedDict

from langchain_core.messages import BaseMessage, HumanMessage

from agent.decisions import Prompt
from agent.errors import SettingsError
from agent.events import ReplyFinished, StageFinished
from agent.langchain.dialogue import about, said_in
from agent.loop import Agent
from agent.options import Options, parts_of
from agent.protocols import Composer, ConversationStore, Recalled
from agent.record import from_record
from agent.registry import make
from agent.resumed import recent, resumed, with_past
from agent.turn import Turn

__all__ = ["HeartlineState", "Read", "Reader", "note_composer"]

_UNLIMITED = 10**9  # the model is given the whole conversation, so no note may say that some is left out
_IN_MESSAGES = {"causes", "exemplars"}


class HeartlineState(TypedDict):
    """What is kept between the steps of an agent, under `heartline`. All of it is JSON.

    Attributes:
        message: Which message was read: its id and a digest of its text.
        turn: The record of the turn (`agent.record`), without the prompt: readings, state, plan, record of risk.
        note: What the model is told of it.
    """

    message: str
    turn: dict[str, Any]
    note: str


def note_composer(composer: str = "sections", *, persona: str | None = None) -> Composer:
    """The registered composer, set to put its notes into a system message of their own.

    Args:
        composer: Its name.
        persona: Whose tone the notes ask for; None asks for none.

    Raises:
        SettingsError, WiringError: There is none of this name.
    """
    settings = SimpleNamespace(
        notes_place="system-before-last", history_characters=_UNLIMITED, persona=persona, llm_context=None
    )
    made: Composer = make("composers", composer, settings)
    return made


def note_in(prompt: Prompt | None) -> str:
    """The system messages behind the first, which says who the agent is: who somebody else's is, they said."""
    if prompt is None:
        return ""
    system = [message.content for message in prompt.messages if message.role == "system"]
    return "\n\n".join(system[1:])


@dataclass(frozen=True)
class Read:
    """What came of reading a message.

    Attributes:
        turn: With readings, state, plan; with a reply where the guard let nobody else answer.
        kept: For the state.
    """

    turn: Turn
    kept: HeartlineState


class Reader:
    """Perceives, screens, tracks and plans; speaks only where care is asked for.

    Args:
        agent: Whose parts do it.
        composer: Writes the note.
        variant: Parts of the note: `"labels"`, `"strategy"`, both joined by `+`, or `"plain"`.
        store: Knows whether a person has taken a conversation over; None: nobody can.

    Raises:
        SettingsError: The variant names parts that stand in messages, which are not changed here.
    """

    def __init__(
        self, agent: Agent, composer: Composer, *, variant: str, store: ConversationStore | None = None
    ) -> None:
        if parts_of(variant) & _IN_MESSAGES:
            raise SettingsError(
                f"`variant` is {variant!r}. Causes and examples stand in messages, which stay as they are here. "
                "Choices: plain, labels, strategy, labels+strategy."
            )
        self.agent = copied = with_past(agent, Recalled())
        copied.composer, copied.verifier = composer, None
        # The model of the LangChain agent speaks; ours only where care is asked for, and that without an LLM.
        copied.generator, copied.fallback = agent.fallback or agent.generator, None
        self._options, self._store = Options(variant=variant), store

    async def read(
        self, messages: Sequence[BaseMessage], kept: HeartlineState | None, *, thread: str | None
    ) -> Read | None:
        """What came of the newest message of the person; None where there is none that was not read.

        Messages before it that were not read either are followed, too.

        Raises:
            InputError: A message is too long.
        """
        place = next((at for at in range(len(messages) - 1, -1, -1) if _from_person(messages[at])), None)
        if place is None or (kept is not None and kept["message"] == _key(messages[place])):
            return None
        past = await self._past(messages[:place], kept)
        if self._store is not None and thread is not None:
            stored = await asyncio.to_thread(self._store.recall, thread, turns=0)
            past = replace(past, contact=stored.contact)
        turn = await self._understood(messages[place].text, past, thread)
        turn = replace(
            turn,
            state=turn.state or turn.state_before,
            course=turn.course or turn.course_before,
            reliance=turn.reliance or turn.reliance_before,
        )
        return Read(
            turn, HeartlineState(message=_key(messages[place]), turn=about(turn), note=note_in(turn.prompt))
        )

    async def _past(self, before: Sequence[BaseMessage], kept: HeartlineState | None) -> Recalled:
        if kept is None:
            return await resumed(self.agent, said_in(before))
        turn = from_record(kept["turn"])
        known = Recalled(
            state=turn.state,
            turns=turn.index + 1,
            course=turn.course,
            reliance=turn.reliance,
            sitting=turn.sitting,
        )
        read = [
            at for at, message in enumerate(before) if _from_person(message) and _key(message) == kept["message"]
        ]
        # Where what was read last is gone (shortened, summarised), all that is left was there before it.
        first = read[-1] + 1 if read else len(before)
        return await resumed(
            self.agent,
            said_in(before[first:]),
            replace(known, messages=recent(said_in(before[:first]), self.agent)),
        )

    async def _understood(self, text: str, past: Recalled, thread: str | None) -> Turn:
        """The turn before anybody speaks; the finished one where care is asked for."""
        stream = with_past(self.agent, past).stream(
            text, conversation_id=thread or uuid.uuid4().hex, options=self._options
        )
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, StageFinished) and event.stage == "compose" and not event.turn.escalated:
                    return event.turn
                if isinstance(event, ReplyFinished):
                    return event.turn
        raise AssertionError("`Agent.stream` ends with `ReplyFinished`, or raises.")


def _from_person(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and bool(message.text.strip())


def _key(message: BaseMessage) -> str:
    """Changes with the message's text, so that one which was edited is read again."""
    digest = hashlib.sha256(message.text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{message.id}:{digest[:16]}"
