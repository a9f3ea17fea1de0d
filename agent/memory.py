"""Conversations in memory: for tests, for evaluations, and for those who want nothing kept."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from agent.errors import StoreError, UnknownConversationError
from agent.protocols import Recalled
from agent.state import PersonalCalibration
from agent.turn import Message, Turn

__all__ = ["InMemoryStore", "create", "said_in", "without_profile"]


def said_in(turn: Turn) -> tuple[Message, ...]:
    """What a turn adds to the dialogue: the seeker's message, and the supporter's where one came.

    The supporter's names the strategy of the plan, except where a guard asked for the careful
    reply, which follows no plan.
    """
    seeker = Message("seeker", turn.text)
    if turn.reply is None:
        return (seeker,)
    strategy = turn.plan.chosen.id if turn.plan is not None and not turn.escalated else None
    return (seeker, Message("supporter", turn.reply.text, strategy))


def without_profile(turn: Turn) -> Turn:
    """A copy whose states hold nothing of what was learned about how the person is to be read."""
    after, before = (
        None if state is None else replace(state, personal=PersonalCalibration())
        for state in (turn.state, turn.state_before)
    )
    return replace(turn, state=after, state_before=before)


class InMemoryStore:
    """A `ConversationStore` that forgets everything when it is closed. Safe for threads."""

    name = "memory"

    def __init__(self) -> None:
        self._turns: dict[str, list[Turn]] = {}  # the conversation last used stands last
        self._by_id: dict[str, Turn] = {}
        self._lock = Lock()
        self._closed = False

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`. A turn without a state leaves the state as it was."""
        if turns < 0:
            raise StoreError(f"`turns` is {turns}; it is 0 or more.")
        with self._lock:
            self._check_open()
            known = self._turns.get(conversation_id, [])
            newest = known[max(0, len(known) - turns) :]
            messages = tuple(message for turn in newest for message in said_in(turn))
            state = next((turn.state for turn in reversed(known) if turn.state is not None), None)
            return Recalled(messages, state, len(known))

    def append(self, turn: Turn) -> Turn:
        """See `ConversationStore`. The same turn again is not stored twice.

        Raises:
            StoreError: The store is closed, or another turn has the same id.
        """
        with self._lock:
            self._check_open()
            same_id = self._by_id.get(turn.id)
            if same_id is not None:
                if same_id.conversation_id != turn.conversation_id or said_in(same_id) != said_in(turn):
                    raise StoreError(f"Another turn is stored under id {turn.id!r}. Give every turn its own id.")
                return same_id
            known = self._turns.pop(turn.conversation_id, [])
            stored = replace(turn, index=len(known))
            self._turns[turn.conversation_id] = known
            known.append(stored)
            self._by_id[turn.id] = stored
            return stored

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        with self._lock:
            return tuple(self._known(conversation_id))

    def conversations(self) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._lock:
            self._check_open()
            return tuple(reversed(self._turns))

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`."""
        with self._lock:
            known = self._known(conversation_id)
            for place, turn in enumerate(known):
                known[place] = self._by_id[turn.id] = without_profile(turn)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            self._turns.clear()
            self._by_id.clear()

    def _known(self, conversation_id: str) -> list[Turn]:
        self._check_open()
        if conversation_id not in self._turns:
            raise UnknownConversationError(
                f"No conversation {conversation_id!r} is stored. `conversations()` lists those that are."
            )
        return self._turns[conversation_id]

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The in-memory store is closed and has forgotten everything. Make a new one.")


def create(settings: object | None = None) -> InMemoryStore:  # noqa: ARG001 - every part is made with the settings
    """Entry point `memory`."""
    return InMemoryStore()
