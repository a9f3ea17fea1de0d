"""Goes on from messages that no store knows: whoever asks brings the conversation along.

State and record of risk are no part of what is brought, so they are rebuilt: the seeker's earlier messages are
read, and go through guard and tracker as they did when they were said. A denial clears nothing just because nobody
stored what it denies. That costs one reading a message (some 5 to 30 ms of a core), so it is bounded: the newest
`NEWEST` messages, and of those before them the newest `SPOKEN_OUT` that speak of death in plain words, which a
cheap look at the words finds.

Who comes back with the same messages and one exchange more pays for one (`agent.pasts`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from threading import BoundedSemaphore, Event

from agent.errors import InputError
from agent.intake import clean, scrub
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.perception import in_thread
from agent.protocols import ConversationStore, Recalled
from agent.repeats import Request
from agent.safety.answered import speaks_of_death
from agent.turn import Message, Turn, new_turn

__all__ = ["NEWEST", "SPOKEN_OUT", "recent", "resumed", "with_past"]

NEWEST = 24
SPOKEN_OUT = 8
_READING = BoundedSemaphore(2)  # read at one time, so that long conversations do not hold up everybody's turns


async def resumed(agent: Agent, said: Sequence[Message], before: Recalled | None = None) -> Recalled:
    """What a store would recall after these messages. No LLM is asked and nothing is stored.

    Args:
        agent: Whose plugins, guard and tracker follow the conversation.
        said: Messages of both sides, oldest first. Those of the seeker that hold no text are passed over.
        before: What is known of the time before them; its messages come first.

    Returns:
        Messages of the newest `agent.history_turns` turns; how many turns there were; and state, course, reliance
        and sitting after the last.

    Raises:
        InputError: A message of the seeker is too long.
    """
    known = before or Recalled()
    dialogue, turns = [*known.messages], known.turns
    asked: list[Turn] = []
    for message in _cleaned(said, agent):
        if message.role == "seeker":
            asked.append(new_turn(message.text, index=turns, history=_newest(dialogue, agent)))
            turns += 1
        dialogue.append(message)
    read = await _read(agent, _chosen(asked))
    after = await in_thread(partial(_followed, agent, read, known)) if read else known
    return replace(after, messages=_newest(dialogue, agent), turns=turns)


def recent(said: Sequence[Message], agent: Agent) -> tuple[Message, ...]:
    """The newest part of what was said, as an agent looks back on it.

    Raises:
        InputError: A message of the seeker in it is too long.
    """
    return tuple(_cleaned(_newest(said, agent), agent))


def _newest(dialogue: Sequence[Message], agent: Agent) -> tuple[Message, ...]:
    most = 2 * agent.history_turns
    return tuple(dialogue[-most:]) if most else ()


def _chosen(turns: Sequence[Turn]) -> list[Turn]:
    """Those that are read, in order."""
    older = [turn for turn in turns[:-NEWEST] if speaks_of_death(turn.text)]
    return [*older[-SPOKEN_OUT:], *turns[-NEWEST:]]


def _cleaned(said: Sequence[Message], agent: Agent) -> Iterator[Message]:
    """Without what cannot be seen; messages of which nothing is left are passed over."""
    for message in said:
        text = scrub(message.text).strip()
        if text and message.role == "seeker":
            try:
                text = clean(text, limit=agent.max_message_characters)
            except InputError:
                if len(text) > agent.max_message_characters:
                    raise
                continue
        if text:
            yield replace(message, text=text)


async def _read(agent: Agent, turns: Sequence[Turn]) -> Sequence[Turn]:
    """In one batch; unread where that takes too long, which the guard takes for no calm.

    Waiting for others takes nothing from the time that reading may take. Who has left is not read any more.
    """
    if not turns:
        return turns
    seconds, left = agent.perception.seconds * len(turns), Event()

    def read() -> Sequence[Turn]:
        if not _READING.acquire(timeout=seconds):
            return turns
        try:
            return turns if left.is_set() else agent.perception.read(turns)
        finally:
            _READING.release()

    try:
        return await asyncio.wait_for(in_thread(read), 2 * seconds)
    except TimeoutError:
        return turns
    finally:
        left.set()


def _followed(agent: Agent, turns: Sequence[Turn], known: Recalled) -> Recalled:
    """What is known after the turns. A part that fails leaves what it keeps as it was."""
    for read in turns:
        turn = known.before(read)
        if agent.guard is not None:
            try:
                turn = agent.guard.screen(turn)
            except Exception:  # noqa: BLE001 - a stranger's part must not end the conversation
                turn = replace(turn, course=known.course)
        if agent.tracker is not None:
            try:
                turn = turn.fill(state=agent.tracker.update(turn))
            except Exception:  # noqa: BLE001 - a stranger's part must not end the conversation
                turn = replace(turn, state=known.state)
        # The sitting stays as it was: nobody knows when these messages came.
        known = replace(known.after(turn), sitting=known.sitting)
    return known


class _GivenPast(InMemoryStore):
    """Recalls what it was given, and hands turns on to a store, if there is one."""

    name = "given"

    def __init__(self, past: Recalled, store: ConversationStore | None) -> None:
        super().__init__()
        self._past, self._store = past, store

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:  # noqa: ARG002 - the protocol's
        return self._past

    def append(self, turn: Turn, *, request: Request | None = None) -> Turn:  # noqa: ARG002
        return turn if self._store is None else self._store.append(turn)


def with_past(agent: Agent, past: Recalled, *, store: ConversationStore | None = None) -> Agent:
    """The same agent for one turn of a conversation whose past is given. Not to be closed: it shares its parts.

    Args:
        agent: Whose parts do the work.
        past: What it recalls.
        store: Where the turn is stored; None stores it nowhere.
    """
    view = copy(agent)
    view.store = _GivenPast(past, store)
    return view
