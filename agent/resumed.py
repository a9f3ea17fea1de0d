"""Goes on from messages that no store knows: whoever asks brings the conversation along.

What was said before is read again, so that the state and above all the record of risk are those that a store would
have kept: a denial clears nothing just because nobody stored what it denies. Prefixes that were read lately are
remembered, without their words, so that a conversation which grows costs one reading a turn.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from threading import Lock

from agent.errors import InputError
from agent.intake import clean, scrub
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.perception import in_thread
from agent.protocols import ConversationStore, Recalled
from agent.turn import Message, Turn, new_turn

__all__ = ["Pasts", "recent", "resumed", "with_past"]

_MOST_PASTS = 512


async def resumed(agent: Agent, said: Sequence[Message], before: Recalled | None = None) -> Recalled:
    """What a store would recall after these messages. No LLM is asked and nothing is stored.

    Args:
        agent: Whose plugins, guard and tracker follow the conversation.
        said: Messages of both sides, oldest first. Those of the seeker that hold no text are passed over.
        before: What is known of the time before them; its messages come first.

    Returns:
        Messages of the newest `agent.history_turns` turns, and state, course and reliance after the last.

    Raises:
        InputError: A message of the seeker is too long.
    """
    known = before or Recalled()
    dialogue = [*known.messages]
    turns: list[Turn] = []
    for message in _cleaned(said, agent):
        if message.role == "seeker":
            index = known.turns + len(turns)
            turns.append(new_turn(message.text, index=index, history=_newest(dialogue, agent)))
        dialogue.append(message)
    for turn in await _read(agent, turns):
        known = _followed(agent, turn, known)
    return replace(known, messages=_newest(dialogue, agent))


def recent(said: Sequence[Message], agent: Agent) -> tuple[Message, ...]:
    """The newest part of what was said, as an agent looks back on it.

    Raises:
        InputError: A message of the seeker in it is too long.
    """
    return tuple(_cleaned(_newest(said, agent), agent))


def _newest(dialogue: Sequence[Message], agent: Agent) -> tuple[Message, ...]:
    most = 2 * agent.history_turns
    return tuple(dialogue[-most:]) if most else ()


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
    """In one batch; unread where that takes too long, which the guard takes for no calm."""
    if not turns:
        return turns
    reading = in_thread(lambda: agent.perception.read(turns))
    try:
        return await asyncio.wait_for(reading, agent.perception.seconds * len(turns))
    except TimeoutError:
        return turns


def _followed(agent: Agent, turn: Turn, known: Recalled) -> Recalled:
    """What is known after one more turn. A part that fails leaves what it keeps as it was."""
    turn = replace(turn, state_before=known.state, course_before=known.course, reliance_before=known.reliance)
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
    return replace(
        known,
        turns=known.turns + 1,
        state=turn.state or known.state,
        course=turn.course or known.course,
        reliance=turn.reliance or known.reliance,
    )


class _GivenPast(InMemoryStore):
    """Recalls what it was given, and hands turns on to a store, if there is one."""

    name = "given"

    def __init__(self, past: Recalled, store: ConversationStore | None) -> None:
        super().__init__()
        self._past, self._store = past, store

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:  # noqa: ARG002 - the protocol's
        return self._past

    def append(self, turn: Turn) -> Turn:
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


class Pasts:
    """Pasts of conversations that are brought along, the ones last used. Keeps digests, states and no words.

    Args:
        agent: Follows them.
        most: How many are kept.
    """

    def __init__(self, agent: Agent, *, most: int = _MOST_PASTS) -> None:
        self._agent, self._most = agent, most
        self._known: OrderedDict[bytes, Recalled] = OrderedDict()
        self._lock = Lock()

    async def of(self, said: Sequence[Message]) -> Recalled:
        """As `resumed`, from the longest part that is known.

        Raises:
            InputError: A message of the seeker is too long.
        """
        digests = _digests(said)
        start, before = 0, Recalled()
        with self._lock:
            for end in range(len(said), 0, -1):
                if (found := self._known.get(digests[end - 1])) is not None:
                    self._known.move_to_end(digests[end - 1])
                    start, before = end, found
                    break
        earlier = recent(said[:start], self._agent)
        past = await resumed(self._agent, said[start:], replace(before, messages=earlier))
        if said:
            self._keep(digests[-1], past)
        return past

    def keep(self, said: Sequence[Message], newest: str, turn: Turn) -> None:
        """Remember where a conversation stands after a turn, so that its message is not read again.

        Args:
            said: What was said before it.
            newest: Its message, as it came.
            turn: With state and course.
        """
        after = Recalled(
            state=turn.state or turn.state_before,
            turns=turn.index + 1,
            course=turn.course or turn.course_before,
            reliance=turn.reliance or turn.reliance_before,
            sitting=turn.sitting,
        )
        self._keep(_digests([*said, Message("seeker", newest)])[-1], after)

    def _keep(self, digest: bytes, past: Recalled) -> None:
        with self._lock:
            self._known[digest] = replace(past, messages=())
            self._known.move_to_end(digest)
            while len(self._known) > self._most:
                self._known.popitem(last=False)


def _digests(said: Sequence[Message]) -> list[bytes]:
    """Of each beginning of the conversation, the shortest first."""
    running, found = hashlib.sha256(), []
    for message in said:
        text = message.text.strip().encode("utf-8", "surrogatepass")
        running.update(f"{message.role} {len(text)} ".encode() + text)
        found.append(running.digest())
    return found
