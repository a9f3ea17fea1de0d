"""Conversations in memory: for tests, for evaluations, and for those who want nothing kept."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from agent.decisions import Contact
from agent.errors import StoreError, UnknownConversationError
from agent.feedback import Feedback, checked_feedback, unknown_turn
from agent.protocols import Recalled
from agent.repeats import KEPT, Answered, Request, same_request
from agent.safety.counters import Counts, counted
from agent.safety.human_acts import Act, HumanAct, Takeovers, messages_after
from agent.safety.takeover import told
from agent.store_checks import check_limit, check_still_there, in_utc, page_of
from agent.tenants import checked_tenant
from agent.turn import Message, Turn, without_profile

__all__ = ["InMemoryStore", "create", "said_in"]


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


@dataclass
class _Shared:
    """What the tenants of one store have in common."""

    first: InMemoryStore  # that was opened, and closes all
    tenants: dict[str, InMemoryStore] = field(default_factory=dict)
    lock: AbstractContextManager[Any] = field(default_factory=Lock)
    closed: bool = False


class InMemoryStore(Takeovers):
    """A `RepeatStore`, `TakeoverStore`, `TenantStore`, `FeedbackStore` and `RetentionStore`.

    It forgets everything when it is closed.

    Safe for threads.

    Args:
        tenant: Whose conversations.
        beside: What it shares with the stores of other tenants.
    """

    name = "memory"

    def __init__(self, tenant: str = "", *, beside: _Shared | None = None) -> None:
        self.tenant = checked_tenant(tenant)
        self._shared = beside or _Shared(self)
        self._shared.tenants[tenant] = self
        self._turns: dict[str, list[Turn]] = {}  # the conversation last used stands last
        self._by_id: dict[str, Turn] = {}
        self._used: dict[str, datetime] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._contacts: dict[str, Contact] = {}
        self._acts: dict[str, tuple[HumanAct, ...]] = {}
        self._feedback: dict[str, dict[str, Feedback]] = {}  # by conversation and turn
        self._requests: dict[str, dict[str, tuple[Request, str, datetime]]] = {}  # by conversation and key
        self._lock = self._shared.lock
        self._closed = False

    def for_tenant(self, tenant: str) -> InMemoryStore:
        """See `TenantStore`."""
        with self._lock:
            self._check_open()
            return copy(self._shared.tenants.get(tenant) or InMemoryStore(tenant, beside=self._shared))

    def tenants(self) -> tuple[str, ...]:
        """See `TenantStore`."""
        with self._lock:
            self._check_open()
            known = tuple(self._shared.tenants.values())
        return tuple(sorted(store.tenant for store in known if store.conversations()))

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`. A turn without a state leaves the state as it was."""
        if turns < 0:
            raise StoreError(f"`turns` is {turns}; it is 0 or more.")
        with self._lock:
            self._check_open()
            known = self._turns.get(conversation_id, [])
            newest = known[max(0, len(known) - turns) :]
            people = messages_after(self._acts.get(conversation_id, ()))
            messages = tuple(
                message for turn in newest for message in (*said_in(turn), *people.get(turn.index + 1, ()))
            )
            state = next((turn.state for turn in reversed(known) if turn.state is not None), None)
            course = next((turn.course for turn in reversed(known) if turn.course is not None), None)
            reliance = next((turn.reliance for turn in reversed(known) if turn.reliance is not None), None)
            sitting = next((turn.sitting for turn in reversed(known) if turn.sitting is not None), None)
            contact = self._contacts.get(conversation_id)
            return Recalled(messages, state, len(known), course, reliance, contact, sitting)

    def append(self, turn: Turn, *, request: Request | None = None) -> Turn:
        """See `RepeatStore`. The same turn again is not stored twice.

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
            check_still_there(turn, stored=len(self._turns.get(turn.conversation_id, ())))
            known = self._turns.pop(turn.conversation_id, [])
            stored = turn.altered(index=len(known))
            self._turns[turn.conversation_id] = known
            known.append(stored)
            self._by_id[turn.id] = stored
            if request is not None:
                led_to = (request, turn.id, datetime.now(UTC))
                self._requests.setdefault(turn.conversation_id, {})[request.key] = led_to
            self._used[turn.conversation_id] = datetime.now(UTC)
            self._counts.setdefault(f"{datetime.now(UTC):%Y-%m}", Counter()).update(counted(turn))
            self._keep_contact(turn.conversation_id, told(self._contact(turn.conversation_id), turn))
            return stored

    def answered(self, conversation_id: str, key: str) -> Answered | None:
        """See `RepeatStore`."""
        with self._lock:
            self._check_open()
            found = self._led_to(conversation_id, key)
            return None if found is None else Answered(found[0], self._by_id[found[1]])

    def _led_to(self, conversation_id: str, key: str) -> tuple[Request, str, datetime] | None:
        found = self._requests.get(conversation_id, {}).get(key)
        return None if found is None or found[2] < datetime.now(UTC) - KEPT else found

    def turns(
        self, conversation_id: str, *, limit: int | None = None, before: int | None = None
    ) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        check_limit(limit)
        with self._lock:
            return tuple(self._known(conversation_id)[:before][-(limit or 0) :])

    def conversations(
        self, *, beginning: str = "", limit: int | None = None, after: str | None = None
    ) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._lock:
            self._check_open()
            return page_of([*reversed(self._turns)], beginning=beginning, limit=limit, after=after)

    def counts(self) -> Counts:
        """How often something happened; erasing changes none of it."""
        with self._lock:
            self._check_open()
            return {month: dict(found) for month, found in self._counts.items()}

    def held_by(self, conversation_id: str) -> str | None:
        """See `TakeoverStore`."""
        with self._lock:
            self._check_open()
            return self._contact(conversation_id).held_by

    def human_acts(self, conversation_id: str) -> tuple[HumanAct, ...]:
        """See `TakeoverStore`."""
        with self._lock:
            self._check_open()
            return self._acts.get(conversation_id, ())

    def _act(self, conversation_id: str, act: Act, request: Request | None = None) -> bool:
        with self._lock:
            turns = len(self._known(conversation_id))
            if request is not None:
                known = self._led_to(conversation_id, request.key)
                if known is not None and same_request(known[0].body, request):
                    return False
            contact, done = act(self._contact(conversation_id))
            self._keep_contact(conversation_id, contact)
            if done is not None:
                done = replace(done, turns=turns, at=datetime.now(UTC))
                self._acts[conversation_id] = (*self._acts.get(conversation_id, ()), done)
            if request is not None:
                self._requests.setdefault(conversation_id, {})[request.key] = (request, "", datetime.now(UTC))
            return True

    def _contact(self, conversation_id: str) -> Contact:
        return self._contacts.get(conversation_id, Contact())

    def _keep_contact(self, conversation_id: str, contact: Contact) -> None:
        if contact == Contact():
            self._contacts.pop(conversation_id, None)
        else:
            self._contacts[conversation_id] = contact

    def rate(self, conversation_id: str, feedback: Feedback) -> None:
        """See `agent.feedback.FeedbackStore`."""
        checked = replace(checked_feedback(feedback), at=datetime.now(UTC))
        with self._lock:
            self._check_open()
            if all(turn.id != checked.turn_id for turn in self._turns.get(conversation_id, ())):
                raise unknown_turn(conversation_id)
            said = self._feedback.setdefault(conversation_id, {})
            said.pop(checked.turn_id, None)
            said[checked.turn_id] = checked

    def feedback(self, conversation_id: str) -> tuple[Feedback, ...]:
        """See `agent.feedback.FeedbackStore`."""
        with self._lock:
            self._check_open()
            return tuple(self._feedback.get(conversation_id, {}).values())

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`."""
        with self._lock:
            known = self._known(conversation_id)
            for place, turn in enumerate(known):
                known[place] = self._by_id[turn.id] = without_profile(turn)

    def erase(self, conversation_id: str) -> int:
        """See `ConversationStore`."""
        with self._lock:
            self._known(conversation_id)
            return self._erase(conversation_id)

    def expire(self, before: datetime) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._lock:
            old = self._due(before)
            for each in old:
                self._erase(each)
            return old

    def due(self, before: datetime) -> tuple[str, ...]:
        """See `RetentionStore`."""
        with self._lock:
            return self._due(before)

    def _due(self, before: datetime) -> tuple[str, ...]:
        limit = in_utc(before)
        self._check_open()
        return tuple(each for each in reversed(self._turns) if self._used[each] < limit)

    def close(self) -> None:
        """Forget everything. A view that `for_tenant` gave is only closed."""
        with self._lock:
            self._closed = True
            if self._shared.first is not self:
                return
            self._shared.tenants.clear()
            self._shared.closed = True
            self._turns.clear()
            self._by_id.clear()
            self._used.clear()
            self._counts.clear()
            self._contacts.clear()
            self._acts.clear()
            self._feedback.clear()
            self._requests.clear()

    def _erase(self, conversation_id: str) -> int:
        gone = self._turns.pop(conversation_id)
        del self._used[conversation_id]
        self._contacts.pop(conversation_id, None)
        self._acts.pop(conversation_id, None)
        self._feedback.pop(conversation_id, None)
        self._requests.pop(conversation_id, None)
        for turn in gone:
            del self._by_id[turn.id]
        return len(gone)

    def _known(self, conversation_id: str) -> list[Turn]:
        self._check_open()
        if conversation_id not in self._turns:
            raise UnknownConversationError(
                f"No conversation {conversation_id!r} is stored. `conversations()` lists those that are."
            )
        return self._turns[conversation_id]

    def _check_open(self) -> None:
        if self._closed or self._shared.closed:
            raise StoreError("The in-memory store is closed and has forgotten everything. Make a new one.")


def create(settings: Any = None) -> InMemoryStore:
    """Entry point `memory`."""
    return InMemoryStore(getattr(settings, "tenant", ""))
