"""Brings queued packets to whoever takes them.

What is queued stands in the store, in the same transaction as its turn. A worker that dies loses nothing: what it
had taken is due again a little later, under the same id. So a packet can arrive twice, and never under two ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from agent.decisions import HandoffReason
from agent.errors import DeliveryError, StoreError, UnknownConversationError
from agent.safety.handoff import HandoffPacket, packet_of
from agent.turn import Turn

__all__ = [
    "LEASE",
    "MOST_TRIES",
    "Delivered",
    "HandoffState",
    "Outbox",
    "QueuedHandoff",
    "Sink",
    "deliver",
    "wait_after",
]

HandoffState = Literal["queued", "sent", "failed"]

MOST_TRIES = 12
"""With the waits between them, some 15 hours."""

LEASE = timedelta(minutes=2)
"""How long a worker has a packet to itself: well above the seconds that one try takes."""

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class QueuedHandoff:
    """A packet as it stands in the queue, without a word of the person.

    Attributes:
        id: Of the packet, which is that of the turn that brought it about.
        conversation_id: Which conversation.
        position: Place of that turn.
        created: When it was queued, in UTC.
        reason: Why.
        consent: Whether the person agreed; None where they were not asked.
        state: `"queued"`, `"sent"` or `"failed"`: the tries are used up.
        attempts: Tries begun.
        next_try: When it is due.
        problem: What became of the last try, e.g. `"HTTP 503"`; None where nothing went wrong.
    """

    id: str
    conversation_id: str
    position: int
    created: datetime
    reason: HandoffReason
    consent: bool | None
    state: HandoffState
    attempts: int
    next_try: datetime
    problem: str | None


class Outbox(Protocol):
    """Where packets are queued: `SQLiteStore` is one."""

    def claim(self, now: datetime, *, until: datetime) -> QueuedHandoff | None:
        """The packet that has been due longest, with one try more; nobody else gets it before `until`. None where
        none is due.
        """
        ...

    def settle(
        self, handoff_id: str, state: HandoffState, *, next_try: datetime, problem: str | None = None
    ) -> None:
        """What became of a try. A packet that was sent stays sent."""
        ...

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        ...


class Sink(Protocol):
    """Takes packets: `Webhook` is one."""

    async def send(self, packet: HandoffPacket) -> None:
        """Send it once.

        Raises:
            DeliveryError: It was not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a round of deliveries did: how many were sent, are tried again, and are given up."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0


async def deliver(outbox: Outbox, sink: Sink, now: datetime) -> Delivered:
    """Try each packet that is due, once.

    Args:
        outbox: The queue.
        sink: Takes them.
        now: The time, in UTC.

    Raises:
        StoreError: The queue cannot be read or written. What was sent by then stays sent, or is sent again under
            the same id.
    """
    ends: list[HandoffState] = []
    while (queued := outbox.claim(now, until=now + LEASE)) is not None:
        problem = await _tried(outbox, sink, queued)
        if problem == "":  # erased meanwhile, and with it the queue's row
            continue
        state: HandoffState = (
            "sent" if problem is None else "failed" if queued.attempts >= MOST_TRIES else "queued"
        )
        outbox.settle(queued.id, state, next_try=now + wait_after(queued.attempts), problem=problem)
        ends.append(state)
    return Delivered(ends.count("sent"), ends.count("queued"), ends.count("failed"))


async def _tried(outbox: Outbox, sink: Sink, queued: QueuedHandoff) -> str | None:
    """What went wrong; None where nothing did, and "" where there is nothing to send any more."""
    try:
        turns: Sequence[Turn] = outbox.turns(queued.conversation_id)[: queued.position + 1]
        packet = packet_of(turns, consent=queued.consent, reason=queued.reason, created=queued.created)
        await sink.send(packet)
    except UnknownConversationError:
        return ""
    except DeliveryError as error:
        return str(error)
    except StoreError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001 - one packet that breaks a stranger's sink must not hold up the others
        return type(error).__name__  # its message may quote the packet
    return None


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, from 30 seconds to 6 hours."""
    doubled: int = 2 ** min(max(attempts - 1, 0), 20)
    return min(_LONGEST_WAIT, _FIRST_WAIT * doubled)
